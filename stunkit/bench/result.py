"""What a run of the load generator found.

Every request that was sent ends in one of four ways: sent = answered + wrong + refused + lost.
Answers that ended nothing are counted beside: duplicate, late, strange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from stunkit.bench.options import Options
from stunkit.endpoint import Endpoint

BUSY = 0.9  # share of a core from which on the generator may be what is slow
BEHIND = 0.001  # seconds behind the timetable, at the 99th percentile, that are worth a sentence


@dataclass(slots=True)
class Tally:
    """The counts, as they grow."""

    sent: int = 0
    answered: int = 0  # rightly: the socket's own mapped address
    wrong: int = 0  # another address, or nothing that a client could use
    refused: int = 0  # an error response
    lost: int = 0  # nothing within the timeout
    duplicate: int = 0  # another answer to a request that had one
    late: int = 0  # an answer to a request that counts as lost
    strange: int = 0  # no answer to any request of the socket that it came to
    errors: int = 0  # that the kernel told of a socket: mostly ICMP messages
    closed: int = 0  # TCP connections that have ended

    @property
    def in_flight(self) -> int:
        """Requests that have not ended yet."""
        return self.sent - self.answered - self.wrong - self.refused - self.lost


class Latency(NamedTuple):
    """A distribution in short. All in seconds; ``p999`` is the 99.9th percentile."""

    least: float
    mean: float
    p50: float
    p90: float
    p99: float
    p999: float
    most: float


class Progress(NamedTuple):
    """A look at a run under way. Times in seconds; ``rate`` is answers a second of late."""

    is_warmup: bool
    elapsed: float
    duration: float
    rate: float
    sent: int
    answered: int
    lost: int
    wrong: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run. Times in seconds.

    - ``software``: what the server calls itself.
    - ``sockets``: that took part; ``unheard``: that never got a first answer and were left out.
    - ``addresses``: how many source addresses they have.
    - ``elapsed``: from the first request to the end of sending, or to the last answer if later.
    - ``latency``: of right answers, from the intended time (open loop) or the sending.
    - ``behind``: how much later than intended requests left (open loop).
    - ``unsent``: requests of the timetable that never left.
    - ``dropped``: answers that found our own receive queues full; they count as lost.
    - ``busy``: share of one core that the generator took.
    """

    options: Options
    server: Endpoint
    software: str | None
    sockets: int
    unheard: int
    addresses: int
    tally: Tally
    elapsed: float
    latency: Latency | None
    behind: Latency | None
    unsent: int
    dropped: int
    busy: float
    interrupted: bool

    @property
    def rate(self) -> float:
        """Right answers per second."""
        return self.tally.answered / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def loss(self) -> float | None:
        """The share of requests that were lost."""
        return self.tally.lost / self.tally.sent if self.tally.sent else None

    @property
    def is_busy(self) -> bool:
        """Whether the generator was at its own limit."""
        return self.options.rate is None and self.busy >= BUSY  # an open loop waits awake

    @property
    def is_late(self) -> bool:
        """Whether the generator kept the timetable of an open loop badly."""
        return self.unsent > 0 or (self.behind is not None and self.behind.p99 >= BEHIND)
