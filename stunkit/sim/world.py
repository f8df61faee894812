"""A world: one host's way through its boxes to its servers, in values.

From equal worlds follow equal runs: all that is drawn is drawn from ``seed``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from stunkit.behavior import Behavior, Filtering, path
from stunkit.endpoint import Endpoint, Family
from stunkit.sim.box import Box
from stunkit.sim.network import Host, Network, Weather
from stunkit.sim.server import Lie, Server

FREE = Filtering.ENDPOINT_INDEPENDENT
OPEN = Behavior(nat=False, filtering=FREE)
PORTS = (3478, 3479)  # of each of a server's two addresses

# The last byte of each network's addresses is counted up (RFC 5737, RFC 3849).
_PRIVATE = {Family.IPV4: bytes((10, 0, 0, 0)), Family.IPV6: bytes.fromhex("fd" + 15 * "00")}
_SHARED = {Family.IPV4: bytes((100, 64, 0, 0)), Family.IPV6: bytes.fromhex("fd64" + 14 * "00")}
_PUBLIC = {
    Family.IPV4: bytes((203, 0, 113, 0)),
    Family.IPV6: bytes.fromhex("20010db80001") + bytes(10),
}
_SERVERS = {
    Family.IPV4: bytes((198, 51, 100, 0)),
    Family.IPV6: bytes.fromhex("20010db80002") + bytes(10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The boxes from the host outwards, the weather behind them, and what each server does."""

    layers: tuple[Behavior, ...] = ()
    weather: Weather = field(default_factory=Weather)
    lies: tuple[Lie, ...] = (Lie.NONE,)
    family: Family = Family.IPV4
    seed: int = 0

    @property
    def truth(self) -> Behavior:
        """What the layers do together. One that lets all through has no state to expire."""
        if not self.layers:
            return OPEN
        lasting = [one.lifetime for one in self.layers if one.nat or one.filtering is not FREE]
        return replace(path(self.layers), lifetime=min(lasting, default=OPEN.lifetime))

    @property
    def quartets(self) -> tuple[tuple[Endpoint, ...], ...]:
        """The four endpoints of each server (see ``protocol.site.Quartet``)."""
        network = _SERVERS[self.family]
        return tuple(
            tuple(
                Endpoint(_nth(network, 2 * index + number), port)
                for number in (1, 2)
                for port in PORTS
            )
            for index in range(len(self.lies))
        )

    def build(self) -> tuple[Network, Host, tuple[Endpoint, ...]]:
        """Return the network, the host in it, and the endpoint to ask of each server."""
        random = Random(self.seed)  # noqa: S311 (no secrets: the same run again)
        network = Network(random, self.weather)
        for quartet, lie in zip(self.quartets, self.lies, strict=True):
            network.add_service(quartet, Server(quartet, lie, random))
        host = Host(self._address, self._boxes(random))
        network.add_host(host)
        return network, host, tuple(quartet[0] for quartet in self.quartets)

    @property
    def _address(self) -> bytes:
        """The host's own: a private one where a NAT translates it."""
        return _nth((_PRIVATE if self.truth.nat else _PUBLIC)[self.family], 2)

    def _boxes(self, random: Random) -> tuple[Box, ...]:
        boxes: list[Box] = []
        addresses = _PUBLIC[self.family]
        for behavior in reversed(self.layers):
            size = behavior.pool_size if behavior.nat else 0
            public = tuple(_nth(addresses, 10 * len(boxes) + 10 + n) for n in range(size))
            boxes.insert(0, Box(behavior, public, random))
            if behavior.nat:
                addresses = _SHARED[self.family]  # further inside, nothing is public
        return tuple(boxes)


def _nth(network: bytes, number: int) -> bytes:
    return network[:-1] + bytes((number,))
