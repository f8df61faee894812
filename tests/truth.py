"""What can be claimed of a simulated network, and whether a claim is right, wrong or unknown.

The one place that says what the discovery of a ``World`` has to come to; the property tests and
``scripts/prove`` both go by it. It needs nothing but the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from stunkit.behavior import Filtering, Mapping, PortAssignment
from stunkit.endpoint import Endpoint
from stunkit.nat import discovery, fragments, hairpin, lifetime
from stunkit.nat.discovery import Discovery
from stunkit.nat.fragments import FragmentsTest
from stunkit.nat.hairpin import HairpinTest
from stunkit.nat.lifetime import LONGEST, LifetimeTest
from stunkit.nat.report import Evidence, Lifetime, Report
from stunkit.sim.network import Host
from stunkit.sim.world import World

FOREVER = 100_000.0  # seconds of virtual time; every machine has ended long before


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Found(NamedTuple):
    """The evidence that machines came to in a world, and the virtual time that it took."""

    evidence: tuple[Evidence, ...]
    elapsed: float
    seen_as: tuple[str, ...]  # the host's public addresses


def discover(world: World, *, answers: bool = False) -> tuple[Report, Found]:
    network, host, servers = world.build()
    sockets = [network.open(host) for _ in range(discovery.SOCKETS)]
    random = Random(world.seed).randbytes
    machine = Discovery(servers, sockets, network.now, random, answers=answers)
    host.machine = machine
    network.run(FOREVER, lambda: machine.is_done)
    report = machine.report()
    return report, Found(report.evidence, network.now, addresses_of(host))


def examine(world: World, module: Any) -> Found:
    """Run one of the tests that are asked for: ``hairpin``, ``fragments`` or ``lifetime``."""
    tests = {hairpin: HairpinTest, fragments: FragmentsTest, lifetime: LifetimeTest}
    network, host, servers = world.build()
    sockets = [network.open(host) for _ in range(module.SOCKETS)]
    machine = tests[module](servers[0], sockets, network.now, Random(world.seed).randbytes)
    host.machine = machine
    network.run(FOREVER, lambda: machine.is_done)
    return Found(tuple(machine.events()), network.now, addresses_of(host))


def addresses_of(host: Host) -> tuple[str, ...]:
    """Return at which addresses a host is seen: the outermost NAT's, or its own."""
    nats = [box.public for box in host.boxes if box.public]
    packed: Sequence[bytes] = nats[-1] if nats else (host.address,)
    return tuple(Endpoint(one, 0).host for one in packed)


def judge(world: World, found: Found) -> dict[str, Verdict]:
    """Return a verdict for each claim about which there is something to know."""
    verdicts = {}
    for one in found.evidence:
        verdict = judge_one(world, one, found.seen_as)
        if verdict is not None:
            verdicts[one.claim] = verdict
    return verdicts


def judge_one(world: World, one: Evidence, seen_as: Iterable[str]) -> Verdict | None:
    """Return a verdict, None where nothing is known and nothing is to be known."""
    truth = world.truth
    if one.claim == "ports":
        return None  # a list of what was seen
    if one.claim == "public_addresses":
        return Verdict.RIGHT if set(one.value or ()) <= set(seen_as) else Verdict.WRONG
    if one.claim == "lifetime":
        return judge_lifetime(world, one.value)
    if one.claim == "answers_through":
        return judge_answers(world, one.value)
    wanted = {
        "udp": True,
        "nat": truth.nat,
        "mapping": truth.mapping,
        "filtering": truth.filtering,
        "port_preserved": truth.port_assignment is PortAssignment.PRESERVING,
        "rewritten": truth.rewrites,
        "hairpin": truth.hairpin,
        "fragments": truth.fragments,
    }[one.claim]
    needs_nat = one.claim in {"port_preserved", "hairpin"}
    if truth.blocks_udp or (needs_nat and not truth.nat):
        return None if one.value is None else Verdict.WRONG
    if one.value is None:
        return Verdict.UNKNOWN
    return Verdict.RIGHT if one.value == wanted else Verdict.WRONG


def judge_answers(world: World, value: object) -> Verdict | None:
    """What the outermost box that filters does to a stranger; further in, nobody comes."""
    truth = world.truth
    if truth.blocks_udp or not truth.nat:
        return None if value is None else Verdict.WRONG
    free = Filtering.ENDPOINT_INDEPENDENT
    if value is None:
        lets_in = truth.filtering is not Filtering.ADDRESS_AND_PORT_DEPENDENT
        is_one = truth.mapping is Mapping.ENDPOINT_INDEPENDENT
        return Verdict.UNKNOWN if is_one or lets_in else None
    if truth.mapping is Mapping.ENDPOINT_INDEPENDENT:
        first = next((box for box in reversed(world.layers) if box.filtering is not free), None)
        wanted = first is None or not (first.nat and first.maps_unsolicited)
    elif truth.mapping is Mapping.ADDRESS_DEPENDENT and truth.filtering is not free:
        wanted = True  # all who get in are at the address that was asked
    else:
        wanted = truth.answers_through
    return Verdict.RIGHT if value is wanted else Verdict.WRONG


def judge_lifetime(world: World, value: object) -> Verdict | None:
    truth = world.truth
    if truth.blocks_udp:
        return None if value is None else Verdict.WRONG
    if value is None:
        return Verdict.UNKNOWN
    assert isinstance(value, Lifetime)
    expires = truth.nat or truth.filtering is not Filtering.ENDPOINT_INDEPENDENT
    if not expires:
        return Verdict.RIGHT if value.at_most is None else Verdict.WRONG
    if value.at_least > truth.lifetime or (value.at_most or truth.lifetime) < truth.lifetime:
        return Verdict.WRONG
    if value.at_most is None and truth.lifetime < LONGEST:
        return Verdict.UNKNOWN
    return Verdict.RIGHT
