"""Signals as bytes in a pipe, so that a process without an event loop can wait for them.

Rules of this file: a handler does nothing. What a signal asks for is done by whoever reads.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

NUMBERS = (
    (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD) if os.name == "posix" else ()
)


@contextlib.contextmanager
def listening_to_signals() -> Iterator[int]:
    """Have every signal that concerns us arrive as a byte in a pipe; yield the end to read from."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    handlers = {number: signal.signal(number, _ignore) for number in NUMBERS}
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield read
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(read)
        os.close(write)


def _ignore(*_: object) -> None:
    """Do nothing: the signal's number is in the pipe by now."""
