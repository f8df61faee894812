"""Carries one procedure through a conversation: a machine (``protocol.machine``).

Over UDP a question that nothing answers is asked again, a plain question (the control) before
every further try, until loss does not explain the silence any more or the tries are used up. Over a
stream nothing gets lost: one control, answered after the question, makes silence sure.

Rules of this file: one datagram, or piece, at a time; memory and time are bounded, whatever
arrives.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Generic, TypeVar

from stunkit.conformance.conversation import Arrival, Ask, Heard, Procedure
from stunkit.conformance.subject import Subject
from stunkit.conformance.tally import NEGLIGIBLE, Tally
from stunkit.endpoint import Endpoint
from stunkit.protocol.machine import Machine, Outgoing

TRIES = 16  # of one question: enough to be sure with a third of all exchanges lost
GAP = 0.02  # seconds between the datagrams, or pieces, of one question
MAX_ARRIVALS = 256  # kept of one question
STREAM_PATIENCE = 2.0  # seconds that an answer over a stream may take
FIRST_WAIT = 0.5  # seconds for an answer until a round trip is known; RFC 8489 section 6.2.1
SHORTEST_WAIT, LONGEST_WAIT = 0.15, 1.0  # seconds for an answer, whatever the round trip
_MARK = slice(8, 19)  # as much of it as a header has that is cut off by one byte
_ID = slice(8, 20)  # bytes of a message: the transaction id; RFC 8489 section 5

R = TypeVar("R")


def wait_for(rtt: float) -> float:
    """Return how long an answer is waited for, where the first took ``rtt`` seconds."""
    return min(max(3 * rtt + 0.1, SHORTEST_WAIT), LONGEST_WAIT)


class _Turn(Enum):
    """What is waited for."""

    PIECE = auto()  # the time of the question's next datagram
    ANSWER = auto()
    CONTROL = auto()
    LINGER = auto()  # what may come on top


class Interview(Machine[R], Generic[R]):
    """Runs a procedure over a subject's sockets; its one event is what the procedure returns.

    ``wait`` is how long an answer is waited for, in seconds: some round trips. ``tally`` is shared
    by all interviews over one path.
    """

    def __init__(
        self, subject: Subject, procedure: Procedure[R], tally: Tally, wait: float, now: float
    ) -> None:
        self._subject = subject
        self._procedure = procedure
        self._tally = tally
        self._wait = wait
        self._events: list[R] = []
        self._sends: list[Outgoing] = []
        self._closed: str | None = None
        self._over: set[bytes] = set()  # ids of what was sent before
        self._due: float | None = None
        self.sends_so_far = 0  # datagrams and pieces
        try:
            ask = next(procedure)
        except StopIteration as stop:
            self._events.append(stop.value)
        else:
            self._begin(ask, now)

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram, or one whole message of a stream."""
        if self._due is None:
            return
        identity = data[_ID]
        if identity in self._open:
            self._open.discard(identity)
            self._over.add(identity)
            self._answered += 1
            if self._ask.control is None:
                self._tally.answered += 1
            if self._turn is _Turn.CONTROL and identity == self._control:
                self._controlled(now, is_answered=True)
            return
        takes_any = self._ask.takes_any or self._subject.is_stream
        if data[_MARK] not in self._marks and (not takes_any or self._over or self._controls):
            return  # it may answer something else
        if len(self._arrivals) < MAX_ARRIVALS:
            self._arrivals.append(Arrival(data, source, local, now - self._started))
        if self._turn is not _Turn.PIECE:
            self._satisfy(now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that a stream has ended; what ICMP says of a datagram proves nothing."""
        del remote, local
        if self._subject.is_stream:
            self._closed = reason
            if self._due is not None:
                self._conclude(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self._due is None or now < self._due:
            return
        if self._turn is _Turn.PIECE:
            self._send_piece(now)
        elif self._turn is _Turn.CONTROL:
            self._controlled(now, is_answered=False)
        elif self._turn is _Turn.LINGER or not self._ask.is_repeated or self._ask.finishes:
            self._conclude(now)
        else:
            self._send_control(now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it. Over a stream, no bytes mean: the end."""
        sends, self._sends = self._sends, []
        return sends

    def events(self) -> list[R]:
        """Hand over the result, once."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when ``tick`` is wanted next, or None."""
        return self._due

    def _begin(self, ask: Ask, now: float) -> None:
        self._ask = ask
        self._ids = {piece[_ID] for piece in ask.pieces if len(piece) >= 20}
        self._marks = {piece[_MARK] for piece in ask.pieces if len(piece) >= 19}
        self._over -= self._ids  # the same question again
        self._open: set[bytes] = set()
        self._control = b""
        self._arrivals: list[Arrival] = []
        self._tries = 1
        self._controls = self._answered = 0
        self._chance = 1.0
        self._started = now
        self._unsent = list(ask.pieces)
        if self._closed is None:
            self._send_piece(now)
        else:
            self._conclude(now)

    def _send_piece(self, now: float) -> None:
        there = self._ask.to or self._subject.server
        self._send(self._unsent.pop(0), there)
        if self._unsent:
            self._turn, self._due = _Turn.PIECE, now + GAP
            return
        if self._ask.finishes:
            self._send(b"", there)
        self._listen(now)
        if self._arrivals:
            self._satisfy(now)

    def _listen(self, now: float) -> None:
        patient = (self._subject.is_stream and not self._ask.is_repeated) or self._ask.finishes
        self._turn, self._due = _Turn.ANSWER, now + (STREAM_PATIENCE if patient else self._wait)

    def _satisfy(self, now: float) -> None:
        """End the question, or begin to linger, if enough has come."""
        if len(self._arrivals) < self._ask.wants or self._turn is _Turn.LINGER:
            return
        if self._ask.linger:
            self._turn, self._due = _Turn.LINGER, now + self._ask.linger
        else:
            self._conclude(now)

    def _send_control(self, now: float) -> None:
        control = self._subject.request().raw
        self._control = control[_ID]
        self._open.add(self._control)
        self._controls += 1
        if self._ask.control is None:
            self._tally.sent += 1
        self._send(control, self._ask.control or self._subject.server)
        patience = STREAM_PATIENCE if self._subject.is_stream else self._wait
        self._turn, self._due = _Turn.CONTROL, now + patience

    def _controlled(self, now: float, *, is_answered: bool) -> None:
        """Go on after a control: silence is sure, cannot be told from loss, or is tried again."""
        if self._subject.is_stream:
            if is_answered and not self._arrivals:
                self._chance = 0.0  # answers may overtake each other, so a while longer
                self._turn, self._due = _Turn.LINGER, now + self._wait
            else:
                self._conclude(now)
            return
        tally = self._tally
        if self._ask.control is not None:  # another path than all the others'
            tally = Tally(self._controls, self._answered)
        chance = tally.chance(self._tries)
        enough = self._tries >= (TRIES if self._ask.is_dogged else 1)
        steady = 2 * self._answered >= self._controls
        if is_answered and enough and steady and chance <= NEGLIGIBLE:
            self._chance = chance
            self._conclude(now)
        elif self._tries >= TRIES:
            self._conclude(now)
        else:
            self._tries += 1
            self._send(self._ask.data, self._ask.to or self._subject.server)
            self._listen(now)

    def _conclude(self, now: float) -> None:
        ask = self._ask
        heard = Heard(
            sent=b"".join(ask.pieces) if self._subject.is_stream else ask.data,
            arrivals=tuple(self._arrivals),
            tries=self._tries if self._closed is None or not self._over else 0,
            controls=self._controls,
            answered=self._answered,
            chance=1.0 if self._arrivals else self._chance,
            closed=self._closed,
        )
        self._over |= self._ids | self._open
        try:
            following = self._procedure.send(heard)
        except StopIteration as stop:
            self._due = None
            self._events.append(stop.value)
        else:
            self._begin(following, now)

    def _send(self, data: bytes, to: Endpoint) -> None:
        local = self._subject.locals[self._ask.socket]
        self._sends.append(Outgoing(data, to, local))
        self.sends_so_far += 1
