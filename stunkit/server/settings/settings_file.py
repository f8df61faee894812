"""The settings file: TOML, one table for each section of the tree.

A key that is unknown is an error, and so is a value of another kind: a server that quietly ignores
a misspelled limit has none.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from stunkit.errors import SettingsError, UsageError
from stunkit.server.settings.setting import Setting
from stunkit.server.settings.tree import SETTINGS, Settings

WIDTH = 100  # columns of the sample

_BY_KEY = {one.key: one for one in SETTINGS}
_SECTIONS = tuple(dict.fromkeys(one.section for one in SETTINGS if one.section))


def load(path: Path) -> dict[str, Any]:
    """Return what a file chooses, by key. Raises SettingsError, which names the place."""
    # Most servers, and all clients, have no file. A server that has become another user may not be
    # able to import anything later.
    import difflib  # noqa: F401, PLC0415
    import tomllib  # noqa: PLC0415

    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(str(path), "", f"cannot be read: {reason}") from None
    except UnicodeDecodeError:
        raise SettingsError(str(path), "", "it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), "", f"it is not TOML: {error}") from None
    values = {}
    for key, value in _flat(document, path, text):
        entry = _BY_KEY.get(key)
        if entry is None:
            raise SettingsError(str(path), key, _unknown(key), _line_of(key, text))
        try:
            values[key] = _at_home(entry.kind.read(value), value, path)
        except UsageError as error:
            raise SettingsError(str(path), key, str(error), _line_of(key, text)) from None
    return values


def dump(settings: Settings) -> str:
    """Return settings as a file that ``load`` makes the same settings of."""
    lines = []
    for section in ("", *_SECTIONS):
        if section:
            lines += ["", f"[{section}]"]
        lines += [_assignment(one, one.of(settings)) for one in SETTINGS if one.section == section]
    return "\n".join([*lines, ""])


def sample() -> str:
    """Return a file with every key, its default, unit and help, in which nothing is chosen."""
    lines = [
        "# The settings of `stunkit serve --config FILE`, each with its default.",
        "# Take the # before a key away to choose something else. What stands on the command",
        "# line goes before what stands here. SIGHUP has a running server read this file again.",
    ]
    for section in ("", *_SECTIONS):
        if section:
            title = (type(getattr(Settings(), section)).__doc__ or "").partition("\n")[0]
            lines += ["", "", f"# {title}", f"[{section}]"]
        for one in SETTINGS:
            if one.section == section:
                help_text = describe(one) + (" Needs a restart." if one.needs_restart else "")
                lines += ["", *textwrap.wrap(help_text, WIDTH, **_COMMENT)]
                lines.append("#" + _assignment(one, one.default))
    return "\n".join([*lines, ""])


def describe(one: Setting) -> str:
    """Return the help of a setting with its unit."""
    return f"{one.help} Unit: {one.unit}." if one.unit else one.help


_COMMENT: Mapping[str, Any] = {
    "initial_indent": "# ",
    "subsequent_indent": "# ",
    "break_on_hyphens": False,
}


def _assignment(one: Setting, value: object) -> str:
    return f"{one.name} = {one.kind.write(value)}"


def _flat(document: Mapping[str, Any], path: Path, text: str) -> Iterator[tuple[str, Any]]:
    """Yield each key with its section before it, and its value."""
    for name, value in document.items():
        is_table = isinstance(value, dict)
        if name in _SECTIONS and not is_table:
            raise SettingsError(
                str(path), name, f"it is a section: write [{name}]", _line_of(name, text)
            )
        if is_table and name not in _SECTIONS and name not in _BY_KEY:
            nearest = _nearest(name, _SECTIONS)
            reason = f"there is no such section; the nearest is [{nearest}]"
            raise SettingsError(str(path), name, reason, _line_of(name, text))
        if is_table and name in _SECTIONS:
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _at_home(value: object, written: object, path: Path) -> object:
    """Return paths as seen from the file's folder, anything else as it is."""
    if isinstance(value, tuple) and isinstance(written, list):
        return tuple(_at_home(*pair, path) for pair in zip(value, written, strict=True))
    if isinstance(value, Path) and isinstance(written, str):
        return path.absolute().parent / written
    return value


def _unknown(key: str) -> str:
    """Say which key might be meant."""
    name = key.rpartition(".")[2]
    homes = [known for known in _BY_KEY if known.rpartition(".")[2] == name]
    nearest = homes[0] if homes else _nearest(key, _BY_KEY)
    return f"there is no such key; the nearest is {nearest}"


def _nearest(text: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 (only for a mistake)

    return get_close_matches(text, list(known), n=1, cutoff=0.0)[0]


def _line_of(key: str, text: str) -> int | None:
    """Return the line on which a key, or a section, stands; None where it cannot be told."""
    section, _, name = key.rpartition(".")
    present = ""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace("\t", " ").split("#")[0].strip()
        if words.startswith("["):
            present = words.strip("[] ")
            if present == key:
                return number
        elif present == section and words.partition("=")[0].strip(" \"'") == name:
            return number
    return None
