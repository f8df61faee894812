"""Probes: questions that are asked again and again until their answer, or their silence, is clear.

A probe is one transaction from one socket. It is sent at RFC 8489's pace until a round trip is
known, and from then on at a pace that follows the round trip. Every datagram that comes back is
noted with where it came from and at which socket it arrived; what it proves is for others to say.
At most ``MAX_NEW`` new transactions are started in a second (RFC 5780 section 4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.nat.odds import Odds
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import RTO, RoundTrip
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

MAX_NEW = 10  # transactions started in any second; RFC 5780 section 4
MIN_PACE = 0.04  # seconds between two sends of one probe, at the least
MAX_PACE = 0.5  # seconds; the RFC's first interval
MAX_FIRST_PACE = 2.0  # seconds; the longest interval while no round trip is known
MIN_PATIENCE = 0.1  # seconds to wait for an answer after the last send, at the least


@dataclass(frozen=True, slots=True)
class Reply:
    """A datagram that carried a probe's transaction id back."""

    message: Message
    source: Endpoint
    local: Endpoint
    at: float


@dataclass(slots=True, eq=False)
class Probe:
    """One question. ``expected`` is the endpoint that has to answer for it to count.

    ``solicited`` says that an answer is coming unless it is lost: then its losses are counted.
    """

    name: str
    request: Message
    local: Endpoint
    server: Endpoint
    expected: Endpoint
    solicited: bool
    sent_at: list[float] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    due: float | None = None
    unreachable: str = ""

    @property
    def answer(self) -> Message | None:
        """The first success response from the expected endpoint."""
        return next((r.message for r in self.replies if self._counts(r)), None)

    @property
    def refusal(self) -> Message | None:
        """The first error response from the endpoint that was asked."""
        error = MessageClass.ERROR_RESPONSE
        return next(
            (
                r.message
                for r in self.replies
                if r.message.message_class is error and r.source == self.server
            ),
            None,
        )

    @property
    def misplaced(self) -> Endpoint | None:
        """Who answered with success though somebody else had to."""
        success = MessageClass.SUCCESS_RESPONSE
        return next(
            (
                r.source
                for r in self.replies
                if r.message.message_class is success and r.source != self.expected
            ),
            None,
        )

    def tries(self, before: float) -> int:
        """How many requests left before a time, so that their answers would be here."""
        return sum(1 for at in self.sent_at if at <= before)

    def _counts(self, reply: Reply) -> bool:
        is_success = reply.message.message_class is MessageClass.SUCCESS_RESPONSE
        return is_success and reply.source == self.expected


class Prober:
    """Starts, repeats and matches probes. ``random`` gives so many random bytes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._probes: dict[bytes, Probe] = {}
        self._waiting: deque[Probe] = deque()
        self._started: deque[float] = deque()
        self._sends: list[Outgoing] = []
        self._trip: RoundTrip | None = None
        self.received = 0

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Every probe asked so far."""
        return tuple(self._probes.values())

    @property
    def rtt(self) -> float | None:
        """The smoothed round trip in seconds, None while it is not known."""
        return None if self._trip is None else self._trip.srtt

    @property
    def pace(self) -> float:
        """Seconds between two sends of one probe, once a round trip is known."""
        return MAX_PACE if self._trip is None else min(MAX_PACE, max(MIN_PACE, self._trip.srtt))

    @property
    def patience(self) -> float:
        """Seconds after a send within which its answer comes, if it comes."""
        if self._trip is None:
            return MAX_FIRST_PACE
        return max(MIN_PATIENCE, self._trip.srtt + 6 * self._trip.rttvar)

    def ask(  # noqa: PLR0913 (a question has that many parts)
        self,
        name: str,
        local: Endpoint,
        server: Endpoint,
        now: float,
        *attributes: Attribute,
        expected: Endpoint | None = None,
        solicited: bool = True,
    ) -> Probe:
        """Start a probe, at once or as soon as the rate allows."""
        request = Message.request(Method.BINDING, self._random(12), attributes)
        probe = Probe(name, request, local, server, expected or server, solicited)
        self._probes[request.transaction_id] = probe
        self._waiting.append(probe)
        self._start(now)
        return probe

    def stop(self, *probes: Probe | None) -> None:
        """Send these no more; answers that still come are noted."""
        for probe in probes:
            if probe is not None:
                probe.due = None
                if probe in self._waiting:
                    self._waiting.remove(probe)

    def resume(self, probe: Probe, now: float) -> None:
        """Go on sending a probe that was stopped."""
        if probe.due is None and probe.sent_at:
            probe.due = max(now, probe.sent_at[-1] + self.pace)

    def odds(self, now: float) -> Odds:
        """Return how the exchanges that had an answer coming went."""
        odds = Odds()
        before = now - self.patience
        for probe in self._probes.values():
            if probe.solicited and probe.replies:
                tries = probe.tries(before)
                odds.sent += tries
                odds.answered += min(tries, len(probe.replies))
        return odds

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> Probe | None:
        """Note a datagram with the probe that it belongs to; None when it belongs to none."""
        try:
            message = Message.decode(data)
        except WireError:
            return None
        probe = self._probes.get(message.transaction_id)
        if probe is None or not message.is_response:
            return None
        self.received += 1
        # After a repetition it is not known which send was answered (Karn). While nothing at all
        # is known, the last one is the better guess: the RFC's pace is slower than most paths.
        if not probe.replies and (len(probe.sent_at) == 1 or self._trip is None):
            self._sample(now - probe.sent_at[-1], now)
        probe.replies.append(Reply(message, source, local, now))
        return probe

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str) -> None:
        """Note that the system or an ICMP message calls a server unreachable."""
        for probe in self._probes.values():
            if (probe.server, probe.local) == (remote, local):
                probe.unreachable = reason

    def tick(self, now: float) -> None:
        """Send what is due."""
        self._start(now)
        for probe in self._probes.values():
            if probe.due is not None and probe.due <= now:
                self._send(probe, now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def deadline(self) -> float | None:
        """Return when something is to be sent next."""
        dues: Iterable[float] = (p.due for p in self._probes.values() if p.due is not None)
        first = min(dues, default=None)
        if self._waiting:
            start = self._started[0] + 1.0
            return start if first is None else min(first, start)
        return first

    def _start(self, now: float) -> None:
        while self._started and now >= self._started[0] + 1.0:
            self._started.popleft()
        while self._waiting and len(self._started) < MAX_NEW:
            self._started.append(now)
            self._send(self._waiting.popleft(), now)

    def _send(self, probe: Probe, now: float) -> None:
        probe.sent_at.append(now)
        if self._trip is None:
            probe.due = now + min(RTO * 2 ** (len(probe.sent_at) - 1), MAX_FIRST_PACE)
        else:
            probe.due = now + self.pace
        self._sends.append(Outgoing(probe.request.raw, probe.server, probe.local))

    def _sample(self, rtt: float, now: float) -> None:
        if self._trip is None:
            self._trip = RoundTrip.first(rtt, now)
            for probe in self._probes.values():
                if probe.due is not None:  # at the RFC's pace until now
                    probe.due = min(probe.due, now + self.pace)
        else:
            self._trip.sample(rtt, now)
