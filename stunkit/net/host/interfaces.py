"""The addresses of this host: of which interface, of which kind, and which are the usual ones.

On Linux rtnetlink says it, elsewhere ifaddr and the names that interfaces have there.

Rules of this file: all is about the network namespace of the calling thread; a kind that the
system does not say for sure is unknown. Nothing is sent.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from stunkit.endpoint import Endpoint, Family
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind
from stunkit.net.host import netlink
from stunkit.net.host.netlink import Link
from stunkit.net.transport.udp import source_address

SYSFS = Path("/sys/class/net")
AFAR = {  # where no packet goes: addresses for documentation; RFC 5737, RFC 3849
    Family.IPV4: Endpoint.of("192.0.2.1", 9),
    Family.IPV6: Endpoint.of("2001:db8::1", 9),
}

_IFF_UP, _IFF_LOOPBACK, _IFF_POINTOPOINT, _IFF_RUNNING = 0x1, 0x8, 0x10, 0x40  # netdevice(7)
_ARPHRD_ETHER = 1  # linux/if_arp.h

# What drivers call themselves (IFLA_INFO_KIND). PPP is not here: an office's tunnel, a DSL line and
# a modem look alike. Neither are plain tunnels (gre, ipip, sit), which may lead anywhere.
KINDS = {
    "amneziawg": InterfaceKind.VPN,
    "bridge": InterfaceKind.BRIDGE,
    "dsa": InterfaceKind.ETHERNET,
    "dummy": InterfaceKind.VIRTUAL,
    "geneve": InterfaceKind.VIRTUAL,
    "ifb": InterfaceKind.VIRTUAL,
    "ipvlan": InterfaceKind.VIRTUAL,
    "ipvtap": InterfaceKind.VIRTUAL,
    "macvlan": InterfaceKind.VIRTUAL,
    "macvtap": InterfaceKind.VIRTUAL,
    "netkit": InterfaceKind.CONTAINER,
    "openvswitch": InterfaceKind.BRIDGE,
    "ovpn": InterfaceKind.VPN,
    "ovpn-dco": InterfaceKind.VPN,
    "rmnet": InterfaceKind.CELLULAR,
    "veth": InterfaceKind.CONTAINER,
    "vti": InterfaceKind.VPN,
    "vti6": InterfaceKind.VPN,
    "vxlan": InterfaceKind.VIRTUAL,
    "wireguard": InterfaceKind.VPN,
    "wwan": InterfaceKind.CELLULAR,
    "xfrm": InterfaceKind.VPN,
}


def list_addresses() -> list[InterfaceAddress]:
    """Return every address of this host that a socket can be bound to. Raises OSError."""
    found = _linux() if sys.platform == "linux" else _elsewhere()
    usual = {source for family in Family if (source := default_source(family)) is not None}
    return [
        replace(address, is_default=True) if address.endpoint in usual else address
        for address in found
    ]


def default_source(family: Family) -> Endpoint | None:
    """Return the address that packets to the internet leave from, None where there is no route."""
    try:
        return source_address(AFAR[family])
    except OSError:
        return None


def _elsewhere() -> list[InterfaceAddress]:
    from stunkit.net.host import adapters  # noqa: PLC0415 (its library is not installed on Linux)

    return adapters.addresses()


def _linux() -> list[InterfaceAddress]:
    links = {link.number: link for link in netlink.links()}
    interfaces = {index: _interface(link, links) for index, link in links.items()}
    return [
        InterfaceAddress(
            interfaces[address.number],
            address.endpoint,
            address.prefix_length,
            is_deprecated=address.is_deprecated,
            is_temporary=address.is_temporary,
        )
        for address in netlink.addresses()
        if address.number in interfaces
    ]


def _interface(link: Link, links: dict[int, Link]) -> Interface:
    return Interface(
        link.name,
        link.number,
        kind_of(link, links),
        link.mtu,
        is_up=bool(link.flags & _IFF_UP),
        is_running=bool(link.flags & _IFF_RUNNING),
        is_point_to_point=bool(link.flags & _IFF_POINTOPOINT),
    )


def kind_of(link: Link, links: dict[int, Link], sysfs: Path = SYSFS) -> InterfaceKind:
    """Return what a link is; a VLAN is what it stands on. ``links`` are all, by their numbers."""
    if link.flags & _IFF_LOOPBACK:
        return InterfaceKind.LOOPBACK
    if link.kind == "vlan" and link.lower in links and links[link.lower].kind != "vlan":
        return kind_of(links[link.lower], links, sysfs)
    if link.kind == "tun":
        # A tap that belongs to a bridge is the cable of a virtual machine.
        is_cable = link.is_tap and link.master
        return InterfaceKind.VIRTUAL if is_cable else InterfaceKind.VPN
    if link.kind:
        return KINDS.get(link.kind, InterfaceKind.UNKNOWN)
    return _hardware_kind(link, sysfs / link.name)


def _hardware_kind(link: Link, folder: Path) -> InterfaceKind:
    """Return what a link is that no kind of the kernel's is made for, by what sysfs says of it."""
    try:
        index = int(folder.joinpath("ifindex").read_text(encoding="ascii"))
        mac = folder.joinpath("address").read_text(encoding="ascii").strip()
        words = folder.joinpath("uevent").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return InterfaceKind.UNKNOWN
    if (index, mac) != (link.number, link.mac.hex(":")):
        return InterfaceKind.UNKNOWN  # of another namespace, which has the same name
    if folder.joinpath("phy80211").exists() or "DEVTYPE=wlan" in words:
        return InterfaceKind.WIFI
    if "DEVTYPE=wwan" in words:
        return InterfaceKind.CELLULAR
    if link.hardware != _ARPHRD_ETHER:
        return InterfaceKind.UNKNOWN
    has_device = folder.joinpath("device").exists()
    return InterfaceKind.ETHERNET if has_device else InterfaceKind.VIRTUAL
