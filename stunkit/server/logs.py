"""What a server says on stderr: lines for people or JSON, never raw, never without an end.

Whatever is in a message may have come from the network, so nothing but printable characters leaves
here: no line can look like two, and none can move a cursor. And no flood fills a disk: of messages
that differ only in what was filled in, so many a minute are written; the others are counted, and
the count is written instead.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from stunkit.server.settings.kinds import Choice
from stunkit.server.settings.setting import setting
from stunkit.text import printable

BURST = 10  # messages of a kind at once
INTERVAL = 6.0  # seconds for one more: ten a minute
SUMMARY = 60.0  # seconds between two counts of what was left out
MOST_KINDS = 500  # of messages that are told apart; far more than there are in the code
MOST_CHARACTERS = 4000  # of one message

ALWAYS = logging.CRITICAL - 1  # of what is no problem, and said at every level

# As ``extra`` of a message that is written however many there are: what an operator has done, and
# what no client can make happen often.
UNLIMITED = {"is_unlimited": True}

LEFT_OUT = "left out %d more like: %s"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is written to stderr."""

    format: str = setting(
        Choice("a format", "text", "json"),
        "text",
        "How: text is for people and journals, which add the time; json is one object a line.",
        needs_restart=True,
    )
    level: str = setting(
        Choice("a level", "debug", "info", "warning", "error"),
        "info",
        "What: messages of this level and above.",
        needs_restart=True,
    )


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Have everything that this process logs written as the settings say."""
    handler = Logbook(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else PlainLines())
    root = logging.getLogger()
    for before in list(root.handlers):
        root.removeHandler(before)
    root.addHandler(handler)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=handler.forget)
    root.setLevel(settings.level.upper())


class PlainLines(logging.Formatter):
    """Level and message; a traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of one record."""
        lines = [f"{record.levelname} {_message(record)}", *self._traceback(record)]
        return "\n".join(lines)

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        """Return the lines of a record's traceback, safe to print."""
        if not record.exc_info:
            return []
        return [printable(line) for line in self.formatException(record.exc_info).split("\n")]


class JsonLines(PlainLines):
    """One JSON object a line: time (RFC 3339), level, logger, pid, message, traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of one record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": "info" if record.levelno == ALWAYS else record.levelname.lower(),
            "logger": printable(record.name),
            "pid": record.process,
            "message": _message(record),
        }
        if traceback := self._traceback(record):
            fields["traceback"] = traceback
        return json.dumps(fields)


class Brake:
    """Admits so many messages of a kind; the time is that of the records.

    A kind is a logger with a message into which nothing has been filled yet.
    """

    def __init__(self) -> None:
        self._full_at: dict[tuple[str, str], float] = {}  # when the kind's bucket is full again
        self._left_out: dict[tuple[str, str], int] = {}
        self._next_summary = 0.0

    def admit(self, record: logging.LogRecord) -> bool:
        """Charge one record to its kind, or count it as left out."""
        kind = record.name, str(record.msg)
        if kind not in self._full_at and len(self._full_at) >= MOST_KINDS:
            kind = "", "messages of other kinds"
        full_at = max(self._full_at.get(kind, 0.0), record.created)
        if full_at - record.created > (BURST - 1) * INTERVAL:
            if not self._left_out:
                self._next_summary = record.created + SUMMARY
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._full_at[kind] = full_at + INTERVAL
        return True

    def summaries(self, now: float) -> Iterator[logging.LogRecord]:
        """Yield what is to be said of what was left out, once that is due."""
        if not self._left_out or now < self._next_summary:
            return
        left_out, self._left_out = self._left_out, {}
        for (_, message), number in left_out.items():
            values = {"msg": LEFT_OUT, "args": (number, message), "levelname": "WARNING"}
            yield logging.makeLogRecord({**values, "name": log.name})


class Logbook(logging.StreamHandler[TextIO]):
    """Writes what its brake admits."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._brake = Brake()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or count it."""
        self._summarize(record.created)
        if getattr(record, "is_unlimited", False) or self._brake.admit(record):
            super().emit(record)

    def forget(self) -> None:
        """Leave it to the parent to say what it left out."""
        self._brake = Brake()

    def close(self) -> None:
        """Say what was left out, since nobody will later."""
        self._summarize(float("inf"))
        super().close()

    def _summarize(self, now: float) -> None:
        for record in self._brake.summaries(now):
            super().emit(record)


def _message(record: logging.LogRecord) -> str:
    return printable(record.getMessage()[:MOST_CHARACTERS])
