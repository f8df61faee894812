from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from stunkit.nat.gateway import GatewayReport, MappingProtocol, Reply
from stunkit.nat.layers import SecondNat, describe_inner, double_nat

GATEWAY, LOCAL = IPv4Address("192.168.1.1"), IPv4Address("192.168.1.20")
MAPPED = IPv4Address("203.0.113.1")
PROVEN, LIKELY, NO, UNKNOWN = SecondNat


def report(*addresses: str, nameless: bool = False, answered: bool = True) -> GatewayReport:
    said = tuple(map(IPv4Address, addresses))
    reply = Reply(MappingProtocol.NAT_PMP, answered, "", addresses=said, is_nameless=nameless)
    return GatewayReport(GATEWAY, LOCAL, (reply,), "" if answered else "it is mute")


def judge(
    *addresses: str, local: str = str(LOCAL), mapped: str = str(MAPPED)
) -> tuple[SecondNat, str]:
    return double_nat(IPv4Address(local), IPv4Address(mapped), report(*addresses))


def test_the_same_address_is_one_nat():
    second, why = judge("203.0.113.1")
    assert second is NO
    assert why.endswith("its own address is 203.0.113.1, which is what the server sees")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("100.64.0.2", "a carrier's NAT (RFC 6598)"),
        ("100.127.255.254", "a carrier's NAT (RFC 6598)"),
        ("192.168.0.7", "a private address (RFC 1918)"),
        ("10.1.2.3", "a private address (RFC 1918)"),
        ("172.31.0.1", "a private address (RFC 1918)"),
        ("192.0.0.2", "IPv4 inside IPv6 (RFC 7335)"),
        ("169.254.7.7", "a link-local address (RFC 3927)"),
    ],
)
def test_an_address_that_nobody_outside_can_see_proves_a_second_nat(address: str, kind: str):
    second, why = judge(address)
    assert second is PROVEN
    assert address in why
    assert kind in why


@pytest.mark.parametrize("address", ["100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.2"])
def test_an_ordinary_address_that_differs_proves_nothing(address: str):
    second, why = judge(address)
    assert second is LIKELY
    assert "several lines" in why


def test_a_near_address_may_be_the_gateways_too():
    assert judge("203.0.113.200")[0] is UNKNOWN


def test_one_of_several_lines_is_enough():
    assert judge("198.51.100.7", "203.0.113.1")[0] is NO


def test_a_gateway_that_contradicts_itself_is_not_believed():
    second, why = judge("10.0.0.7", "203.0.113.1")
    assert second is UNKNOWN
    assert "several addresses" in why


@pytest.mark.parametrize(
    "lie", ["0.0.0.0", "127.0.0.1", "239.1.1.1", "192.168.1.1", "192.168.1.20"]
)
def test_what_cannot_be_its_address_outside_is_left_out(lie: str):
    assert judge(lie)[0] is UNKNOWN
    assert judge(lie, "203.0.113.1")[0] is NO


def test_a_gateway_without_an_address_is_likely_behind_another_nat():
    second, why = double_nat(LOCAL, MAPPED, report(nameless=True))
    assert second is LIKELY
    assert "no address outside" in why


def test_a_gateway_without_an_address_and_a_carriers_router_behind_it_prove_it():
    behind = report(nameless=True)._replace(next_hop=IPv4Address("100.64.0.1"))
    second, why = double_nat(LOCAL, MAPPED, behind)
    assert second is PROVEN
    assert "no address outside" in why
    assert "100.64.0.1" in why
    ordinary = report(nameless=True)._replace(next_hop=IPv4Address("198.51.100.7"))
    assert double_nat(LOCAL, MAPPED, ordinary).second is LIKELY


def test_silence_is_unknown():
    assert double_nat(LOCAL, MAPPED, report(answered=False)) == (UNKNOWN, "it is mute")
    assert double_nat(LOCAL, MAPPED, None) == (UNKNOWN, "no gateway was asked")
    assert double_nat(None, MAPPED, None)[0] is UNKNOWN
    assert double_nat(LOCAL, MAPPED, report())[0] is UNKNOWN
    mute = GatewayReport(GATEWAY, LOCAL, (), "")
    assert double_nat(LOCAL, MAPPED, mute).why == "the gateway tells nothing of itself"


@pytest.mark.parametrize("hop", ["100.64.0.1", "192.0.0.1"])
def test_a_carriers_router_behind_a_mute_gateway_makes_it_likely(hop: str):
    behind = report(answered=False)._replace(next_hop=IPv4Address(hop))
    second, why = double_nat(LOCAL, MAPPED, behind)
    assert second is LIKELY
    assert f"the next router behind the gateway is {hop}" in why


@pytest.mark.parametrize("hop", ["10.0.0.1", "192.168.7.1", "198.51.100.7"])
def test_any_other_router_behind_it_tells_nothing(hop: str):
    behind = report(answered=False)._replace(next_hop=IPv4Address(hop))
    assert double_nat(LOCAL, MAPPED, behind) == (UNKNOWN, "it is mute")
    named = report("203.0.113.1")._replace(next_hop=IPv4Address(hop))
    assert double_nat(LOCAL, MAPPED, named).second is NO


def test_a_gateway_that_a_carriers_router_contradicts_is_not_believed():
    # as one that asks a STUN server for its address, and repeats the answer
    named = report("203.0.113.1")._replace(next_hop=IPv4Address("100.64.0.1"))
    second, why = double_nat(LOCAL, MAPPED, named)
    assert second is UNKNOWN
    assert "100.64.0.1" in why


def test_without_nat_there_is_no_second():
    assert double_nat(MAPPED, MAPPED, None)[0] is NO


@pytest.mark.parametrize("local", ["100.64.0.2", "192.0.0.1"])
def test_a_carriers_own_address_makes_its_nat_likely(local: str):
    carried = IPv4Address(local)
    assert double_nat(carried, MAPPED, None)[0] is LIKELY
    assert double_nat(carried, MAPPED, report(answered=False))[0] is LIKELY
    assert double_nat(carried, MAPPED, report("203.0.113.1"))[0] is NO


@pytest.mark.parametrize("mapped", ["10.0.0.9", "100.64.0.2", "127.0.0.1"])
def test_a_server_that_is_not_on_the_internet_cannot_tell(mapped: str):
    assert judge("10.0.0.9", mapped=mapped)[0] is UNKNOWN
    assert judge(local=mapped, mapped=mapped)[0] is UNKNOWN


def test_without_an_answer_nothing_is_known():
    assert double_nat(LOCAL, None, report("10.0.0.1"))[0] is UNKNOWN


def test_an_ordinary_address_has_no_description():
    assert describe_inner(MAPPED) is None
