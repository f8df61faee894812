"""Kinds: networks by name, as the lab builds them and a preflight asks about them.

A name that RFC 3489 has too means what it means there; the rest say what is different.

Rules of this file: a kind is nothing but behaviors in a row, the client's own box first; names are
lower case with hyphens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment, path
from stunkit.endpoint import Family
from stunkit.errors import UsageError

OPEN = Behavior(nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT)
FIREWALL = Behavior(nat=False)
PORT_RESTRICTED = Behavior()
FULL_CONE = Behavior(filtering=Filtering.ENDPOINT_INDEPENDENT)
SYMMETRIC = Behavior(
    mapping=Mapping.ADDRESS_AND_PORT_DEPENDENT, port_assignment=PortAssignment.RANDOM
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A path from a client to the outside, by address family; an empty one has no such address."""

    name: str
    summary: str
    ipv4: tuple[Behavior, ...] = ()
    ipv6: tuple[Behavior, ...] = ()

    def layers(self, family: Family) -> tuple[Behavior, ...]:
        """Return the boxes on the path in one family, the client's own first."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in which the client has an address."""
        return tuple(family for family in Family if self.layers(family))

    def behavior(self, family: Family = Family.IPV4) -> Behavior:
        """Return what the client sees of all its boxes together: the truth to find out."""
        return path(self.layers(family))

    def varied(
        self,
        *,
        hairpin: bool | None = None,
        lifetime: float | None = None,
        fragments: bool | None = None,
        ipv6: bool = False,
    ) -> Kind:
        """Return the same kind with some properties changed in all its boxes.

        ``hairpin`` changes NATs alone; ``ipv6`` gives an IPv4 kind the same boxes in IPv6.
        """

        def vary(layers: Iterable[Behavior]) -> tuple[Behavior, ...]:
            return tuple(
                replace(
                    one,
                    hairpin=one.hairpin if hairpin is None or not one.nat else hairpin,
                    lifetime=one.lifetime if lifetime is None else lifetime,
                    fragments=one.fragments if fragments is None else fragments,
                )
                for one in layers
            )

        sixth = self.ipv6 or self.ipv4 if ipv6 else self.ipv6
        return replace(self, ipv4=vary(self.ipv4), ipv6=vary(sixth))


_KINDS = (
    Kind("public", "no NAT and no firewall: a server's address", (OPEN,)),
    Kind("firewall", "a stateful firewall without NAT", (FIREWALL,)),
    Kind("full-cone", "one port for all, anyone may answer", (FULL_CONE,)),
    Kind(
        "restricted",
        "one port for all, an address that was sent to may answer from any port",
        (Behavior(filtering=Filtering.ADDRESS_DEPENDENT),),
    ),
    Kind(
        "port-restricted",
        "one port for all, only who was sent to may answer: most home routers, plain Linux",
        (PORT_RESTRICTED,),
    ),
    Kind(
        "random-ports",
        "port-restricted, but the public port is another than the local one",
        (Behavior(port_assignment=PortAssignment.RANDOM),),
    ),
    Kind(
        "address-dependent",
        "another port for each address that is sent to, only who was sent to may answer",
        (Behavior(mapping=Mapping.ADDRESS_DEPENDENT, port_assignment=PortAssignment.RANDOM),),
    ),
    Kind(
        "symmetric",
        "another port for each address and port, only who was sent to may answer",
        (SYMMETRIC,),
    ),
    Kind(
        "symmetric-unfiltered",
        "another port for each address and port, but anyone may answer to it",
        (
            Behavior(
                mapping=Mapping.ADDRESS_AND_PORT_DEPENDENT,
                filtering=Filtering.ENDPOINT_INDEPENDENT,
                port_assignment=PortAssignment.RANDOM,
            ),
        ),
    ),
    Kind("udp-blocked", "a NAT that lets TCP through and no UDP", (Behavior(blocks_udp=True),)),
    Kind(
        "carrier",
        "two NATs: a port-restricted one at home, a full cone at the carrier (100.64.0.0/10)",
        (PORT_RESTRICTED, FULL_CONE),
    ),
    Kind(
        "pool",
        "two public addresses, taken by turns: two sockets of one host show different ones",
        (Behavior(pooling=Pooling.ARBITRARY, pool_size=2),),
    ),
    Kind(
        "ipv6-firewall",
        "an ordinary home: IPv4 through a port-restricted NAT, IPv6 through a stateful firewall",
        (PORT_RESTRICTED,),
        (FIREWALL,),
    ),
    Kind(
        "nat66",
        "both families through a port-restricted NAT",
        (PORT_RESTRICTED,),
        (PORT_RESTRICTED,),
    ),
    Kind(
        "unsolicited",
        "port-restricted, but a datagram that nobody asked for takes the port away from the next"
        " mapping towards its sender: Linux with an open INPUT chain",
        (Behavior(maps_unsolicited=True),),
    ),
)

KINDS = {kind.name: kind for kind in _KINDS}


def find_kind(name: str) -> Kind:
    """Return the kind of that name. Raises UsageError, which lists them."""
    try:
        return KINDS[name]
    except KeyError:
        raise UsageError("a kind of network", name, f"there are {', '.join(KINDS)}") from None
