"""A histogram of durations with a bounded relative error, in fixed memory.

Buckets are cut along the binary form of a float: its exponent and the first seven bits of its
fraction are the bucket's number, so that each is at most 1/128 as wide as what it holds, and its
middle at most 1/256 (0.4 %) off. The smallest, the largest and the mean are exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stunkit.bench.result import Latency

_SHIFT = 52 - 7  # of the 52 bits of a float's fraction, those that a bucket does not tell apart
_LOWEST = 2.0**-30  # seconds; about a nanosecond, and what is below counts as that
_HIGHEST = 2.0**12  # seconds; over an hour, and what is above counts as that
_FIRST = int(np.float64(_LOWEST).view(np.int64)) >> _SHIFT
_BUCKETS = (int(np.float64(_HIGHEST).view(np.int64)) >> _SHIFT) - _FIRST + 1
_PENDING = 1 << 13  # durations that wait to be sorted in together: one by one costs more


class Histogram:
    """Any number of durations, in seconds."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)
        self._pending = np.empty(_PENDING)
        self._waiting = 0
        self._sum = 0.0
        self._least = np.inf
        self._most = -np.inf

    def add(self, seconds: NDArray[np.float64]) -> None:
        """Take durations in; a negative one counts as none."""
        while len(seconds):
            end = min(self._waiting + len(seconds), _PENDING)
            taken = end - self._waiting
            self._pending[self._waiting : end] = seconds[:taken]
            self._waiting = end
            if end == _PENDING:
                self._sort_in()
            seconds = seconds[taken:]

    @property
    def count(self) -> int:
        """How many durations there are."""
        return int(self._counts.sum()) + self._waiting

    def percentiles(self, *shares: float) -> list[float]:
        """Return for each share the least duration that so many are not above; 0 without any."""
        self._sort_in()
        ends = np.cumsum(self._counts)
        if not ends[-1]:
            return [0.0 for _ in shares]
        ranks = np.maximum(np.ceil(np.asarray(shares) * ends[-1]), 1)
        buckets = np.searchsorted(ends, ranks).astype(np.int64) + _FIRST
        lower = (buckets << _SHIFT).view(np.float64)
        upper = (buckets + 1 << _SHIFT).view(np.float64)
        middles = np.clip((lower + upper) / 2, self._least, self._most)
        return [float(middle) for middle in middles]

    def latency(self) -> Latency | None:
        """Return the distribution in short, or None when it is empty."""
        self._sort_in()
        count = self.count
        if not count:
            return None
        p50, p90, p99, p999 = self.percentiles(0.5, 0.9, 0.99, 0.999)
        mean = self._sum / count
        return Latency(float(self._least), mean, p50, p90, p99, p999, float(self._most))

    def _sort_in(self) -> None:
        if not self._waiting:
            return
        seconds = np.maximum(self._pending[: self._waiting], 0.0)
        self._waiting = 0
        buckets = np.clip((seconds.view(np.int64) >> _SHIFT) - _FIRST, 0, _BUCKETS - 1)
        self._counts += np.bincount(buckets, minlength=_BUCKETS)
        self._sum += float(seconds.sum())
        self._least = min(self._least, seconds.min())
        self._most = max(self._most, seconds.max())
