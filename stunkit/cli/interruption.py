"""Ctrl-C in two steps, for runs whose figures so far are worth printing."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible(end: Callable[[], object]) -> Iterator[None]:
    """Let the first Ctrl-C end a run, so that what it has is printed; the second ends all."""

    def stop(*_: object) -> None:
        end()
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
