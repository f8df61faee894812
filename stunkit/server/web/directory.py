"""Which STUN and TURN servers a browser is told of: RFC 7064 and RFC 7065, as browsers take them.

Rules of this file: what everybody is told holds no credential.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from itertools import chain
from typing import NamedTuple

from stunkit.endpoint import Endpoint, split_host_port
from stunkit.errors import UsageError
from stunkit.protocol.site import Quartet
from stunkit.server.relays import Relays
from stunkit.signal.ice_server import IceServer

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")  # or an IPv4 address


class Own(NamedTuple):
    """One of our STUN servers, as clients know it: its first endpoint, and the last of a quartet.

    ``other`` differs from ``first`` in address and port (RFC 5780), and answers at present; None
    where there is none.
    """

    first: Endpoint
    other: Endpoint | None = None


def own_servers(doors: Iterable[tuple[Endpoint, Quartet | None]]) -> list[Own]:
    """Return our servers, of UDP sockets as clients know them, and the four that each is one of."""
    found = []
    for public, quartet in doors:
        if quartet is None:
            found.append(Own(public))
        elif public == quartet.public[0]:
            found.append(Own(public, quartet.public[3] if quartet.proven else None))
    return found


@dataclass(frozen=True, slots=True)
class Directory:
    """``own`` returns our servers as they are now; ``stun`` is named instead where there is any."""

    own: Callable[[], Sequence[Own]]
    stun: tuple[str, ...] = ()
    relays: Relays | None = None

    def stun_uris(self, host: str | None) -> list[str]:
        """Return one URI for each address family.

        ``host`` is how the browser knows us; it stands for every address where we are at all.
        """
        return list(self.stun) or _uris([one.first for one in self.own()], host)

    def mapping_uris(self, host: str | None) -> list[str]:
        """Return those whose answers tell what a NAT does: two for each address family, or one."""
        pairs = [endpoint for own in self.own() for endpoint in own if endpoint is not None]
        return list(self.stun) or _uris(pairs, host)

    def for_everybody(self, host: str | None) -> list[IceServer]:
        """Return what a passer-by may know."""
        uris = self.stun_uris(host)
        return [IceServer(tuple(uris))] if uris else []

    def for_seat(self, host: str | None, now: float, lifetime: float) -> list[IceServer]:
        """Return what who has a seat in a room is told; the room lasts ``lifetime`` more."""
        relays = [] if self.relays is None else [self.relays.for_seat(now, lifetime)]
        return list(chain(self.for_everybody(host), relays))


def _uris(endpoints: Sequence[Endpoint], host: str | None) -> list[str]:
    found = []
    for one in endpoints:
        name = host if one.is_wildcard else str(one).rpartition(":")[0]
        if name is not None:
            found.append(f"stun:{name}:{one.port}")
    return list(dict.fromkeys(found))


def parse_host(header: str | None) -> str | None:
    """Return the host in a request's Host (RFC 9110 section 7.2), None where it is none.

    IPv6 is in brackets. Nothing passes but a name or an address, which can stand in URIs and
    policies.
    """
    text = header or ""
    try:
        name, _ = split_host_port(text)
        if text.startswith("["):
            return f"[{IPv6Address(name)}]" if "%" not in name else None
    except (UsageError, ValueError):
        return None
    return name if _NAME.fullmatch(name) else None
