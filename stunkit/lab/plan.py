"""Plan: which addresses the lab's nodes have.

From the client outward, each box has a link towards the client ("lan") and one towards the
outside ("wan"). A side is one client with its boxes; a lab has one or two sides.

    client 10.0.0.2 ── 10.0.0.1 router 203.0.113.1 ── 203.0.113.14 outside 198.51.100.1, .2
    client 10.0.0.2 ── home router 100.64.0.2 ── carrier's router 203.0.113.1 ── outside
    client 203.0.113.18 ── firewall 203.0.113.1 ── outside                       (no NAT)

Rules of this file: pure; addresses set aside for documentation (RFC 5737, RFC 3849), for private
use (RFC 1918, RFC 4193) and for carriers (RFC 6598), so that no packet could mean anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from stunkit.behavior import Behavior
from stunkit.endpoint import Family
from stunkit.errors import UsageError

SIDES = 2  # a caller and a callee
SERVERS = {  # where servers listen, outside: two addresses, as RFC 5780 section 7.1 wants them
    Family.IPV4: ("198.51.100.1", "198.51.100.2"),
    Family.IPV6: ("2001:db8::1", "2001:db8::2"),
}
MAX_LAYERS = 2  # a home's NAT behind a carrier's
MAX_POOL = 8  # addresses of 203.0.113.0/28 that a NAT may have


@dataclass(frozen=True, slots=True)
class Link:
    """A wire between two nodes, in one address family.

    ``inner`` are the addresses of the node nearer to the client, its own first; ``outer`` is the
    other node's one address, the gateway of the inner one.
    """

    network: IPv4Network | IPv6Network
    inner: tuple[str, ...]
    outer: str

    @property
    def prefix(self) -> int:
        """The length of the network's prefix in bits."""
        return self.network.prefixlen


def plan_side(index: int, layers: Sequence[Behavior], family: Family) -> tuple[Link, ...]:
    """Return the links of one side, the client's first, the one to the outside last.

    ``layers`` are its boxes in the same order, ``index`` is 0 or 1. Raises UsageError for more
    boxes than there are address ranges for, or for one without NAT among several.
    """
    if not 1 <= len(layers) <= MAX_LAYERS:
        raise UsageError("a path that the lab builds", _names(layers), f"1 or {MAX_LAYERS} boxes")
    if len(layers) > 1 and not all(layer.nat for layer in layers):
        raise UsageError("a path that the lab builds", _names(layers), "two boxes are two NATs")
    networks = _inner_networks(index, layers, family)
    links = [_link(network, first=2, last=1, pool=1) for network in networks]
    pool = layers[-1].pool_size
    if pool > MAX_POOL:
        raise UsageError(
            "a path that the lab builds", _names(layers), f"up to {MAX_POOL} addresses"
        )
    if family is Family.IPV4:
        outside = IPv4Network((0xCB007100 + 32 * index, 28))  # 203.0.113.0
        return (*links, _link(outside, first=1, last=14, pool=pool))
    outside6 = ip_network(f"2001:db8:1:{index}::/64")
    return (*links, _link(outside6, first=1, last=0xFFFF, pool=pool))


def _inner_networks(
    index: int, layers: Sequence[Behavior], family: Family
) -> list[IPv4Network | IPv6Network]:
    """Return the networks behind the boxes, the client's first."""
    translated = layers[0].nat
    if family is Family.IPV4:
        client = f"10.0.{index}.0/24" if translated else f"203.0.113.{16 + 32 * index}/28"
        carrier = f"100.64.{index}.0/24"
    else:
        client = f"fd00:0:0:{index}::/64" if translated else f"2001:db8:2:{index}::/64"
        carrier = f"fd64:0:0:{index}::/64"
    return [ip_network(text) for text in (client, carrier)[: len(layers)]]


def _link(network: IPv4Network | IPv6Network, *, first: int, last: int, pool: int) -> Link:
    inner = tuple(str(network[first + number]) for number in range(pool))
    return Link(network, inner, str(network[last]))


def _names(layers: Sequence[Behavior]) -> str:
    return " behind ".join(map(str, layers))
