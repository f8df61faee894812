"""What a parser did that it must not: its class, and one input that shows it.

Two failures are the same when the exception is of one type and the innermost frames of the
parser's own code are the same. Where the place where it ends is chance (no end at all, no memory,
too deep), the function that was entered first stands for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from traceback import FrameSummary, extract_tb
from types import TracebackType
from typing import NamedTuple

INNERMOST = 2  # frames that tell one failure from another
SHOWN = 8  # frames of a traceback that a report keeps


class Kind(StrEnum):
    """What went wrong."""

    EXCEPTION = "exception"  # one that the parser does not document
    HANG = "hang"
    MEMORY = "memory"
    DEATH = "death"  # the process ended: a signal, or an exit


class TimedOut(BaseException):
    """A parser takes too long. No parser catches it, unless it catches everything."""


class Crash(NamedTuple):
    """One class of failure. ``what`` is the exception's type, ``said`` its text.

    ``frames`` are the innermost ones, each "file:line in function"; ``signature`` is equal for
    two failures of one class.
    """

    kind: Kind
    what: str
    said: str
    frames: tuple[str, ...]
    signature: str


class Place(NamedTuple):
    """Where an exception was raised; two expected ones of one place are alike."""

    what: str
    file: str
    line: int


def place_of(error: BaseException) -> Place:
    """Return where an exception comes from, quickly."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return Place(type(error).__name__, "", 0)
    return Place(type(error).__name__, trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def crash_of(error: BaseException) -> Crash:
    """Return the class of an exception that left a parser."""
    frames = _frames(error.__traceback__)
    is_anywhere = isinstance(error, (TimedOut, MemoryError, RecursionError))
    if isinstance(error, TimedOut):
        kind = Kind.HANG
    else:
        kind = Kind.MEMORY if isinstance(error, MemoryError) else Kind.EXCEPTION
    what = "hang" if kind is Kind.HANG else name_of(type(error))
    telling = frames[:1] if is_anywhere else frames[-INNERMOST:]
    places = [f"{f.filename}:{f.name}" if is_anywhere else _text(f) for f in telling]
    shown = tuple(_text(frame) for frame in frames[-SHOWN:])
    return Crash(kind, what, _said(error), shown, " ".join((what, *places)))


def death_of(exit_code: int | None) -> Crash:
    """Return the class of a process that ended."""
    if exit_code is not None and exit_code < 0:
        what = f"signal {-exit_code}"
    else:
        what = f"exit status {exit_code}"
    return Crash(Kind.DEATH, what, "the process ended", (), what)


def silence_of(seconds: float) -> Crash:
    """Return the class of a process that had to be killed."""
    said = f"nothing could interrupt it in {seconds:g} s: not Python code, or it catches everything"
    return Crash(Kind.HANG, "hang", said, (), "hang that cannot be interrupted")


def name_of(kind: type[BaseException]) -> str:
    """Return an exception's name as a program writes it."""
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _said(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except Exception:  # noqa: BLE001 (somebody else's code)
        return "(it cannot be printed)"


def _frames(trace: TracebackType | None) -> Sequence[FrameSummary]:
    """Return the frames that are not ours."""
    frames = extract_tb(trace, limit=-200)
    return [frame for frame in frames if not frame.filename.endswith(_OWN)] or frames


def _text(frame: FrameSummary) -> str:
    return f"{frame.filename}:{frame.lineno} in {frame.name}"


_OWN = ("stunkit/fuzz/child.py", "stunkit\\fuzz\\child.py")
