from dataclasses import replace

import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.hosts import MOST, Omission, choose_hosts
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind

ETHERNET = Interface("eth0", 2, InterfaceKind.ETHERNET, is_up=True, is_running=True)
LOOPBACK = Interface("lo", 1, InterfaceKind.LOOPBACK, is_up=True, is_running=True)


def address(host: str, interface: Interface = ETHERNET, **more: bool) -> InterfaceAddress:
    return InterfaceAddress(interface, Endpoint.of(host, 0), 64 if ":" in host else 24, **more)


PLAIN = address("192.0.2.2")
HOME = address("127.0.0.1", LOOPBACK)


def reasons(*addresses: InterfaceAddress, everything: bool = False) -> dict[str, Omission]:
    choice = choose_hosts(addresses, everything=everything)
    return {one.host: reason for one, reason in choice.omitted}


def hosts(*addresses: InterfaceAddress, everything: bool = False) -> list[str]:
    return [one.host for one in choose_hosts(addresses, everything=everything).used]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (HOME, Omission.LOOPBACK),
        (address("::1", LOOPBACK), Omission.LOOPBACK),
        (address("fe80::1%2"), Omission.LINK_LOCAL),
        (address("fec0::1"), Omission.OUTDATED),
        (address("::192.0.2.9"), Omission.OUTDATED),
        (address("2001:db8::1", is_deprecated=True), Omission.DEPRECATED),
        (address("192.0.2.3", replace(ETHERNET, is_up=False)), Omission.DOWN),
        (address("192.0.2.3", replace(ETHERNET, is_running=False)), Omission.DOWN),
    ],
)
def test_leaves_out(other: InterfaceAddress, reason: Omission):
    assert reasons(PLAIN, other) == {other.host: reason}
    assert hosts(PLAIN, other) == [PLAIN.host]


def test_what_the_system_does_not_say_leaves_nothing_out():
    assert hosts(address("192.0.2.3", Interface("en0", 4))) == ["192.0.2.3"]


def test_takes_an_ipv4_address_that_is_link_local():
    assert hosts(address("169.254.1.1")) == ["169.254.1.1"]


def test_takes_loopback_when_there_is_nothing_else():
    assert hosts(HOME, address("fe80::1%2")) == ["127.0.0.1"]


def test_takes_everything_that_can_be_taken_when_asked():
    others = [HOME, address("fe80::1%2"), address("2001:db8::1", is_deprecated=True)]
    outdated = address("fec0::1")
    assert set(hosts(PLAIN, *others, outdated, everything=True)) == {
        one.host for one in (PLAIN, *others)
    }


def test_a_temporary_address_stands_for_the_stable_one_of_its_network():
    stable = address("2001:db8::1")
    temporary = address("2001:db8::99", is_temporary=True)
    elsewhere = address("2001:db8:0:1::1")
    other_interface = address("2001:db8::5", replace(ETHERNET, name="eth1", index=3))
    found = (stable, temporary, elsewhere, other_interface)
    assert reasons(*found) == {stable.host: Omission.TRACEABLE}


def test_a_deprecated_temporary_address_stands_for_nothing():
    stable = address("2001:db8::1")
    old = address("2001:db8::99", is_temporary=True, is_deprecated=True)
    assert hosts(stable, old) == [stable.host]


def test_the_usual_address_comes_first_and_a_vpn_last():
    def of(kind: InterfaceKind, index: int, *, is_default: bool = False) -> InterfaceAddress:
        interface = replace(ETHERNET, name=kind, index=index, kind=kind)
        return address(f"10.0.{index}.1", interface, is_default=is_default)

    vpn = of(InterfaceKind.VPN, 9, is_default=True)
    second, usual = of(InterfaceKind.ETHERNET, 3), of(InterfaceKind.ETHERNET, 4, is_default=True)
    wifi, bridge = of(InterfaceKind.WIFI, 5), of(InterfaceKind.BRIDGE, 6)
    assert choose_hosts([vpn, bridge, wifi, second, usual]).used == (
        usual,
        second,
        wifi,
        bridge,
        vpn,
    )


def test_takes_no_more_than_can_be_asked_from():
    many = [address(f"10.0.{number // 200}.{number % 200 + 1}") for number in range(MOST + 3)]
    choice = choose_hosts(many)
    assert choice.used == tuple(many[:MOST])
    assert choice.omitted == tuple((one, Omission.EXCESS) for one in many[MOST:])
