"""What a NAT or a firewall does to UDP, in the words of RFC 4787.

The one vocabulary for it: whoever measures a NAT, simulates one or builds one in the kernel says
it with these words. Each enum's value is the word that output uses.

Rules of this file: RFC 4787's nouns; nothing that only one kernel or one product knows; what is
not said by the RFC is defined where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import reduce

DEFAULT_LIFETIME = 120.0  # seconds; the least that RFC 4787 section 4.3 allows (REQ-5)


class Mapping(StrEnum):
    """When two destinations see the same mapped endpoint (RFC 4787 section 4.1)."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    """Always: one local endpoint has one mapped endpoint."""
    ADDRESS_DEPENDENT = "address-dependent"
    """When they have the same address, whatever their ports."""
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"
    """Never: each destination endpoint sees another."""

    @property
    def strictness(self) -> int:
        """0, 1 or 2: how much of the destination the mapping depends on."""
        return list(Mapping).index(self)


class Filtering(StrEnum):
    """From where a datagram to a mapped endpoint comes in (RFC 4787 section 5)."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    """From anywhere, while the mapping lives."""
    ADDRESS_DEPENDENT = "address-dependent"
    """From the addresses to which the local endpoint has sent, whatever their ports."""
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"
    """From the very endpoints to which the local endpoint has sent."""

    @property
    def strictness(self) -> int:
        """0, 1 or 2: how much of the source has to be known."""
        return list(Filtering).index(self)


class PortAssignment(StrEnum):
    """How the port of a new mapping is chosen (RFC 4787 section 4.2)."""

    PRESERVING = "preserving"
    """The local port, while it is free (section 4.2.1)."""
    PARITY = "parity"
    """Another port than the local one, but even for even and odd for odd (section 4.2.2)."""
    SEQUENTIAL = "sequential"
    """The one after that of the mapping made before, so that the next can be foretold."""
    RANDOM = "random"
    """One that cannot be foretold."""


class Pooling(StrEnum):
    """Which of several public addresses a mapping gets (RFC 4787 section 4.1)."""

    PAIRED = "paired"
    """The same one for all mappings of one local address (REQ-2 recommends it)."""
    ARBITRARY = "arbitrary"
    """Any: two sockets of one host may show two addresses."""


class Refresh(StrEnum):
    """Which datagrams renew a mapping's lifetime (RFC 4787 section 4.3)."""

    OUTBOUND = "outbound"
    """Those from inside alone (REQ-6 demands these)."""
    BOTH = "both"
    """Those from outside that pass the filter too (REQ-6 allows it)."""


class Legacy(StrEnum):
    """RFC 3489's names for some of the combinations (RFC 3489 sections 5 and 10.1)."""

    OPEN_INTERNET = "open internet"
    SYMMETRIC_UDP_FIREWALL = "symmetric UDP firewall"
    FULL_CONE = "full cone"
    RESTRICTED_CONE = "restricted cone"
    PORT_RESTRICTED_CONE = "port restricted cone"
    SYMMETRIC = "symmetric"
    UDP_BLOCKED = "UDP blocked"


_CONES = {
    Filtering.ENDPOINT_INDEPENDENT: Legacy.FULL_CONE,
    Filtering.ADDRESS_DEPENDENT: Legacy.RESTRICTED_CONE,
    Filtering.ADDRESS_AND_PORT_DEPENDENT: Legacy.PORT_RESTRICTED_CONE,
}
_WITHOUT_NAT = {
    Filtering.ENDPOINT_INDEPENDENT: Legacy.OPEN_INTERNET,
    Filtering.ADDRESS_AND_PORT_DEPENDENT: Legacy.SYMMETRIC_UDP_FIREWALL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """What one box does to UDP: a NAT, a firewall without NAT, or nothing (``nat`` is false and
    ``filtering`` endpoint-independent).

    Raises ValueError for what cannot be: translation without NAT, an empty pool, no lifetime.
    """

    nat: bool = True
    """Whether addresses are translated."""
    mapping: Mapping = Mapping.ENDPOINT_INDEPENDENT
    filtering: Filtering = Filtering.ADDRESS_AND_PORT_DEPENDENT
    port_assignment: PortAssignment = PortAssignment.PRESERVING
    pooling: Pooling = Pooling.PAIRED
    pool_size: int = 1
    """How many public addresses the NAT has (RFC 4787 section 4.1)."""
    refresh: Refresh = Refresh.BOTH
    lifetime: float = DEFAULT_LIFETIME
    """Seconds without a refreshing datagram after which mapping and permission are gone."""
    hairpin: bool = False
    """Whether a datagram from inside to a mapped endpoint of this NAT is turned back to its
    owner, who has sent nothing there yet, from the sender's own mapped endpoint: what RFC 5780
    section 3.4 tests (RFC 4787 section 6: "External source IP address and port")."""
    fragments: bool = True
    """Whether fragmented datagrams pass (RFC 4787 section 11)."""
    rewrites: bool = False
    """Whether addresses inside the payload are translated too: an ALG (RFC 4787 section 7)."""
    maps_unsolicited: bool = False
    """Whether a datagram that nobody inside asked for occupies the public endpoint that it was
    sent to, so that a later mapping towards its sender has to take another port."""
    answers_through: bool = False
    """Whether an answer to somebody unasked leaves by the mapping that he came in by, as where
    sessions are kept, and not by one for its destination. It matters where the mapping depends on
    the destination and the filtering on less; RFC 4787 leaves it open."""
    blocks_udp: bool = False
    """Whether no UDP passes at all, either way."""

    def __post_init__(self) -> None:
        if self.pool_size < 1:
            raise ValueError(f"a pool has one address or more, not {self.pool_size}")
        if self.lifetime <= 0:
            raise ValueError(f"a lifetime is more than 0 seconds, not {self.lifetime}")
        if not self.nat:
            plain = Behavior()
            for name in ("mapping", "port_assignment", "pool_size", "hairpin", "rewrites"):
                if getattr(self, name) != getattr(plain, name):
                    raise ValueError(f"without NAT there is no {name} of {getattr(self, name)}")

    @property
    def legacy(self) -> Legacy | None:
        """RFC 3489's name, or None where none truly exists (RFC 3489 section 5).

        The cones have endpoint-independent mapping. "Symmetric" has another mapping for each
        destination address and port, and lets back in only the host that got a datagram: that
        excludes address-dependent mapping and endpoint-independent filtering. A firewall that
        knows addresses without their ports is not the symmetric one.
        """
        if self.blocks_udp:
            return Legacy.UDP_BLOCKED
        if not self.nat:
            return _WITHOUT_NAT.get(self.filtering)
        if self.mapping is Mapping.ENDPOINT_INDEPENDENT:
            return _CONES[self.filtering]
        if (
            self.mapping is Mapping.ADDRESS_AND_PORT_DEPENDENT
            and self.filtering is not Filtering.ENDPOINT_INDEPENDENT
        ):
            return Legacy.SYMMETRIC
        return None

    def behind(self, outer: Behavior) -> Behavior:
        """Return what a host inside sees of this box with ``outer`` between it and the world.

        Whatever one of the two does to a datagram, both do. What ``outer`` turns back comes from
        outside to this box, and has to pass its filtering. An ALG replaces its own mapped address
        alone, and what a server writes into its answer is that of the outermost NAT.
        """
        if not outer.nat:
            public, hairpin = self, self.hairpin
        else:
            public = outer
            hairpin = outer.hairpin and self.filtering is Filtering.ENDPOINT_INDEPENDENT
        several = public.pool_size > 1
        arbitrary = Pooling.ARBITRARY in (self.pooling, outer.pooling)
        return Behavior(
            nat=self.nat or outer.nat,
            mapping=max(self.mapping, outer.mapping, key=lambda one: one.strictness),
            filtering=max(self.filtering, outer.filtering, key=lambda one: one.strictness),
            port_assignment=_chain(self.port_assignment, outer.port_assignment),
            pooling=Pooling.ARBITRARY if several and arbitrary else Pooling.PAIRED,
            pool_size=public.pool_size,
            refresh=self.refresh if self.refresh is Refresh.OUTBOUND else outer.refresh,
            lifetime=min(self.lifetime, outer.lifetime),
            hairpin=hairpin,
            fragments=self.fragments and outer.fragments,
            rewrites=public.rewrites,
            maps_unsolicited=self.maps_unsolicited or outer.maps_unsolicited,
            answers_through=(
                (self.answers_through or outer.answers_through)
                and self._keeps_sessions
                and outer._keeps_sessions
            ),
            blocks_udp=self.blocks_udp or outer.blocks_udp,
        )

    @property
    def _keeps_sessions(self) -> bool:
        is_one = not self.nat or self.mapping is Mapping.ENDPOINT_INDEPENDENT
        return is_one or self.answers_through

    def __str__(self) -> str:
        """Say what differs from the defaults' least: kind of box, mapping, filtering, the rest."""
        if self.blocks_udp:
            return "no UDP"
        if not self.nat:
            return f"no NAT, {self.filtering} filtering"
        told = {"nat", "mapping", "filtering", "port_assignment"}
        words = [f"{self.mapping} mapping", f"{self.filtering} filtering"]
        words.append(f"{self.port_assignment} ports")
        words += [
            f"{field.name.replace('_', ' ')} {getattr(self, field.name)}"
            for field in fields(self)
            if field.name not in told and getattr(self, field.name) != field.default
        ]
        return ", ".join(words)


def _chain(inner: PortAssignment, outer: PortAssignment) -> PortAssignment:
    """Return the port assignment of two boxes in a row."""
    if inner is PortAssignment.PRESERVING or inner is outer:
        return outer
    return inner if outer is PortAssignment.PRESERVING else PortAssignment.RANDOM


def path(layers: Iterable[Behavior]) -> Behavior:
    """Return what a host sees of several boxes in a row, the one next to it first."""
    return reduce(Behavior.behind, layers)
