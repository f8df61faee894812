"""The addresses of a host that is no Linux: what ifaddr says, and what names say of a kind.

Rules of this file: a name tells the kind only where its system gives it to nothing else. macOS
calls cables and radio alike en0, en1 and so on: unknown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stunkit.endpoint import Endpoint
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind

if TYPE_CHECKING:
    from ifaddr import Adapter

UNIX_NAMES = {  # without their number; macOS and the BSDs
    "bridge": InterfaceKind.BRIDGE,
    "epair": InterfaceKind.CONTAINER,
    "feth": InterfaceKind.VIRTUAL,
    "ipsec": InterfaceKind.VPN,
    "lo": InterfaceKind.LOOPBACK,
    "pdp_ip": InterfaceKind.CELLULAR,
    "tap": InterfaceKind.VPN,
    "tun": InterfaceKind.VPN,
    "utun": InterfaceKind.VPN,
    "vmenet": InterfaceKind.VIRTUAL,
    "vmnet": InterfaceKind.VIRTUAL,
    "wg": InterfaceKind.VPN,
}
WINDOWS_WORDS = {  # in a driver's description of itself; the first one that is there counts
    "software loopback": InterfaceKind.LOOPBACK,
    "wireguard": InterfaceKind.VPN,
    "wintun": InterfaceKind.VPN,
    "tap-windows": InterfaceKind.VPN,
    "openvpn": InterfaceKind.VPN,
    "hyper-v virtual": InterfaceKind.VIRTUAL,
    "virtualbox": InterfaceKind.VIRTUAL,
    "vmware virtual": InterfaceKind.VIRTUAL,
    "wi-fi": InterfaceKind.WIFI,
    "wireless": InterfaceKind.WIFI,
    "802.11": InterfaceKind.WIFI,
}


def addresses() -> list[InterfaceAddress]:
    """Return every address of this host. Raises OSError."""
    import ifaddr  # noqa: PLC0415 (not on Linux)

    return convert(ifaddr.get_adapters(), is_windows=sys.platform == "win32")


def convert(adapters: Iterable[Adapter], *, is_windows: bool) -> list[InterfaceAddress]:
    """Return what ifaddr found as our values."""
    found = []
    for adapter in adapters:
        for ip in adapter.ips:
            # Windows has a number for an adapter's name, and the one people know with each address.
            interface = Interface(
                ip.nice_name if is_windows else adapter.name,
                adapter.index or 0,
                windows_kind(adapter.nice_name) if is_windows else unix_kind(adapter.name),
            )
            if isinstance(ip.ip, tuple):
                host, _, scope = ip.ip
                endpoint = Endpoint(Endpoint.of(host.partition("%")[0], 0).packed, 0, scope)
            else:
                endpoint = Endpoint.of(ip.ip, 0)
            found.append(InterfaceAddress(interface, endpoint, ip.network_prefix))
    return found


def unix_kind(name: str) -> InterfaceKind:
    """Return what an interface's name says on macOS and the BSDs."""
    return UNIX_NAMES.get(re.sub(r"\d+$", "", name), InterfaceKind.UNKNOWN)


def windows_kind(description: str) -> InterfaceKind:
    """Return what a driver's description of itself says on Windows."""
    text = description.lower()
    found = (kind for word, kind in WINDOWS_WORDS.items() if word in text)
    return next(found, InterfaceKind.UNKNOWN)
