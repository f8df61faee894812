"""Results of preflights for tests: ready-made, without a network."""

from __future__ import annotations

from ipaddress import IPv4Address

from stunkit.behavior import Filtering, Mapping
from stunkit.call.quality import Interval, Quality
from stunkit.call.voice import rate
from stunkit.endpoint import Endpoint, Family
from stunkit.ice.candidate import Candidate
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind
from stunkit.nat.gateway import GatewayReport
from stunkit.nat.report import Evidence, Report
from stunkit.net.discovery.path import Asked, silent_report
from stunkit.net.discovery.silence import Judgment
from stunkit.net.gathered import Gathered, Gleaned
from stunkit.net.nat import NatResult
from stunkit.net.preflight_report import Preflight
from stunkit.net.relay.report import Echo, RelayOutcome, RelayReport, Step, StepName, StepOutcome
from stunkit.wire.uri import Transport, Uri

LOCAL, MAPPED = Endpoint.of("10.0.0.2", 40000), Endpoint.of("203.0.113.1", 40000)
LOCAL6 = Endpoint.of("2001:db8:2::2", 40000)
SERVER, RELAY = Endpoint.of("198.51.100.1", 3478), Endpoint.of("198.51.100.9", 5349)
RELAYED = Endpoint.of("198.51.100.9", 50000)
NAME = Uri.parse("stun.example.org")
BLOCKED = silent_report(LOCAL, Judgment(udp=False, why="it answers over TCP alone", probes=()))
SILENT = silent_report(LOCAL, Judgment(udp=None, why="nobody answers", probes=()))


def report(**changes: object) -> Report:
    """Return the report of a port-restricted NAT, but for the changes."""
    values = {
        "udp": True,
        "local": LOCAL,
        "mapped": MAPPED,
        "nat": True,
        "mapping": Mapping.ENDPOINT_INDEPENDENT,
        "filtering": Filtering.ADDRESS_AND_PORT_DEPENDENT,
        "port_preserved": True,
        "hairpin": None,
        "rewritten": False,
        "evidence": (Evidence("mapping", Mapping.ENDPOINT_INDEPENDENT, "two saw the same"),),
    }
    return Report(**{**values, **changes})  # type: ignore[arg-type]


SYMMETRIC = report(mapping=Mapping.ADDRESS_AND_PORT_DEPENDENT, port_preserved=False)
FIREWALL6 = report(local=LOCAL6, mapped=LOCAL6, nat=False, port_preserved=None)


def nat(ipv4: Report | None = None, ipv6: Report | None = None) -> NatResult:
    return NatResult(ipv4, ipv6, 0.5, (Asked(NAME, Family.IPV4, SERVER),))


def relay(
    outcome: RelayOutcome = RelayOutcome.WORKS,
    *,
    transport: Transport = Transport.TLS,
    relayed: Endpoint | None = RELAYED,
    why: str = "12 of 12 datagrams came back",
    server: Endpoint = RELAY,
) -> RelayReport:
    scheme = "turns" if transport is Transport.TLS else "turn"
    steps = (Step(StepName.ALLOCATE, StepOutcome.OK, 0.01, "198.51.100.9:50000"),)
    echo = None if relayed is None else Echo(SERVER, 12, 12, 0.02, 0.03)
    uri = Uri.parse(f"{scheme}:relay.example")
    return RelayReport(
        uri, transport, server, outcome, why, steps=steps, relayed=relayed, echo=echo
    )


FAILED = {"relayed": None, "why": "nothing came back"}


def quality() -> Quality:
    voice = rate(0.04, 0.002, 0.0)
    return Quality(80, 80, 0.04, 0.03, 0.05, 0.002, 0.0, Interval(0.0, 0.05), 0, 0, 0, voice)


def gathered(host: str = "10.0.0.2", name: str = "eth0") -> Gathered:
    local = Endpoint.of(host, 40000)
    address = InterfaceAddress(
        Interface(name, 2, InterfaceKind.ETHERNET), local.with_port(0), 8 * len(local.packed)
    )
    line = f"candidate:1 1 udp 2130706431 {host} 40000 typ host"
    found = Gleaned(Candidate.parse(line), address, local)
    return Gathered((found,), (), (), (), True, 0.1)  # noqa: FBT003


def router(next_hop: str | None = None) -> GatewayReport:
    hop = None if next_hop is None else IPv4Address(next_hop)
    return GatewayReport(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), (), "it is silent", hop)


def preflight(ipv4: Report | None = None, **parts: object) -> Preflight:
    """Return what was found behind a port-restricted NAT, but for the parts that are given."""
    values: dict[str, object] = {
        "nat": nat(ipv4 or report()),
        "gathered": gathered(),
        "gateway": router(),
        "quality": quality(),
        "elapsed": 4.0,
    }
    return Preflight(**{**values, **parts})  # type: ignore[arg-type]
