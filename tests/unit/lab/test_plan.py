from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import combinations

import pytest

from stunkit.behavior import Behavior, Filtering
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.lab.plan import MAX_POOL, SERVERS, SIDES, plan_side

NAT = Behavior()
OPEN = Behavior(nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT)
PATHS = {"nat": (NAT,), "pool": (Behavior(pool_size=MAX_POOL),), "open": (OPEN,), "two": (NAT, NAT)}
NOBODYS = [
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "198.51.100.0/24", "203.0.113.0/24"),
        *("fd00::/8", "2001:db8::/32"),
    )
]


def test_plan_is_what_its_docstring_draws():
    (client, outside) = plan_side(0, (NAT,), Family.IPV4)
    assert (client.inner, client.outer) == (("10.0.0.2",), "10.0.0.1")
    assert (outside.inner, outside.outer, outside.prefix) == (("203.0.113.1",), "203.0.113.14", 28)
    (_, carrier, outside) = plan_side(0, (NAT, NAT), Family.IPV4)
    assert (carrier.inner, carrier.outer) == (("100.64.0.2",), "100.64.0.1")
    (client, _) = plan_side(0, (OPEN,), Family.IPV4)
    assert client.inner == ("203.0.113.18",)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("layers", PATHS.values(), ids=PATHS)
def test_every_address_is_its_networks_and_nobodys(layers: tuple[Behavior, ...], family: Family):
    for index in range(SIDES):
        links = plan_side(index, layers, family)
        assert len(links) == len(layers) + 1
        for link in links:
            for address in (*link.inner, link.outer):
                assert ip_address(address) in link.network
                assert any(ip_address(address) in network for network in NOBODYS)
            assert len({*link.inner, link.outer}) == len(link.inner) + 1


@pytest.mark.parametrize("family", Family)
def test_networks_of_all_sides_and_servers_are_apart(family: Family):
    links = [link for index in range(SIDES) for link in plan_side(index, (OPEN,), family)]
    links += [link for index in range(SIDES) for link in plan_side(index, (NAT, NAT), family)[:-1]]
    networks = [link.network for link in links]
    assert not [pair for pair in combinations(networks, 2) if pair[0].overlaps(pair[1])]
    for address in SERVERS[family]:
        assert not [network for network in networks if ip_address(address) in network]


def test_pool_is_that_of_the_outermost_box():
    *_, outside = plan_side(0, (NAT, Behavior(pool_size=3)), Family.IPV4)
    assert outside.inner == ("203.0.113.1", "203.0.113.2", "203.0.113.3")


@pytest.mark.parametrize(
    "layers",
    [(), (NAT, NAT, NAT), (OPEN, NAT), (NAT, OPEN), (Behavior(pool_size=MAX_POOL + 1),)],
    ids=lambda layers: " behind ".join(map(str, layers)) or "nothing",
)
def test_plan_refuses_what_it_has_no_addresses_for(layers: tuple[Behavior, ...]):
    with pytest.raises(UsageError):
        plan_side(0, layers, Family.IPV4)
