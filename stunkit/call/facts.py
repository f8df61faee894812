"""Facts: what is known of one end of a call, and nothing that the other end need not know.

They come of a discovery (``Access.of_report``), of a behavior, or of a kind of network by name.
What is not known is None: it is for ``verdict`` to try out what it may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Network
from typing import NamedTuple, Self

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment
from stunkit.endpoint import Endpoint, Family
from stunkit.kinds import Kind, find_kind
from stunkit.nat.report import Report

MAX_LIFETIME = 65535  # seconds; more is as good as for ever
PREFIX = 8  # bytes of an IPv6 address that a local network shares; RFC 4291 section 2.5.4
DIGEST = 6  # bytes of a hidden address

_SHARED = IPv4Network("100.64.0.0/10")  # between a carrier's NAT and its customers; RFC 6598


class RelayTransport(StrEnum):
    """How an end reaches its relay (RFC 8656 section 3.1)."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Relay(NamedTuple):
    """A way to a relay that was seen to work, and the family of the relayed address."""

    transport: RelayTransport
    family: Family = Family.IPV4


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is known of one end's way out in one family. None is unknown.

    ``public`` tells whether two ends are behind one NAT or in one network: an IPv4 address, the
    /64 prefix of an IPv6 address, or a digest of either (see ``hidden``). Raises ValueError for
    one of another length, and for a lifetime that is no whole number of seconds up to 65,535.
    """

    udp: bool | None = None
    """Whether UDP gets out, and answers in."""
    nat: bool | None = None
    mapping: Mapping | None = None
    filtering: Filtering | None = None
    port_preserved: bool | None = None
    hairpin: bool | None = None
    pooling: Pooling | None = None
    """``ARBITRARY`` where several public addresses were seen."""
    answers_through: bool | None = None
    """See ``Behavior``."""
    maps_unsolicited: bool = False
    """See ``Behavior``. A discovery that was not asked for it has not seen it."""
    is_shared: bool | None = None
    """Whether a carrier's NAT is on the way."""
    lifetime: int | None = None
    """Seconds for which a mapping lives at least."""
    public: bytes | None = None

    def __post_init__(self) -> None:
        if self.public is not None and len(self.public) not in {4, PREFIX, DIGEST}:
            raise ValueError(f"an address has 4 bytes, a prefix 8, not {len(self.public)}")
        if self.lifetime is not None and not 0 < self.lifetime <= MAX_LIFETIME:
            raise ValueError(f"a lifetime is 1 to {MAX_LIFETIME} seconds, not {self.lifetime}")

    @classmethod
    def of_behavior(cls, behavior: Behavior) -> Self:
        """Return what is known where everything is, but for the address."""
        return cls(
            udp=not behavior.blocks_udp,
            nat=behavior.nat,
            mapping=behavior.mapping,
            filtering=behavior.filtering,
            port_preserved=behavior.port_assignment is PortAssignment.PRESERVING,
            hairpin=behavior.hairpin,
            pooling=behavior.pooling if behavior.pool_size > 1 else Pooling.PAIRED,
            answers_through=behavior.answers_through,
            maps_unsolicited=behavior.maps_unsolicited,
            lifetime=max(1, min(int(behavior.lifetime), MAX_LIFETIME)),
        )

    @classmethod
    def of_report(cls, report: Report) -> Self:
        """Return what a discovery has found out."""
        lifetime = None
        if report.lifetime is not None:
            lifetime = max(1, min(int(report.lifetime.at_least), MAX_LIFETIME))
        is_one = report.mapping is Mapping.ENDPOINT_INDEPENDENT
        return cls(
            udp=report.udp,
            nat=report.nat,
            mapping=report.mapping,
            filtering=report.filtering,
            port_preserved=report.port_preserved,
            hairpin=report.hairpin,
            pooling=Pooling.ARBITRARY if len(set(report.public_addresses)) > 1 else None,
            answers_through=None if is_one else report.answers_through,
            maps_unsolicited=is_one and report.answers_through is False,
            is_shared=True if report.local is not None and _is_shared(report.local) else None,
            lifetime=lifetime,
            public=None if report.mapped is None else _identity(report.mapped),
        )

    @property
    def behavior(self) -> Behavior:
        """The behavior that follows, each thing that is not known being as it mostly is.

        How ports are chosen matters only where one is preserved though it should not be used.
        """
        if self.udp is False:
            return Behavior(blocks_udp=True)
        filtering = self.filtering or Filtering.ADDRESS_AND_PORT_DEPENDENT
        lifetime = float(self.lifetime or Behavior().lifetime)
        if self.nat is False:
            return Behavior(nat=False, filtering=filtering, lifetime=lifetime)
        preserved = self.port_preserved is not False
        is_arbitrary = self.pooling is Pooling.ARBITRARY
        return Behavior(
            mapping=self.mapping or Mapping.ENDPOINT_INDEPENDENT,
            filtering=filtering,
            port_assignment=PortAssignment.PRESERVING if preserved else PortAssignment.RANDOM,
            pooling=Pooling.ARBITRARY if is_arbitrary else Pooling.PAIRED,
            pool_size=2 if is_arbitrary else 1,
            lifetime=lifetime,
            hairpin=bool(self.hairpin),
            answers_through=bool(self.answers_through),
            maps_unsolicited=self.maps_unsolicited,
        )

    @property
    def is_prefix(self) -> bool:
        """Whether ``public`` is known to be the prefix of a network."""
        return self.public is not None and len(self.public) == PREFIX

    def hidden(self) -> Self:
        """Return the same with a digest in place of the address.

        Equal addresses are still seen to be equal. It keeps an address from a glance, not from
        somebody who tries out all there are: for IPv4 that takes minutes.
        """
        return self if self.public is None else replace(self, public=_digest(self.public))

    def shares_public(self, other: Access) -> bool | None:
        """Return whether both have one public address or prefix; None where one is not known."""
        if self.public is None or other.public is None:
            return None
        if DIGEST in {len(self.public), len(other.public)}:
            return _digest(self.public) == _digest(other.public)
        return self.public == other.public


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one end; a family in which it has no address is None."""

    ipv4: Access | None = None
    ipv6: Access | None = None
    relays: frozenset[Relay] = frozenset()
    kind: str = field(default="", compare=False)
    """The kind of network that this stands for; empty for an end that exists."""

    @classmethod
    def of_reports(
        cls, reports: MappingType[Family, Report | None], relays: Iterable[Relay] = ()
    ) -> Self:
        """Return what the discoveries of an end have found out.

        A family that is missing, or None, is one in which the end has no address.
        """
        accesses = {
            family: Access.of_report(report)
            for family, report in reports.items()
            if report is not None
        }
        return cls(
            ipv4=accesses.get(Family.IPV4),
            ipv6=accesses.get(Family.IPV6),
            relays=frozenset(relays),
        )

    @classmethod
    def of_kind(cls, kind: Kind | str, relays: Iterable[Relay] = ()) -> Self:
        """Return the facts of a kind of network. Raises UsageError for a name that is none."""
        known = find_kind(kind) if isinstance(kind, str) else kind
        accesses = {family: Access.of_behavior(known.behavior(family)) for family in known.families}
        return cls(
            ipv4=accesses.get(Family.IPV4),
            ipv6=accesses.get(Family.IPV6),
            relays=frozenset(relays),
            kind=known.name,
        )

    def access(self, family: Family) -> Access | None:
        """Return what is known in one family."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6

    def has_relay(self, family: Family) -> bool:
        """Return whether a relayed address in this family can be had."""
        return any(relay.family is family for relay in self.relays)

    def hidden(self) -> Self:
        """Return the same with digests in place of addresses (see ``Access.hidden``)."""
        ipv4, ipv6 = (one and one.hidden() for one in (self.ipv4, self.ipv6))
        return replace(self, ipv4=ipv4, ipv6=ipv6)

    def without_addresses(self) -> Self:
        """Return the same without addresses.

        Whether both ends are behind one NAT is not known then, and taken not to be so.
        """
        ipv4, ipv6 = (one and replace(one, public=None) for one in (self.ipv4, self.ipv6))
        return replace(self, ipv4=ipv4, ipv6=ipv6)


def _identity(mapped: Endpoint) -> bytes:
    return mapped.packed[:PREFIX]


def _digest(public: bytes) -> bytes:
    return public if len(public) == DIGEST else sha256(b"stunkit" + public).digest()[:DIGEST]


def _is_shared(local: Endpoint) -> bool:
    return local.family is Family.IPV4 and local.address in _SHARED
