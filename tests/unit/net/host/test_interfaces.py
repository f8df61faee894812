"""What kind a link is; which addresses real namespaces have is tested in tests/lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from stunkit.ice.interface import InterfaceKind
from stunkit.net.host import adapters, interfaces, netlink
from stunkit.net.host.interfaces import kind_of, list_addresses
from stunkit.net.host.netlink import Link

MAC = bytes.fromhex("02fc00000001")
ETHER, RAW = 1, 519  # ARPHRD numbers


def link(kind: str = "", **more: object) -> Link:
    values: dict[str, object] = {
        "number": 4,
        "name": "x0",
        "hardware": ETHER,
        "flags": 0x43,
        "mtu": 1500,
        "mac": MAC,
        "kind": kind,
        "lower": 0,
        "master": 0,
        "is_tap": False,
    }
    return Link(**(values | more))  # type: ignore[arg-type]


def files(folder: Path, *, index: int = 4, uevent: str = "", has_device: bool = False) -> Path:
    own = folder / "x0"
    own.mkdir()
    (own / "ifindex").write_text(f"{index}\n")
    (own / "address").write_text("02:fc:00:00:00:01\n")
    (own / "uevent").write_text(f"{uevent}\nINTERFACE=x0\n")
    if has_device:
        (own / "device").mkdir()
    return folder


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("wireguard", InterfaceKind.VPN),
        ("xfrm", InterfaceKind.VPN),
        ("tun", InterfaceKind.VPN),
        ("bridge", InterfaceKind.BRIDGE),
        ("veth", InterfaceKind.CONTAINER),
        ("dummy", InterfaceKind.VIRTUAL),
        ("vxlan", InterfaceKind.VIRTUAL),
        ("wwan", InterfaceKind.CELLULAR),
        ("ppp", InterfaceKind.UNKNOWN),  # an office's tunnel or a DSL line
        ("sit", InterfaceKind.UNKNOWN),
        ("of-next-year", InterfaceKind.UNKNOWN),
    ],
)
def test_kind_is_what_the_driver_calls_itself(kind: str, expected: InterfaceKind, tmp_path: Path):
    assert kind_of(link(kind), {}, tmp_path) is expected


def test_a_tap_of_a_bridge_is_the_cable_of_a_machine(tmp_path: Path):
    assert kind_of(link("tun", is_tap=True), {}, tmp_path) is InterfaceKind.VPN
    assert kind_of(link("tun", is_tap=True, master=9), {}, tmp_path) is InterfaceKind.VIRTUAL


def test_loopback_is_known_by_its_flag(tmp_path: Path):
    assert kind_of(link(flags=0x49), {}, tmp_path) is InterfaceKind.LOOPBACK


def test_a_vlan_is_what_it_stands_on(tmp_path: Path):
    lower = link("veth", number=3)
    assert kind_of(link("vlan", lower=3), {3: lower}, tmp_path) is InterfaceKind.CONTAINER
    assert kind_of(link("vlan", lower=8), {3: lower}, tmp_path) is InterfaceKind.UNKNOWN
    own = link("vlan", number=4, lower=4)
    assert kind_of(own, {4: own}, tmp_path) is InterfaceKind.UNKNOWN


def test_a_card_is_ethernet(tmp_path: Path):
    assert kind_of(link(), {}, files(tmp_path, has_device=True)) is InterfaceKind.ETHERNET


def test_what_has_no_device_is_software(tmp_path: Path):
    assert kind_of(link(), {}, files(tmp_path)) is InterfaceKind.VIRTUAL


@pytest.mark.parametrize(
    ("uevent", "expected"),
    [("DEVTYPE=wlan", InterfaceKind.WIFI), ("DEVTYPE=wwan", InterfaceKind.CELLULAR)],
)
def test_radio_says_so(uevent: str, expected: InterfaceKind, tmp_path: Path):
    folder = files(tmp_path, uevent=uevent, has_device=True)
    assert kind_of(link(), {}, folder) is expected


def test_wifi_has_a_phy(tmp_path: Path):
    folder = files(tmp_path, has_device=True)
    (folder / "x0" / "phy80211").mkdir()
    assert kind_of(link(), {}, folder) is InterfaceKind.WIFI


def test_other_hardware_is_unknown(tmp_path: Path):
    folder = files(tmp_path, has_device=True)
    assert kind_of(link(hardware=RAW), {}, folder) is InterfaceKind.UNKNOWN


@pytest.mark.parametrize("change", [{"number": 5}, {"mac": bytes(6)}, {"name": "y0"}])
def test_files_of_another_namespace_say_nothing(change: dict[str, object], tmp_path: Path):
    folder = files(tmp_path, has_device=True)
    assert kind_of(link(**change), {}, folder) is InterfaceKind.UNKNOWN


def test_loopback_of_this_machine_is_found():
    found = {one.host: one for one in list_addresses()}
    assert found["127.0.0.1"].interface.kind is InterfaceKind.LOOPBACK
    assert found["127.0.0.1"].prefix_length == 8


def test_an_address_of_a_link_that_has_gone_is_none(monkeypatch):
    monkeypatch.setattr(netlink, "links", list)
    assert list_addresses() == []


def test_elsewhere_the_adapters_are_asked(monkeypatch):
    monkeypatch.setattr(interfaces.sys, "platform", "darwin")
    monkeypatch.setattr(adapters, "addresses", list)
    assert list_addresses() == []
