from __future__ import annotations

from dataclasses import replace

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping
from stunkit.endpoint import Endpoint, Family
from stunkit.sim.server import Lie
from stunkit.sim.world import OPEN, World

FREE = Filtering.ENDPOINT_INDEPENDENT


def test_without_boxes_all_is_open():
    assert World().truth == OPEN


def test_truth_is_what_the_layers_do_together():
    inner = Behavior(mapping=Mapping.ADDRESS_DEPENDENT, filtering=FREE, lifetime=60.0)
    outer = Behavior(lifetime=30.0)
    truth = World(layers=(inner, outer)).truth
    assert (truth.mapping, truth.lifetime) == (Mapping.ADDRESS_DEPENDENT, 30.0)
    assert truth.filtering is Filtering.ADDRESS_AND_PORT_DEPENDENT


def test_box_that_lets_everything_through_has_no_state_to_expire():
    short = replace(OPEN, lifetime=5.0)
    assert World(layers=(short, Behavior(lifetime=60.0))).truth.lifetime == 60.0
    assert World(layers=(Behavior(nat=False, lifetime=60.0), short)).truth.lifetime == 60.0
    assert World(layers=(short,)).truth.lifetime == OPEN.lifetime


@pytest.mark.parametrize(
    ("family", "addresses"),
    [
        (Family.IPV4, ["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"]),
        (Family.IPV6, ["2001:db8:2::1", "2001:db8:2::2", "2001:db8:2::3", "2001:db8:2::4"]),
    ],
)
def test_each_server_has_two_addresses_and_two_ports(family: Family, addresses: list[str]):
    world = World(lies=(Lie.NONE, Lie.CLASSIC), family=family)
    hosts = [one.host for quartet in world.quartets for one in quartet]
    assert hosts == [address for address in addresses for _ in range(2)]
    assert [one.port for one in world.quartets[0]] == [3478, 3479, 3478, 3479]


def test_only_the_outermost_nat_is_public():
    layers = (Behavior(), Behavior(nat=False), Behavior(pool_size=2), Behavior(nat=False))
    _, host, servers = World(layers=layers).build()
    public = [[Endpoint(one, 1).host for one in box.public] for box in host.boxes]
    assert public == [["100.64.0.40"], [], ["203.0.113.20", "203.0.113.21"], []]
    assert Endpoint(host.address, 1).host == "10.0.0.2"
    assert servers == (Endpoint.of("198.51.100.1", 3478),)


@pytest.mark.parametrize(
    ("layers", "family", "address"),
    [
        ((), Family.IPV4, "203.0.113.2"),
        ((Behavior(nat=False),), Family.IPV6, "2001:db8:1::2"),
        ((Behavior(),), Family.IPV6, "fd00::2"),
    ],
)
def test_host_has_a_private_address_where_a_nat_translates_it(
    layers: tuple[Behavior, ...], family: Family, address: str
):
    _, host, _ = World(layers=layers, family=family).build()
    assert Endpoint(host.address, 1).host == address


def test_equal_worlds_draw_equal_sockets():
    drawn = []
    for seed in (1, 1, 2):
        network, host, _ = World(seed=seed).build()
        drawn.append([network.open(host) for _ in range(4)])
    assert drawn[0] == drawn[1] != drawn[2]
