"""Side: a client with its boxes, made and connected.

    outside side0 ── wan router lan ── wan router lan ── eth0 client

Rules of this file: nodes are configured from the client outward, each with one run of ``ip``: a
node makes the wire to its outer neighbor, whose end is thus there when it is that one's turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from stunkit.behavior import Behavior
from stunkit.endpoint import Family
from stunkit.kinds import Kind
from stunkit.lab.command import configure_filter, configure_links
from stunkit.lab.namespace import Namespace
from stunkit.lab.plan import Link, plan_side
from stunkit.lab.ruleset import Place, ruleset

COMMON = {  # parameters of every node, under /proc/sys/net
    Family.IPV4: {
        "ipv4/conf/all/rp_filter": 0,  # a pool's second address is no spoofed one
        "ipv4/conf/default/rp_filter": 0,
    },
    Family.IPV6: {
        "ipv6/conf/all/accept_dad": 0,  # usable at once; RFC 4862 section 5.4 takes a second
        "ipv6/conf/default/accept_dad": 0,
        "ipv6/conf/default/accept_ra": 0,  # addresses are given, not announced
    },
}
FORWARDING = {
    Family.IPV4: {"ipv4/ip_forward": 1},
    Family.IPV6: {"ipv6/conf/all/forwarding": 1},
}
LIFETIMES = (  # of a connection without and with an answer, in seconds
    "netfilter/nf_conntrack_udp_timeout",
    "netfilter/nf_conntrack_udp_timeout_stream",
)


@dataclass(frozen=True, slots=True)
class Side:
    """A client and its boxes, its own first.

    ``links`` go from the client outward; there is one more than boxes.
    """

    index: int
    kind: Kind
    client: Namespace
    routers: tuple[Namespace, ...]
    links: dict[Family, tuple[Link, ...]]

    def local_address(self, family: Family = Family.IPV4) -> str:
        """Return the client's own address."""
        return self.links[family][0].inner[0]

    def public_addresses(self, family: Family = Family.IPV4) -> tuple[str, ...]:
        """Return the addresses under which the outside can see the client."""
        links = self.links[family]
        return links[-1].inner if self.kind.behavior(family).nat else links[0].inner

    def boxes(self, family: Family) -> Iterable[tuple[Namespace, Behavior, Link, Link]]:
        """Return each box with its behavior, its link towards the client and the other one."""
        links, layers = self.links[family], self.kind.layers(family)
        return zip(self.routers, layers, links[:-1], links[1:], strict=True)


def make_side(index: int, kind: Kind, owner: ExitStack) -> Side:
    """Make a side's namespaces, not connected yet, for ``owner`` to close.

    Raises StartError, LabError and, for a path without a plan, UsageError.
    """
    links = {family: plan_side(index, kind.layers(family), family) for family in kind.families}
    boxes = max(len(kind.layers(family)) for family in kind.families)
    client = owner.enter_context(Namespace(f"client {index}"))
    routers = tuple(owner.enter_context(Namespace(f"router {index}.{box}")) for box in range(boxes))
    return Side(index, kind, client, routers, links)


def connect_side(side: Side, outside: Namespace, *, loss: int, random: Random) -> None:
    """Give a side's nodes their wires, addresses and rules. Raises LabError."""
    families = side.kind.families
    prepare(side.client, families)
    outer = [*((router, "lan") for router in side.routers), (outside, f"side{side.index}")]
    _configure(side, side.client, "eth0", 0, outer[0])
    for number, router in enumerate(side.routers):
        prepare(router, families, forwards=True)
        _configure(side, router, "wan", number + 1, outer[number + 1])
    for family in families:
        for router, behavior, lan, wan in side.boxes(family):
            lost = loss if router is side.routers[-1] else 0
            rules = ruleset(behavior, Place(lan, wan, family), random=random, loss=lost)
            router.call(configure_filter, f"set up {router.name}", rules)
            router.set(dict.fromkeys(LIFETIMES, int(behavior.lifetime)))


def prepare(namespace: Namespace, families: Iterable[Family], *, forwards: bool = False) -> None:
    """Set the kernel parameters of a node, before it has any wire. Raises LabError."""
    values: dict[str, int] = {}
    for family in families:
        values |= COMMON[family]
        values |= FORWARDING[family] if forwards else {}
    namespace.set(values)


def _configure(
    side: Side, node: Namespace, device: str, position: int, outer: tuple[Namespace, str]
) -> None:
    """Wire a node to its outer neighbor and give it its addresses."""
    neighbor, end = outer
    lines = [
        "link set lo up",
        f"link add {device} type veth peer name {end} netns {neighbor.path}",
        f"link set {device} up",
    ]
    if position:
        lines.append("link set lan up")
    for links in side.links.values():
        if position:
            inner = links[position - 1]
            lines += addresses([inner.outer], inner.prefix, "lan")
        link = links[position]
        lines += addresses(link.inner, link.prefix, device)
        lines.append(f"route add default via {link.outer}")
    node.call(configure_links, f"set up {node.name}", lines)


def addresses(values: Sequence[str], prefix: int, device: str) -> list[str]:
    """Return the lines of ``ip`` that give a device its addresses."""
    return [
        f"address add {value}/{prefix} dev {device}" + (" nodad" if ":" in value else "")
        for value in values
    ]
