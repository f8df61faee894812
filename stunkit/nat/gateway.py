"""What the home router says of itself: who answered over which protocol, and with what.

Values only; ``net.gateway`` asks.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address
from typing import NamedTuple


class MappingProtocol(StrEnum):
    """The protocols in which a router tells its address outside and maps ports."""

    PCP = "PCP"
    NAT_PMP = "NAT-PMP"
    UPNP_IGD = "UPnP IGD"


class Reply(NamedTuple):
    """What came over one protocol.

    ``addresses`` are the router's own outside, one for each line that it says is connected.
    ``is_nameless``: it was asked for its address, and says that it has none.
    ``maps`` says whether it offers to map ports: an offer, since nothing is tried; None: unknown.
    ``why`` is one sentence about all of it.
    """

    protocol: MappingProtocol
    is_answered: bool
    why: str
    addresses: tuple[IPv4Address, ...] = ()
    is_nameless: bool = False
    maps: bool | None = None


class GatewayReport(NamedTuple):
    """The router that our datagrams go through, None where there is none to ask (``why``).

    ``next_hop`` is the router behind it on the way to the server, None for unknown.
    """

    gateway: IPv4Address | None
    local: IPv4Address | None
    replies: tuple[Reply, ...]
    why: str
    next_hop: IPv4Address | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it answered over any protocol."""
        return any(reply.is_answered for reply in self.replies)

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """Every address outside that it named, each once."""
        return tuple(dict.fromkeys(one for reply in self.replies for one in reply.addresses))

    @property
    def maps(self) -> bool | None:
        """Whether it offers to map ports over any protocol; None where nobody said anything."""
        said = [reply.maps for reply in self.replies]
        return True if True in said else False if False in said else None
