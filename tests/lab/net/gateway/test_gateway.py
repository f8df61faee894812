"""Asking real home routers about themselves, with one NAT and with two."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.lab import Lab, find_kind, start_server
from stunkit.lab.command import configure_filter, configure_links
from stunkit.nat.gateway import GatewayReport, MappingProtocol
from stunkit.nat.layers import SecondNat, double_nat
from stunkit.net.gateway.gateway import TIMEOUT, ask_gateway
from stunkit.net.query import Asker
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.pmp import ADDRESS_REQUEST
from stunkit.wire.pmp import PORT as PMP_PORT
from tests.lab.home_router import OPEN, home, renumber, rules, start_miniupnpd

PUBLIC = "5.5.5.0/28"  # any network that miniupnpd takes for a public one
OUTSIDE = "203.0.113.0/28"
CARRIERS = "100.64.0.0/24"
OVERHEAD = 0.7  # seconds; two processors are shared with other tests
PCP, PMP, IGD = MappingProtocol


async def look(server: Endpoint) -> tuple[GatewayReport, IPv4Address | None]:
    """Return what the gateway says, and as what the server sees us."""
    async with Asker() as asker:
        answer = await asker.ask(server, await asker.open(server))
    mapped = mapped_endpoint(answer.response)
    return await ask_gateway(server), mapped and IPv4Address(mapped.packed)


def judge(lab: Lab) -> tuple[SecondNat, GatewayReport]:
    server = Endpoint.of(lab.server_addresses()[0], 3478)
    with start_server(lab, alternate=False):
        report, mapped = lab.client.call(asyncio.run, look(server))
    assert str(report.gateway) == lab.sides[0].links[server.family][0].outer
    assert str(report.local) == lab.sides[0].local_address()
    return double_nat(report.local, mapped, report).second, report


def test_the_only_nat_says_so_over_everything_and_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    renumber(monkeypatch, {OUTSIDE: PUBLIC})
    with Lab(find_kind("port-restricted")) as lab, start_miniupnpd(home(lab), tmp_path):
        before = rules(home(lab))
        assert "miniupnpd" in before
        began = time.monotonic()
        second, report = judge(lab)
        assert rules(home(lab)) == before
    assert second is SecondNat.NO
    assert time.monotonic() - began < TIMEOUT + 3  # with the server's start
    replies = {reply.protocol: reply for reply in report.replies}
    assert all(reply.is_answered and reply.maps for reply in report.replies)
    public = (IPv4Address("5.5.5.1"),)
    assert [replies[one].addresses for one in (PCP, PMP, IGD)] == [(), public, public]
    assert "MiniUPnPd" in replies[IGD].why
    leases = tmp_path / "leases"
    assert not leases.exists() or not leases.read_text()


def test_behind_a_carrier_a_new_router_has_no_address_to_show(tmp_path: Path):
    # since 2018 miniupnpd keeps an address to itself that is no public one
    with Lab(find_kind("carrier")) as lab, start_miniupnpd(home(lab), tmp_path):
        second, report = judge(lab)
    assert second is SecondNat.PROVEN  # with the carrier's router behind it
    assert str(report.next_hop) == lab.sides[0].links[Family.IPV4][1].outer
    assert report.addresses == ()
    named = {reply.protocol: reply.is_nameless for reply in report.replies}
    assert named == {PCP: False, PMP: True, IGD: True}


def test_behind_a_carrier_that_uses_public_addresses_two_are_likely(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    renumber(monkeypatch, {CARRIERS: "11.1.1.0/24", OUTSIDE: PUBLIC})
    with Lab(find_kind("carrier")) as lab, start_miniupnpd(home(lab), tmp_path):
        second, report = judge(lab)
    assert report.addresses == (IPv4Address("11.1.1.2"),)
    assert second is SecondNat.LIKELY


def ask_older_router(lab: Lab, address: str) -> GatewayReport:
    """Ask a router that speaks NAT-PMP alone and names an address, whatever it is."""
    home(lab).call(configure_filter, "let the box be asked", OPEN)
    router = home(lab).call(UdpSocket, Endpoint.of("10.0.0.1", PMP_PORT))

    def answer(data: bytes, source: Endpoint, local: Endpoint) -> None:
        del local
        if data == ADDRESS_REQUEST:
            router.send(bytes.fromhex("0080000000000001") + IPv4Address(address).packed, source)

    async def answer_and_ask() -> GatewayReport:
        router.start(answer)
        try:
            return await ask_gateway(Endpoint.of(lab.server_addresses()[0], 3478))
        finally:
            router.close()

    return lab.client.call(asyncio.run, answer_and_ask())


def test_behind_a_carrier_an_older_router_proves_it():
    with Lab(find_kind("carrier")) as lab:
        report = ask_older_router(lab, "100.64.0.2")
    layers = double_nat(report.local, IPv4Address("203.0.113.1"), report)
    assert layers.second is SecondNat.PROVEN
    assert "100.64.0.2, an address of a carrier's NAT" in layers.why


@pytest.mark.parametrize(
    ("name", "second"),
    [("carrier", SecondNat.LIKELY), ("port-restricted", SecondNat.UNKNOWN)],
)
def test_behind_a_mute_router_the_next_one_is_all_there_is(name: str, second: SecondNat):
    with Lab(find_kind(name)) as lab:
        began = time.monotonic()
        report = lab.client.call(asyncio.run, ask_gateway(Endpoint.of("198.51.100.1", 3478)))
        assert time.monotonic() - began < TIMEOUT + OVERHEAD
        behind = [link.outer for link in lab.sides[0].links[Family.IPV4][1:-1]]
    assert [reply.is_answered for reply in report.replies] == [False] * 3
    assert "answers neither PCP nor NAT-PMP nor UPnP" in report.why
    assert [str(report.next_hop)] == (behind or ["None"])
    assert double_nat(report.local, IPv4Address("203.0.113.1"), report).second is second


def test_a_router_that_repeats_what_a_server_sees_is_not_believed():
    with Lab(find_kind("carrier")) as lab:
        report = ask_older_router(lab, "203.0.113.1")
    layers = double_nat(report.local, IPv4Address("203.0.113.1"), report)
    assert layers.second is SecondNat.UNKNOWN
    assert "100.64.0.1" in layers.why


def test_a_pool_of_public_addresses_is_no_second_nat(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    renumber(monkeypatch, {OUTSIDE: PUBLIC})
    with Lab(find_kind("pool")) as lab, start_miniupnpd(home(lab), tmp_path):
        verdicts = {judge(lab)[0] for _ in range(2)}
    assert verdicts <= {SecondNat.NO, SecondNat.UNKNOWN}


def test_nobody_is_asked_where_a_tunnel_leads_outside(tmp_path: Path):
    with Lab(find_kind("port-restricted")) as lab, start_miniupnpd(home(lab), tmp_path):
        lines = [
            "tuntap add mode tun name tun0",
            "link set tun0 up",
            "address add 10.8.0.2/32 dev tun0",
            "route add 198.51.100.0/24 dev tun0 src 10.8.0.2",
        ]
        lab.client.call(configure_links, "set up a tunnel", lines)
        report = lab.client.call(asyncio.run, ask_gateway(Endpoint.of("198.51.100.1", 3478)))
        other = lab.client.call(asyncio.run, ask_gateway(Endpoint.of("192.0.2.7", 3478)))
    assert (report.gateway, report.replies) == (None, ())
    assert report.why.startswith("tun0 leads there without a gateway")
    assert other.is_answered
