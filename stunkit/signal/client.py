"""The client of the signalling protocol, as a machine: one seat in one room, over many connections.

It never sends and reads no clock. Whoever drives it hands it what happened on the connection (it
opened, a text came, it ended) and what time it is, then collects the texts that it wants sent, what
happened, and when it wants to be woken. `stunkit explain signalling` documents the protocol.

Within a session nothing is lost, comes twice or overtakes, however often the connection breaks:
what was said is kept until the session ends, and is said again where the server does not have it.

Rules of this file: whatever the server says, the machine goes on or is over, and says why. A
connection that says what makes no sense, or leaves something out, is given up: the next one mends
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from stunkit.errors import SignalError
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import (
    Join,
    Kind,
    Peer,
    PeerState,
    Problem,
    Relay,
    format_join,
    format_relay,
    parse,
)
from stunkit.signal.news import Welcome, parse_news

BYE = '{"type":"bye"}'
LEAST_WAIT = 0.5  # seconds until the next connection; doubled each time one comes to nothing
MOST_WAIT = 10.0  # seconds
PATIENCE = 10.0  # seconds that the server has to answer a join
DOUBT = 120.0  # seconds: a server notices a lost connection after 40, and keeps the seat for 60
# Coming again does not help with these; a room that is full is another matter, see ``_refused``.
HOPELESS = frozenset({Fault.NO_SUCH_ROOM, Fault.REPLACED, Fault.EXPIRED, Fault.UNSUPPORTED_VERSION})


class Session(NamedTuple):
    """A session begins: both peers start anew, each with a new RTCPeerConnection.

    ``has_peer`` says whether somebody has the other seat; without, there is nobody to call yet.
    The one that is not ``polite`` does not give way when both offer at once (perfect negotiation;
    W3C WebRTC section 10.7). ``ice_servers`` are those of the server.
    """

    number: int
    polite: bool
    has_peer: bool
    ice_servers: tuple[IceServer, ...] = ()


class Heard(NamedTuple):
    """The other peer says something: ``kind`` is offer, answer, candidate or end-of-candidates.

    ``content`` has ``sdp``, or ``candidate``, an RTCIceCandidateInit.
    """

    session: int
    kind: Kind
    content: dict[str, Any]


class PeerChanged(NamedTuple):
    """The other peer was lost, has resumed, or left; when one joins, a session begins."""

    state: PeerState


class Over(NamedTuple):
    """It is over: nothing more will be said. ``fault`` is None for who has left."""

    fault: Fault | None
    reason: str


Event = Session | Heard | PeerChanged | Problem | Over


class Client:
    """A machine; ``now`` is in seconds of any clock that never goes back.

    ``token`` is to be unguessable; the server may give another one. ``draw`` returns a random
    number from 0 to 1, so that many clients do not come back at the same moment.
    """

    def __init__(
        self, room: str, token: str | None = None, draw: Callable[[], float] = lambda: 1.0
    ) -> None:
        self.room = room
        self.is_connected = False
        self.is_over = False
        self._token = token
        self._draw = draw
        self._has_seat = False
        self._doubt_ends: float | None = None  # until when a full room may be full of ourselves
        self._session: Session | None = None
        self._is_peer_lost = False
        self._received = 0
        self._said: list[str] = []  # in this session
        self._wait = LEAST_WAIT
        self._due: float | None = 0.0  # when to connect, or until when an answer has to be here
        self._sends: list[str] = []
        self._events: list[Event] = []

    def open(self, now: float) -> None:
        """Take the news that there is a connection; the one before is gone."""
        if self.is_over:
            return
        self.is_connected = True
        self._due = now + PATIENCE
        session = None if self._session is None else self._session.number
        join = Join(self.room, self._token, session, self._received)
        self._sends = [format_join(join)]

    def receive(self, text: str, now: float) -> None:
        """Take a text that came on the connection."""
        if not self.is_connected:
            return
        try:
            message = parse_news(text)
        except SignalError as error:
            reason = f"the server said what makes no sense: {error.reason}"
            self._events.append(Problem(Fault.MALFORMED, reason))
            self._drop(now)
            return
        if isinstance(message, Welcome):
            self._joined(message)
        elif isinstance(message, Peer):
            self._news(message)
        elif isinstance(message, Problem):
            self._refused(message, now)
        else:
            self._hear(message, now)

    def lose(self, now: float) -> None:
        """Take the news that the connection has ended, or that none came about."""
        if not self.is_over and (self.is_connected or self.wants_connection(now)):
            self._drop(now)

    def tick(self, now: float) -> None:
        """Let time pass. To be called at ``deadline``; earlier or later does no harm."""
        if self.is_connected and self._due is not None and self._due <= now:
            self._drop(now)

    def say(self, session: int, kind: str, content: dict[str, Any]) -> None:
        """Say something to the other peer (see ``Heard``); of an earlier session, to nobody.

        Raises SignalError for what no server takes.
        """
        if self._session is None or session != self._session.number or self.is_over:
            return
        if kind not in _KINDS:
            raise SignalError(Fault.MALFORMED, f"{kind!r} is nothing that a peer says")
        text = format_relay(Relay(Kind(kind), session, len(self._said) + 1, content))
        parse(text)
        self._said.append(text)
        if self.is_connected and self._due is None:
            self._sends.append(text)

    def renew(self, now: float) -> None:
        """Begin a new session, for both peers."""
        if self.is_over:
            return
        self._forget()
        self._drop(now)
        self._due = now

    def leave(self) -> None:
        """Leave for good."""
        if self.is_over:
            return
        if self.is_connected:
            self._sends.append(BYE)
        self._end(None, "left")

    def wants_connection(self, now: float) -> bool:
        """Whether it is time to connect."""
        is_time = self._due is not None and self._due <= now
        return is_time and not self.is_connected and not self.is_over

    def sends(self) -> list[str]:
        """Hand over what is to be sent on the connection, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def events(self) -> list[Event]:
        """Hand over what happened, and forget it."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when ``tick``, or a connection, is wanted next."""
        return None if self.is_over else self._due

    def _joined(self, message: Welcome) -> None:
        self._token, self._has_seat, self._doubt_ends = message.token, True, None
        self._wait, self._due = LEAST_WAIT, None
        session = self._session
        if message.resumed and session is not None and message.session == session.number:
            self._sends += self._said[message.received :]
            self._catch_up(message, session)
            return
        self._begin(Session(message.session, message.polite, message.peer, message.ice_servers))

    def _catch_up(self, message: Welcome, session: Session) -> None:
        """Tell what became of the peer meanwhile; a server says it once more if it is lost."""
        if session.has_peer and not message.peer:
            self._change(PeerState.LEFT)
        elif self._is_peer_lost:
            self._change(PeerState.RESUMED)

    def _change(self, state: PeerState) -> None:
        if self._session is not None and state is PeerState.LEFT:
            self._session = self._session._replace(has_peer=False)
        self._is_peer_lost = state is PeerState.LOST
        self._events.append(PeerChanged(state))

    def _begin(self, session: Session) -> None:
        self._forget()
        self._session = session
        self._events.append(session)

    def _forget(self) -> None:
        self._session, self._received, self._said = None, 0, []
        self._is_peer_lost = False

    def _news(self, message: Peer) -> None:
        if self._session is None:
            return
        if message.state is PeerState.JOINED:
            self._begin(self._session._replace(number=message.session, has_peer=True))
        else:
            self._change(message.state)

    def _hear(self, message: Relay, now: float) -> None:
        if self._session is None or message.session != self._session.number:
            return
        if message.seq > self._received + 1:
            self._drop(now)  # something is missing: it will come again
        elif message.seq > self._received:
            self._received = message.seq
            self._events.append(Heard(message.session, message.kind, message.content))

    def _refused(self, message: Problem, now: float) -> None:
        fault, reason = message
        is_ours = self._doubt_ends is not None and now < self._doubt_ends
        if fault in HOPELESS or (fault is Fault.FULL and not is_ours):
            self._end(fault, reason)
            return
        self._events.append(message)
        if fault.is_final:
            self._drop(now)

    def _drop(self, now: float) -> None:
        """Have no connection, and come back after a while."""
        if self.is_connected and not self._has_seat and self._doubt_ends is None:
            self._doubt_ends = now + DOUBT  # the answer may have been lost, the seat taken
        self.is_connected = False
        self._sends = []
        self._due = now + self._wait * (0.5 + 0.5 * self._draw())
        self._wait = min(2 * self._wait, MOST_WAIT)

    def _end(self, fault: Fault | None, reason: str) -> None:
        self.is_over, self.is_connected, self._due = True, False, None
        self._events.append(Over(fault, reason))


_KINDS = frozenset(kind.value for kind in Kind)
