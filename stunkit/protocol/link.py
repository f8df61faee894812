"""One end of the link between two machines that are one RFC 5780 server (see ``partner``).

Both ends beat four times a second. What a message acknowledges tells how old it can be at most, by
its receiver's own clock: nobody could acknowledge a number before it was sent. So the link is up
while a round trip began less than ``PATIENCE`` ago, and two clocks are never compared.

Rules of this file: what is not authentic is counted, and nothing else comes of it. What is
authentic is acted on once (RFC 4303 section 3.4.3 has the window), within ``PATIENCE``, in the
session that it was meant for, and never by the one that sent it. A session takes one partner and
ends with it, so that nothing of an old one ever fits again. Whatever arrives, at most one message,
a beat for a beat, follows at once, and it goes to the partner.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.partner import (
    MOST_ANSWER,
    NOBODY,
    SESSION_SIZE,
    Codec,
    HandOver,
    Kind,
    LinkMessage,
    Outcome,
    Pair,
    decode_hand_over,
    decode_pair,
    encode_hand_over,
    encode_pair,
)

INTERVAL = 0.25  # seconds between two beats
PATIENCE = 1.5  # seconds since the last round trip began, until the link is down
WINDOW = 1024  # numbers behind the highest that may still come; thousands a second overtake

_GRAIN = 0.05  # seconds; of beats that are closer, the first is remembered


class Joined(NamedTuple):
    """The link is up, and this is what the partner has; again whenever that changes."""

    pair: Pair


class Parted(NamedTuple):
    """The link is down."""

    reason: str


Event = Joined | Parted | HandOver


class Window:
    """The numbers that have come: each is admitted once, none from far behind the highest."""

    def __init__(self) -> None:
        self.highest = 0
        self._seen = 0  # a bit for each number, from the highest down

    def admit(self, number: int) -> bool:
        """Take note of a number; return whether it may still come and has not."""
        ahead = number - self.highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW)) & ((1 << WINDOW) - 1)
            self.highest, ahead = number, 0
        if -ahead >= WINDOW or self._seen >> -ahead & 1:
            return False
        self._seen |= 1 << -ahead
        return True


class Link:
    """One end of the link, a machine (see ``protocol.machine``).

    ``key`` is the secret of both, ``local`` and ``remote`` are the ends of the link, ``draw``
    returns so many random bytes. ``counts`` has the figures. Raises ValueError for a short key.
    """

    def __init__(
        self, key: bytes, local: Endpoint, remote: Endpoint, draw: Callable[[int], bytes]
    ) -> None:
        self._codec = Codec(key)
        self._local, self._remote = local, remote
        self._draw = draw
        self._own: Pair | None = None
        self._told: Pair | None = None  # what the partner has
        self._session = draw(SESSION_SIZE)
        self._peer: bytes | None = None  # the partner's session, while the link is up
        self._window = Window()
        self._number = 0  # of what we sent last
        self._beats: deque[tuple[int, float]] = deque()  # number and time of the latest
        self._beat_at: float | None = None
        self._up_until = 0.0
        self._sends: list[Outgoing] = []
        self._events: list[Event] = []
        self.counts: Counter[Outcome] = Counter()

    @property
    def pair(self) -> Pair | None:
        """What the partner has, while the link is up."""
        return self._told

    def tell(self, pair: Pair, now: float) -> None:
        """Let the partner know what we have; from the first time on, the link lives."""
        if pair != self._own:
            self._own = pair
            self._beat(now)

    def hand_over(self, place: int, destination: Endpoint, data: bytes) -> bool:
        """Have the partner send an answer from its endpoint of this place; False while down."""
        can = self._told is not None and len(data) <= MOST_ANSWER
        self.counts[Outcome.HANDED_OVER if can else Outcome.WITHHELD] += 1
        if can:
            handed = HandOver(place, destination, data)
            self._send(Kind.HAND_OVER, encode_hand_over(handed))
        return can

    def part(self, now: float, reason: str = "we end") -> None:
        """Take the link down, and let the partner know."""
        if self._peer is not None:
            self._send(Kind.GOODBYE, b"")
            self._forget(reason)
            self._beat_at = now + INTERVAL

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram that arrived at the link's socket."""
        del local
        outcome = self._take(data, source, now)
        if outcome is not None:
            self.counts[outcome] += 1

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Ignore it: an ICMP error may be anybody's. Silence will tell."""

    def tick(self, now: float) -> None:
        """Beat when it is time, and give up a partner that has not answered for too long."""
        if self._peer is not None and now >= self._up_until:
            self.part(now, f"no round trip for {PATIENCE:g} s")
        if self._beat_at is not None and now >= self._beat_at:
            self._beat(now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def events(self) -> list[Event]:
        """Hand over what happened, and forget it."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when ``tick`` is wanted next, or None before the first ``tell``."""
        if self._beat_at is None or self._peer is None:
            return self._beat_at
        return min(self._beat_at, self._up_until)

    def _take(self, data: bytes, source: Endpoint, now: float) -> Outcome | None:
        """Return what became of a datagram, None where that is for whoever sends to say."""
        if source != self._remote:
            return Outcome.STRANGER
        heard = self._codec.decode(data)
        if isinstance(heard, Outcome):
            return heard
        if heard.sender == self._session:
            return Outcome.REFLECTED
        if heard.receiver == self._session:
            return self._hear(heard, now)
        if heard.kind is Kind.BEAT and self._peer is None and self._own is not None:
            # Who does not know us yet is told our session, and nothing is kept of it: it may be a
            # replay, and one that is none acknowledges this.
            self._beat(now, heard.sender, heard.number)
            return Outcome.HEARD
        return Outcome.STALE

    def _hear(self, heard: LinkMessage, now: float) -> Outcome | None:
        """Act on what was sent to this session."""
        began = self._time_of(heard.acknowledged, now)
        if began is None or self._peer not in (None, heard.sender):
            return Outcome.STALE
        if self._peer is None:
            if heard.kind is Kind.GOODBYE:
                return Outcome.STALE
            self._peer, self._window = heard.sender, Window()
        if not self._window.admit(heard.number):
            return Outcome.REPLAYED
        self._up_until = max(self._up_until, began + PATIENCE)
        if heard.kind is Kind.GOODBYE:
            self._forget("the partner ended")
            return Outcome.HEARD
        if heard.kind is Kind.BEAT:
            return self._learn(heard.payload, now)
        return self._accept(heard.payload)

    def _learn(self, payload: bytes, now: float) -> Outcome:
        """Take in what the partner has."""
        pair = decode_pair(payload)
        if pair is None:
            return Outcome.MALFORMED
        if self._told is None:
            self._beat(now)  # so that the partner knows at once, too
        if pair != self._told:
            self._told = pair
            self._events.append(Joined(pair))
        return Outcome.HEARD

    def _accept(self, payload: bytes) -> Outcome | None:
        """Take over an answer; what becomes of it, its sender counts."""
        handed = decode_hand_over(payload)
        if handed is None:
            return Outcome.MALFORMED
        self._events.append(handed)
        return None

    def _forget(self, reason: str) -> None:
        """Give up the partner, and with it the session that it knew."""
        self._events.append(Parted(reason))
        self._session = self._draw(SESSION_SIZE)
        self._peer = self._told = None
        self._up_until = 0.0

    def _beat(self, now: float, receiver: bytes | None = None, acknowledged: int = 0) -> None:
        """Tell what we have, to the partner or to who may be it."""
        assert self._own is not None  # noqa: S101 (`tell` comes first)
        self._send(Kind.BEAT, encode_pair(self._own), receiver, acknowledged)
        if not self._beats or now - self._beats[-1][1] >= _GRAIN:
            self._beats.append((self._number, now))
        if receiver is None:
            self._beat_at = now + INTERVAL

    def _send(
        self, kind: Kind, payload: bytes, receiver: bytes | None = None, acknowledged: int = 0
    ) -> None:
        if receiver is None and self._peer is not None:
            receiver, acknowledged = self._peer, self._window.highest
        self._number += 1
        message = LinkMessage(
            kind, self._session, receiver or NOBODY, self._number, acknowledged, payload
        )
        self._sends.append(Outgoing(self._codec.encode(message), self._remote, self._local))

    def _time_of(self, acknowledged: int, now: float) -> float | None:
        """Return a time before which nobody can have acknowledged this, None if long ago."""
        while self._beats and self._beats[0][1] <= now - PATIENCE:
            self._beats.popleft()
        return max((at for number, at in self._beats if number <= acknowledged), default=None)
