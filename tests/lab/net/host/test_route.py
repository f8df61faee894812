"""The kernel's routing tables, in namespaces of their own."""

from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.lab import Lab, Namespace, find_kind
from stunkit.lab.command import configure_links
from stunkit.net.host.route import Route, find_route


@pytest.mark.parametrize("family", Family)
def test_the_gateway_is_that_of_the_namespace(family: Family):
    with Lab(find_kind("nat66")) as lab:
        link = lab.sides[0].links[family][0]
        server = Endpoint.of(lab.server_addresses(family)[0], 3478)
        found = lab.client.call(find_route, server)
        assert found.gateway == Endpoint.of(link.outer, 0)
        assert found.source == Endpoint.of(link.inner[0], 0)
        assert found.interface == "eth0"
        neighbor = lab.client.call(find_route, Endpoint.of(link.outer, 0))
    assert neighbor.gateway is None
    assert neighbor.why.startswith("eth0 leads there without a gateway")


def test_policy_routing_counts():
    lines = [
        "link set lo up",
        "link add name one type veth peer name far-one",
        "link add name two type veth peer name far-two",
        "link set one up",
        "link set two up",
        "address add 10.1.0.2/24 dev one",
        "address add 10.2.0.2/24 dev two",
        "route add default via 10.1.0.1",
        "route add default via 10.2.0.1 table 7",
        "rule add to 198.51.100.0/24 lookup 7",
    ]
    with Namespace("two ways out") as host:
        host.call(configure_links, "set up two ways out", lines)
        for destination, gateway in (("203.0.113.9", "10.1.0.1"), ("198.51.100.9", "10.2.0.1")):
            found = host.call(find_route, Endpoint.of(destination, 0))
            assert found.gateway == Endpoint.of(gateway, 0)


def test_no_route_has_its_reason():
    with Namespace("nowhere") as host:
        found = host.call(find_route, Endpoint.of("198.51.100.1", 0))
    assert found == Route(None, why="network is unreachable")
