"""Sampling a path: Binding requests at a steady pace, each sent once, and what comes of each.

A request that is sent again would hide the loss of the first (RFC 8489 section 6.2.1); so each is
a transaction of its own with one send. Any answer counts, refusals too: it is the path that is
measured.

The pace is that at which ICE asks (RFC 8445 section 14.2). Deviation: RFC 5780 section 5 wants at
most ten new transactions a second; that is for its own tests, and leaves too few for jitter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.protocol.client import Answered, Client, Stray, StrayKind
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import Schedule
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

INTERVAL = 0.05  # seconds between requests: 20 a second; Ta of RFC 8445 section 14.2
COUNT = 80  # requests: four seconds
WAIT = 1.0  # seconds for an answer; in a conversation, what comes later is lost


class Answer(NamedTuple):
    """An answer to the request of that number, counted from 0; both times in seconds."""

    number: int
    sent: float
    received: float

    @property
    def rtt(self) -> float:
        """The round trip in seconds."""
        return self.received - self.sent


class Samples(NamedTuple):
    """What came of a run: the answers in their order of arrival.

    ``duplicates`` came again, ``late`` after ``WAIT``; ``why`` is what ended it early, if anything
    did.
    """

    sent: int
    answers: tuple[Answer, ...]
    duplicates: int = 0
    late: int = 0
    why: str = ""


class Sampler:
    """A machine (``protocol.machine``) that ends in ``Samples``.

    ``random`` gives so many random bytes.
    """

    def __init__(
        self,
        server: Endpoint,
        local: Endpoint,
        now: float,
        random: Callable[[int], bytes],
        *,
        count: int = COUNT,
    ) -> None:
        self._server = server
        self._local = local
        self._random = random
        self._count = count
        self._due = now
        self._client = Client(Schedule(ti=WAIT))
        self._sent: dict[bytes, tuple[int, float]] = {}
        self._answers: list[Answer] = []
        self._open = 0
        self._duplicates = self._late = 0
        self._why = ""
        self._is_told = False
        self.tick(now)

    @property
    def samples(self) -> Samples:
        """What has come so far; requests that still wait for their answer are left out."""
        sent = len(self._sent) - self._open
        return Samples(sent, tuple(self._answers), self._duplicates, self._late, self._why)

    @property
    def progress(self) -> float:
        """How much of the run is over, from 0 to 1."""
        return 1.0 if self._is_over else len(self._sent) / (self._count + 1)

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram."""
        self._client.receive(data, source, local, now)
        self._learn(now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that the server cannot be reached; it ends the run."""
        self._client.unreachable(remote, local, reason, now)
        if (remote, local) == (self._server, self._local):
            self._why = reason
        self._learn(now)

    def tick(self, now: float) -> None:
        """Send what is due. After a pause of whoever drives us, what was missed is not made up."""
        self._client.tick(now)
        self._learn(now)
        if self._is_sending and now >= self._due:
            request = Message.request(Method.BINDING, self._random(12))
            self._sent[request.transaction_id] = len(self._sent), now
            self._open += 1
            # as over a stream: sent once, and waited for so long, whatever the round trips were
            self._client.request(request, self._server, self._local, now, reliable=True)
            self._due = max(self._due + INTERVAL, now + INTERVAL / 2)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        return self._client.sends()

    def events(self) -> list[Samples]:
        """Hand over the result, once."""
        if not self._is_over or self._is_told:
            return []
        self._is_told = True
        return [self.samples]

    def deadline(self) -> float | None:
        """Return when the next request is due, or the last answer overdue."""
        if self._is_over:
            return None
        end = self._client.deadline()
        if not self._is_sending:
            return end
        return self._due if end is None else min(self._due, end)

    @property
    def _is_sending(self) -> bool:
        return len(self._sent) < self._count and not self._why

    @property
    def _is_over(self) -> bool:
        return not self._is_sending and not self._open

    def _learn(self, now: float) -> None:
        for event in self._client.events():
            if isinstance(event, Stray):
                self._duplicates += event.kind is StrayKind.DUPLICATE
                self._late += event.kind is StrayKind.LATE
                continue
            number, sent = self._sent[event.request.transaction_id]
            self._open -= 1
            if isinstance(event, Answered) or event.response is not None:
                self._answers.append(Answer(number, sent, now))
