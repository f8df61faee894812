"""How much of something a source may have in a while, in bounded memory."""

from __future__ import annotations

from collections import Counter

MOST_SOURCES = 100_000  # that are remembered at a time


class Quota:
    """Counts by source, in windows of ``window`` seconds; this one and the last one count."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._number = 0  # of the window
        self._counts: Counter[bytes] = Counter()
        self._before: Counter[bytes] = Counter()

    def admit(self, source: bytes, most: int, now: float) -> bool:
        """Charge one to a source, or return False when it has had that many."""
        number = int(now / self._window)
        if number != self._number:
            is_next = number == self._number + 1
            self._before = self._counts if is_next else Counter()
            self._counts, self._number = Counter(), number
        if self._counts[source] + self._before[source] >= most:
            return False
        if len(self._counts) >= MOST_SOURCES:
            self._counts.clear()  # so many sources are no mistake of one
        self._counts[source] += 1
        return True
