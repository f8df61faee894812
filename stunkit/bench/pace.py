"""The timetable of an open loop: when each request is meant to leave, whatever the server does.

Request k of all is due k / rate after the start, and the sockets take turns: number n of socket i
is request i + n * sockets. So an intended time is a formula and nobody has to remember it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


class Pace:
    """A timetable. ``rate`` is requests per second, ``start`` and ``duration`` are in seconds."""

    def __init__(self, rate: float, sockets: int, start: float, duration: float) -> None:
        self._rate = rate
        self._sockets = sockets
        self._start = start
        self.total = max(1, math.ceil(duration * rate))  # requests in all
        self.called = 0  # of them, those that ``call`` gave out

    def call(self, now: float) -> Iterator[tuple[int, int]]:
        """Yield each socket that has requests due by now which nobody called, and how many."""
        first = self.called
        due = min(self.total, math.floor((now - self._start) * self._rate) + 1)
        if due <= first:
            return
        self.called = due
        for turn in range(first, min(due, first + self._sockets)):
            yield turn % self._sockets, (due - turn - 1) // self._sockets + 1

    @property
    def next(self) -> float:
        """When the next request that nobody called is due; never, after the last."""
        return self._start + self.called / self._rate if self.called < self.total else math.inf

    def intended(self, socket: int, numbers: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return when these requests of a socket, counted from 0, are meant to leave."""
        return self._start + (socket + numbers.astype(np.float64) * self._sockets) / self._rate
