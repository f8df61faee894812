"""The command line's side of the settings: an option for each, made from the tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from stunkit.errors import UsageError
from stunkit.server.settings.kinds import Flag, Many
from stunkit.server.settings.setting import Setting
from stunkit.server.settings.settings_file import describe
from stunkit.server.settings.tree import SETTINGS

F = TypeVar("F", bound=Callable[..., Any])


class SettingsCommand(click.Command):
    """A command whose help shows the options of each section together."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options: the verb's own, those at the top of the tree, then each section."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                setting = parameter.setting if isinstance(parameter, _Option) else None
                title = f"Options [{setting.section}]" if setting and setting.section else "Options"
                groups.setdefault(title, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


class _Option(click.Option):
    """The option of one setting. What it means is found out later, by ``chosen``."""

    def __init__(self, setting: Setting) -> None:
        is_flag = isinstance(setting.kind, Flag)
        is_many = isinstance(setting.kind, Many)
        name = setting.option
        more: dict[str, Any] = {} if is_flag else {"metavar": setting.kind.metavar, "type": str}
        if setting.bare:
            more |= {"is_flag": False, "flag_value": setting.bare}
        super().__init__(
            [f"{name}/--no-{name[2:]}" if is_flag else name, _parameter(setting)],
            default=None,
            multiple=is_many,
            help=_help(setting),
            **more,
        )
        self.setting = setting


def setting_options(function: F) -> F:
    """Add an option for every setting to a verb."""
    for setting in reversed(SETTINGS):
        # As click's own decorators do it: they take no option that is made already.
        made = function.__dict__.setdefault("__click_params__", [])
        made.append(_Option(setting))
    return function


def chosen(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the command line chooses, by key. Raises UsageError, which names the option."""
    values = {}
    for setting in SETTINGS:
        given = arguments[_parameter(setting)]
        if given is None or given == ():
            continue
        try:
            values[setting.key] = _meaning(setting, given)
        except UsageError as error:
            raise UsageError(error.what, error.text, error.reason, setting.option) from None
    return values


def _meaning(setting: Setting, given: Any) -> Any:  # noqa: ANN401 (of whatever kind it is)
    """Return what the command line says of a setting as a value. Raises UsageError."""
    if isinstance(setting.kind, Many):
        return setting.kind.parse_all(given)
    if isinstance(setting.kind, Flag):
        return given
    return setting.kind.parse(given)


def _parameter(setting: Setting) -> str:
    return setting.key.replace(".", "_")


def _help(setting: Setting) -> str:
    text = describe(setting)
    if isinstance(setting.kind, Many):
        text += " May be given several times" + (f', or "{Many.NONE}".' if setting.default else ".")
    default = setting.kind.write(setting.default).replace('"', "").strip("[]")
    return f"{text} [default: {default}]" if default else text
