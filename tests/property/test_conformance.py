"""No case says anything false of a server, whatever lies between: NATs, firewalls, bad weather."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.conformance.catalogue import CASES
from stunkit.conformance.interview import FIRST_WAIT, Interview, wait_for
from stunkit.conformance.subject import Subject, acquainted, introduction
from stunkit.conformance.tally import Tally
from stunkit.conformance.verdict import Outcome
from stunkit.sim.network import Host, Network
from stunkit.sim.server import Lie
from stunkit.sim.world import World
from stunkit.wire.uri import Transport
from tests.network_strategies import rough_worlds

# What is an honest server of RFC 5780, in part or in whole.
HONEST = (Lie.NONE, Lie.NO_RFC5780, Lie.NO_RESPONSE_PORT, Lie.NO_PADDING)
LONGEST = 300.0  # virtual seconds until a test fails whose case does not end
UDP_CASES = [case for case in CASES if Transport.UDP in case.transports]

some_cases = st.lists(st.sampled_from(UDP_CASES), min_size=6, max_size=6, unique_by=id)


class OnItsSockets(Interview):
    """An interview that hears what comes to its own sockets, as the system would have it."""

    def receive(self, data, source, local, now):
        if local in self._subject.locals:
            super().receive(data, source, local, now)


class Path:
    """One way through a simulated network to its first server."""

    def __init__(self, world: World) -> None:
        self.network, self.host, (server, *_) = world.build()
        random = Random(world.seed)
        self.tally = Tally()
        self.wait = FIRST_WAIT
        self.subject = Subject(server, Transport.UDP, (), lambda: random.randbytes(12))
        heard = self.run(introduction)
        self.subject = acquainted(self.subject, heard)
        if heard.arrivals:
            self.wait = wait_for(heard.arrivals[0].after)

    def run(self, make):
        network: Network = self.network
        host: Host = self.host
        subject = self.subject._replace(locals=tuple(network.open(host) for _ in range(2)))
        machine = OnItsSockets(subject, make(subject), self.tally, self.wait, network.now)
        host.machine = machine
        results = []

        def is_done():
            results.extend(machine.events())
            return bool(results)

        network.run(network.now + LONGEST, is_done)
        host.machine = None
        (result,) = results
        return result

    def examine(self, case):
        return case.inapplicable(self.subject) or self.run(case.examine)


@given(world=rough_worlds, lie=st.sampled_from(HONEST), cases=some_cases)
def test_an_honest_server_breaks_nothing_whatever_lies_between(world, lie, cases):
    path = Path(replace(world, lies=(lie,)))
    verdicts = {case.id: path.examine(case) for case in cases}
    failed = {n: v.why for n, v in verdicts.items() if v.outcome is Outcome.FAIL}
    assert not failed


@pytest.mark.parametrize(
    ("lie", "case"),
    [
        (Lie.IGNORES_CHANGE, "change-request"),
        (Lie.WRONG_SOURCE, "change-request"),
        (Lie.WRONG_OTHER, "other-answers"),
        (Lie.SAME_ADDRESS, "other-address"),
        (Lie.FIREWALLED, "other-answers"),
        (Lie.IGNORES_RESPONSE_PORT, "response-port"),
        (Lie.IGNORES_PADDING, "padding"),
    ],
)
def test_what_misleads_a_discovery_is_found_out(lie: Lie, case: str):
    path = Path(World(lies=(lie,)))
    (wanted,) = (one for one in UDP_CASES if one.id == case)
    assert path.examine(wanted).outcome is Outcome.FAIL
