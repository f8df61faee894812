"""A seat: what a room knows of one of its two peers.

Rules of this file: its size has a bound. What was said to a peer is kept until it has arrived, so
that nothing is missing when a connection breaks; of what is too much, the oldest is forgotten, and
who would need that has to begin anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from stunkit.signal.message import Relay, format_relay


@dataclass(frozen=True, slots=True)
class Limits:
    """What a room allows; times are in seconds.

    A room ends after ``lifetime``, or once it has been empty for ``vacancy``. Who has lost the
    connection has ``patience`` to come back. A peer may say ``rate`` messages a second and
    ``burst`` at once; ``faults`` of them may be wrong. Of what has not arrived for certain,
    ``kept_messages`` with ``kept_characters`` at most are kept for a seat.
    """

    lifetime: float = 12 * 3600.0
    vacancy: float = 600.0
    patience: float = 60.0
    rate: float = 50.0
    burst: int = 200
    faults: int = 20
    kept_messages: int = 128
    kept_characters: int = 131_072


@dataclass(slots=True)
class Seat:
    """One who has joined.

    ``connection`` is where the peer is, None since ``lost_at``. ``received`` and ``sent`` are the
    numbers of the last messages of this session from and to the peer; ``kept`` are the latter with
    their numbers.
    """

    token: str
    connection: str | None = None
    lost_at: float = 0.0
    received: int = 0
    sent: int = 0
    kept: deque[tuple[int, str]] = field(default_factory=deque)
    kept_characters: int = 0
    full_at: float = 0.0  # when it may say a whole burst again
    faults: int = 0

    def renew(self) -> None:
        """Begin a session: nothing has been said."""
        self.received = self.sent = self.kept_characters = 0
        self.kept.clear()

    def admit(self, now: float, limits: Limits) -> bool:
        """Charge one message to the peer, or return False when it has said too much for now."""
        interval = 1.0 / limits.rate
        full_at = max(self.full_at, now)
        if full_at - now > interval * (limits.burst + 1):  # the clock was set back
            full_at = now
        if full_at - now > interval * (limits.burst - 0.5):  # between two whole numbers
            return False
        self.full_at = full_at + interval
        return True

    def put(self, message: Relay, text: str, limits: Limits) -> str:
        """Take something for the peer, and its text as it came; return that as it goes out."""
        self.sent += 1
        if message.seq != self.sent:  # the other one has left numbers out
            text = format_relay(message._replace(seq=self.sent))
        self.kept.append((self.sent, text))
        self.kept_characters += len(text)
        while (
            len(self.kept) > limits.kept_messages or self.kept_characters > limits.kept_characters
        ):
            self._forget()
        return text

    def acknowledge(self, seq: int) -> None:
        """Forget what has arrived: all to that number."""
        while self.kept and self.kept[0][0] <= seq:
            self._forget()

    def can_resume(self, received: int) -> bool:
        """Whether all is there that follows a number."""
        first = self.kept[0][0] if self.kept else self.sent + 1
        return first - 1 <= received <= self.sent

    def since(self, received: int) -> Iterator[tuple[int, str]]:
        """Yield what follows a number."""
        return (one for one in self.kept if one[0] > received)

    def _forget(self) -> None:
        self.kept_characters -= len(self.kept.popleft()[1])
