from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from stunkit.endpoint import Endpoint
from stunkit.nat.gateway import MappingProtocol, Reply
from stunkit.net.gateway.gateway import ask_gateway, describe_pcp, describe_pmp
from stunkit.protocol.port_control import PortControl
from stunkit.wire.pcp import PcpAnswer, PcpResult
from stunkit.wire.pmp import PmpAnswer, PmpResult

ADDRESS = IPv4Address("203.0.113.1")


def pcp(result: int) -> Reply:
    return describe_pcp(PortControl(None, PcpAnswer(result, 7)))


def pmp(result: int, external: IPv4Address | None = None) -> Reply:
    return describe_pmp(PortControl(PmpAnswer(result, 7, external), None))


def test_pcp_offers_mappings_and_tells_no_address():
    reply = pcp(PcpResult.SUCCESS)
    assert (reply.is_answered, reply.addresses, reply.maps) == (True, (), True)
    assert not reply.is_nameless  # it was not asked for its address


@pytest.mark.parametrize(
    ("result", "is_answered", "maps", "why"),
    [
        (PcpResult.UNSUPP_VERSION, False, None, "NAT-PMP alone"),
        (PcpResult.NOT_AUTHORIZED, True, False, "refuses"),
        (PcpResult.ADDRESS_MISMATCH, True, None, "a NAT is in between"),
        (99, True, None, "result 99"),
    ],
)
def test_pcp_refusals_say_what_they_mean(
    result: int, is_answered: bool, maps: bool | None, why: str
):
    reply = pcp(result)
    assert (reply.is_answered, reply.maps) == (is_answered, maps)
    assert why in reply.why


def test_nat_pmp_tells_an_address():
    reply = pmp(PmpResult.SUCCESS, ADDRESS)
    assert (reply.addresses, reply.maps, reply.is_nameless) == ((ADDRESS,), True, False)


@pytest.mark.parametrize(
    ("result", "external"),
    [(PmpResult.NETWORK_FAILURE, None), (PmpResult.SUCCESS, IPv4Address("0.0.0.0"))],
)
def test_no_address_is_said_in_two_ways(result: int, external: IPv4Address | None):
    reply = pmp(result, external)
    assert (reply.is_answered, reply.is_nameless, reply.addresses) == (True, True, ())


def test_other_failures_say_nothing_of_the_address():
    assert pmp(PmpResult.NOT_AUTHORIZED).maps is False
    assert not pmp(PmpResult.NOT_AUTHORIZED).is_nameless
    assert pmp(4).why == "the gateway answers with result 4"


def test_silence_keeps_the_networks_reason():
    silent = PortControl(None, None, "connection refused")
    for reply in (describe_pcp(silent), describe_pmp(silent)):
        assert (reply.is_answered, reply.why) == (False, "connection refused")
    assert describe_pmp(PortControl(None, None)).why == "no answer"
    assert describe_pcp(silent).protocol is MappingProtocol.PCP


def test_ipv6_is_not_asked_about():
    report = asyncio.run(ask_gateway(Endpoint.of("::1", 3478)))
    assert (report.gateway, report.replies) == (None, ())
    assert "IPv6" in report.why


def test_nobody_is_asked_where_no_gateway_is_on_the_way():
    report = asyncio.run(ask_gateway(Endpoint.of("127.0.0.1", 3478)))
    assert (report.gateway, report.replies) == (None, ())
    assert "without a gateway" in report.why
