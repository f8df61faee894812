"""Gathering where interfaces of all kinds are alive, dead or lost, behind real NATs."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stunkit.behavior import Mapping
from stunkit.endpoint import Endpoint, Family
from stunkit.ice.candidate import CandidateType
from stunkit.ice.finding import Code
from stunkit.ice.hosts import Omission
from stunkit.ice.interface import InterfaceAddress, InterfaceKind
from stunkit.ice.lint import lint_candidates
from stunkit.ice.priority import Priority
from stunkit.ice.redundancy import redundancies
from stunkit.lab import Lab, Namespace, find_kind, start_server
from stunkit.lab.command import configure_filter, configure_links
from stunkit.lab.service import Service, server_command
from stunkit.net.gather import PATIENCE, gather
from stunkit.net.gathered import Gathered, Gleaned, Wanted
from stunkit.net.host.interfaces import list_addresses
from stunkit.net.remark import RemarkCode, remarks
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport, Uri
from tests.integration.certificates import Authority
from tests.lab.connections import connections
from tests.lab.net.test_turn import ANN, relaying

HOST, REFLEXIVE, RELAYED = (
    CandidateType.HOST,
    CandidateType.SERVER_REFLEXIVE,
    CandidateType.RELAYED,
)
BUSY = 2.0  # seconds that a busy machine may take longer
TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x1, 0x2, 0x1000  # linux/if_tun.h
TUN_ADDRESS, LOST_ADDRESS = "10.8.0.2", "10.66.0.2"
SILENT_PORT = 5555
SILENCE = (
    "add table inet silent; add chain inet silent in { type filter hook input priority 0; };"
    f" add rule inet silent in udp dport {SILENT_PORT} drop;"
)


def open_tun(name: str, mode: int) -> int:
    """Make a tun or a tap that is there, and has a carrier, while the descriptor is open."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), mode | IFF_NO_PI))
    return descriptor


@contextmanager
def tunnel(namespace: Namespace, name: str = "tun0", mode: int = IFF_TUN) -> Iterator[None]:
    descriptor = namespace.call(open_tun, name, mode)
    try:
        yield
    finally:
        os.close(descriptor)


def configure(namespace: Namespace, *lines: str) -> None:
    namespace.call(configure_links, "set up interfaces", list(lines))


def addresses(namespace: Namespace) -> dict[str, InterfaceAddress]:
    return {one.host: one for one in namespace.call(list_addresses)}


def run(lab: Lab, wanted: Wanted, seen: list[tuple[float, Gleaned]] | None = None) -> Gathered:
    began = time.monotonic()

    def hear(one: Gleaned) -> None:
        if seen is not None:
            seen.append((time.monotonic() - began, one))

    return lab.client.call(asyncio.run, gather(wanted, hear))


def servers(lab: Lab, *ports: int, families: Sequence[Family] = tuple(Family)) -> list[Uri]:
    return [
        Uri.parse(f"stun:{Endpoint.of(lab.server_addresses(family)[0], port)}")
        for port in ports or (3478,)
        for family in families
        if family in lab.families
    ]


def of_type(gathered: Gathered, kind: CandidateType) -> list[Gleaned]:
    return [one for one in gathered.candidates if one.candidate.type is kind]


def text_of(gathered: Gathered, code: RemarkCode) -> str:
    (found,) = (one.text for one in remarks(gathered) if one.code is code)
    return found


def codes(gathered: Gathered) -> list[str]:
    return [one.code for one in remarks(gathered)]


# What interfaces there are


def test_kinds_are_what_the_kernel_made():
    with Namespace("host") as host, ExitStack() as stack:
        stack.enter_context(tunnel(host))
        stack.enter_context(tunnel(host, "tap0", IFF_TAP))
        stack.enter_context(tunnel(host, "vnet0", IFF_TAP))
        configure(
            host,
            "link set lo up",
            "link add eth0 type veth peer name port0",
            "link add br0 type bridge",
            "link set port0 master br0",
            "link set vnet0 master br0",
            "link add vx0 type vxlan id 4 dstport 4789",
            *(f"link set {name} up" for name in ("eth0", "port0", "br0", "tun0", "tap0", "vx0")),
            "link set vnet0 up",
            "address add 10.0.1.1/24 dev eth0",
            "address add 10.0.2.1/24 dev br0",
            "address add 10.0.3.1/24 dev tun0",
            "address add 10.0.4.1/24 dev tap0",
            "address add 10.0.5.1/24 dev vnet0",
            "address add 10.0.6.1/24 dev vx0",
        )
        found = addresses(host)
    kinds = {name: found[name].interface.kind for name in found if name.startswith("10.")}
    assert kinds == {
        "10.0.1.1": InterfaceKind.CONTAINER,
        "10.0.2.1": InterfaceKind.BRIDGE,
        "10.0.3.1": InterfaceKind.VPN,
        "10.0.4.1": InterfaceKind.VPN,
        "10.0.5.1": InterfaceKind.VIRTUAL,  # a machine's cable
        "10.0.6.1": InterfaceKind.VIRTUAL,
    }
    assert found["127.0.0.1"].interface.kind is InterfaceKind.LOOPBACK
    assert found["10.0.3.1"].interface.is_point_to_point
    assert found["10.0.1.1"].interface.mtu == 1500


def test_addresses_say_whether_they_are_deprecated_and_usual_and_whether_there_is_a_carrier():
    with Namespace("host") as host:
        configure(
            host,
            "link add eth0 type veth peer name port0",
            "link add eth1 type veth peer name port1",
            "link set eth0 up",
            "link set port0 up",
            "link set eth1 up",  # and nothing at its other end
            "address add 10.0.1.1/24 dev eth0",
            "address add 10.0.2.1/24 dev eth1",
            "address add 2001:db8:5::1/64 dev eth0 nodad",
            "address add 2001:db8:5::2/64 dev eth0 nodad preferred_lft 0",
            "address add fe80::5/64 dev eth0 nodad",
            "route add default via 10.0.1.254",
        )
        found = addresses(host)
    assert [name for name, one in found.items() if one.is_default] == ["10.0.1.1"]
    assert [name for name, one in found.items() if one.is_deprecated] == ["2001:db8:5::2"]
    assert (found["10.0.1.1"].interface.is_up, found["10.0.1.1"].interface.is_running) == (1, 1)
    assert (found["10.0.2.1"].interface.is_up, found["10.0.2.1"].interface.is_running) == (1, 0)
    assert found["10.0.1.1"].prefix_length == 24
    link_local = found["fe80::5"]
    assert link_local.endpoint.scope == link_local.interface.index


# What comes


@pytest.mark.parametrize("family", Family)
def test_reflexive_candidates_are_what_the_router_gave(family: Family):
    with Lab(find_kind("nat66").varied(ipv6=True)) as lab, start_server(lab, alternate=False):
        gathered = run(lab, Wanted(servers(lab)))
        tracked = {
            str(one.mapped)
            for one in connections(lab.router)
            if one.local.host == lab.sides[0].local_address(family)
        }
        public = lab.sides[0].public_addresses(family)[0]
    (host,) = (one for one in of_type(gathered, HOST) if one.base.family is family)
    (seen,) = (one for one in of_type(gathered, REFLEXIVE) if one.base.family is family)
    mapped = Endpoint.of(seen.candidate.address, seen.candidate.port)
    assert {str(mapped)} == tracked
    assert mapped.host == public
    assert seen.base == host.base
    assert (seen.candidate.related_address, seen.candidate.related_port) == (
        host.candidate.address,
        host.candidate.port,
    )
    assert (seen.address.interface.name, seen.address.is_default) == ("eth0", True)
    assert gathered.was_answered
    assert gathered.misses == ()


def test_the_order_is_that_of_the_rfcs():
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(find_kind("nat66").varied(ipv6=True)))
        stack.enter_context(start_server(lab, alternate=False))
        stack.enter_context(tunnel(lab.client))
        configure(
            lab.client,
            "link set tun0 up",
            f"address add {TUN_ADDRESS}/24 dev tun0",
            "address add fd08::2/64 dev tun0 nodad",
        )
        gathered = run(lab, Wanted(servers(lab), timeout=2))
    order = [
        (one.candidate.type, one.base.family, one.address.interface.name)
        for one in gathered.candidates
        if one.candidate.type is HOST
    ]
    assert order == [  # by turns (RFC 8421), the tunnel last of each
        (HOST, Family.IPV6, "eth0"),
        (HOST, Family.IPV4, "eth0"),
        (HOST, Family.IPV6, "tun0"),
        (HOST, Family.IPV4, "tun0"),
    ]
    priorities = [one.candidate.priority for one in gathered.candidates]
    assert priorities == sorted(set(priorities), reverse=True)
    parts = Priority.of(priorities[0])
    assert parts == (126, 65535, 1)
    assert "tun0 is a VPN" in text_of(gathered, RemarkCode.VPN)


def test_without_a_nat_the_reflexive_candidate_is_redundant():
    with Lab(find_kind("firewall")) as lab, start_server(lab, alternate=False):
        gathered = run(lab, Wanted(servers(lab)))
    (one,) = redundancies([one.candidate for one in gathered.candidates])
    assert (one.candidate.type, one.kept.type) == (REFLEXIVE, HOST)
    assert "no NAT is in the way" in text_of(gathered, RemarkCode.REDUNDANT)


def test_a_symmetric_nat_gives_one_socket_several_candidates():
    with (
        Lab(find_kind("symmetric")) as lab,
        start_server(lab, alternate=False),
        start_server_at(lab, 3480),
    ):
        gathered = run(lab, Wanted(servers(lab, 3478, 3480)))
    first, second = (one.candidate for one in of_type(gathered, REFLEXIVE))
    assert first.port != second.port
    assert first.related_port == second.related_port
    assert first.foundation == second.foundation  # one server's address, one base
    assert "not endpoint-independent" in text_of(gathered, RemarkCode.MAPPING_VARIES)
    faults = {one.code for one in lint_candidates([first, second])}
    assert not faults & {Code.FOUNDATION_SHARED, Code.PRIORITY_EQUAL, Code.DUPLICATE}


def start_server_at(lab: Lab, port: int) -> Service:
    command = server_command(lab, alternate=False)
    command = [word.replace(":3478", f":{port}") for word in command]
    return Service(lab.outside, command, ready="ready")


def test_an_independent_nat_gives_one_candidate_that_all_servers_saw():
    with (
        Lab(find_kind("port-restricted")) as lab,
        start_server(lab, alternate=False),
        start_server_at(lab, 3480),
    ):
        gathered = run(lab, Wanted(servers(lab, 3478, 3480)))
    assert lab.kinds[0].behavior(Family.IPV4).mapping is Mapping.ENDPOINT_INDEPENDENT
    assert len(of_type(gathered, REFLEXIVE)) == 1
    assert len(gathered.answers) == 2
    assert RemarkCode.MAPPING_VARIES not in codes(gathered)


# What does not come


def test_dead_interfaces_and_servers_delay_nobody():
    with Lab(find_kind("nat66").varied(ipv6=True)) as lab, start_server(lab, alternate=False):
        lab.outside.call(configure_filter, "be silent", SILENCE)
        with tunnel(lab.client):
            configure(
                lab.client,
                "link set tun0 up",  # what is sent there goes nowhere
                f"address add {TUN_ADDRESS}/24 dev tun0",
                "route add default dev tun0 table 100",
                f"rule add from {TUN_ADDRESS} lookup 100",
                "link add lost0 type veth peer name lost1",
                "link set lost0 up",
                "link set lost1 up",
                f"address add {LOST_ADDRESS}/24 dev lost0",
                "route add unreachable default table 101",
                f"rule add from {LOST_ADDRESS} lookup 101",
            )
            seen: list[tuple[float, Gleaned]] = []
            wanted = Wanted(servers(lab, 3478, SILENT_PORT), timeout=20)
            gathered = run(lab, wanted, seen)
    assert gathered.elapsed < PATIENCE + BUSY
    assert len(of_type(gathered, HOST)) == 4
    assert len(of_type(gathered, REFLEXIVE)) == 2  # one a family
    assert max(when for when, _ in seen) < PATIENCE  # all that comes, comes before
    assert [one.candidate.type for _, one in seen[:4]] == [HOST] * 4
    said = {(one.code, one.text) for one in remarks(gathered)}
    lost = [text for code, text in said if code == RemarkCode.INTERFACE_FAILED]
    assert len(lost) == 2
    (tun,) = (text for text in lost if "tun0 (vpn, 10.8.0.2)" in text)
    assert "no answer in" in tun
    (gone,) = (text for text in lost if "lost0 (container, 10.66.0.2)" in text)
    assert "unreachable" in gone or "no route" in gone
    silent = [text for code, text in said if code == RemarkCode.SERVER_FAILED]
    assert len(silent) == 2
    assert all(f":{SILENT_PORT} gave" in text and "no answer in" in text for text in silent)


def test_an_interface_without_a_carrier_is_left_out_and_named():
    with Lab(find_kind("port-restricted")) as lab, start_server(lab, alternate=False):
        configure(
            lab.client,
            "link add down0 type veth peer name down1",
            "link set down0 up",
            "address add 10.77.0.2/24 dev down0",
        )
        gathered = run(lab, Wanted(servers(lab)))
    assert Omission.DOWN in {
        reason for one, reason in gathered.omitted if one.interface.name == "down0"
    }
    assert "10.77.0.2 of down0" in text_of_all(gathered)
    assert {one.address.interface.name for one in gathered.candidates} == {"eth0"}


def text_of_all(gathered: Gathered) -> str:
    return " ".join(one.text for one in remarks(gathered))


# Relays


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


def test_relays_give_candidates_over_udp_tcp_and_tls(authority: Authority, tmp_path: Path):
    with Lab(find_kind("symmetric")) as lab, relaying(lab, authority, tmp_path) as address:
        uris = [Uri.parse(f"turn:{address}"), Uri.parse(f"turns:{address}")]
        wanted = Wanted(servers(lab), uris, ANN, ca_file=authority.file)
        gathered = run(lab, wanted)
    found = of_type(gathered, RELAYED)
    assert {one.transport for one in found} == {Transport.UDP, Transport.TCP, Transport.TLS}
    assert {one.candidate.address for one in found} == {address}
    assert {one.candidate.related_address for one in found} == {lab.sides[0].public_addresses()[0]}
    assert len({one.candidate.port for one in found}) == 3
    assert len({one.candidate.foundation for one in found}) == 3  # a way of its own each
    assert len({one.candidate.priority for one in found}) == 3
    assert gathered.misses == ()


def test_a_relay_that_refuses_is_named_with_the_reason(authority: Authority, tmp_path: Path):
    with Lab(find_kind("port-restricted")) as lab, relaying(lab, authority, tmp_path) as address:
        wrong = TurnCredentials("ann", "wrong")
        uris = [Uri.parse(f"turn:{address}?transport=udp")]
        gathered = run(lab, Wanted(servers(lab), uris, wrong))
    assert of_type(gathered, RELAYED) == []
    assert gathered.was_answered  # the STUN server did
    text = text_of(gathered, RemarkCode.RELAY_FAILED)
    assert f"turn:{address}?transport=udp over UDP gave eth0" in text
    assert "401" in text


def test_where_udp_is_blocked_the_relay_over_tcp_comes_all_the_same(
    authority: Authority, tmp_path: Path
):
    with Lab(find_kind("udp-blocked")) as lab, relaying(lab, authority, tmp_path) as address:
        wanted = Wanted(servers(lab), [Uri.parse(f"turn:{address}")], ANN)
        gathered = run(lab, wanted)
    (relay,) = of_type(gathered, RELAYED)
    assert relay.transport is Transport.TCP
    assert gathered.was_answered
    assert f"turn:{address} over UDP gave" in text_of(gathered, RemarkCode.RELAY_FAILED)
