from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.protocol.port_control import TIMEOUT, PortControl, PortControlQuery
from stunkit.wire.pcp import PcpAnswer, PcpResult, announce
from stunkit.wire.pmp import ADDRESS_REQUEST, PmpAnswer, PmpResult

GATEWAY = Endpoint.of("10.0.0.1", 0)
SERVER = GATEWAY.with_port(5351)
LOCAL = Endpoint.of("10.0.0.2", 40000)
PCP_ANSWER = bytes.fromhex("02 80 00 00 00000000 00000007") + bytes(12)
PMP_ANSWER = bytes.fromhex("0080 0000 00000007 cb007101")
PMP = PmpAnswer(PmpResult.SUCCESS, 7, IPv4Address("203.0.113.1"))


def query() -> PortControlQuery:
    return PortControlQuery(GATEWAY, LOCAL, 100.0)


def test_asks_both_at_once():
    sends = query().sends()
    assert [one.data for one in sends] == [announce(LOCAL.packed), ADDRESS_REQUEST]
    assert {(one.destination, one.local) for one in sends} == {(SERVER, LOCAL)}


def test_ends_when_both_have_answered():
    machine = query()
    machine.receive(PCP_ANSWER, SERVER, LOCAL, 100.1)
    assert not machine.events()
    machine.receive(PMP_ANSWER, SERVER, LOCAL, 100.1)
    assert machine.events() == [PortControl(PMP, PcpAnswer(PcpResult.SUCCESS, 7))]
    assert machine.deadline() is None


def test_an_older_router_answers_twice_in_its_own_version():
    machine = query()
    machine.receive(bytes.fromhex("0080 0001 00000007"), SERVER, LOCAL, 100.1)
    machine.receive(PMP_ANSWER, SERVER, LOCAL, 100.1)
    (result,) = machine.events()
    assert result == PortControl(PMP, PcpAnswer(PcpResult.UNSUPP_VERSION, 7))


def test_asks_again_what_is_not_answered():
    machine = query()
    machine.sends()
    machine.receive(PCP_ANSWER, SERVER, LOCAL, 100.1)
    at = []
    while not machine.events():
        now = machine.deadline()
        assert now is not None
        machine.tick(now)
        at += [(now, one.data) for one in machine.sends()]
    # RFC 6886 section 3.1: a quarter of a second, then twice as long each time
    times = [100.25, 100.75, 101.75]
    assert at == [(time, ADDRESS_REQUEST) for time in times]


def test_ends_with_what_it_has():
    machine = query()
    machine.sends()
    machine.receive(PMP_ANSWER, SERVER, LOCAL, 100.1)
    machine.tick(100.2)
    assert not machine.sends()
    machine.tick(100.3)
    assert [one.data for one in machine.sends()] == [announce(LOCAL.packed)]
    machine.tick(100.0 + TIMEOUT)
    assert machine.events() == [PortControl(PMP, None)]
    machine.sends()
    for late in (PCP_ANSWER, PMP_ANSWER):
        machine.receive(late, SERVER, LOCAL, 103.0)
    machine.unreachable(SERVER, LOCAL, "connection refused", 103.0)
    machine.tick(104.0)
    assert not machine.events()
    assert not machine.sends()


def test_ends_when_nobody_is_there():
    machine = query()
    machine.unreachable(GATEWAY, LOCAL, "of another port", 100.1)
    machine.unreachable(SERVER, LOCAL, "connection refused", 100.1)
    assert machine.events() == [PortControl(None, None, "connection refused")]


@pytest.mark.parametrize(
    ("source", "local"),
    [
        (Endpoint.of("10.0.0.3", 5351), LOCAL),
        (GATEWAY.with_port(5350), LOCAL),
        (SERVER, LOCAL.with_port(40001)),
    ],
)
def test_believes_nobody_else(source: Endpoint, local: Endpoint):
    machine = query()
    machine.receive(PMP_ANSWER, source, local, 100.1)
    machine.receive(PCP_ANSWER, source, local, 100.1)
    assert not machine.events()


@given(st.lists(st.binary(max_size=30)))
def test_any_datagrams_end_in_one_result(datagrams: list[bytes]):
    machine = query()
    for data in datagrams:
        machine.receive(data, SERVER, LOCAL, 100.1)
    machine.tick(200.0)
    assert len(machine.events()) == 1
