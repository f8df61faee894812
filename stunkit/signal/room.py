"""A room: two seats, and what passes between them, as a machine.

It never sends and reads no clock: whoever drives it hands it what arrived on which connection and
what time it is, then collects what it wants sent, what happened, and when it wants to be woken. A
connection is any text that names one.

The first seat's peer is impolite, the second one's polite: that is what perfect negotiation needs
(W3C WebRTC section 10.7), and glare is then the peers' to solve. A session begins whenever somebody
joins anew; what was said in an earlier one reaches nobody. Within a session nothing is lost, comes
twice or overtakes, however often a connection breaks (see ``seat``).

Rules of this file: whatever comes, the room is in order or it is closed, and says why; its size has
a bound; who is told something final is told nothing more.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import NamedTuple

from stunkit.errors import SignalError
from stunkit.signal.event import Event, Happening
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServers, no_ice_servers
from stunkit.signal.message import (
    Bye,
    Join,
    Joined,
    Peer,
    PeerState,
    Problem,
    Relay,
    format_joined,
    format_peer,
    format_problem,
    parse,
)
from stunkit.signal.seat import Limits, Seat

LEAST_TOKEN = 22  # characters: of 64 kinds, 128 bits


class Outgoing(NamedTuple):
    """A text for a connection, which ends with it when there is a ``fault`` that is final.

    What comes from the other peer has its ``session`` and ``seq``, for ``Room.acknowledge``.
    """

    connection: str
    text: str
    fault: Fault | None = None
    session: int = 0
    seq: int = 0

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with it."""
        return self.fault is not None and self.fault.is_final


class Room:
    """A machine; ``now`` is in seconds of any clock that never goes back.

    ``closed`` says why there is no such room any more, and is None until then.
    """

    def __init__(self, made: float, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.made = made
        self.vacant_since = made
        self.session = 0
        self.seats: list[Seat | None] = [None, None]
        self.closed: str | None = None
        self._sends: list[Outgoing] = []
        self._events: list[Event] = []

    def join(
        self,
        connection: str,
        message: Join,
        new_token: str,
        now: float,
        ice_servers: IceServers = no_ice_servers,
    ) -> None:
        """Give a connection a seat, or say why not.

        Who brings no token that is fit for one gets ``new_token``, which is to be unguessable.
        """
        self.tick(now)
        if self.closed:
            self._refuse(connection, Fault.NO_SUCH_ROOM, self.closed)
        elif self._index_of(connection) is not None:
            self._refuse(connection, Fault.ALREADY_JOINED, "this connection has a seat")
        elif (index := self._owned(message.token)) is not None:
            self._take_again(index, connection, message, now, ice_servers)
        elif None in self.seats:
            index = self.seats.index(None)
            # By a token of its own it is known even if no answer of ours ever reaches it.
            own = message.token or ""
            self.seats[index] = Seat(own if len(own) >= LEAST_TOKEN else new_token, connection)
            self._begin(index, now, ice_servers)
        else:
            self._refuse(connection, Fault.FULL, "both seats are taken")

    def receive(self, connection: str, text: str, now: float) -> None:
        """Take what came on a connection that has a seat."""
        self.tick(now)
        index = self._index_of(connection)
        seat = None if index is None else self.seats[index]
        if index is None or seat is None:
            if not self.closed:  # else it has been told
                self._refuse(connection, Fault.NOT_JOINED, "this connection has no seat")
            return
        if not seat.admit(now, self.limits):
            self._refuse(connection, Fault.TOO_MANY, "too many messages")
            self.drop(connection, now)
            return
        try:
            message = parse(text)
        except SignalError as error:
            self._blame(seat, connection, error, now)
            return
        if isinstance(message, Bye):
            self._free(index, now)
        elif isinstance(message, Join):
            self._refuse(connection, Fault.ALREADY_JOINED, "this connection has a seat")
        else:
            self._relay(index, seat, message, text)

    def acknowledge(self, connection: str, session: int, seq: int) -> None:
        """Take the news that all to a number has arrived at the other end of a connection."""
        index = self._index_of(connection)
        seat = None if index is None else self.seats[index]
        if seat is not None and session == self.session:
            seat.acknowledge(seq)

    def drop(self, connection: str, now: float) -> None:
        """Take the news that a connection has ended, without a word or after the last one."""
        index = self._index_of(connection)
        seat = None if index is None else self.seats[index]
        if index is None or seat is None:
            return
        seat.connection, seat.lost_at = None, now
        self._events.append(Event(Happening.LOST, index))
        self._tell(1 - index, PeerState.LOST)

    def close(self, fault: Fault, reason: str) -> None:
        """End it for everybody."""
        if self.closed:
            return
        for seat in self.seats:
            if seat is not None and seat.connection is not None:
                self._refuse(seat.connection, fault, reason)
        self.seats = [None, None]
        self.closed = reason
        self._events.append(Event(Happening.CLOSED))

    def tick(self, now: float) -> None:
        """Let time pass. To be called at ``deadline``; earlier or later does no harm."""
        if self.closed:
            return
        for index, seat in enumerate(self.seats):
            if seat is not None and seat.connection is None:
                end = seat.lost_at + self.limits.patience
                if end <= now:
                    self._free(index, end)
        if self.made + self.limits.lifetime <= now:
            self.close(Fault.EXPIRED, "the room's time is over")
        elif not any(self.seats) and self.vacant_since + self.limits.vacancy <= now:
            self.close(Fault.EXPIRED, "nobody was in the room for long")

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def events(self) -> list[Event]:
        """Hand over what happened, and forget it."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when ``tick`` is wanted next, or None once it is closed."""
        if self.closed:
            return None
        times = [self.made + self.limits.lifetime]
        times += [
            seat.lost_at + self.limits.patience
            for seat in self.seats
            if seat is not None and seat.connection is None
        ]
        if not any(self.seats):
            times.append(self.vacant_since + self.limits.vacancy)
        return min(times)

    def end(self) -> float:
        """Return when it would be closed if nothing came any more, and no connection ended."""
        end = self.made + self.limits.lifetime
        seats = [seat for seat in self.seats if seat is not None]
        if any(seat.connection is not None for seat in seats):
            return end
        empty = max(
            [self.vacant_since, *(seat.lost_at + self.limits.patience for seat in seats)],
        )
        return min(end, empty + self.limits.vacancy)

    def missed(self, connection: str, received: int) -> list[Outgoing]:
        """Return what of this session was said to a connection after a number."""
        index = self._index_of(connection)
        seat = None if index is None else self.seats[index]
        if seat is None:
            return []
        return [
            Outgoing(connection, text, session=self.session, seq=seq)
            for seq, text in seat.since(received)
        ]

    @property
    def connections(self) -> list[str]:
        """Those that have a seat."""
        return [one.connection for one in self.seats if one is not None and one.connection]

    @property
    def kept_characters(self) -> int:
        """How much it keeps for its peers."""
        return sum(one.kept_characters for one in self.seats if one is not None)

    def _index_of(self, connection: str) -> int | None:
        for index, seat in enumerate(self.seats):
            if seat is not None and seat.connection == connection:
                return index
        return None

    def _owned(self, token: str | None) -> int | None:
        """Return whose seat a token is for. It takes as long whatever the token is."""
        found = None
        for index, seat in enumerate(self.seats):
            if seat is not None and compare_digest(seat.token.encode(), (token or "").encode()):
                found = index
        return found

    def _take_again(
        self, index: int, connection: str, message: Join, now: float, ice_servers: IceServers
    ) -> None:
        """Give a seat to a new connection of who has it."""
        seat = self.seats[index]
        assert seat is not None  # noqa: S101 (see _owned)
        was_lost = seat.connection is None
        if seat.connection is not None:
            self._refuse(seat.connection, Fault.REPLACED, "another connection has this seat now")
        seat.connection = connection
        if message.session != self.session or not seat.can_resume(message.received):
            self._begin(index, now, ice_servers)
            return
        self._greet(index, seat, now, ice_servers, resumed=True)
        self._sends += self.missed(connection, message.received)
        other = self.seats[1 - index]
        if other is not None and other.connection is None:  # it may not have been told
            self._tell(index, PeerState.LOST)
        if was_lost:
            self._events.append(Event(Happening.RESUMED, index))
            self._tell(1 - index, PeerState.RESUMED)

    def _begin(self, index: int, now: float, ice_servers: IceServers) -> None:
        """Begin a session, since somebody has joined anew."""
        self.session += 1
        for each in self.seats:
            if each is not None:
                each.renew()
        seat = self.seats[index]
        assert seat is not None  # noqa: S101 (it has just been taken)
        self._greet(index, seat, now, ice_servers, resumed=False)
        self._events.append(Event(Happening.JOINED, index))
        self._tell(1 - index, PeerState.JOINED)

    def _greet(
        self, index: int, seat: Seat, now: float, ice_servers: IceServers, *, resumed: bool
    ) -> None:
        assert seat.connection is not None  # noqa: S101 (it has just been taken)
        expires = self.made + self.limits.lifetime - now
        joined = Joined(
            index,
            seat.token,
            self.session,
            resumed,
            seat.received,
            self.seats[1 - index] is not None,
            expires,
            ice_servers(expires),
        )
        self._sends.append(Outgoing(seat.connection, format_joined(joined)))

    def _relay(self, index: int, seat: Seat, message: Relay, text: str) -> None:
        """Hand one peer what the other says, once."""
        if message.session < self.session or message.seq <= seat.received:
            return  # it was on its way when somebody joined, or was said twice to be sure
        other = self.seats[1 - index]
        assert seat.connection is not None  # noqa: S101 (it has spoken)
        if message.session > self.session:
            self._refuse(seat.connection, Fault.MALFORMED, "there is no such session yet")
            return
        if other is None:
            self._refuse(seat.connection, Fault.ALONE, "nobody is there to hear it")
            return
        seat.received = message.seq
        self._events.append(Event(Happening.RELAYED, index, message.kind))
        text = other.put(message, text, self.limits)
        if other.connection is not None:
            self._sends.append(
                Outgoing(other.connection, text, session=self.session, seq=other.sent)
            )

    def _blame(self, seat: Seat, connection: str, error: SignalError, now: float) -> None:
        """Say what is wrong with a message, and so many times only."""
        seat.faults += 1
        if seat.faults > self.limits.faults:
            self._refuse(connection, Fault.TOO_MANY, "too many messages that were wrong")
            self.drop(connection, now)
            return
        fault = Fault(error.code)
        self._refuse(connection, fault, error.reason)
        if fault.is_final:
            self.drop(connection, now)

    def _free(self, index: int, now: float) -> None:
        """Have nobody in a seat."""
        self.seats[index] = None
        self.vacant_since = now
        self._events.append(Event(Happening.LEFT, index))
        self._tell(1 - index, PeerState.LEFT)

    def _tell(self, index: int, state: PeerState) -> None:
        """Tell who has a seat what became of the other."""
        seat = self.seats[index]
        if seat is not None and seat.connection is not None:
            text = format_peer(Peer(state, self.session))
            self._sends.append(Outgoing(seat.connection, text))

    def _refuse(self, connection: str, fault: Fault, reason: str) -> None:
        text = format_problem(Problem(fault, reason))
        self._sends.append(Outgoing(connection, text, fault))
