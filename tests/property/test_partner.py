"""Whatever comes over the link: what is not the partner's, fresh and new, has no effect at all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.protocol.link import INTERVAL, PATIENCE, WINDOW, Joined, Link, Parted, Window
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.partner import LEAST_KEY, Codec, HandOver, Outcome, Pair, judge
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.sim.network import Host, Network, Weather
from tests.strategies import datagrams, endpoints

SECRET, OTHER_SECRET = bytes(LEAST_KEY), b"?" * LEAST_KEY
A, B = Endpoint.parse("192.0.2.1:3480"), Endpoint.parse("192.0.2.2:3480")
CLIENT = Endpoint.parse("203.0.113.9:5000")
PAIRS = {end: Pair((end.with_port(3478), end.with_port(3479)), is_ready=True) for end in (A, B)}
NOW = 1000.0

seeds = st.integers(0, 2**32 - 1)


def drawing(seed: int) -> Callable[[int], bytes]:
    return Random(seed).randbytes


def make(end: Endpoint, now: float = NOW, secret: bytes = SECRET, seed: int = 0) -> Link:
    link = Link(secret, end, B if end == A else A, drawing(2 * seed + (end == A)))
    link.tell(PAIRS[end], now)
    return link


class Talk:
    """Two ends, and everything that was ever sent, by each."""

    def __init__(self) -> None:
        self.now = NOW
        self.ends = {A: make(A), B: make(B)}
        self.said: list[Outgoing] = []
        self.taken: list[HandOver] = []
        self.settle()

    def settle(self) -> None:
        while sends := [one for end in self.ends.values() for one in end.sends()]:
            self.said += sends
            for one in sends:
                self.ends[one.destination].receive(one.data, one.local, one.destination, self.now)
        for end in self.ends.values():
            self.taken += [event for event in end.events() if isinstance(event, HandOver)]

    def beat(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += INTERVAL
            for end in self.ends.values():
                end.tick(self.now)
            self.settle()

    def restart(self, end: Endpoint, seed: int) -> None:
        self.ends[end] = make(end, self.now, seed=seed)
        self.settle()

    @property
    def is_up(self) -> bool:
        return all(end.pair is not None for end in self.ends.values())


def has_effect(link: Link, data: bytes, source: Endpoint, local: Endpoint, now: float) -> bool:
    """Whether a datagram changes anything but the count of what was refused."""
    before = (link.pair, link.deadline(), link._session, link._peer, link._window.highest)
    link.receive(data, source, local, now)
    after = (link.pair, link.deadline(), link._session, link._peer, link._window.highest)
    return bool(link.sends() or link.events() or before != after)


@st.composite
def histories(draw: st.DrawFn) -> Talk:
    """Two ends that are up, after hand-overs, pauses and restarts."""
    talk = Talk()
    numbers = count(1)
    for step in draw(st.lists(st.sampled_from("abbbhhhpr"), max_size=12)):
        end = draw(st.sampled_from((A, B)))
        if step == "h":
            talk.ends[end].hand_over(draw(st.integers(0, 1)), CLIENT, draw(st.binary(max_size=99)))
            talk.settle()
        elif step == "r":
            talk.restart(end, next(numbers))
        elif step == "p":
            talk.ends[end].part(talk.now)
            talk.settle()
        else:
            talk.beat(draw(st.integers(1, 3)))
    talk.beat(12)
    assert talk.is_up
    return talk


@given(histories(), st.data())
def test_nothing_that_was_ever_said_has_an_effect_again(talk: Talk, data: st.DataObject):
    """Replays of this session and of old ones, and reflections, to either end, soon or late."""
    talk.beat(data.draw(st.integers(0, 9)))
    for one in talk.said:
        for to, link in talk.ends.items():
            for source in (A, B):
                assert not has_effect(link, one.data, source, to, talk.now)
    assert talk.is_up
    refused = sum(
        (link.counts for link in talk.ends.values()), start=talk.ends[A].counts.__class__()
    )
    assert refused[Outcome.REPLAYED] + refused[Outcome.STALE] > 0
    assert refused[Outcome.REFLECTED] > 0
    assert refused[Outcome.STRANGER] > 0


@given(histories(), st.data())
def test_no_change_to_a_message_goes_unseen(talk: Talk, data: st.DataObject):
    end = data.draw(st.sampled_from((A, B)))
    talk.ends[end].hand_over(0, CLIENT, b"answer")
    (fresh,) = talk.ends[end].sends()
    raw = bytearray(fresh.data)
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw) - 1))]
    else:
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    to = talk.ends[fresh.destination]
    assert not has_effect(to, bytes(raw), end, fresh.destination, talk.now)
    assert to.counts[Outcome.FORGED] + to.counts[Outcome.MALFORMED] == 1
    assert has_effect(to, fresh.data, end, fresh.destination, talk.now)


@given(st.binary(max_size=200) | datagrams, st.booleans())
def test_nothing_that_has_no_key_has_an_effect(data: bytes, is_up: bool):
    link = Talk().ends[A] if is_up else make(A)
    link.sends()
    assert not has_effect(link, data, B, A, NOW)
    assert not has_effect(link, data, CLIENT, A, NOW)
    assert link.counts[Outcome.STRANGER] == 1


@given(st.integers(0, 9))
def test_two_with_different_keys_never_join(beats: int):
    a, b = make(A), make(B, secret=OTHER_SECRET)
    for number in range(beats):
        now = NOW + INTERVAL * number
        a.tick(now)
        b.tick(now)
        for one in (*a.sends(), *b.sends()):
            to = a if one.destination == A else b
            assert not has_effect(to, one.data, one.local, one.destination, now)
    assert (a.pair, b.pair) == (None, None)


@given(histories(), st.floats(0, 10), st.data())
def test_what_was_held_back_is_as_good_as_lost(talk: Talk, delay: float, data: st.DataObject):
    end = data.draw(st.sampled_from((A, B)))
    talk.ends[end].hand_over(0, CLIENT, b"held back")
    (held,) = talk.ends[end].sends()
    start = talk.now
    while talk.now + INTERVAL < start + delay:
        talk.beat()
    acts = has_effect(talk.ends[held.destination], held.data, end, held.destination, start + delay)
    if delay >= PATIENCE:
        assert not acts
    elif delay < PATIENCE - INTERVAL:
        assert acts


@given(st.lists(st.integers(0, 3 * WINDOW), max_size=300))
def test_window_admits_once_and_only_what_is_near(numbers: list[int]):
    window, seen, highest = Window(), set(), 0
    for number in numbers:
        expected = number not in seen and number > highest - WINDOW
        assert window.admit(number) == expected
        seen.add(number)
        highest = max(highest, number)
        assert window.highest == highest


@given(st.binary(max_size=200) | datagrams)
def test_what_has_a_key_and_no_sense_raises_nothing(data: bytes):
    """Whoever has the key may write anything: it is counted, or it is a hand-over."""
    codec = Codec(SECRET)
    text = b"SKP\1" + data
    link = Talk().ends[A]
    link.receive(text + codec._tag(text), B, A, NOW)
    assert all(isinstance(one, HandOver | Joined | Parted) for one in link.events())


@given(datagrams, endpoints, st.integers(0, 3), st.sampled_from([0, 2, 4, 6]))
def test_what_respond_wants_to_leave_from_the_other_address_is_sent(
    data: bytes, source: Endpoint, place: int, flags: int
):
    """``judge`` lets pass what ``respond`` says, and nothing that is no success."""
    request = data + b""
    if flags:
        request = b"\0\1\0\x08" + b"\x21\x12\xa4\x42" + data[:12].ljust(12, b"?")
        request += b"\0\3\0\4" + flags.to_bytes(4, "big")
    quartet = tuple(
        Endpoint.of(host, port) for host in ("192.0.2.1", "192.0.2.2") for port in (1, 2)
    )
    site = Site(quartet=Quartet(quartet, quartet, proven=True), refused_ports=frozenset({0, 53}))
    response = respond(Received(request, source, quartet[place]), site)
    handed = HandOver(0, response.destination, response.data)
    refused = judge(handed, site.refused_ports, response.source)
    if response.disposition is not Disposition.ANSWERED:
        assert refused is not None
    elif source.family is quartet[0].family and not (
        source.address.is_multicast or source.address.is_unspecified or source.packed == b"\xff" * 4
    ):
        assert refused is None


@given(
    st.just(0.0) | st.floats(0, 0.2), st.floats(0, 0.2), st.floats(0, 0.1), st.floats(0, 0.3), seeds
)
def test_link_comes_up_and_hands_over_once_through_loss_and_disorder(
    loss: float, duplication: float, delay: float, jitter: float, seed: int
):
    weather = Weather(loss=loss, duplication=duplication, delay=delay, jitter=jitter)
    network = Network(Random(seed), weather)
    ends = {end: make(end, now=0.0, seed=seed) for end in (A, B)}
    for end, link in ends.items():
        network.add_host(Host(end.packed, machine=link))
    network.run(10.0)
    handed = 0
    for step in range(100):
        for link in ends.values():
            handed += link.hand_over(0, CLIENT, step.to_bytes(4, "big"))
        network.run(10.0 + step / 50)
    network.run(30.0)
    taken = 0
    for link in ends.values():
        events = link.events()
        assert isinstance(events[0], Joined)
        answers = [one.data for one in events if isinstance(one, HandOver)]
        assert len(answers) == len(set(answers))
        taken += len(answers)
        assert not link.counts[Outcome.FORGED] + link.counts[Outcome.MALFORMED]
        if not loss:
            assert not any(isinstance(one, Parted) for one in events)
    assert taken <= handed
    if not loss:
        assert taken == handed == 200
