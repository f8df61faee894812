"""The prober: starts probes, repeats them, and finds the probe that a reply belongs to.

A probe is sent at RFC 8489's pace until a round trip is known, and from then on at a pace that
follows the round trip. At most ``MAX_NEW`` new transactions are started in a second (RFC 5780
section 4); the others wait for their turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.nat.odds import Odds
from stunkit.nat.probe import Probe, Reply
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import RTO, RoundTrip
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

MAX_NEW = 10  # transactions started in any second; RFC 5780 section 4
MIN_PACE = 0.04  # seconds between two sends of one probe, at the least
MAX_PACE = 0.5  # seconds; the RFC's first interval
MAX_FIRST_PACE = 2.0  # seconds; the longest interval while no round trip is known
MIN_PATIENCE = 0.1  # seconds to wait for an answer after the last send, at the least


class Prober:
    """Starts, repeats and matches probes. ``random`` gives so many random bytes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._probes: dict[bytes, Probe] = {}
        self._active: dict[Probe, float] = {}  # and when each is sent again
        self._waiting: deque[Probe] = deque()
        self._started: deque[float] = deque()
        self._sends: list[Outgoing] = []
        self._last_send = float("-inf")
        self._trip: RoundTrip | None = None
        self._is_guess = False
        self.received = 0

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
        arrival: Endpoint | None = None,
        solicited: bool = True,
    ) -> Probe:
        """Start a probe, at once or as soon as the rate allows."""
        request = Message.request(Method.BINDING, self._random(12), attributes)
        probe = Probe(name, request, local, server, expected or server, arrival, solicited)
        self._probes[request.transaction_id] = probe
        self._waiting.append(probe)
        self._start(now)
        return probe

    def stop(self, *probes: Probe | None) -> None:
        """Send these no more; answers that still come are noted."""
        for probe in probes:
            if probe is None or probe.is_stopped:
                continue
            probe.is_stopped = True
            if probe.sent_at:
                del self._active[probe]
            else:
                self._waiting.remove(probe)

    def stop_all(self) -> None:
        """Send nothing any more."""
        self.stop(*self._active, *self._waiting)

    def odds(self, now: float, *probes: Probe) -> Odds:
        """Return how the exchanges that had an answer coming went: those of some probes, or all.

        Probes without any reply are left out: whom they ask may be nobody.
        """
        odds = Odds()
        before = now - self.patience
        for probe in probes or self._probes.values():
            if probe.solicited and probe.replies:
                tries = probe.tries(before)
                odds.sent += tries
                odds.answered += min(tries, len(probe.replies))
        return odds

    def worst_odds(self, now: float, control: Probe | None = None) -> Odds:
        """Return the odds of all exchanges, or those of a control alone if they are worse.

        A control goes the way of the probe whose silence is judged; the others may go better ones.
        """
        general = self.odds(now)
        if control is None:
            return general
        return max(general, self.odds(now, control), key=lambda odds: odds.loss)

    def is_silent(self, probe: Probe, now: float, control: Probe | None = None) -> bool:
        """Return whether a probe was tried so often that its silence is no chance."""
        tries = probe.tries(now - self.patience)
        if self._trip is None or not tries:
            return False
        return tries >= self.worst_odds(now, control).tries_needed()

    def is_settled(self, probe: Probe, now: float) -> bool:
        """Return whether nothing more is to be expected of a probe that should be answered."""
        if probe.answer or probe.refusal or probe.unreachable or probe.is_stopped:
            return True
        return self.is_silent(probe, now)

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> Probe | None:
        """Note a datagram with the probe that it belongs to; None when it belongs to none."""
        try:
            message = Message.decode(data)
        except WireError:
            return None
        probe = self._probes.get(message.transaction_id)
        if probe is None or not probe.sent_at or not message.is_response:
            return None
        self.received += 1
        if not probe.replies:
            self._sample(probe, now)
        probe.note(Reply(message, source, local, now))
        return probe

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str) -> None:
        """Note that the system or an ICMP message calls a server unreachable."""
        for probe in self._probes.values():
            if (probe.server, probe.local) == (remote, local):
                probe.unreachable = reason

    def tick(self, now: float) -> None:
        """Send what is due."""
        self._start(now)
        for probe, due in self._active.items():
            if due <= now:
                self._send(probe, now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def deadline(self) -> float | None:
        """Return when something is to be sent next."""
        first = min(self._active.values(), default=None)
        if self._waiting:
            start = self._started[0] + 1.0
            return start if first is None else min(first, start)
        return first

    def is_listening(self, now: float) -> bool:
        """Return whether something is still to be sent, or may still be answered in time."""
        return bool(self._active or self._waiting) or now < self._last_send + self.patience

    def _start(self, now: float) -> None:
        while self._started and now >= self._started[0] + 1.0:
            self._started.popleft()
        while self._waiting and len(self._started) < MAX_NEW:
            self._started.append(now)
            probe = self._waiting.popleft()
            self._send(probe, now)

    def _send(self, probe: Probe, now: float) -> None:
        probe.sent_at.append(now)
        self._last_send = now
        if self._trip is None:
            pace = min(RTO * 2 ** (len(probe.sent_at) - 1), MAX_FIRST_PACE)
        else:
            pace = self.pace
        self._active[probe] = now + pace
        self._sends.append(Outgoing(probe.request.raw, probe.server, probe.local))

    def _sample(self, probe: Probe, now: float) -> None:
        """Learn the round trip from the first reply to a probe.

        After a repetition it is not known which send was answered (Karn's algorithm): the time
        since the first one is an upper bound, and good enough until something better is known.
        """
        rtt = now - probe.sent_at[0]
        is_guess = len(probe.sent_at) > 1
        if self._trip is not None and not self._is_guess:
            if not is_guess:
                self._trip.sample(rtt, now)
        elif self._trip is None or not is_guess or rtt < self._trip.srtt:
            self._trip = RoundTrip.first(rtt, now)
            self._is_guess = is_guess
            for other, due in self._active.items():  # at a slower pace until now
                self._active[other] = min(due, now + self.pace)
