"""Whatever is said, lost and repeated, and by whom: a room settles, or is closed and says why."""

from __future__ import annotations

import json
from collections import deque
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from stunkit.errors import SignalError
from stunkit.ice.sdp import parse_leniently
from stunkit.signal.message import _USUAL, Join, Relay, format_join, format_relay, parse
from stunkit.signal.room import Room
from stunkit.signal.seat import Limits
from stunkit.signal.snapshot import dump, load
from tests.signalling import Peer, candidate_of, sdp_of

LIMITS = Limits(kept_messages=6, kept_characters=3_000, rate=1_000.0, burst=1_000)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
MEMBERS = {
    "type": st.sampled_from(["join", "bye", "offer", "answer", "candidate", "end-of-candidates"]),
    "version": st.just(1),
    "room": st.just("room"),
    "token": st.sampled_from(["1", "no"]),
    "session": st.integers(0, 3),
    "received": st.integers(-1, 3),
    "seq": st.integers(0, 3),
    "sdp": st.builds(sdp_of, st.integers(0, 3)),
    "candidate": st.builds(candidate_of, st.integers(0, 3)),
}
likely = st.fixed_dictionaries(
    {}, optional={name: values | json_values for name, values in MEMBERS.items()}
)
texts = st.text() | json_values.map(json.dumps) | likely.map(json.dumps)


@given(texts)
def test_any_text_is_a_message_or_is_refused(text: str):
    try:
        message = parse(text)
    except SignalError as error:
        reason = error.reason
    else:
        reason = ""
    assert len(reason) < 2_000
    if reason:
        return
    if isinstance(message, Relay):
        assert parse(format_relay(message)) == message
    elif isinstance(message, Join):
        assert parse(format_join(message)) == message


@given(st.from_regex(_USUAL, fullmatch=True))
def test_what_is_not_read_for_speed_is_a_candidate(text: str):
    parse_leniently(text)


class World:
    """A room, two honest peers in it and somebody else, with wires that can break at any time."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.room = Room(0.0, LIMITS)
        self.now = 0.0
        self.peers = [Peer(), Peer()]
        self.names = ["", ""]
        self.down: dict[str, deque[str]] = {}
        self.broken: list[str] = []  # connections that nobody has noticed yet
        for index in (0, 1):
            self.connect(index)
            self.rise(index)

    def connect(self, index: int, *, anew: bool = False) -> None:
        if self.names[index]:
            self.broken.append(self.names[index])
        self.names[index] = f"{index}.{next(self.numbers)}"
        self.down[self.names[index]] = deque()
        self.peers[index].is_over = False
        self.peers[index].connect(anew=anew)

    def rise(self, index: int) -> None:
        """Let the next text of a peer arrive in the room."""
        if self.peers[index].up:
            self.take(self.names[index], self.peers[index].up.popleft())

    def take(self, connection: str, text: str) -> None:
        """Do what a server does with a text that arrives."""
        if connection in self.room.connections:
            self.room.receive(connection, text, self.now)
        else:
            try:
                message = parse(text)
            except SignalError:
                return
            if isinstance(message, Join):
                token = str(next(self.numbers) + 1_000)
                self.room.join(connection, message, token, self.now)
        self.carry()

    def carry(self) -> None:
        for out in self.room.sends():
            if out.connection in self.down and out.connection not in self.broken:
                self.down[out.connection].append(out.text)
        assert self.room.kept_characters <= 2 * LIMITS.kept_characters
        for seat in self.room.seats:
            assert seat is None or len(seat.kept) <= LIMITS.kept_messages
        if not self.room.closed:
            self.room = load(dump(self.room), LIMITS)  # as another process would go on

    def fall(self, index: int) -> None:
        """Let the next text for a peer arrive there."""
        waiting = self.down[self.names[index]]
        if waiting:
            self.peers[index].hear(waiting.popleft())

    def notice(self) -> None:
        """Have the server notice a broken connection."""
        if self.broken:
            self.room.drop(self.broken.pop(0), self.now)
            self.carry()

    def acknowledge(self, index: int) -> None:
        peer = self.peers[index]
        if peer.session is not None:
            self.room.acknowledge(self.names[index], peer.session, peer.received)

    def settle(self) -> None:
        """Let all arrive that is on its way, with no more accidents but what had to come."""
        for _ in range(2_000):
            while self.broken:
                self.notice()
            for index, peer in enumerate(self.peers):
                assert not peer.is_over or self.room.closed, peer.errors
                self.rise(index)
                self.fall(index)
            if not any(peer.up for peer in self.peers) and not any(
                self.down[name] for name in self.names
            ):
                return
            if self.room.closed:
                return
        raise AssertionError("it never settles")


indexes = st.integers(0, 1)
accidents = st.one_of(
    st.tuples(st.sampled_from(["rise", "fall", "rise", "fall"]), indexes),
    st.tuples(st.sampled_from(["need", "find", "connect", "reload", "acknowledge"]), indexes),
    st.tuples(st.just("notice"), indexes),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 10.0, 30.0])),
    st.tuples(st.just("attack"), texts),
)


@given(st.lists(accidents, max_size=60))
def test_honest_peers_settle_whatever_happens(happens):
    world = World()
    for what, detail in happens:
        if what in ("rise", "fall", "acknowledge"):
            getattr(world, what)(detail)
        elif what in ("need", "find"):
            world.peers[detail].act(what)
        elif what in ("connect", "reload"):
            world.connect(detail, anew=what == "reload")
        elif what == "notice":
            world.notice()
        elif what == "wait":
            world.now += detail
            world.room.tick(world.now)
            world.carry()
        else:
            name = f"stranger.{next(world.numbers)}"
            world.down[name] = deque()
            world.take(name, detail)
            if name in world.room.connections:
                return  # a seat was free for too long: it is another call now
    for index in (0, 1):
        world.connect(index)
    world.settle()
    assert world.room.closed or is_settled(*world.peers), (
        vars(world.peers[0]),
        vars(world.peers[1]),
    )


def is_settled(one: Peer, other: Peer) -> bool:
    if one.session != other.session or one.negotiator is None or other.negotiator is None:
        return False
    states = {one.negotiator.state, other.negotiator.state}
    return states == {"stable"} and one.negotiator.current == other.negotiator.current is not None


@given(st.lists(st.tuples(indexes, texts), max_size=60), st.integers(0, 1_000))
def test_a_hostile_peer_hurts_only_itself(said, seed: int):
    room, now = Room(0.0, LIMITS), 0.0
    room.join("good", Join("room"), "1", now)
    room.join("bad", Join("room"), "2", now)
    room.sends()
    for turn, (which, text) in enumerate(said):
        now += seed / 1_000
        connection = ("bad", f"other{turn}")[which]
        if connection in room.connections:
            room.receive(connection, text, now)
        else:
            try:
                message = parse(text)
            except SignalError:
                continue
            if isinstance(message, Join):
                room.join(connection, message, f"t{turn}", now)
        for out in room.sends():
            assert out.connection != "good" or out.fault in (None, "replaced")
        assert room.kept_characters <= 2 * LIMITS.kept_characters
    assert room.closed is None
