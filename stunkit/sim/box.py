"""A box on the path: a NAT, a firewall, or both, doing what its ``Behavior`` says.

Functions of a datagram and the time: ``outbound`` says what leaves, ``inbound`` who gets what
arrives, ``turn_back`` who gets what comes from inside (RFC 4787 sections 4, 5 and 6). Nothing here
waits or sends.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from random import Random

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment, Refresh
from stunkit.endpoint import Endpoint

FIRST_PORT = 1024  # ports below are not handed out
PORTS = 65536 - FIRST_PORT


@dataclass(slots=True, eq=False)
class _Entry:
    """A mapping: who is behind a public endpoint, until when, and who may send to it."""

    internal: Endpoint
    external: Endpoint
    expires: float
    permitted: dict[Hashable, float] = field(default_factory=dict)


class Box:
    """One box with its public addresses (none for a firewall: there addresses are kept)."""

    def __init__(self, behavior: Behavior, public: tuple[bytes, ...], random: Random) -> None:
        self.behavior = behavior
        self.public = public
        self._random = random
        self._by_key: dict[Hashable, _Entry] = {}
        self._by_external: dict[Endpoint, _Entry] = {}
        self._occupied: dict[tuple[Endpoint, Endpoint], float] = {}
        self._last_port = random.randrange(FIRST_PORT, 65536)

    def outbound(self, source: Endpoint, destination: Endpoint, now: float) -> Endpoint | None:
        """Return the endpoint that a datagram from inside shows outside; None drops it."""
        behavior = self.behavior
        if behavior.blocks_udp:
            return None
        key = _key(behavior.mapping, source, destination)
        entry = self._live(self._by_key.get(key), now)
        if entry is not None and self._is_occupied(entry.external, destination, now):
            key = (source, destination, "displaced")
            entry = self._live(self._by_key.get(key), now)
        if entry is None:
            entry = _Entry(source, self._assign(source, destination, now), 0.0)
            self._by_key[key] = entry
            self._by_external[entry.external] = entry
        entry.expires = now + behavior.lifetime
        entry.permitted[_remote_key(behavior.filtering, destination)] = entry.expires
        return entry.external

    def inbound(self, source: Endpoint, destination: Endpoint, now: float) -> Endpoint | None:
        """Return whom inside a datagram to ``destination`` reaches, None when it is dropped."""
        behavior = self.behavior
        if behavior.blocks_udp:
            return None
        if not behavior.nat and behavior.filtering is Filtering.ENDPOINT_INDEPENDENT:
            return destination
        entry = self._live(self._by_external.get(destination), now)
        if entry is None or not self._lets_in(entry, source, now):
            if behavior.maps_unsolicited:
                self._occupied[destination, source] = now + behavior.lifetime
            return None
        if behavior.answers_through:
            key = _key(behavior.mapping, entry.internal, source)
            if self._live(self._by_key.get(key), now) is None:
                self._by_key[key] = entry
        if behavior.refresh is Refresh.BOTH:
            entry.expires = now + behavior.lifetime
            entry.permitted[_remote_key(behavior.filtering, source)] = entry.expires
        return entry.internal

    def turn_back(self, destination: Endpoint, now: float) -> Endpoint | None:
        """Return the owner of a public endpoint of ours that somebody inside sends to."""
        entry = self._live(self._by_external.get(destination), now)
        if entry is None or not self.behavior.hairpin:
            return None
        return entry.internal

    def rewrite(self, data: bytes, external: Endpoint, internal: Endpoint) -> bytes:
        """Return the payload as an application layer gateway passes it in (RFC 4787 section 7)."""
        if not self.behavior.rewrites:
            return data
        return data.replace(external.packed, internal.packed)

    def _lets_in(self, entry: _Entry, source: Endpoint, now: float) -> bool:
        if self.behavior.filtering is Filtering.ENDPOINT_INDEPENDENT:
            return True
        return entry.permitted.get(_remote_key(self.behavior.filtering, source), 0.0) > now

    def _live(self, entry: _Entry | None, now: float) -> _Entry | None:
        return entry if entry is not None and entry.expires > now else None

    def _is_occupied(self, external: Endpoint, destination: Endpoint, now: float) -> bool:
        return self._occupied.get((external, destination), 0.0) > now

    def _assign(self, source: Endpoint, destination: Endpoint, now: float) -> Endpoint:
        """Choose the public endpoint of a new mapping (RFC 4787 sections 4.1 and 4.2)."""
        if not self.behavior.nat:
            return source
        if self.behavior.pooling is Pooling.PAIRED:
            address = self.public[sum(source.packed) % len(self.public)]
        else:
            address = self._random.choice(self.public)
        if self.behavior.port_assignment is PortAssignment.PRESERVING:
            wanted = Endpoint(address, source.port)
            if self._is_free(wanted, destination, now):
                return wanted
        while True:
            external = Endpoint(address, self._draw(source))
            if self._is_free(external, destination, now):
                return external

    def _draw(self, source: Endpoint) -> int:
        """Return a port that may be taken; the port of the source is no other one."""
        assignment = self.behavior.port_assignment
        if assignment is PortAssignment.SEQUENTIAL:
            self._last_port = FIRST_PORT + (self._last_port + 1 - FIRST_PORT) % PORTS
            return self._last_port
        port = source.port
        while port == source.port:
            port = self._random.randrange(FIRST_PORT, 65536)
            if assignment is PortAssignment.PARITY:
                port = port & ~1 | source.port & 1
        return port

    def _is_free(self, external: Endpoint, destination: Endpoint, now: float) -> bool:
        if self._is_occupied(external, destination, now):
            return False
        return self._live(self._by_external.get(external), now) is None


def _key(mapping: Mapping, source: Endpoint, destination: Endpoint) -> Hashable:
    if mapping is Mapping.ENDPOINT_INDEPENDENT:
        return source
    if mapping is Mapping.ADDRESS_DEPENDENT:
        return source, destination.packed
    return source, destination


def _remote_key(filtering: Filtering, remote: Endpoint) -> Hashable:
    return remote.packed if filtering is Filtering.ADDRESS_DEPENDENT else remote
