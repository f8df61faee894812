"""A call, simulated: two ICE agents behind the simulated NATs of both ends.

What comes out is which pair both agents select. It is asked for under several timings: who starts
first, who is controlling, how long datagrams take, whether an agent answers before it has the
peer's candidates. From equal ends follow equal outcomes, so they are computed once.

Rules of this file: everything is known here; what is not known is for ``verdict`` to try out.
Only one family at a time: ICE never pairs two, and to a NAT both are alike.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import NamedTuple

from stunkit.behavior import Behavior, Filtering, Pooling
from stunkit.endpoint import Endpoint
from stunkit.ice.agent import Agent
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.check import Credentials
from stunkit.ice.pair import Local
from stunkit.ice.session import Pacing
from stunkit.sim.box import Box
from stunkit.sim.network import Host, Network, Weather
from stunkit.sim.relay import Relay

# Four requests are enough where nothing is lost, and ten seconds where nobody is later than that.
# The first pair that works will do: there are direct ones or relayed ones, not both.
PACING = Pacing(rc=4, rm=4, patience=10.0, hurry=0.0)
END = 200.0  # seconds of virtual time; every agent has ended long before

_STUN = Endpoint.of("198.51.100.1", 3478)
_NETWORKS = (bytes((203, 0, 113, 10)), bytes((203, 0, 113, 20)))
_SHARED = (bytes((100, 64, 0, 10)), bytes((100, 64, 0, 20)))
_FREE = Filtering.ENDPOINT_INDEPENDENT
_PREFERENCES = {  # RFC 8445 section 5.1.2.2
    CandidateType.HOST: 126,
    CandidateType.SERVER_REFLEXIVE: 100,
    CandidateType.RELAYED: 0,
}


class Outcome(StrEnum):
    """How a call ends; the better first."""

    DIRECT = "direct"
    RELAY = "relay"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Place(StrEnum):
    """Where the two ends are to each other."""

    APART = "apart"
    SAME_LAN = "same-lan"
    """Behind one NAT, and able to reach each other without it."""
    CARRIER = "carrier"
    """Behind one NAT that does what is seen, each with a router of its own that hinders nothing."""
    HOMES = "homes"
    """The same, but the routers do what is seen, and the NAT behind them hinders nothing."""


class End(NamedTuple):
    """One end in one family, all of it known."""

    behavior: Behavior
    has_address: bool = True
    has_relay: bool = False


RELAYED = End(Behavior(), has_address=False, has_relay=True)
"""An end that uses nothing but its relay: whatever is before it does not matter."""


class Types(NamedTuple):
    """The types of the selected candidates: the first end's, the second end's."""

    ours: CandidateType
    theirs: CandidateType

    @property
    def swapped(self) -> Types:
        """The same, as the second end says it."""
        return Types(self.theirs, self.ours)

    @property
    def outcome(self) -> Outcome:
        """Directly, or through a relay."""
        return Outcome.RELAY if CandidateType.RELAYED in self else Outcome.DIRECT


class Timing(NamedTuple):
    """What chance decides in a call. Times are in seconds, from the first end's start."""

    seed: int
    is_controlling: bool = True
    ours_at: float = 0.0
    theirs_at: float = 0.0
    delay: float = 0.02
    answers_early: bool = True


DRAWS = 4  # times that each timing is tried where addresses are drawn by lot
TIMINGS = (
    Timing(1, theirs_at=0.01),
    Timing(2, is_controlling=False, ours_at=0.03, delay=0.1),
    Timing(3, theirs_at=1.3, answers_early=False),
    Timing(4, ours_at=1.3, answers_early=False),
    Timing(5, is_controlling=False, theirs_at=0.7),
    Timing(6, ours_at=0.7, delay=0.15),
)


def outcomes(ours: End, theirs: End, place: Place = Place.APART) -> frozenset[Types | None]:
    """Return what can come out: the types of the best pair, or None for no connection.

    A call is made without relays first, which can only end directly; where it fails and there is a
    relay, another one in which who has a relay uses nothing else.
    """
    found = set(_calls(ours._replace(has_relay=False), theirs._replace(has_relay=False), place))
    if None in found and (ours.has_relay or theirs.has_relay):
        first, second = (RELAYED if end.has_relay else end for end in (ours, theirs))
        found.remove(None)
        found.update(_calls(first, second, place))
    return frozenset(found)


def _calls(ours: End, theirs: End, place: Place) -> tuple[Types | None, ...]:
    """Return what comes out under each timing. Both ends come to the same when they ask."""
    if repr(theirs) < repr(ours):
        return tuple(types and types.swapped for types in _ordered_calls(theirs, ours, place))
    return _ordered_calls(ours, theirs, place)


@lru_cache(maxsize=4096)
def _ordered_calls(ours: End, theirs: End, place: Place) -> tuple[Types | None, ...]:
    arbitrary = any(end.behavior.pooling is Pooling.ARBITRARY for end in (ours, theirs))
    return tuple(
        simulate(ours, theirs, place, timing._replace(seed=timing.seed + len(TIMINGS) * times))
        for times in range(DRAWS if arbitrary else 1)
        for timing in TIMINGS
    )


def simulate(
    ours: End, theirs: End, place: Place, timing: Timing, pacing: Pacing = PACING
) -> Types | None:
    """Make one call, and return the types of the selected candidates; None: no connection."""
    if not all(end.has_address or end.has_relay for end in (ours, theirs)):
        return None
    random = Random(timing.seed)  # noqa: S311 (no secrets: the same run again)
    network = Network(random, Weather(delay=timing.delay))
    boxes = _boxes(ours, theirs, place, random)
    parties = [
        _Party(network, end, index, boxes[index], random)
        for index, end in enumerate((ours, theirs))
    ]
    agents = [
        Agent(
            party.locals,
            party.credentials,
            random.randbytes,
            is_controlling=(index == 0) is timing.is_controlling,
            pacing=pacing,
        )
        for index, party in enumerate(parties)
    ]
    if timing.answers_early:
        for party, agent in zip(parties, agents, strict=True):
            party.host.machine = agent
    for at, index in sorted(((timing.ours_at, 0), (timing.theirs_at, 1))):
        network.run(at)
        network.now = at
        peer = parties[1 - index]
        parties[index].host.machine = agents[index]
        agents[index].start([one.candidate for one in peer.locals], peer.credentials, at)
    network.run(END, lambda: all(agent.selected or agent.has_given_up for agent in agents))
    first, second = (agent.selected for agent in agents)
    if first is None or second is None:
        return None
    return Types(first.local.candidate.type, second.local.candidate.type)


class _Party:
    """One end in the network: a host, the candidates that it has gathered, and their secret."""

    def __init__(
        self, network: Network, end: End, index: int, boxes: tuple[Box, ...], random: Random
    ) -> None:
        self.credentials = Credentials(f"user{index}", random.randbytes(12).hex())
        is_public = not any(box.behavior.nat for box in boxes)
        address = bytes((203, 0, 113, 2 + index)) if is_public else bytes((10, 0, index, 2))
        self.host = Host(address, boxes)
        self.locals: list[Local] = []
        network.add_host(self.host)
        if end.has_address:
            base = network.open(self.host)
            self._add(CandidateType.HOST, base, base)
            mapped = network.mapped(self.host, base, _STUN)
            if mapped is not None and mapped != base:
                self._add(CandidateType.SERVER_REFLEXIVE, mapped, base)
        if end.has_relay:
            relayed = Endpoint(bytes((198, 51, 100, 10 + index)), 50000)
            network.add_relay(Relay(relayed), self.host)
            self._add(CandidateType.RELAYED, relayed, relayed)

    def _add(self, kind: CandidateType, endpoint: Endpoint, base: Endpoint) -> None:
        candidate = Candidate(
            foundation=str(len(self.locals)),
            component=1,
            transport="udp",
            priority=_PREFERENCES[kind] << 24 | 65535 << 8 | 255,
            address=endpoint.host,
            port=endpoint.port,
            type=kind,
        )
        self.locals.append(Local(candidate, endpoint, base))


def _boxes(
    ours: End, theirs: End, place: Place, random: Random
) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """Return the boxes before each end, its own first."""
    if place is Place.APART:
        return (_box(ours, _NETWORKS[0], random),), (_box(theirs, _NETWORKS[1], random),)
    if place is Place.SAME_LAN:
        shared = _box(ours, _NETWORKS[0], random)
        return (shared,), (shared,)
    free = End(Behavior(filtering=_FREE, hairpin=ours.behavior.hairpin))
    inner = (ours, theirs) if place is Place.HOMES else (free, free)
    shared = _box(free if place is Place.HOMES else ours, _NETWORKS[0], random)
    first = _box(inner[0], _SHARED[0], random)
    second = _box(inner[1], _SHARED[1], random)
    return (first, shared), (second, shared)


def _box(end: End, address: bytes, random: Random) -> Box:
    behavior = end.behavior
    public = tuple(address[:-1] + bytes((address[-1] + n,)) for n in range(behavior.pool_size))
    if not behavior.nat:
        public = ()
    return Box(behavior, public, random)
