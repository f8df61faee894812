"""The mapping behavior, from where several servers see one socket (RFC 5780 section 4.3).

One socket: two sockets have two mappings whatever the NAT does. At the end the first endpoint is
asked once more, since a mapping that moves meanwhile proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from itertools import combinations

from stunkit.behavior import Mapping
from stunkit.endpoint import Endpoint
from stunkit.nat.probe import Probe
from stunkit.nat.prober import Prober
from stunkit.nat.sighting import Sighting


def classify_mapping(seen: Table[Endpoint, Endpoint]) -> tuple[Mapping | None, str]:
    """Return the mapping that the mapped endpoints, by server endpoint, prove; and why.

    None where they do not decide, or where they contradict every kind (RFC 4787 section 4.1).
    """
    pairs = list(combinations(seen.items(), 2))
    same_address = [a[1] == b[1] for a, b in pairs if a[0].packed == b[0].packed]
    other_address = [a[1] == b[1] for a, b in pairs if a[0].packed != b[0].packed]
    if other_address and all(other_address) and all(same_address):
        count = len(seen)
        return (
            Mapping.ENDPOINT_INDEPENDENT,
            f"{count} server endpoints saw the same mapped endpoint",
        )
    if any(same_address) and not all(same_address):
        return None, "some ports of one server address saw the same mapped endpoint, some another"
    if same_address and not any(same_address):
        if any(other_address):
            return None, "mapped endpoints differ by the server's port, but not always"
        why = "two ports of one server address saw different mapped endpoints"
        return Mapping.ADDRESS_AND_PORT_DEPENDENT, why
    if same_address and other_address and not any(other_address):
        why = "ports of one server address saw the same mapped endpoint, another address another"
        return Mapping.ADDRESS_DEPENDENT, why
    if other_address and not any(other_address):
        why = "it depends on the destination, but no two ports of one address could be compared"
        return None, why
    if other_address:
        return None, "some server addresses saw the same mapped endpoint, some another"
    if len(seen) < 2:
        return None, "only one server endpoint answered, and it takes two to compare"
    return None, "only one server address answered, and it takes two to compare"


class MappingProbes:
    """The probes from the mapping socket. The first server is A1:P1; the others help out."""

    def __init__(
        self, prober: Prober, local: Endpoint, servers: Sequence[Endpoint], now: float
    ) -> None:
        self._prober = prober
        self._stages: list[dict[Endpoint, str]] | None = None
        self._others = {server: f"mapping {server}" for server in servers[1:]}
        self.first = prober.ask("mapping A1:P1", local, servers[0], now)
        self.again: Probe | None = None
        self.probes = {servers[0]: self.first}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the probes."""
        names = [probe.name for probe in self.probes.values()]
        return tuple(names if self.again is None else [*names, self.again.name])

    @property
    def sightings(self) -> list[Sighting]:
        """Where the servers saw the socket: what can be believed."""
        found = [probe.sighting for probe in self.probes.values()]
        return [one for one in found if one is not None and not one.doubt]

    @property
    def doubt(self) -> str:
        """Why a sighting cannot be believed, the first such reason."""
        found = [probe.sighting for probe in self.probes.values()]
        return next((one.doubt for one in found if one is not None and one.doubt), "")

    def aim(self, other: Endpoint | None) -> None:
        """Learn the server's other address and port, once it has answered.

        A1:P2 and A2:P2 are enough. A2:P1 is asked where one of them does not answer, other
        servers where all that decides nothing.
        """
        server = self.first.server
        self._stages = [self._others] if self._others else []
        if other is not None:
            pair = {server.with_port(other.port): "mapping A1:P2", other: "mapping A2:P2"}
            self._stages[:0] = [pair, {other.with_port(server.port): "mapping A2:P1"}]

    def advance(self, now: float) -> bool:
        """Ask whom there is to ask, stop what is settled; return whether that was all."""
        prober = self._prober
        for probe in (*self.probes.values(), self.again):
            if probe is not None and prober.is_settled(probe, now):
                prober.stop(probe)
        if self._stages is None:
            return prober.is_settled(self.first, now)
        while all(prober.is_settled(probe, now) for probe in self.probes.values()):
            if not self._stages or self._classify()[0] is not None:
                break
            for endpoint, name in self._stages.pop(0).items():
                if endpoint not in self.probes:
                    self.probes[endpoint] = prober.ask(name, self.first.local, endpoint, now)
        else:
            return False
        if self.again is None:
            first = self.first
            self.again = prober.ask("mapping A1:P1 again", first.local, first.server, now)
        return prober.is_settled(self.again, now)

    def judge(self) -> tuple[Mapping | None, str]:
        """Return the mapping behavior, None for unknown, and why."""
        first = self.first.mapped
        again = None if self.again is None else self.again.mapped
        if first is not None and again is None and len(self.sightings) > 1:
            return None, "the first mapping could not be seen again, so it may have moved"
        if again is not None and again != first:
            return None, f"the mapping moved while we looked: from {first} to {again}"
        mapping, why = self._classify()
        silent = ", ".join(str(e) for e, probe in self.probes.items() if probe.answer is None)
        if mapping is None and silent:
            why += f"; no answer from {silent}"
        return mapping, why

    def _classify(self) -> tuple[Mapping | None, str]:
        are_own = {one.mapped == one.local for one in self.sightings}
        if len(are_own) > 1:  # they are not all on one side of the NAT
            return None, "some servers see our own endpoint, some another"
        seen = {one.server: one.mapped for one in self.sightings if one.mapped is not None}
        mapping, why = classify_mapping(seen)
        rests_on_equality = mapping in {Mapping.ENDPOINT_INDEPENDENT, Mapping.ADDRESS_DEPENDENT}
        if rests_on_equality and not all(one.is_safe for one in self.sightings):
            return None, f"{why}, but in MAPPED-ADDRESS, which a gateway may rewrite"
        if mapping is None and self.doubt:
            why += f"; {self.doubt}"
        return mapping, why
