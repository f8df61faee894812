"""From where the load comes: one address or several, with ports, or a whole network of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """A network that gives addresses (one address is a network too), and a port or 0 for any."""

    network: IPv4Network | IPv6Network
    port: int = 0
    scope: int = 0

    @classmethod
    def parse(cls, text: str) -> Source:
        """Parse ``192.0.2.1``, ``192.0.2.1:5004``, ``[2001:db8::1]:5004`` or ``127.1.0.0/16``.

        Raises UsageError.
        """
        if "/" in text:
            try:
                return cls(ip_network(text))
            except ValueError as error:
                raise UsageError("a network", text, str(error)) from None
        endpoint = Endpoint.parse(text, port=0)
        plain = Endpoint(endpoint.packed, 0).address
        return cls(ip_network(plain), endpoint.port, endpoint.scope)

    @property
    def family(self) -> Family:
        """IPv4 or IPv6."""
        return Family.IPV4 if self.network.version == 4 else Family.IPV6

    @property
    def size(self) -> int:
        """How many hosts the network has."""
        return self.network.num_addresses - 2 * self._has_edges

    def endpoint(self, index: int) -> Endpoint:
        """Return the address of one host, counted from 0; after the last comes the first."""
        address = self.network[index % self.size + self._has_edges]
        return Endpoint(address.packed, self.port, self.scope)

    @property
    def _has_edges(self) -> bool:
        """Whether the first and the last address name the network itself and all of its hosts."""
        return self.network.version == 4 and self.network.num_addresses > 2

    def __str__(self) -> str:
        if self.size > 1 or self.network.num_addresses > 1:
            return str(self.network)
        return str(self.endpoint(0)) if self.port else self.endpoint(0).host


def pick_sources(sources: Sequence[Source], sockets: int) -> list[Endpoint]:
    """Return where to bind each socket: the sources take turns.

    Raises UsageError when an address and port would be taken twice.
    """
    picked = [sources[i % len(sources)].endpoint(i // len(sources)) for i in range(sockets)]
    for endpoint, count in Counter(picked).items():
        if endpoint.port and count > 1:
            reason = f"{count} sockets cannot share it; leave the port out, or change --sockets"
            raise UsageError("a source of load", str(endpoint), reason)
    return picked
