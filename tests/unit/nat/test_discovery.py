"""The discovery in simulated networks: what it asks, how fast, and the known traps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import product
from random import Random
from typing import Any

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment
from stunkit.endpoint import Endpoint, Family
from stunkit.nat.discovery import SOCKETS, Discovery
from stunkit.nat.report import Report
from stunkit.protocol.machine import Outgoing
from stunkit.sim.box import Box
from stunkit.sim.network import Host, Network, Weather
from stunkit.sim.server import Lie, Server
from stunkit.sim.world import OPEN, World
from stunkit.wire.attributes.behavior import ChangeRequest, ResponsePort
from stunkit.wire.message import Message
from tests.truth import FOREVER, Verdict, discover, judge
from tests.unit.nat.exchange import LOCALS, OTHER, SERVER, refusal, success

EI, AD, APD = Mapping
FREE, BY_ADDRESS, BY_PORT = Filtering
KINDS = [
    *(Behavior(mapping=m, filtering=f) for m, f in product(Mapping, Filtering)),
    *(Behavior(nat=False, filtering=f) for f in Filtering),
]


def report_of(
    *layers: Behavior,
    lie: Lie = Lie.NONE,
    lies: tuple[Lie, ...] = (),
    weather: Weather | None = None,
    family: Family = Family.IPV4,
) -> Report:
    world = World(layers=layers, lies=lies or (lie,), weather=weather or Weather(), family=family)
    report, found = discover(world)
    assert Verdict.WRONG not in judge(world, found).values()
    return report


def why(report: Report, claim: str) -> str:
    return next(one.why for one in report.evidence if one.claim == claim)


def asked(*layers: Behavior, seed: int = 0) -> list[tuple[float, Outgoing]]:
    """Everything that a discovery sends, with the time."""
    world = World(layers=layers, seed=seed)
    network, host, servers = world.build()
    sent: list[tuple[float, Outgoing]] = []

    class Watched(Discovery):
        def sends(self) -> list[Outgoing]:
            sends = super().sends()
            sent.extend((network.now, one) for one in sends)
            return sends

    sockets = [network.open(host) for _ in range(SOCKETS)]
    host.machine = machine = Watched(servers, sockets, 0.0, Random(seed).randbytes)
    network.run(FOREVER, lambda: machine.is_done)
    return sent


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_is_named_right_without_loss(kind: Behavior, family: Family):
    report = report_of(kind, family=family)
    assert (report.udp, report.nat) == (True, kind.nat)
    assert (report.mapping, report.filtering) == (kind.mapping, kind.filtering)
    assert report.legacy == kind.legacy
    assert report.port_preserved is (True if kind.nat else None)


@pytest.mark.parametrize("rtt_ms", [1, 2, 5, 10, 15, 20])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_full_verdict_takes_at_most_a_second_and_a_half(kind: Behavior, rtt_ms: int):
    for layers in ((kind,), (kind, Behavior()), (OPEN, replace(kind, maps_unsolicited=kind.nat))):
        world = World(layers=layers, weather=Weather(delay=rtt_ms / 2000))
        report, found = discover(world)
        assert (report.mapping, report.filtering) == (world.truth.mapping, world.truth.filtering)
        assert found.elapsed <= 1.5


@pytest.mark.parametrize("seed", range(5))
def test_full_verdict_takes_no_longer_with_a_pool(seed: int):
    pool = Behavior(mapping=APD, pooling=Pooling.ARBITRARY, pool_size=2)
    report, found = discover(World(layers=(pool,), weather=Weather(delay=0.01), seed=seed))
    assert (report.mapping, report.filtering) == (APD, BY_PORT)
    assert found.elapsed <= 2.5


@pytest.mark.parametrize(
    "kind", [*KINDS, Behavior(mapping=APD, pool_size=3, pooling=Pooling.ARBITRARY)], ids=str
)
def test_no_more_than_ten_transactions_start_in_any_second(kind: Behavior):
    starts: dict[bytes, float] = {}
    for at, outgoing in asked(kind):
        starts.setdefault(Message.decode(outgoing.data).transaction_id, at)
    times = sorted(starts.values())
    assert max(sum(at <= other < at + 1.0 for other in times) for at in times) <= 10


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_mapping_is_seen_from_one_socket_and_each_filtering_test_has_a_fresh_one(kind: Behavior):
    by_socket: dict[Endpoint, set[Endpoint]] = {}
    tested = set()
    for _, outgoing in asked(kind):
        by_socket.setdefault(outgoing.local, set()).add(outgoing.destination)
        request = Message.decode(outgoing.data)
        if request.get(ChangeRequest) and not request.get(ResponsePort):
            tested.add(outgoing.local)
    several = [local for local, destinations in by_socket.items() if len(destinations) > 1]
    assert len(several) == 1
    assert len(tested - set(several)) == 2
    assert len(by_socket) == 3


def test_first_questions_leave_at_once_and_side_by_side():
    first = [outgoing for at, outgoing in asked(Behavior()) if at == 0.0]
    assert len(first) == 4
    assert len({outgoing.local for outgoing in first}) == 3


# --- the server lies or cannot -------------------------------------------------------------------


def test_a_server_that_ignores_change_request_proves_nothing():
    for kind in KINDS:
        report = report_of(kind, lie=Lie.IGNORES_CHANGE)
        assert report.filtering is None
        assert "instead of" in why(report, "filtering")
        assert report.mapping is kind.mapping


def test_a_server_that_drops_change_request_proves_nothing():
    for kind in KINDS:
        report = report_of(kind, lie=Lie.DROPS_CHANGE)
        assert report.filtering is None
        assert "could not be shown able to reach us" in why(report, "filtering")


def test_a_server_that_answers_from_the_wrong_address_proves_nothing():
    for kind in KINDS:
        assert report_of(kind, lie=Lie.WRONG_SOURCE).filtering in {None, kind.filtering}


@pytest.mark.parametrize("lie", [Lie.SAME_ADDRESS, Lie.WRONG_OTHER])
def test_an_other_address_that_is_none_decides_no_mapping(lie: Lie):
    for kind in KINDS:
        report = report_of(kind, lie=lie)
        assert report.mapping is (APD if kind.mapping is APD else None)


def test_a_firewalled_alternate_is_not_filtering():
    report = report_of(Behavior(filtering=FREE), lie=Lie.FIREWALLED)
    assert report.filtering is None
    assert why(report, "filtering") == (
        "not address-and-port-dependent, but 198.51.100.2:3479 could not be shown able to "
        "reach us, so its silence proves nothing"
    )
    assert report_of(Behavior(filtering=BY_PORT), lie=Lie.FIREWALLED).filtering is BY_PORT


@pytest.mark.parametrize("seed", range(10))
def test_a_lossy_way_of_the_alternate_is_not_filtering(seed: int):
    for kind in (Behavior(filtering=FREE), Behavior(mapping=APD, filtering=BY_ADDRESS)):
        world = World(layers=(kind,), lies=(Lie.LOSSY_ALTERNATE,), seed=seed)
        report, _ = discover(world)
        assert report.filtering in {None, kind.filtering}


def test_a_server_without_rfc5780_leaves_filtering_unknown():
    report = report_of(Behavior(), lie=Lie.NO_RFC5780)
    assert (report.nat, report.mapping, report.filtering) == (True, None, None)
    assert why(report, "filtering") == ("the server has no other address to answer from (RFC 5780)")


def test_a_second_server_helps_to_see_the_mapping():
    none = (Lie.NO_RFC5780, Lie.NO_RFC5780)
    assert report_of(Behavior(), lies=none).mapping is EI
    report = report_of(Behavior(mapping=APD), lies=none)
    assert report.mapping is None
    assert "it depends on the destination" in why(report, "mapping")
    assert report_of(Behavior(), lies=(Lie.FIREWALLED, Lie.NONE)).mapping is EI


def test_a_server_behind_a_proxy_of_its_own_proves_nothing_about_us():
    for kind in KINDS:
        report = report_of(kind, lie=Lie.TRANSLATED)
        assert (report.nat, report.mapping, report.port_preserved) == (None, None, None)
        assert report.public_addresses == ()
        assert "a proxy of its own" in why(report, "nat")


@pytest.mark.parametrize("lie", [Lie.NO_RESPONSE_PORT, Lie.IGNORES_RESPONSE_PORT])
def test_response_port_is_not_needed_where_the_mapping_is_endpoint_independent(lie: Lie):
    for kind in KINDS:
        report = report_of(kind, lie=lie)
        assert report.filtering in {None, kind.filtering}
        if kind.mapping is EI:
            assert report.filtering is kind.filtering


# --- the tests disturb each other ----------------------------------------------------------------


@pytest.mark.parametrize("filtering", Filtering)
def test_the_mapping_test_does_not_open_the_filter(filtering: Filtering):
    # EI mapping: the mapping socket has sent to every endpoint of the server by then
    assert report_of(Behavior(filtering=filtering)).filtering is filtering


@pytest.mark.parametrize("filtering", [BY_ADDRESS, BY_PORT])
def test_unsolicited_packets_do_not_look_like_another_mapping(filtering: Filtering):
    kind = Behavior(filtering=filtering, maps_unsolicited=True)
    assert report_of(kind).mapping is EI


def test_no_server_endpoint_is_asked_but_those_that_are_needed():
    destinations = Counter(outgoing.destination for _, outgoing in asked(Behavior()))
    assert set(destinations) == {
        SERVER,
        Endpoint.of("198.51.100.1", 3479),
        OTHER,
    }


def test_the_answer_to_one_test_is_not_taken_for_another():
    discovery, requests = begin()
    by_change = {request.get(ChangeRequest): request for request in requests}
    port_test = by_change[ChangeRequest(change_port=True)]
    # an answer to the port test, come late and from where the address test's has to come
    discovery.receive(success(port_test), OTHER, LOCALS[13], 0.05)
    assert discovery.report().filtering is None


# --- loss and time -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_lost_datagram_is_not_filtering(seed: int):
    for kind in KINDS:
        world = World(layers=(kind,), weather=Weather(loss=0.2, delay=0.005), seed=seed)
        report, found = discover(world)
        assert Verdict.WRONG not in judge(world, found).values()
        assert report.filtering is kind.filtering


def test_a_round_trip_longer_than_the_first_interval_is_not_silence():
    for kind in KINDS:
        report = report_of(kind, weather=Weather(delay=0.4))
        assert (report.mapping, report.filtering) == (kind.mapping, kind.filtering)


def test_a_mapping_that_expires_at_once_is_no_mapping():
    report, _ = discover(World(layers=(Behavior(lifetime=0.001, mapping=EI),)))
    assert report.mapping is None


def test_blocked_udp_ends_in_silence_and_is_not_called_blocked():
    world = World(layers=(Behavior(blocks_udp=True),))
    report, found = discover(world)
    assert (report.udp, report.mapped, report.nat, report.legacy) == (None, None, None, None)
    assert found.elapsed == pytest.approx(6.0, abs=2.0)
    assert why(report, "filtering") == "the server did not answer"


# --- the host and its path -----------------------------------------------------------------------


def test_a_host_firewall_is_part_of_the_path():
    report = report_of(Behavior(nat=False, filtering=BY_PORT), Behavior(filtering=FREE))
    assert (report.nat, report.mapping, report.filtering) == (True, EI, BY_PORT)


def test_a_firewall_without_nat_is_no_nat():
    report = report_of(Behavior(nat=False, filtering=BY_PORT))
    assert (report.nat, report.mapping, report.filtering) == (False, EI, BY_PORT)
    assert report.port_preserved is None


def test_our_own_address_has_to_be_known():
    wildcards = [Endpoint.of("0.0.0.0", one.port) for one in LOCALS]
    discovery = Discovery([SERVER], wildcards, 0.0, Random(1).randbytes)
    for outgoing in discovery.sends():
        discovery.receive(success(outgoing.data), SERVER, outgoing.local, 0.01)
    assert discovery.report().nat is None


def test_two_layers_are_as_strict_as_the_stricter():
    report = report_of(Behavior(mapping=AD, filtering=FREE), Behavior(filtering=BY_ADDRESS))
    assert (report.mapping, report.filtering) == (AD, BY_ADDRESS)


def test_several_public_addresses_are_no_other_mapping():
    for seed in range(5):
        pool = Behavior(pool_size=3, pooling=Pooling.ARBITRARY, filtering=BY_ADDRESS)
        report, _ = discover(World(layers=(pool,), seed=seed))
        assert (report.mapping, report.filtering) == (EI, BY_ADDRESS)
        assert set(report.public_addresses) <= {"203.0.113.10", "203.0.113.11", "203.0.113.12"}
        assert len(report.public_addresses) >= 1


def test_one_dead_address_of_a_pool_is_not_filtering():
    for seed in range(30):
        random = Random(seed)
        kind = Behavior(filtering=FREE, pool_size=2, pooling=Pooling.ARBITRARY)
        good, dead = bytes((203, 0, 113, 1)), bytes((203, 0, 113, 2))
        network = Network(random)
        quartet = World().quartets[0]
        server = Server(quartet, Lie.NONE, random)

        network.add_service(quartet, partial(deaf_to, dead, server))
        host = Host(bytes((10, 0, 0, 2)), (Box(kind, (good, dead), random),))
        network.add_host(host)
        sockets = [network.open(host) for _ in range(SOCKETS)]
        discovery = Discovery([quartet[0]], sockets, 0.0, random.randbytes)
        host.machine = discovery
        network.run(FOREVER, lambda discovery=discovery: discovery.is_done)
        assert discovery.report().filtering in {None, FREE}


def deaf_to(
    dead: bytes, server: Server, data: bytes, source: Endpoint, *when: Any
) -> list[Outgoing]:
    return [] if source.packed == dead else server(data, source, *when)


@pytest.mark.parametrize("assignment", PortAssignment)
def test_port_preservation_is_a_fact_of_its_own(assignment: PortAssignment):
    for mapping in Mapping:
        report = report_of(Behavior(mapping=mapping, port_assignment=assignment))
        assert report.mapping is mapping
        assert report.port_preserved is (assignment is PortAssignment.PRESERVING)
        assert len(report.ports) >= 2
        if assignment is PortAssignment.PARITY:
            assert all(one.local % 2 == one.mapped % 2 for one in report.ports)


def test_a_gateway_that_rewrites_addresses_is_seen_and_misleads_nobody():
    for kind in KINDS[:9]:
        report = report_of(replace(kind, rewrites=True))
        assert (report.rewritten, report.nat, report.mapping) == (True, True, kind.mapping)
        assert report.mapped is not None
        assert report.mapped.host == "203.0.113.10"
    assert report_of(Behavior()).rewritten is False


def test_a_gateway_that_rewrites_addresses_makes_a_classic_server_worthless():
    report = report_of(Behavior(rewrites=True), lie=Lie.CLASSIC)
    assert (report.nat, report.mapping, report.rewritten) == (None, None, None)


def test_a_classic_server_still_shows_the_filtering():
    for filtering in Filtering:
        assert report_of(Behavior(filtering=filtering), lie=Lie.CLASSIC).filtering is filtering


# --- by hand -------------------------------------------------------------------------------------


def begin(**options: float) -> tuple[Discovery, list[Message]]:
    discovery = Discovery([SERVER, SERVER], LOCALS, 0.0, Random(1).randbytes, **options)
    return discovery, [Message.decode(outgoing.data) for outgoing in discovery.sends()]


def test_refusal_ends_it_with_open_udp():
    discovery, requests = begin()
    plain = next(one for one in requests if one.get(ChangeRequest) is None)
    discovery.receive(refusal(plain, 500), SERVER, LOCALS[-1], 0.01)
    assert discovery.is_done
    report = discovery.report()
    assert (report.udp, report.nat, report.mapped) == (True, None, None)


def test_unreachable_server_ends_it():
    discovery, _ = begin()
    discovery.unreachable(SERVER, LOCALS[-1], "port unreachable", 0.01)
    assert discovery.is_done
    assert discovery.report().udp is None


@pytest.mark.parametrize(
    "other", [None, Endpoint.of("2001:db8::1", 3479)], ids=["none", "other family"]
)
def test_other_address_of_another_family_is_none(other: Endpoint | None):
    discovery, requests = begin()
    discovery.receive(success(requests[0], other=other), SERVER, LOCALS[-1], 0.01)
    assert "has no other address" in why(discovery.report(), "filtering")


def test_other_address_that_cannot_be_read_is_none():
    discovery, requests = begin()
    broken = Message.decode(success(requests[0])).append(0x802C, b"\0")
    discovery.receive(broken.raw, SERVER, LOCALS[-1], 0.01)
    assert "has no other address" in why(discovery.report(), "filtering")


def test_changed_address_of_a_classic_server_is_its_other_address():
    discovery, requests = begin()
    discovery.receive(success(requests[0], changed=OTHER), SERVER, LOCALS[-1], 0.01)
    destinations = {outgoing.destination for outgoing in discovery.sends()}
    assert OTHER in destinations


def test_answer_that_says_nothing_is_open_udp_and_no_more():
    discovery, requests = begin(timeout=3.0)
    discovery.receive(success(requests[0], None), SERVER, LOCALS[-1], 0.01)
    discovery.tick(3.0)
    report = discovery.report()
    assert (report.udp, report.nat, report.mapping, report.ports) == (True, None, None, ())
    assert why(report, "nat") == "198.51.100.1:3478 did not say where it sees us"


def test_everything_optional_is_not_asked_for():
    report = report_of(Behavior())
    for claim in ("hairpin", "lifetime", "fragments"):
        assert getattr(report, claim) is None
        assert why(report, claim) == "not asked for"


def test_evidence_names_the_probes_that_it_rests_on():
    report = report_of(Behavior())
    probes = next(one.probes for one in report.evidence if one.claim == "filtering")
    assert probes == (
        "filtering A2:P2",
        "socket of filtering A2:P2",
        "control of filtering A2:P2",
        "filtering A1:P2",
        "socket of filtering A1:P2",
        "control of filtering A1:P2",
    )
    values = {one.claim: one.value for one in report.evidence}
    assert all(getattr(report, claim) == value for claim, value in values.items())
