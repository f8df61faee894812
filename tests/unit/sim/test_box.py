from __future__ import annotations

from itertools import pairwise, product
from random import Random
from typing import Any

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment, Refresh
from stunkit.endpoint import Endpoint
from stunkit.sim.box import FIRST_PORT, Box

INSIDE = Endpoint.of("10.0.0.2", 50000)
NEIGHBOR = Endpoint.of("10.0.0.3", 50000)
A1P1, A1P2, A2P1, A2P2 = (
    Endpoint.of(address, port)
    for address in ("198.51.100.1", "198.51.100.2")
    for port in (3478, 3479)
)
POOL = tuple(bytes((203, 0, 113, number)) for number in (1, 2, 3))
EI, AD, APD = Mapping
FREE, BY_ADDRESS, BY_PORT = Filtering


def make(size: int = 1, **behavior: Any) -> Box:
    kind = Behavior(pool_size=max(1, size), **behavior)
    return Box(kind, POOL[:size], Random(7))


def out(box: Box, source: Endpoint, destination: Endpoint, now: float = 0.0) -> Endpoint:
    external = box.outbound(source, destination, now)
    assert external is not None
    return external


@pytest.mark.parametrize(
    ("mapping", "same"), [(EI, (True, True)), (AD, (True, False)), (APD, (False, False))]
)
def test_mapping_depends_on_as_much_of_the_destination(mapping: Mapping, same: tuple[bool, bool]):
    box = make(mapping=mapping, port_assignment=PortAssignment.RANDOM)
    first = out(box, INSIDE, A1P1)
    assert first == out(box, INSIDE, A1P1)
    assert (out(box, INSIDE, A1P2) == first, out(box, INSIDE, A2P2) == first) == same


@pytest.mark.parametrize("mapping", Mapping)
def test_two_sockets_never_share_a_mapping(mapping: Mapping):
    box = make(mapping=mapping)
    assert out(box, INSIDE, A1P1) != out(box, NEIGHBOR, A1P1)


@pytest.mark.parametrize(("mapping", "filtering"), list(product(Mapping, Filtering)))
def test_filtering_lets_in_whom_it_knows(mapping: Mapping, filtering: Filtering):
    box = make(mapping=mapping, filtering=filtering)
    external = out(box, INSIDE, A1P1)
    let_in = [box.inbound(one, external, 1.0) is not None for one in (A1P1, A1P2, A2P1, A2P2)]
    assert let_in == [True, filtering is not BY_PORT, filtering is FREE, filtering is FREE]
    assert box.inbound(A1P1, external, 1.0) == INSIDE


def test_nothing_comes_in_where_nobody_went_out():
    box = make(filtering=FREE)
    assert box.inbound(A1P1, Endpoint(POOL[0], 50000), 0.0) is None


def test_mapping_and_permission_expire():
    box = make(filtering=FREE, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert box.inbound(A2P2, external, 29.9) == INSIDE
    box = make(filtering=FREE, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert box.inbound(A2P2, external, 30.0) is None


def test_new_mapping_takes_the_place_of_an_expired_one():
    box = make(lifetime=30.0, port_assignment=PortAssignment.RANDOM)
    assert out(box, INSIDE, A1P1, 0.0) != out(box, INSIDE, A1P1, 30.0)


def test_permission_expires_though_the_mapping_is_kept_alive():
    box = make(filtering=BY_PORT, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert out(box, INSIDE, A2P2, 20.0) == external
    assert box.inbound(A1P1, external, 40.0) is None
    assert box.inbound(A2P2, external, 40.0) == INSIDE


@pytest.mark.parametrize("refresh", Refresh)
def test_outbound_datagrams_refresh_always(refresh: Refresh):
    box = make(refresh=refresh, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert out(box, INSIDE, A1P1, 29.0) == external
    assert box.inbound(A1P1, external, 58.0) == INSIDE


@pytest.mark.parametrize("refresh", Refresh)
def test_inbound_datagrams_refresh_where_the_rule_says_so(refresh: Refresh):
    box = make(refresh=refresh, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert box.inbound(A1P1, external, 20.0) == INSIDE
    assert (box.inbound(A1P1, external, 40.0) == INSIDE) is (refresh is Refresh.BOTH)


def test_filtered_datagrams_refresh_nothing():
    box = make(filtering=BY_PORT, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert box.inbound(A2P2, external, 20.0) is None
    assert box.inbound(A1P1, external, 40.0) is None


def test_paired_pool_gives_one_host_one_address():
    box = make(3, mapping=APD)
    sockets = [Endpoint(INSIDE.packed, 50000 + number) for number in range(20)]
    assert len({out(box, one, A1P1).packed for one in sockets}) == 1


def test_arbitrary_pool_gives_one_host_several_addresses():
    box = make(3, pooling=Pooling.ARBITRARY)
    sockets = [Endpoint(INSIDE.packed, 50000 + number) for number in range(40)]
    assert {out(box, one, A1P1).packed for one in sockets} == set(POOL)


def test_preserving_nat_keeps_the_port_while_it_is_free():
    box = make(port_assignment=PortAssignment.PRESERVING)
    assert out(box, INSIDE, A1P1).port == 50000
    assert out(box, NEIGHBOR, A1P1).port != 50000


def test_parity_is_kept_and_the_port_is_not():
    box = make(port_assignment=PortAssignment.PARITY)
    for port in range(50000, 50040):
        mapped = out(box, Endpoint(INSIDE.packed, port), A1P1).port
        assert mapped % 2 == port % 2
        assert mapped != port


def test_sequential_ports_follow_each_other_and_wrap_round():
    box = make(port_assignment=PortAssignment.SEQUENTIAL)
    box._last_port = 65530
    ports = [out(box, Endpoint(INSIDE.packed, port), A1P1).port for port in range(50000, 50020)]
    steps = {after - before for before, after in pairwise(ports)}
    assert steps == {1, FIRST_PORT - 65535}


def test_random_port_is_never_the_own_one():
    box = make(port_assignment=PortAssignment.RANDOM)

    class Stubborn(Random):
        draws = iter((50000, 50000, 1234))

        def randrange(self, *_: int) -> int:
            return next(self.draws)

    box._random = Stubborn()
    assert out(box, INSIDE, A1P1).port == 1234


def test_port_in_use_is_not_given_away_again():
    box = make(port_assignment=PortAssignment.SEQUENTIAL)
    first = out(box, INSIDE, A1P1)
    box._last_port = first.port - 1
    assert out(box, NEIGHBOR, A1P1).port == first.port + 1


def test_firewall_keeps_addresses_and_filters():
    box = Box(Behavior(nat=False, filtering=BY_PORT), (), Random(7))
    assert box.inbound(A1P1, INSIDE, 0.0) is None
    assert out(box, INSIDE, A1P1) == INSIDE
    assert box.inbound(A1P1, INSIDE, 1.0) == INSIDE
    assert box.inbound(A1P2, INSIDE, 1.0) is None


def test_open_box_lets_everything_through_at_any_time():
    box = Box(Behavior(nat=False, filtering=FREE), (), Random(7))
    assert box.inbound(A1P1, INSIDE, 0.0) == INSIDE
    assert out(box, INSIDE, A1P1) == INSIDE
    assert box.inbound(A2P2, INSIDE, 1e9) == INSIDE


def test_blocking_box_lets_nothing_through():
    box = make(blocks_udp=True)
    assert box.outbound(INSIDE, A1P1, 0.0) is None
    assert box.inbound(A1P1, Endpoint(POOL[0], 50000), 0.0) is None


@pytest.mark.parametrize("hairpin", [True, False])
def test_hairpin_turns_back_to_the_owner_of_a_live_mapping(hairpin: bool):
    box = make(hairpin=hairpin, lifetime=30.0)
    external = out(box, INSIDE, A1P1, 0.0)
    assert box.turn_back(external, 1.0) == (INSIDE if hairpin else None)
    assert box.turn_back(external, 30.0) is None
    assert box.turn_back(external.with_port(1), 1.0) is None


def test_gateway_rewrites_plain_addresses_if_it_does():
    external, data = Endpoint(POOL[0], 50000), b"<" + POOL[0] + b">"
    assert make(rewrites=True).rewrite(data, external, INSIDE) == b"<" + INSIDE.packed + b">"
    assert make().rewrite(data, external, INSIDE) == data


def test_unsolicited_packet_displaces_a_later_mapping_to_its_sender():  # netfilter's quirk
    box = make(maps_unsolicited=True)
    external = out(box, INSIDE, A1P1)
    assert box.inbound(A2P2, external, 1.0) is None
    displaced = out(box, INSIDE, A2P2, 2.0)
    assert displaced != external
    assert out(box, INSIDE, A2P2, 3.0) == displaced
    assert out(box, INSIDE, A1P1, 3.0) == external
    assert box.inbound(A2P2, displaced, 4.0) == INSIDE


def test_unsolicited_packet_takes_a_port_that_nobody_has_yet():
    box = make(maps_unsolicited=True, lifetime=30.0)
    wanted = Endpoint(POOL[0], 50000)
    assert box.inbound(A1P1, wanted, 0.0) is None
    assert out(box, INSIDE, A1P1, 1.0) != wanted
    box = make(maps_unsolicited=True, lifetime=30.0)
    assert box.inbound(A1P1, wanted, 0.0) is None
    assert out(box, INSIDE, A1P1, 30.0) == wanted


def test_unsolicited_packet_changes_nothing_elsewhere():
    box = make()
    external = out(box, INSIDE, A1P1)
    assert box.inbound(A2P2, external, 1.0) is None
    assert out(box, INSIDE, A2P2, 2.0) == external


@pytest.mark.parametrize("answers_through", [False, True])
def test_answer_to_somebody_unasked_leaves_through_the_same_mapping_if_it_does(
    answers_through: bool,
):
    behavior = Behavior(
        mapping=APD,
        filtering=FREE,
        port_assignment=PortAssignment.RANDOM,
        answers_through=answers_through,
    )
    box = Box(behavior, POOL[:1], Random(7))
    external = out(box, INSIDE, A1P1)
    assert box.inbound(A2P2, external, 1.0) == INSIDE
    assert (out(box, INSIDE, A2P2, 2.0) == external) is answers_through
    asked = out(box, INSIDE, A1P2, 3.0)
    box.inbound(A1P2, external, 4.0)
    assert out(box, INSIDE, A1P2, 5.0) == asked  # it has a mapping of its own already
