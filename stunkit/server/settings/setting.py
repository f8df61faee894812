"""One setting: its name, kind, default, unit and help, stated where a section declares it.

A section is a frozen dataclass whose fields are made by ``setting``; the tree is a dataclass that
may also have sections as fields. The command line, the file, ``--check`` and the sample are made of
what ``settings_of`` finds there.
"""

from __future__ import annotations

from dataclasses import field, fields, is_dataclass
from typing import Any, NamedTuple, TypeVar

from stunkit.server.settings.kinds import Kind

T = TypeVar("T")

_SETTING = "setting"  # in a field's metadata


class Setting(NamedTuple):
    """What a tree says about one of its values.

    ``section`` is empty at the top. ``unit`` is that of a number, if it has one. What
    ``needs_restart`` is not changed by a reload. ``alias`` is another name than usual on the
    command line, and ``bare`` what that means without a value, where it may have none.
    """

    section: str
    name: str
    kind: Kind[Any]
    default: Any
    help: str
    unit: str
    needs_restart: bool
    alias: str = ""
    bare: str = ""

    @property
    def key(self) -> str:
        """Its name in messages: ``limit.rate``."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def option(self) -> str:
        """Its name on the command line: ``--limit-rate``."""
        return self.alias or "--" + self.key.replace(".", "-").replace("_", "-")

    def of(self, tree: object) -> Any:  # noqa: ANN401 (of whatever kind it is)
        """Return the value that a tree has for it."""
        return getattr(getattr(tree, self.section) if self.section else tree, self.name)


def setting(  # noqa: PLR0913 (all that there is to say of one)
    kind: Kind[T],
    default: T,
    help_text: str,
    *,
    unit: str = "",
    needs_restart: bool = False,
    alias: str = "",
    bare: str = "",
) -> T:
    """Declare a setting as a field of a dataclass; to a type checker it is its default.

    ``help_text`` is one or more whole sentences, without the default and the unit.
    """
    made = Setting("", "", kind, default, help_text, unit, needs_restart, alias, bare)
    declared: Any = field(default=default, metadata={_SETTING: made})
    return declared  # type: ignore[no-any-return]


def settings_of(tree: Any) -> tuple[Setting, ...]:  # noqa: ANN401 (a dataclass)
    """Return every setting that a tree declares: those at its top, then those of each section."""
    top, below = [], []
    for one in fields(tree):
        if is_dataclass(one.default):
            for inner in fields(one.default):
                found: Setting = inner.metadata[_SETTING]
                below.append(found._replace(section=one.name, name=inner.name))
        else:
            found = one.metadata[_SETTING]
            top.append(found._replace(name=one.name))
    return (*top, *below)
