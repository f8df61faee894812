"""The requests of one socket by their numbers: when each left, and what became of it.

A ring: a request is remembered until ``capacity`` later ones have left. Numbers count up from 0.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]


class Fate(IntEnum):
    """What an answer finds of its request."""

    UNKNOWN = 0  # no such request
    WAITING = 1  # it waits: this is its first answer
    ANSWERED = 2  # it has been answered before
    LOST = 3  # it was given up before
    EARLIER = 4  # it was closed before ``forget_counts``: of no interest any more


# Plain numbers: a member of an enum takes ten times as long to look up.
_UNKNOWN, _WAITING, _ANSWERED, _LOST, _EARLIER = map(int, Fate)
_ALL_BITS = (1 << 64) - 1


class Closed(NamedTuple):
    """What ``close`` says of each number: its fate, and when the request left (if it waited).

    ``fates`` is None when all of them waited.
    """

    fates: NDArray[np.uint8] | None
    sent: NDArray[np.float64]


class Ledger:
    """A ring of ``capacity`` requests, a power of two."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1 or capacity & (capacity - 1):
            raise ValueError(f"a capacity is a power of two, not {capacity}")
        self._capacity = capacity
        self._mask = np.uint64(capacity - 1)
        # Filled, so that the pages exist before the clock runs.
        self._sent = np.full(capacity, 0.0)
        self._fates = np.full(capacity, _UNKNOWN, np.uint8)
        self._claims = np.full(capacity, -1, np.int32)
        self._oldest = 0  # all before it are closed
        self.first = 0  # the first that counts
        self.next = 0
        self.waiting = 0

    @property
    def room(self) -> int:
        """How many requests may leave before older ones have to be closed."""
        return self._capacity - (self.next - self._oldest)

    def upcoming(self, count: int) -> Numbers:
        """Return the numbers of requests that are about to leave, at most ``room``."""
        return np.arange(self.next, self.next + count, dtype=np.uint64)

    def open(self, count: int, now: float) -> None:
        """Note that this many requests have left, at ``now``."""
        start = self.next & self._capacity - 1
        stop = start + count
        self._sent[start:stop] = now
        self._fates[start:stop] = _WAITING
        if stop > self._capacity:
            self._sent[: stop - self._capacity] = now
            self._fates[: stop - self._capacity] = _WAITING
        self.next += count
        self.waiting += count

    def latest(self, count: int) -> tuple[Numbers, NDArray[np.float64]]:
        """Return the numbers of the requests that left last, and when each did."""
        numbers = np.arange(self.next - count, self.next, dtype=np.uint64)
        return numbers, self._sent[numbers & self._mask]

    def close(self, numbers: Numbers) -> Closed:
        """Note that answers came; of several with one number the first is the answer.

        ``sent`` may be a view: it is valid until the next call.
        """
        count = len(numbers)
        first = int(numbers[0]) if count else 0
        if self._is_run(numbers, first, count):
            start = first & self._capacity - 1
            fates = self._fates[start : start + count]
            if np.count_nonzero(fates == _WAITING) == count:
                fates[:] = _ANSWERED
                self.waiting -= count
                return Closed(None, self._sent[start : start + count])
        return self._close_any(numbers)

    def _is_run(self, numbers: Numbers, first: int, count: int) -> bool:
        """Return whether they count up by one, in the ring and in one piece: as they mostly do."""
        if not max(self.first, self.next - self._capacity) <= first <= self.next - count:
            return False
        if not count or (first & self._capacity - 1) + count > self._capacity:
            return False
        expected = np.arange(first, first + count, dtype=np.uint64)
        return int(np.count_nonzero(numbers == expected)) == count

    def _close_any(self, numbers: Numbers) -> Closed:
        ages = np.uint64(self.next - 1 & _ALL_BITS) - numbers  # a number to come is very old
        is_kept = ages < min(self.next, self._capacity)
        fates = np.where(ages < self.next, _LOST, _UNKNOWN).astype(np.uint8)  # out of the ring
        sent = np.zeros(len(numbers))
        fates[is_kept], sent[is_kept] = self._close_kept(numbers[is_kept])
        if self.first:
            fates[(numbers < self.first) & (fates != _UNKNOWN)] = _EARLIER
        return Closed(fates, sent)

    def _close_kept(self, numbers: Numbers) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Close requests that are in the ring, each number as often as it was answered."""
        slots = numbers & self._mask
        order = np.arange(len(numbers), dtype=np.int32)
        self._claims[slots[::-1]] = order[::-1]  # the last one written stays: the first in order
        is_first = self._claims[slots] == order
        fates = self._fates[slots]
        fates[~is_first & (fates == _WAITING)] = _ANSWERED
        closed = slots[fates == _WAITING]
        self._fates[closed] = _ANSWERED
        self.waiting -= len(closed)
        return fates, self._sent[slots]

    def expire(self, before: float) -> int:
        """Give up every request that left before a moment; return how many waited in vain."""
        lost = 0
        while self._oldest < self.next:
            start = self._oldest & self._capacity - 1
            stop = min(start + self.next - self._oldest, self._capacity)
            count = int(np.searchsorted(self._sent[start:stop], before))
            fates = self._fates[start : start + count]
            is_waiting = fates == _WAITING
            lost += int(np.count_nonzero(is_waiting))
            fates[is_waiting] = _LOST
            self._oldest += count
            if start + count < stop or not count:
                break
        self.waiting -= lost
        return lost

    def forget_counts(self) -> None:
        """Begin to count: answers to what has left so far are of no interest."""
        self.first = self.next
