"""Gatherings that never were, for tests of what is said of them."""

from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.errors import StunkitError
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind
from stunkit.ice.priority import priority_of
from stunkit.net.gathered import Gathered, Gleaned, Miss
from stunkit.net.whoami import Answer
from stunkit.wire.uri import Transport, Uri

ETHERNET = Interface("eth0", 2, InterfaceKind.ETHERNET)
VPN = Interface("wg0", 3, InterfaceKind.VPN)
LOOPBACK = Interface("lo", 1, InterfaceKind.LOOPBACK)
PLAIN = InterfaceAddress(ETHERNET, Endpoint.of("10.0.0.2", 0), 24, is_default=True)
TUNNEL = InterfaceAddress(VPN, Endpoint.of("10.8.0.2", 0), 24)
HOME = InterfaceAddress(LOOPBACK, Endpoint.of("127.0.0.1", 0), 8)
NORTH, SOUTH = Uri.parse("stun:north.example:3478"), Uri.parse("stun:198.51.100.9:3478")
NORTH_ENDPOINT, SOUTH_ENDPOINT = (
    Endpoint.of("198.51.100.1", 3478),
    Endpoint.of("198.51.100.9", 3478),
)
RELAY = Uri.parse("turn:relay.example")
HOST, REFLEXIVE, RELAYED = (
    CandidateType.HOST,
    CandidateType.SERVER_REFLEXIVE,
    CandidateType.RELAYED,
)


def candidate(
    kind: CandidateType, text: str, related: str | None = None, *, preference: int = 65535
) -> Candidate:
    endpoint = Endpoint.parse(text)
    near = None if related is None else Endpoint.parse(related)
    return Candidate(
        str(preference),
        1,
        "udp",
        priority_of(kind, local_preference=preference),
        endpoint.host,
        endpoint.port,
        kind,
        None if near is None else near.host,
        None if near is None else near.port,
    )


def host(
    address: InterfaceAddress = PLAIN, port: int = 4000, *, preference: int = 65535
) -> Gleaned:
    base = address.endpoint.with_port(port)
    return Gleaned(candidate(HOST, str(base), preference=preference), address, base)


def reflexive(
    mapped: str,
    address: InterfaceAddress = PLAIN,
    port: int = 4000,
    *,
    server: Endpoint = NORTH_ENDPOINT,
    preference: int = 65535,
) -> Gleaned:
    base = address.endpoint.with_port(port)
    made = candidate(REFLEXIVE, mapped, str(base), preference=preference)
    return Gleaned(made, address, base, NORTH, server, rtt=0.02)


def relayed(text: str = "192.175.48.9:50000", transport: Transport = Transport.TCP) -> Gleaned:
    made = candidate(RELAYED, text, "192.31.196.7:4000")
    base = PLAIN.endpoint.with_port(4002)
    return Gleaned(made, PLAIN, base, RELAY, Endpoint.of("192.175.48.1", 3478), transport)


def answer(
    uri: Uri = NORTH,
    address: InterfaceAddress = PLAIN,
    port: int = 4000,
    *,
    mapped: str | None = "192.31.196.7:4000",
) -> Answer:
    base = address.endpoint.with_port(port)
    seen = None if mapped is None else Endpoint.parse(mapped)
    return Answer(uri, Transport.UDP, base.family, NORTH_ENDPOINT, base, seen)


def miss(
    error: StunkitError,
    uri: Uri | None = NORTH,
    address: InterfaceAddress | None = PLAIN,
    kind: CandidateType = REFLEXIVE,
) -> Miss:
    return Miss(kind, address, uri, error)


def gathering(
    *candidates: Gleaned,
    misses: tuple[Miss, ...] = (),
    answers: tuple[Answer, ...] = (),
    was_answered: bool | None = True,
) -> Gathered:
    return Gathered(candidates, misses, (), answers, was_answered, 0.25)
