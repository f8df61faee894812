"""Two machines with one address each, in namespaces of their own, that are one server.

    client ── NAT ── outside ── eth0 first   198.51.100.1
                        └────── eth0 second  198.51.100.2

What is said of each NAT is what a server with two addresses makes one say.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stunkit.behavior import PortAssignment
from stunkit.endpoint import Endpoint, Family
from stunkit.lab import KINDS, Kind, Lab, Namespace, Service, find_kind
from stunkit.lab.command import configure_links
from stunkit.lab.side import addresses, prepare
from stunkit.protocol.partner import Codec, LinkMessage
from stunkit.protocol.partner import Kind as MessageKind
from stunkit.wire.attributes.address import OtherAddress, XorMappedAddress
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.lab.server.machines import STUNKIT
from tests.lab.world import PORTS, Peer

LINK_PORT = 3480
METRICS = "127.0.0.1:9478"
DIGITS = "00112233445566778899aabbccddeeff" * 2
GATEWAYS = {Family.IPV4: "192.0.2.1", Family.IPV6: "2001:db8:9::1"}
EVERYWHERE = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}
PATIENCE = 10.0  # seconds until a test fails
WITHDRAWN_WITHIN = 2.0  # seconds, at the most
INCONCLUSIVE = 6  # exit status where UDP is blocked
COTURN_KINDS = ("full-cone", "restricted", "port-restricted", "symmetric", "symmetric-unfiltered")
COTURN_WORDS = {
    "endpoint-independent": "Endpoint Independent",
    "address-dependent": "Address Dependent",
    "address-and-port-dependent": "Address and Port Dependent",
}


@dataclass(frozen=True)
class Partners:
    """Two machines, and where each answers."""

    lab: Lab
    machines: tuple[Namespace, Namespace]
    hosts: tuple[str, str]
    key: Path

    def serve(self, index: int) -> Service:
        """Start the server of one machine."""
        ours, theirs = self.hosts[index], self.hosts[1 - index]
        command = [*STUNKIT, "serve", "--listen", str(Endpoint.of(ours, PORTS[0]))]
        command += ["--partner", str(Endpoint.of(theirs, LINK_PORT))]
        command += ["--partner-key-file", str(self.key), "--metrics-listen", METRICS]
        return Service(self.machines[index], command, ready="ready")


def count(machine: Namespace, outcome: str) -> int:
    """How many of a partner's messages became that, as the machine's figures say."""

    def read() -> str:
        with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=PATIENCE) as answer:
            text: str = answer.read().decode()
            return text

    (line,) = re.findall(
        rf'^stunkit_partner_messages_total{{\w+="{outcome}"}} (.+)$',
        machine.call(read),
        re.MULTILINE,
    )
    return int(float(line))


@contextmanager
def partners(kind: Kind, folder: Path, family: Family = Family.IPV4) -> Iterator[Partners]:
    """A lab whose two server addresses are those of two machines."""
    key = folder / "key"
    key.write_text(DIGITS)
    key.chmod(0o600)
    with Lab(kind) as lab, ExitStack() as stack:
        hosts = lab.server_addresses(family)
        length = 32 if family is Family.IPV4 else 128
        machines = [stack.enter_context(Namespace(name)) for name in ("first", "second")]
        lines = []
        for machine, host in zip(machines, hosts, strict=True):
            prepare(machine, [family])
            lines += [
                f"address del {host}/{length} dev lo",
                f"link add {machine.name} type veth peer name eth0 netns {machine.path}",
                f"link set {machine.name} up",
                *addresses([GATEWAYS[family]], length, machine.name),
                f"route add {host}/{length} dev {machine.name}",
            ]
        lab.outside.call(configure_links, "set up the machines' wires", lines)
        for machine, host in zip(machines, hosts, strict=True):
            there = [
                "link set lo up",
                "link set eth0 up",
                *addresses([host], length, "eth0"),
                f"route add {GATEWAYS[family]}/{length} dev eth0",
                f"route add {EVERYWHERE[family]} via {GATEWAYS[family]} dev eth0",
            ]
            machine.call(configure_links, "set up a machine", there)
        first, second = machines
        yield Partners(lab, (first, second), hosts, key)


@contextmanager
def serving(kind: Kind, folder: Path, family: Family = Family.IPV4) -> Iterator[Partners]:
    """The same, with both servers joined."""
    with partners(kind, folder, family) as two, two.serve(0) as a, two.serve(1) as b:
        wait_for("is there: OTHER-ADDRESS is", a)
        wait_for("is there: OTHER-ADDRESS is", b)
        yield two


def wait_for(words: str, service: Service) -> float:
    """Wait until a server says something; return how long it took."""
    start = time.monotonic()
    while not any(words in line for line in list(service.lines)):
        assert time.monotonic() < start + PATIENCE, list(service.lines)
        time.sleep(0.01)
    return time.monotonic() - start


def truth(kind: Kind, family: Family = Family.IPV4) -> dict[str, object]:
    """Return what a report has to say, as of a server with two addresses."""
    behavior = kind.behavior(family)
    if behavior.blocks_udp:
        return {"udp": "blocked", "nat": None, "mapping": "unknown", "filtering": "unknown"}
    preserved = behavior.port_assignment is PortAssignment.PRESERVING if behavior.nat else None
    return {
        "udp": "open",
        "nat": behavior.nat,
        "mapping": behavior.mapping,
        "filtering": behavior.filtering,
        "port_preserved": preserved,
        "legacy": behavior.legacy,
        "rewritten": False,
    }


def discover(two: Partners, index: int = 0, family: Family = Family.IPV4) -> dict[str, object]:
    host = two.hosts[index]
    server = f"[{host}]" if ":" in host else host
    done = two.lab.client.run([*STUNKIT, "nat", "--json", server], timeout=50)
    assert done.returncode in (0, INCONCLUSIVE), done.stderr
    report: dict[str, object] = json.loads(done.stdout)[family]
    return report


@pytest.mark.parametrize("name", KINDS)
def test_nat_is_as_right_as_with_a_server_of_two_addresses(name: str, tmp_path: Path):
    kind = find_kind(name)
    with serving(kind, tmp_path) as two:
        report = discover(two)
    assert {claim: report[claim] for claim in truth(kind)} == truth(kind)


def test_either_machine_may_be_asked(tmp_path: Path):
    kind = find_kind("port-restricted")
    with serving(kind, tmp_path) as two:
        report = discover(two, 1)
    assert {claim: report[claim] for claim in truth(kind)} == truth(kind)


def test_nat_is_as_right_in_ipv6(tmp_path: Path):
    kind = find_kind("symmetric").varied(ipv6=True)
    with serving(kind, tmp_path, Family.IPV6) as two:
        report = discover(two, family=Family.IPV6)
    expected = truth(kind, Family.IPV6)
    assert {claim: report[claim] for claim in expected} == expected


@pytest.mark.parametrize("name", COTURN_KINDS)
def test_coturns_discovery_agrees(name: str, tmp_path: Path):
    behavior = find_kind(name).behavior()
    # the strictest filtering takes it six seconds each time: once is enough
    tests = ["-m"] if name == "symmetric" else ["-m", "-f"]
    with serving(find_kind(name), tmp_path) as two:
        words = [*tests, "-L", two.lab.sides[0].local_address(), two.hosts[0]]
        done = two.lab.client.run(["turnutils_natdiscovery", *words], timeout=40)
    verdicts = [line for line in done.stdout.splitlines() if line.startswith("NAT with ")]
    assert (
        verdicts
        == [
            f"NAT with {COTURN_WORDS[behavior.mapping]} Mapping!",
            f"NAT with {COTURN_WORDS[behavior.filtering]} Filtering!",
        ][: len(tests)]
    )


def ask(peer: Peer, host: str, change: ChangeRequest | None = None) -> tuple[Message, Endpoint]:
    request = Message.request(Method.BINDING, bytes(12), [change] if change else [])
    peer.send(request.raw, Endpoint.of(host, PORTS[0]))
    data, source = peer.receive()
    return Message.decode(data), source


@pytest.mark.alone
def test_other_address_goes_when_the_wire_is_cut_and_comes_back(tmp_path: Path):
    with partners(find_kind("public"), tmp_path) as two, two.serve(0) as a, two.serve(1):
        wait_for("is there: OTHER-ADDRESS is", a)
        peer = Peer(two.lab.client, Family.IPV4)
        with peer.socket:
            answer, _ = ask(peer, two.hosts[0])
            assert answer.get(OtherAddress) == OtherAddress(Endpoint.of(two.hosts[1], PORTS[1]))
            two.lab.outside.call(configure_links, "cut the wire", ["link set second down"])
            assert wait_for("OTHER-ADDRESS is withdrawn", a) < WITHDRAWN_WITHIN
            answer, _ = ask(peer, two.hosts[0])
            assert answer.get(OtherAddress) is None
            answer, _ = ask(peer, two.hosts[0], ChangeRequest(change_ip=True))
            error = answer.get(ErrorCode)
            assert error is not None
            assert error.code == 420
            a.lines.clear()
            mend = ["link set second up", f"route replace {two.hosts[1]}/32 dev second"]
            two.lab.outside.call(configure_links, "mend the wire", mend)
            wait_for("is there: OTHER-ADDRESS is", a)
            answer, source = ask(peer, two.hosts[0], ChangeRequest(change_ip=True))
            assert source == Endpoint.of(two.hosts[1], PORTS[0])
            assert answer.message_class is MessageClass.SUCCESS_RESPONSE


def test_nothing_is_sent_for_whoever_has_no_key_or_no_session(tmp_path: Path):
    """From the outside, with the partner's address as a forged source, over the wire."""
    with serving(find_kind("public"), tmp_path) as two:
        second = two.machines[1]
        before = count(second, "forged"), count(second, "stale")  # a first greeting may be stale
        victim = Peer(two.lab.client, Family.IPV4)
        forger = Peer(two.lab.outside, Family.IPV4)
        with victim.socket, forger.socket:
            answer, _ = ask(victim, two.hosts[1])
            mapped = answer.get(XorMappedAddress)
            assert mapped is not None
            lines = [f"address add {two.hosts[0]}/32 dev lo"]
            two.lab.outside.call(configure_links, "forge an address", lines)
            forger.socket.bind((two.hosts[0], LINK_PORT))
            target = Endpoint.of(two.hosts[1], LINK_PORT)
            payload = b"\0\4" + mapped.endpoint.port.to_bytes(2, "big")
            payload += mapped.endpoint.packed + bytes(12) + answer.raw
            forged = LinkMessage(MessageKind.HAND_OVER, b"a" * 16, b"b" * 16, 1, 1, payload)
            for secret in (b"?" * 32, bytes.fromhex(DIGITS)):
                forger.send(Codec(secret).encode(forged), target)
            lines = [f"address del {two.hosts[0]}/32 dev lo"]
            two.lab.outside.call(configure_links, "be honest again", lines)
            # what is sent for nobody is not sent before what is answered after it
            answer, source = ask(victim, two.hosts[1])
            assert source == Endpoint.of(two.hosts[1], PORTS[0])
            assert victim.drain() == []
            after = count(second, "forged"), count(second, "stale")
            assert after == (before[0] + 1, before[1] + 1)
            assert count(second, "sent") == 0
