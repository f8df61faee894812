"""Two clients in a room, with connections that break at any moment.

Nothing is lost, nothing comes twice, and all is in order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from stunkit.errors import SignalError
from stunkit.signal.client import Client, Heard, Over, PeerChanged, Session
from stunkit.signal.message import Join, Kind, parse
from stunkit.signal.room import LEAST_TOKEN, Room
from stunkit.signal.seat import Limits
from tests.signalling import candidate_of

LIMITS = Limits(kept_messages=6, kept_characters=3_000, rate=1_000.0, burst=1_000, lifetime=1e9)


class World:
    """A room, its clients, and wires between them that carry one text at a time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.numbers = count(1)
        self.room = Room(0.0, LIMITS)
        self.clients = [Client("room", f"{index}token".ljust(LEAST_TOKEN, ".")) for index in (0, 1)]
        self.names = ["", ""]
        self.up: list[deque[str]] = [deque(), deque()]
        self.down: list[deque[str]] = [deque(), deque()]
        self.broken: list[str] = []  # connections whose end the server has not noticed
        self.sessions: list[Session | None] = [None, None]
        self.said: dict[tuple[int, int], list[str]] = defaultdict(list)  # by client and session
        self.heard: dict[tuple[int, int], list[str]] = defaultdict(list)

    def look(self, index: int) -> None:
        """Do for a client what drives it."""
        client = self.clients[index]
        client.tick(self.now)
        if not client.is_connected:
            self.cut(index)
        if client.wants_connection(self.now):
            self.names[index] = f"{index}.{next(self.numbers)}"
            client.open(self.now)
        for event in client.events():
            if isinstance(event, Session):
                earlier = self.sessions[index]
                assert earlier is None or event.number > earlier.number
                self.sessions[index] = event
            elif isinstance(event, Heard):
                session = self.sessions[index]
                assert session is not None
                assert event.session == session.number, "of another session"
                text = event.content["candidate"]["candidate"]
                self.heard[index, session.number].append(text)
            else:
                assert not isinstance(event, Over), event
        self.up[index].extend(client.sends())

    def say(self, index: int) -> None:
        session = self.sessions[index]
        if session is None or not session.has_peer:
            return
        number = next(self.numbers)
        content = {"candidate": candidate_of(number)}
        self.clients[index].say(session.number, Kind.CANDIDATE, content)
        self.said[index, session.number].append(content["candidate"]["candidate"])
        self.look(index)

    def cut(self, index: int) -> None:
        """Have the connection gone, and all that is on its way."""
        if self.names[index]:
            self.broken.append(self.names[index])
        self.names[index] = ""
        self.up[index].clear()
        self.down[index].clear()

    def lose(self, index: int) -> None:
        """Have a client notice that its connection is gone."""
        self.cut(index)
        self.clients[index].lose(self.now)

    def rise(self, index: int) -> None:
        """Let the next text of a client arrive in the room."""
        if not self.up[index]:
            return
        name, text = self.names[index], self.up[index].popleft()
        if name in self.room.connections:
            self.room.receive(name, text, self.now)
        else:
            try:
                message = parse(text)
            except SignalError:
                return
            if isinstance(message, Join):
                self.room.join(name, message, f"token{next(self.numbers)}", self.now)
        self.carry()

    def carry(self) -> None:
        for out in self.room.sends():
            if out.connection in self.names:
                self.down[self.names.index(out.connection)].append(out.text)

    def fall(self, index: int) -> None:
        """Let the next text for a client arrive there."""
        if self.down[index]:
            self.clients[index].receive(self.down[index].popleft(), self.now)
            self.look(index)

    def notice(self) -> None:
        """Have the server notice the end of a connection."""
        if self.broken:
            self.room.drop(self.broken.pop(0), self.now)
            self.carry()

    def acknowledge(self, index: int) -> None:
        """Have the server learn what has arrived, as it does by its pings."""
        session = self.sessions[index]
        if session is not None and self.names[index] and not self.down[index]:
            heard = len(self.heard[index, session.number])
            self.room.acknowledge(self.names[index], session.number, heard)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.room.tick(self.now)
        self.carry()
        for index in (0, 1):
            self.look(index)

    def settle(self) -> None:
        """Let all arrive that is on its way, with no more accidents."""
        for _ in range(1_000):
            while self.broken:
                self.notice()
            for index in (0, 1):
                self.look(index)
                self.rise(index)
                self.fall(index)
            if any(self.up) or any(self.down):
                continue
            if all(client.is_connected for client in self.clients):
                return
            self.wait(1.0)
        raise AssertionError("it never settles")


indexes = st.integers(0, 1)
accidents = st.one_of(
    st.tuples(st.sampled_from(["look", "rise", "fall", "rise", "fall", "say"]), indexes),
    st.tuples(st.sampled_from(["say", "lose", "renew", "acknowledge"]), indexes),
    st.tuples(st.just("notice"), indexes),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 10.0, 70.0])),
)


@given(st.lists(accidents, max_size=80))
def test_nothing_is_lost_or_doubled_or_out_of_order_whatever_breaks(happens):
    world = World()
    for what, detail in happens:
        if what == "wait":
            world.wait(detail)
        elif what == "notice":
            world.notice()
        elif what == "renew":
            world.clients[detail].renew(world.now)
            world.look(detail)
        else:
            getattr(world, what)(detail)
        in_order(world)
    world.settle()
    in_order(world)
    last = [session for session in world.sessions if session is not None]
    assert len({session.number for session in last}) == 1
    assert [session.has_peer for session in last] == [True, True]
    assert {session.polite for session in last} == {True, False}
    number = last[0].number
    for index in (0, 1):
        assert world.heard[1 - index, number] == world.said[index, number], "something is lost"


def in_order(world: World) -> None:
    """See that what has been heard is how it was said, from its beginning."""
    for (index, session), heard in world.heard.items():
        assert heard == world.said[1 - index, session][: len(heard)]


@given(st.lists(st.text(max_size=30) | st.sampled_from(['{"type":"joined"}', "{}", "[]"])))
def test_no_server_breaks_a_client(texts):
    client, now = Client("room"), 0.0
    for text in texts:
        if client.wants_connection(now):
            client.open(now)
        client.receive(text, now)
        client.events()
        client.sends()
        now += 20.0
    assert not client.is_over


def test_peers_news_are_told():
    world = World()
    world.settle()
    world.clients[0].leave()
    world.up[0].extend(world.clients[0].sends())
    world.rise(0)
    world.clients[1].receive(world.down[1].popleft(), 0.0)
    (event,) = world.clients[1].events()
    assert isinstance(event, PeerChanged)
    assert event.state == "left"
