"""Ruleset: a Behavior as nftables rules, for a box with one host behind it.

The kernel's own way is port-preserving, endpoint-independent mapping with address-and-port-
dependent filtering: tracked connections and ``snat``. Everything else is made with tables that
the rules keep themselves, as a NAT does that is no Linux. The host is one, so a port says which
socket of it is meant:

    @addresses, @ports   the local port or, for address-dependent mapping, a hash of it and the
                         destination's address  ->  the mapped endpoint
    @inbound             mapped port  ->  local port
    @permitted           (an address outside, mapped port)
    @begun               (an endpoint outside, mapped port) of a connection that began inside

A new connection looks its mapped endpoint up; without an entry it is assigned one. Once that is
known, after translation, it is written to the tables, and each datagram of the connection, either
way, renews the entries. A datagram from outside that belongs to no connection is let in through
@inbound, if the filtering lets it.

A connection that began outside, through a mapping towards somebody else, does not take that
mapping over where mappings depend on the destination: what the host sends there is a connection of
its own, from a mapped endpoint of its own. The two are tracked in different zones. In one they
would be in each other's way, and the kernel would show the host another source than there is.

Ports other than the local one come from a list drawn beforehand, one after the other, so that no
two mappings collide: a collision would fail a test once in a few thousand runs.

A datagram for the box itself is dropped: else an unsolicited one would leave a tracked connection
behind, and the next mapping towards its sender would get another port (netfilter's quirk).

Rules of this file: pure, text in, text out; what the kernel cannot be raises UsageError. No key
and no value of a map is wider than 16 bytes: nft 1.0.6 writes wider ones of IPv6 to registers
that overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment, Refresh
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.lab.plan import Link

PORTS = 1024  # mappings before a port comes again; more than one test makes in one lifetime
LOWEST_PORT = 1024  # RFC 4787 section 4.2.1 (REQ-3): the range of the ports that clients use
HIGHEST_PORT = 32767  # below Linux' ephemeral ports: an assigned one is never preserved by chance
OUTER_ZONE = 1  # any but 0, in which the rest is tracked
SIZE = 65535  # entries of a table; there are no more ports

TABLE_NAMES = {Family.IPV4: "ip", Family.IPV6: "ip6"}
ADDRESS_TYPES = {Family.IPV4: "ipv4_addr", Family.IPV6: "ipv6_addr"}
FRAGMENTS = {Family.IPV4: "ip frag-off & 0x3fff != 0", Family.IPV6: "exthdr frag exists"}

# Where the chains stand; the priorities are those of linux/netfilter_ipv4.h.
ARRIVE = "type filter hook prerouting priority -450; policy accept"  # before reassembly
APART = "type filter hook prerouting priority -300; policy accept"  # before tracking
ENTER = "type nat hook prerouting priority -100; policy accept"
OWN = "type filter hook input priority 0; policy drop"
THROUGH = "type filter hook forward priority 0; policy drop"
LEAVE = "type nat hook postrouting priority 100; policy accept"
RECORD = "type filter hook postrouting priority 300; policy accept"  # after translation


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box stands: its link towards the host, the other one, and their family."""

    lan: Link
    wan: Link
    family: Family


def ruleset(behavior: Behavior, place: Place, *, random: Random, loss: int = 0) -> str:
    """Return the rules of a box.

    ``loss`` is the percentage of UDP datagrams lost on arrival from outside. ``random`` draws the
    ports. Raises UsageError for a behavior that these rules cannot give.
    """
    check(behavior)
    return _Box(behavior, place).text(random, loss)


def loss_ruleset(interface: str, loss: int) -> str:
    """Return rules that lose a percentage of the UDP datagrams that arrive at an interface."""
    chain = _chain("arrive", [ARRIVE, _lose(interface, loss)])
    return f"table inet {interface} {{\n{chain}}}\n"


def check(behavior: Behavior) -> None:
    """Raise UsageError when the kernel cannot behave so."""
    independent = behavior.mapping is Mapping.ENDPOINT_INDEPENDENT
    preserving = behavior.port_assignment is PortAssignment.PRESERVING
    firewall = not behavior.nat and behavior.filtering is Filtering.ADDRESS_DEPENDENT
    reasons = {
        "tracked connections are renewed from both sides": behavior.refresh is Refresh.OUTBOUND,
        "tracked connections live for whole seconds": behavior.lifetime % 1 != 0,
        "payloads are not rewritten": behavior.rewrites,
        "one port cannot be kept for several mappings": preserving and not independent,
        "without NAT, connections are tracked or nothing is": firewall,
        "an unsolicited datagram takes a port from the kernel's own mappings alone": (
            behavior.maps_unsolicited and _keeps_tables(behavior)
        ),
    }
    for reason, applies in reasons.items():
        if applies:
            raise UsageError("a NAT that the lab can build", str(behavior), reason)


def _keeps_tables(behavior: Behavior) -> bool:
    """Whether the kernel's own way is not enough."""
    return (
        _takes_turns(behavior)
        or behavior.hairpin
        or behavior.port_assignment is not PortAssignment.PRESERVING
        or behavior.filtering is not Filtering.ADDRESS_AND_PORT_DEPENDENT
    )


def _takes_turns(behavior: Behavior) -> bool:
    """Whether a host's mappings have several addresses."""
    return behavior.pooling is Pooling.ARBITRARY and behavior.pool_size > 1


class _Box:
    """The rules of one box in one family, chain by chain."""

    def __init__(self, behavior: Behavior, place: Place) -> None:
        self.behavior = behavior
        self.lan = place.lan
        self.public = place.wan.inner
        self.family = place.family
        self.ip = TABLE_NAMES[place.family]
        self.to_public = f"meta l4proto udp {self.ip} daddr {{ {', '.join(self.public)} }}"
        dependent = behavior.mapping is not Mapping.ENDPOINT_INDEPENDENT
        self.remembers = behavior.mapping is not Mapping.ADDRESS_AND_PORT_DEPENDENT
        self.key_type, self.key = ("mark", "ct mark") if dependent else ("inet_service", "")
        lets_others_in = self.behavior.filtering is not Filtering.ADDRESS_AND_PORT_DEPENDENT
        self.tracks_apart = dependent and lets_others_in
        self.assigns_addresses = self.remembers and _takes_turns(behavior)
        self.assigns_ports = (
            self.remembers and behavior.port_assignment is not PortAssignment.PRESERVING
        )

    def text(self, random: Random, loss: int) -> str:
        """Return the whole table."""
        parts = [
            _chain("arrive", [ARRIVE, *self.arrive(loss)]),
            _chain("own", [OWN, *self.own()]),
            _chain("through", [THROUGH, *self.through()]),
        ]
        if self.behavior.nat:
            parts += [
                self.tables(),
                _chain("translate", self.translate(random)),
                _chain("apart", [APART, *self.apart()]),
                _chain("enter", [ENTER, *self.enter()]),
                _chain("leave", [LEAVE, *self.leave()]),
                _chain("record", [RECORD, *self.record()]),
            ]
        return f"table {self.ip} box {{\n{''.join(parts)}}}\n"

    def tables(self) -> str:
        """What the box remembers."""
        address = ADDRESS_TYPES[self.family]
        types = {
            "map addresses": f"{self.key_type} : {address}",
            "map ports": f"{self.key_type} : inet_service",
            "map inbound": "inet_service : inet_service",
            "set permitted": f"{address} . inet_service",
            "set begun": f"{address} . inet_service . inet_service",
        }
        return "".join(
            f"    {name} {{\n        type {kind}; flags dynamic, timeout\n"
            f"        timeout {self.behavior.lifetime:.0f}s; size {SIZE}\n    }}\n"
            for name, kind in types.items()
        )

    def arrive(self, loss: int) -> list[str]:
        """What is lost before anything looks at it."""
        rules = [] if self.behavior.fragments else [f"{FRAGMENTS[self.family]} drop"]
        return [*rules, _lose("wan", loss)] if loss else rules

    def own(self) -> list[str]:
        """What is for the box itself: echo and neighbor discovery, but no UDP."""
        rules = ["meta l4proto { icmp, ipv6-icmp } accept"]
        return [*rules, "meta l4proto udp accept"] if self.behavior.maps_unsolicited else rules

    def through(self) -> list[str]:
        """The firewall."""
        rules = ["meta l4proto udp drop"] if self.behavior.blocks_udp else []
        if not self.behavior.nat and self.behavior.filtering is Filtering.ENDPOINT_INDEPENDENT:
            return [*rules, "accept"]
        return [
            *rules,
            "ct state established,related accept",
            "iifname lan oifname wan accept",
            "ct status dnat accept",
        ]

    def apart(self) -> list[str]:
        """Which connections are tracked apart: those that began outside."""
        begun = f"{self.ip} saddr . udp sport . udp dport"
        rule = f"iifname wan {self.to_public} {begun} != @begun ct zone set {OUTER_ZONE}"
        return [rule] if self.tracks_apart else []

    def enter(self) -> list[str]:
        """What of the unsolicited is let in, and what from inside goes back there."""
        owner = f"dnat to {_bracket(self.lan.inner[0])} : udp dport map @inbound"
        condition = {
            Filtering.ENDPOINT_INDEPENDENT: [""],
            Filtering.ADDRESS_DEPENDENT: [f"{self.ip} saddr . udp dport @permitted "],
            Filtering.ADDRESS_AND_PORT_DEPENDENT: [],
        }
        rules = [
            f"iifname wan {self.to_public} {one}{owner}"
            for one in condition[self.behavior.filtering]
        ]
        return [*rules, f"iifname lan {self.to_public} {owner}"] if self.behavior.hairpin else rules

    def leave(self) -> list[str]:
        """Which connections are translated: those to outside, and those turned back."""
        rules = ["oifname wan jump translate"]
        back = f"oifname lan {self.ip} saddr {self.lan.network} jump translate"
        return [*rules, back] if self.behavior.hairpin else rules

    def translate(self, random: Random) -> list[str]:
        """How a connection gets its mapped endpoint: a remembered one, or a new one."""
        rules = [f"meta l4proto != udp snat to {self.public[0]}"]
        if self.key:
            hashed = f"jhash {self.ip} daddr . udp sport mod 0xfffffffe offset 1"
            rules.append(f"ct mark set {hashed}")
        key = self.key or "udp sport"
        snat = "meta l4proto udp snat to"
        if self.assigns_addresses and self.assigns_ports:
            rules.append(f"{snat} {key} map @addresses : {key} map @ports")
        elif self.assigns_addresses:
            rules.append(f"{snat} {key} map @addresses")
        elif self.assigns_ports:
            rules.append(f"{snat} {self.address()} : {key} map @ports")
        return [*rules, *self.assign(random)]

    def address(self) -> str:
        """How a mapped address is chosen."""
        if len(self.public) == 1:
            return _bracket(self.public[0])
        choice = "numgen inc" if _takes_turns(self.behavior) else f"jhash {self.ip} saddr"
        return f"{choice} mod {len(self.public)} map {_elements(self.public)}"

    def assign(self, random: Random) -> list[str]:
        """How a new mapped endpoint is chosen."""
        start = f"meta l4proto udp snat to {self.address()} : "
        ports = random.sample(range(LOWEST_PORT, HIGHEST_PORT + 1), PORTS)
        match self.behavior.port_assignment:
            case PortAssignment.PRESERVING:
                return [f"snat to {self.address().strip('[]')}"]
            case PortAssignment.SEQUENTIAL:
                first = random.randrange(LOWEST_PORT, HIGHEST_PORT - PORTS)
                return [start + _next(range(first, first + PORTS))]
            case PortAssignment.RANDOM:
                return [start + _next(ports)]
            case PortAssignment.PARITY:
                even, odd = ([port for port in ports if port & 1 == bit] for bit in (0, 1))
                return [
                    f"udp sport & 1 == 0 {start}{_next(even)}",
                    f"udp sport & 1 == 1 {start}{_next(odd)}",
                ]

    def record(self) -> list[str]:
        """How the tables learn of a connection's mapped endpoint, and keep it.

        A connection is seen from the host inside: its local end, the mapped one and the remote
        one. Where they stand depends on who began. A mark is only on what began inside.
        """
        inside = f"meta l4proto udp ct original {self.ip} saddr {self.lan.network} update"
        ends = ("original proto-src", "reply proto-dst", f"original {self.ip} daddr")
        rules = [f"{inside} {change}" for change in self.changes("reply", *ends)]
        if self.tracks_apart:
            begun = f"ct original {self.ip} daddr . ct original proto-dst . ct reply proto-dst"
            rules.append(f"{inside} @begun {{ {begun} }}")
        outside = "meta l4proto udp ct status dnat update"
        ends = ("reply proto-src", "original proto-dst", f"reply {self.ip} daddr")
        changes = self.changes("original", *ends)
        return rules + [f"{outside} {one}" for one in changes if "ct mark" not in one]

    def changes(self, way: str, local: str, mapped: str, remote: str) -> list[str]:
        """Return the entries of one connection in the tables that are in use."""
        key = self.key or f"ct {local}"
        entries = {
            f"@addresses {{ {key} : ct {way} {self.ip} daddr }}": self.assigns_addresses,
            f"@ports {{ {key} : ct {mapped} }}": self.assigns_ports,
            f"@inbound {{ ct {mapped} : ct {local} }}": _keeps_tables(self.behavior),
            f"@permitted {{ ct {remote} . ct {mapped} }}": (
                self.behavior.filtering is Filtering.ADDRESS_DEPENDENT
            ),
        }
        return [entry for entry, used in entries.items() if used]


def _lose(interface: str, loss: int) -> str:
    lot = f"numgen random mod 100 < {loss} " if loss < 100 else ""
    return f"iifname {interface} meta l4proto udp {lot}drop"


def _next(ports: Sequence[int]) -> str:
    """Return the expression for the next port of a list.

    A list also where a sum would do: the number that nft counts up has not a port's byte order.
    """
    return f"numgen inc mod {len(ports)} map {_elements(ports)}"


def _elements(values: Sequence[object]) -> str:
    return "{ " + ", ".join(f"{number} : {value}" for number, value in enumerate(values)) + " }"


def _bracket(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _chain(name: str, rules: Sequence[str]) -> str:
    return "\n        ".join([f"    chain {name} {{", *rules]) + "\n    }\n"
