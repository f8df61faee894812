"""What ifaddr says, as our values; it says it here too, though Linux is not asked that way."""

from __future__ import annotations

import pytest
from ifaddr import IP, Adapter

from stunkit.endpoint import Endpoint
from stunkit.ice.interface import InterfaceKind
from stunkit.net.host.adapters import addresses, convert, unix_kind, windows_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lo0", InterfaceKind.LOOPBACK),
        ("utun4", InterfaceKind.VPN),
        ("ipsec0", InterfaceKind.VPN),
        ("bridge100", InterfaceKind.BRIDGE),
        ("pdp_ip0", InterfaceKind.CELLULAR),
        ("en0", InterfaceKind.UNKNOWN),  # radio or cable
        ("awdl0", InterfaceKind.UNKNOWN),
        ("", InterfaceKind.UNKNOWN),
    ],
)
def test_name_says_the_kind_where_it_has_one_meaning(name: str, kind: InterfaceKind):
    assert unix_kind(name) is kind


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("Intel(R) Wi-Fi 6 AX201 160MHz", InterfaceKind.WIFI),
        ("Qualcomm QCA9377 802.11ac Wireless Adapter", InterfaceKind.WIFI),
        ("WireGuard Tunnel", InterfaceKind.VPN),
        ("TAP-Windows Adapter V9", InterfaceKind.VPN),
        ("Hyper-V Virtual Ethernet Adapter", InterfaceKind.VIRTUAL),
        ("VMware Virtual Ethernet Adapter for VMnet8", InterfaceKind.VIRTUAL),
        ("Software Loopback Interface 1", InterfaceKind.LOOPBACK),
        ("Intel(R) Ethernet Connection (7) I219-V", InterfaceKind.UNKNOWN),
    ],
)
def test_description_says_the_kind_where_it_has_its_word(description: str, kind: InterfaceKind):
    assert windows_kind(description) is kind


ADAPTER = Adapter(
    "en0",
    "WireGuard Tunnel",
    [IP("192.0.2.2", 24, "Ethernet 2"), IP(("fe80::1%en0", 0, 5), 64, "Ethernet 2")],
    index=5,
)


def test_converts_both_families():
    first, second = convert([ADAPTER], is_windows=False)
    assert (first.endpoint, first.prefix_length) == (Endpoint.of("192.0.2.2", 0), 24)
    assert (second.endpoint, second.prefix_length) == (Endpoint.of("fe80::1%5", 0), 64)
    assert (first.interface.name, first.interface.index) == ("en0", 5)
    assert first.interface.kind is InterfaceKind.UNKNOWN


def test_takes_the_name_that_people_know_on_windows():
    first, _ = convert([ADAPTER], is_windows=True)
    assert (first.interface.name, first.interface.kind) == ("Ethernet 2", InterfaceKind.VPN)


def test_finds_loopback_on_this_machine():
    assert Endpoint.of("127.0.0.1", 0) in [one.endpoint for one in addresses()]
