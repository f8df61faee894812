"""Interface: what a host is connected by, and the addresses that it has there.

Rules of this file: values only; ``stunkit.net.host.interfaces`` reads them from the system. What
the system does not say is None or UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stunkit.endpoint import Endpoint


class InterfaceKind(StrEnum):
    """What an interface is, as far as the system says so."""

    ETHERNET = "ethernet"
    WIFI = "wifi"
    CELLULAR = "cellular"
    VPN = "vpn"  # a tunnel: WireGuard, tun and tap, IPsec
    BRIDGE = "bridge"  # joins others: of containers, of virtual machines, of sockets in the wall
    CONTAINER = "container"  # one end of a virtual cable, as containers have it
    VIRTUAL = "virtual"  # software without a cable: of a hypervisor, an overlay, a dummy
    LOOPBACK = "loopback"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface. ``index`` is the system's number for it, ``mtu`` is in bytes."""

    name: str
    index: int
    kind: InterfaceKind = InterfaceKind.UNKNOWN
    mtu: int | None = None
    is_up: bool | None = None
    is_running: bool | None = None  # there is a carrier: a cable, a network
    is_point_to_point: bool | None = None


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address that an interface has.

    ``endpoint`` has port 0, and the interface as its scope where it is link-local.
    ``prefix_length`` is in bits. ``is_deprecated`` means that it is on its way out (RFC 4862
    section 5.5.4), ``is_temporary`` that it changes for privacy's sake (RFC 8981), ``is_default``
    that it is what this host's packets to the internet leave from.
    """

    interface: Interface
    endpoint: Endpoint
    prefix_length: int
    is_deprecated: bool = False
    is_temporary: bool = False
    is_default: bool = False

    @property
    def host(self) -> str:
        """The address as text, without a scope."""
        return self.endpoint.host.partition("%")[0]
