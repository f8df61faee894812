"""A sighting: where a server says that it sees one of our sockets, and whether to believe it.

Two things stand between what a server saw and what we read. A gateway on our side may rewrite
addresses in the payload; XOR-MAPPED-ADDRESS is safe from that, MAPPED-ADDRESS is not (RFC 5780
section 3.6, RFC 8489 section 14.2). And a server may stand behind a proxy of its own (a container,
a load balancer) and see only that one's endpoints.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.message import Message

# From where no datagram comes to a server that has a public address, unless by a translation.
_INSIDE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",  # RFC 1918
        "192.168.0.0/16",  # RFC 1918
        "100.64.0.0/10",  # RFC 6598
        "127.0.0.0/8",  # RFC 1122 section 3.2.1.3
        "169.254.0.0/16",  # RFC 3927
        "::1/128",  # RFC 4291 section 2.5.3
        "fc00::/7",  # RFC 4193
        "fe80::/10",  # RFC 4291 section 2.5.6
    )
)


class Sighting(NamedTuple):
    """What ``server`` said of ``local``: MAPPED-ADDRESS, XOR-MAPPED-ADDRESS or both.

    ``doubt`` says why that shows nothing about what is on our side, if it does not.
    """

    local: Endpoint
    server: Endpoint
    plain: Endpoint | None
    mixed: Endpoint | None
    doubt: str = ""

    @property
    def mapped(self) -> Endpoint | None:
        """The mapped endpoint, from the better of the two attributes."""
        return self.mixed or self.plain

    @property
    def is_safe(self) -> bool:
        """Whether no gateway can have rewritten it."""
        return self.mixed is not None


def sight(answer: Message, local: Endpoint, server: Endpoint) -> Sighting:
    """Read a success response. An attribute that cannot be decoded is none."""
    try:
        mixed = answer.get(XorMappedAddress)
    except Malformed:
        mixed = None
    try:
        plain = answer.get(MappedAddress)
    except Malformed:
        plain = None
    found = Sighting(
        local,
        server,
        None if plain is None else plain.endpoint,
        None if mixed is None else mixed.endpoint,
    )
    return found._replace(doubt=_doubt(found))


def _doubt(one: Sighting) -> str:
    if one.mapped is None:
        return f"{one.server} did not say where it sees us"
    if one.mapped.packed == one.local.packed or is_inside(one.server):
        return ""
    if is_inside(one.mapped):
        why = f"{one.server} sees {one.mapped}, so it stands behind a proxy of its own"
        return why if one.is_safe else f"{why}, or a gateway rewrites MAPPED-ADDRESS"
    if one.mapped.packed == one.server.packed:
        why = f"{one.server} sees {one.mapped}, an address of its own"
        return f"{why}: it stands behind a proxy, or behind the NAT that we are behind"
    return ""


def is_inside(endpoint: Endpoint) -> bool:
    """Return whether an address is one of those that are used inside of networks only."""
    address = endpoint.address
    return any(address in network for network in _INSIDE)
