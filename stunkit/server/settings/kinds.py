"""The kinds of values that settings have: what each may be, in a file and on the command line.

Rules of this file: a value that is wrong raises UsageError, which says what it should be. What
``write`` returns is TOML, and ``read`` makes the same value of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable, UsageError

T = TypeVar("T")

MOST = (1 << 63) - 1  # what TOML has numbers for
UNQUOTE = "write it without quotes"


class Kind(Generic[T]):
    """What a value may be. ``what`` names one, ``metavar`` stands for one in help texts."""

    def __init__(self, what: str, metavar: str) -> None:
        self.what = what
        self.metavar = metavar

    def read(self, value: object) -> T:
        """Return what a value of a TOML file means. Raises UsageError."""
        if not isinstance(value, str):
            raise UsageError(self.what, _shown(value), "it has to be text, in quotes")
        return self.parse(value)

    def parse(self, text: str) -> T:
        """Return what a text of the command line means. Raises UsageError."""
        raise NotImplementedError

    def write(self, value: T) -> str:
        """Return a value as TOML."""
        return quoted(str(value))


class Whole(Kind[int]):
    """A whole number in a range; ``words`` are texts that stand for one."""

    def __init__(
        self,
        what: str,
        least: int = 0,
        most: int = MOST,
        words: Mapping[str, Callable[[], int]] | None = None,
    ) -> None:
        self._least = least
        self._most = most
        self._words = words or {}
        super().__init__(what, "|".join(["N", *self._words]))

    def read(self, value: object) -> int:
        """Take a number, or one of the words."""
        if isinstance(value, str) and value in self._words:
            return self._words[value]()
        if not isinstance(value, int) or isinstance(value, bool):
            reason = UNQUOTE if _is_number(value) else f"give {self._range}"
            raise UsageError(self.what, _shown(value), reason)
        if not self._least <= value <= self._most:
            raise UsageError(self.what, str(value), f"give {self._range}")
        return value

    def parse(self, text: str) -> int:
        """Take decimal digits, or one of the words."""
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MOST))
        if not is_number and text not in self._words:
            raise UsageError(self.what, text, f"give {self._range}")
        return self.read(int(text) if is_number else text)

    def write(self, value: int) -> str:
        """Return the number."""
        return str(value)

    @property
    def _range(self) -> str:
        upper = "or more" if self._most == MOST else f"to {self._most}"
        return " or ".join([f"{self._least} {upper}", *map(quoted, self._words)])


class Number(Kind[float]):
    """A finite number that is ``least`` at least, or over 0 without it; ``zero``: or 0."""

    def __init__(self, what: str, least: float | None = None, *, zero: str = "") -> None:
        super().__init__(what, "N")
        self._least = least
        self._zero = zero

    def read(self, value: object) -> float:
        """Take a whole number too."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            reason = UNQUOTE if _is_number(value) else f"give {self._range}"
            raise UsageError(self.what, _shown(value), reason)
        is_large = value > 0 if self._least is None else value >= self._least
        if not math.isfinite(value) or not (is_large or (self._zero and value == 0)):
            raise UsageError(self.what, f"{value:g}", f"give {self._range}")
        return float(value)

    def parse(self, text: str) -> float:
        """Take what Python takes for a number."""
        try:
            value = float(text)
        except ValueError:
            raise UsageError(self.what, text, f"give {self._range}") from None
        return self.read(value)

    def write(self, value: float) -> str:
        """Return the number with its point, as TOML wants it."""
        return repr(float(value))

    @property
    def _range(self) -> str:
        words = "a number over 0" if self._least is None else f"{self._least:g} or more"
        return f"{words}, or 0 for {self._zero}" if self._zero else words


class Flag(Kind[bool]):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__("true or false", "")

    def read(self, value: object) -> bool:
        """Take a TOML boolean."""
        if not isinstance(value, bool):
            raise UsageError(self.what, _shown(value), UNQUOTE)
        return value

    def parse(self, text: str) -> bool:
        """Take the words of TOML."""
        if text not in ("true", "false"):
            raise UsageError(self.what, text, "it is neither")
        return text == "true"

    def write(self, value: bool) -> str:  # noqa: FBT001 (as every kind's)
        """Return the word of TOML."""
        return "true" if value else "false"


class Choice(Kind[str]):
    """One of several words."""

    def __init__(self, what: str, *words: str) -> None:
        super().__init__(what, "|".join(words))
        self._words = words

    def parse(self, text: str) -> str:
        """Take one of the words."""
        if text not in self._words:
            words = ", ".join(map(quoted, self._words))
            raise UsageError(self.what, text, f"it is none of {words}")
        return text


class Text(Kind[str | None]):
    """Any text, None for an empty one; ``check`` raises Unencodable for what it cannot be."""

    def __init__(
        self, what: str, metavar: str = "TEXT", check: Callable[[str], object] | None = None
    ) -> None:
        super().__init__(what, metavar)
        self._check = check

    def parse(self, text: str) -> str | None:
        """Take the text as it is."""
        if text and self._check is not None:
            try:
                self._check(text)
            except Unencodable as error:
                raise UsageError(self.what, text, error.reason) from None
        return text or None

    def write(self, value: str | None) -> str:
        """Return the text in quotes."""
        return quoted(value or "")


class File(Kind[Path | None]):
    """A file's path, None for an empty one; in a settings file, relative to its folder."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "FILE")

    def parse(self, text: str) -> Path | None:
        """Take any path; whether it is there is found out when it is read."""
        if "\0" in text:
            raise UsageError(self.what, text, "no path has a NUL")
        return Path(text).absolute() if text else None

    def write(self, value: Path | None) -> str:
        """Return the path in quotes."""
        return quoted("" if value is None else str(value))


class Written(Kind[T]):
    """Any value that has a form as text: ``parse`` takes it, ``text`` gives it."""

    def __init__(
        self, what: str, metavar: str, parse: Callable[[str], T], text: Callable[[T], str] = str
    ) -> None:
        super().__init__(what, metavar)
        self._parse = parse
        self._text = text

    def parse(self, text: str) -> T:
        """Take what the function takes."""
        try:
            return self._parse(text)
        except ValueError as error:
            raise UsageError(self.what, text, str(error)) from None

    def write(self, value: T) -> str:
        """Return its text in quotes."""
        return quoted(self._text(value))


class Many(Kind[tuple[T, ...]]):
    """Any number of values of one kind; on the command line several times, or with commas."""

    NONE = "none"  # on the command line: no value at all

    def __init__(self, kind: Kind[T]) -> None:
        super().__init__(kind.what, kind.metavar)
        self._kind = kind

    def read(self, value: object) -> tuple[T, ...]:
        """Take a TOML array."""
        if not isinstance(value, list):
            raise UsageError(
                f"a list, each of it {self.what}", _shown(value), "write it in brackets: [ ]"
            )
        return tuple(map(self._kind.read, value))

    def parse(self, text: str) -> tuple[T, ...]:
        """Take one text, with commas between values."""
        return self.parse_all((text,))

    def parse_all(self, texts: Iterable[str]) -> tuple[T, ...]:
        """Take all that the command line says."""
        words = [word.strip() for text in texts for word in text.split(",")]
        return tuple(self._kind.parse(word) for word in words if word != self.NONE)

    def write(self, value: tuple[T, ...]) -> str:
        """Return a TOML array."""
        return "[" + ", ".join(map(self._kind.write, value)) + "]"


def endpoints(port: int) -> Many[Endpoint]:
    """Return the kind of a list of endpoints; ``port`` is that of a text without one."""
    return Many(
        Written("an address and port", "ADDRESS[:PORT]", lambda s: Endpoint.parse(s, port=port))
    )


def count_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))  # those that we may use, of all that there are
    return os.cpu_count() or 1


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    # JSON has the same escapes; DEL alone TOML wants escaped, and JSON does not.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _is_number(value: object) -> bool:
    """Whether a value of a file is a number that somebody has put in quotes."""
    if not isinstance(value, str):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _shown(value: object) -> str:
    """Return a value of a file as its writer knows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
