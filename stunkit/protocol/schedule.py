"""When to send a request again, and when to give up (RFC 8489 sections 6.2.1 and 6.2.2).

Times are in seconds. The retransmission timeout RTO starts at 500 ms, doubles after each send, and
is learned from round trips as TCP does it (RFC 6298), without rounding to whole seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

RTO = 0.5  # seconds until the first retransmission; RFC 8489 section 6.2.1
RC = 7  # sends per request; RFC 8489 section 6.2.1
RM = 16  # RTOs to wait after the last send; RFC 8489 section 6.2.1
TI = 39.5  # seconds to wait for an answer over TCP; RFC 8489 section 6.2.2
STALE = 600.0  # seconds after which a learned RTO is forgotten; RFC 8489 section 6.2.1
GRANULARITY = 0.001  # seconds; the accuracy that RFC 8489 section 6.2.1 asks for
MAX_SERVERS = 1024  # learned RTOs kept at a time; the least recently used goes first


class Schedule(NamedTuple):
    """The numbers that time a transaction.

    A learned RTO never falls below ``rto_min``: by default it only ever makes a client slower
    than the RFC's 500 ms. Who measures a path may set it lower.
    """

    rto: float = RTO
    rc: int = RC
    rm: float = RM
    ti: float = TI
    rto_min: float = RTO


@dataclass(slots=True, eq=False)
class RoundTrip:
    """A smoothed round-trip time and its variation (RFC 6298 section 2)."""

    srtt: float
    rttvar: float
    sampled_at: float

    @classmethod
    def first(cls, rtt: float, now: float) -> RoundTrip:
        """Start from one measurement (RFC 6298 rule 2.2)."""
        return cls(rtt, rtt / 2, now)

    def sample(self, rtt: float, now: float) -> None:
        """Take another measurement in (RFC 6298 rule 2.3)."""
        self.rttvar += (abs(self.srtt - rtt) - self.rttvar) / 4
        self.srtt += (rtt - self.srtt) / 8
        self.sampled_at = now

    @property
    def rto(self) -> float:
        """The retransmission timeout that follows."""
        return self.srtt + max(GRANULARITY, 4 * self.rttvar)


class RoundTrips:
    """The round trips to the servers asked lately, by IP address.

    Only transactions without a retransmission may be sampled (Karn's algorithm): after one, it is
    not known which of the requests was answered.
    """

    def __init__(self) -> None:
        self._by_address: OrderedDict[bytes, RoundTrip] = OrderedDict()

    def sample(self, address: bytes, rtt: float, now: float) -> None:
        """Learn from one round trip to a server's packed address."""
        known = self._fresh(address, now)
        if known is None:
            self._by_address[address] = RoundTrip.first(rtt, now)
        else:
            known.sample(rtt, now)
        self._by_address.move_to_end(address)
        if len(self._by_address) > MAX_SERVERS:
            self._by_address.popitem(last=False)

    def rto(self, address: bytes, schedule: Schedule, now: float) -> float:
        """Return the timeout to start a transaction with."""
        known = self._fresh(address, now)
        return schedule.rto if known is None else max(known.rto, schedule.rto_min)

    def _fresh(self, address: bytes, now: float) -> RoundTrip | None:
        known = self._by_address.get(address)
        if known is not None and now - known.sampled_at > STALE:
            del self._by_address[address]
            return None
        return known
