"""What a lane does without a socket; the rest is in the integration tests of each lane."""

from __future__ import annotations

import itertools

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.respond import Disposition
from stunkit.protocol.site import Site
from stunkit.protocol.template import Plain
from stunkit.server.lanes import lane as lane_module
from stunkit.server.lanes.lane import LAST_DRAIN, Lane
from stunkit.server.metrics.counters import Counters
from stunkit.wire.message import MAGIC_COOKIE
from stunkit.wire.uri import Transport
from tests.lanes import BENCHES, EVERYWHERE, FOUR, Arrival, Bench, Disagreement, assemble

HERE = FOUR[Family.IPV4][0]
CLIENT = Endpoint.parse("198.51.100.1:40000")
BLANK = assemble(MAGIC_COOKIE + bytes(12))
UNKNOWN = assemble(MAGIC_COOKIE + bytes(12), [(0x7FFF, b"")])

each_lane = pytest.mark.parametrize("kind", BENCHES)


class Udp:
    """A socket of which only the count of drops matters."""

    local = HERE

    def __init__(self, *drops: int | None) -> None:
        self.drops = list(drops)
        self.is_closed = False

    def kernel_drops(self) -> int | None:
        return self.drops.pop(0)

    def close(self) -> None:
        self.is_closed = True


class Busy(Lane):
    """A lane whose queue holds more than it can ever take."""

    wakes = 0

    def _wake(self) -> bool:
        self.wakes += 1
        return True


@pytest.fixture
def tally():
    return Counters().of(Transport.UDP, Family.IPV4)


def test_drains_for_a_bounded_time(tally, monkeypatch):
    seconds = itertools.count(1000.0, 0.125)
    monkeypatch.setattr(lane_module.time, "monotonic", lambda: next(seconds))
    lane = Busy(Udp(0), Site(), tally)
    lane.drain()
    assert lane.wakes == LAST_DRAIN / 0.125


def test_counts_drops_since_it_has_the_socket(tally):
    udp = Udp(1000, 1000, 1003, 1003)
    lane = Lane(udp, Site(), tally)
    for expected in (0, 3, 3):
        lane.count_drops()
        assert tally.kernel_drops == expected


def test_counts_drops_when_the_kernel_starts_again_at_zero(tally):
    lane = Lane(Udp((1 << 32) - 2, 5), Site(), tally)
    lane.count_drops()
    assert tally.kernel_drops == 7


def test_counts_no_drops_where_the_kernel_says_nothing(tally):
    udp = Udp(None, None)
    lane = Lane(udp, Site(), tally)
    lane.close()
    assert tally.kernel_drops == 0
    assert udp.is_closed


def test_leaves_the_reading_to_its_kinds(tally):
    with pytest.raises(NotImplementedError):
        Lane(Udp(0), Site(), tally)._wake()


def test_makes_its_templates_anew_with_new_settings(tally):
    lane = Lane(Udp(0), Site(), tally)
    before = lane._templates[Plain.MODERN].raw
    lane.site = Site("stunkit")
    assert lane.site == Site("stunkit")
    assert lane._templates[Plain.MODERN].raw != before


# The harness that the property and the fuzzer compare lanes with: that it sees what it should.
@each_lane
def test_difference_in_bytes_is_seen(kind: type[Bench], monkeypatch):
    bench = kind(HERE, Site())
    monkeypatch.setattr("tests.lanes.respond", _respond_otherwise)
    with pytest.raises(Disagreement, match="are missing"):
        bench.ask([Arrival(BLANK, CLIENT, HERE)] * 20)


def _respond_otherwise(received, _site, _now):
    from stunkit.protocol.respond import respond

    return respond(received, Site("someone else"))


@each_lane
@pytest.mark.parametrize("change", ["socket", "source", "destination"])
def test_difference_in_path_is_seen(kind: type[Bench], change: str):
    bench = kind(HERE, Site())
    send = bench.wire.send

    def elsewhere(data: bytes, destination: Endpoint, source: Endpoint) -> None:
        send(data, destination, source)
        sent = bench.caught.pop()
        bench.caught.append(sent._replace(**{change: CLIENT.with_port(9)}))

    bench.wire.send = elsewhere
    with pytest.raises(Disagreement, match="are missing"):
        bench.ask([Arrival(BLANK, CLIENT, HERE)] * 20)


@each_lane
def test_difference_in_figures_is_seen(kind: type[Bench]):
    bench = kind(HERE, Site())
    bench.tally.add(Disposition.NOT_STUN, 0, 0)
    with pytest.raises(Disagreement, match="figures"):
        bench.ask([Arrival(BLANK, CLIENT, HERE)] * 20)


@each_lane
def test_difference_in_buckets_is_seen(kind: type[Bench]):
    bench = kind(HERE, Site())
    bench.table[0] = 1
    with pytest.raises(Disagreement, match="buckets"):
        bench.ask([])


@each_lane
def test_difference_in_order_is_seen(kind: type[Bench], monkeypatch):
    bench = kind(HERE, Site())
    batch = [
        Arrival(assemble(MAGIC_COOKIE + bytes(11) + bytes([n])), CLIENT, HERE) for n in range(20)
    ]
    carry = bench.carry
    monkeypatch.setattr(bench, "carry", lambda arrivals, *now: carry(arrivals[::-1], *now))
    with pytest.raises(Disagreement, match="overtake"):
        bench.ask(batch)


@each_lane
def test_difference_in_the_interface_is_seen(kind: type[Bench]):
    bound, asked = EVERYWHERE[Family.IPV4], Endpoint.parse("127.0.0.2:3478")
    bench = kind(bound, Site())
    assert len(bench.ask([Arrival(BLANK, CLIENT, asked)] * 20)) == 20
    assert len(bench.ask([Arrival(UNKNOWN, CLIENT, asked)] * 20)) == 20
    assert {sent.source for sent in bench.caught} == {asked}
