"""What a person types, or a pipe brings, while something else goes on: line by line.

Rules of this file: text is what it is; nothing is stripped from a line but its end. On a terminal
keys come one by one, and what is edited of them is little: the last character, or all.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

MOST_LINE = 65_536  # characters of a line that is not ended
READ_SIZE = 65_536  # bytes

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")  # of keys such as arrows; ECMA-48


class Lines:
    """Cuts text that comes in pieces into lines."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> Iterator[str]:
        """Yield the lines that end in a piece of text."""
        *lines, rest = (self._rest + text).split("\n")
        self._rest = rest[:MOST_LINE]
        for line in lines:
            yield line.removesuffix("\r")

    def end(self) -> Iterator[str]:
        """Yield what is left, where the last line has no end."""
        rest, self._rest = self._rest, ""
        if rest:
            yield rest


class Editor:
    """The line that somebody is typing. ``text`` is what it has now."""

    def __init__(self) -> None:
        self.text = ""

    def feed(self, keys: str) -> Iterator[str]:
        """Yield the lines that keys end."""
        for key in _ESCAPE.sub("", keys):
            if key in "\r\n":
                line, self.text = self.text, ""
                if line:
                    yield line
            elif key in "\x7f\b":
                self.text = self.text[:-1]
            elif key == "\x15":  # Ctrl-U
                self.text = ""
            elif key == "\x17":  # Ctrl-W
                self.text = self.text.rstrip().rpartition(" ")[0]
                self.text += " " if self.text else ""
            elif key.isprintable() and len(self.text) < MOST_LINE:
                self.text += key


@contextmanager
def reading(on_text: Callable[[str], None], on_end: Callable[[], None]) -> Iterator[None]:
    """Read stdin in a thread; what is given is called there, until it ends or the block does.

    A thread that waits for a terminal cannot be ended, so it is left to the end of the process.
    """
    is_over = threading.Event()

    def read() -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError, ValueError):  # closed, or there is none
            number = sys.stdin.fileno()
            while (data := os.read(number, READ_SIZE)) and not is_over.is_set():
                _call(on_text, decoder.decode(data))
        if not is_over.is_set():
            if rest := decoder.decode(b"", final=True):
                _call(on_text, rest)
            _call(on_end)

    def _call(function: Callable[..., None], *arguments: str) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            function(*arguments)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


@contextmanager
def keys_at_once() -> Iterator[None]:
    """Have keys come without Enter, and unseen."""
    if not sys.stdin.isatty() or os.name != "posix":
        yield
        return
    import termios  # noqa: PLC0415 (not on Windows)
    import tty  # noqa: PLC0415 (not on Windows)

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
