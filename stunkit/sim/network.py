"""A network on virtual time: hosts behind boxes, servers, and what lies between them.

Every datagram takes a drawn delay, may be lost, doubled or overtaken, and goes through the boxes
of its sender and its receiver. A day passes as fast as the events in it can be handled. Hosts that
share their outer boxes share the network inside those: there they reach each other directly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Any

from stunkit.endpoint import Endpoint
from stunkit.protocol.machine import Machine, Outgoing
from stunkit.sim.box import Box
from stunkit.sim.relay import Relay

MTU = 1500  # bytes of an IP packet that every link carries whole
HEADERS = {4: 28, 16: 48}  # bytes of the IP and UDP headers, by the length of the address
FIRST_DYNAMIC_PORT = 49152  # where ports for port 0 are drawn from; RFC 6335 section 6


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network between boxes and servers does to datagrams, each way.

    ``loss`` and ``duplication`` are probabilities; ``delay`` and ``jitter`` are seconds: each
    datagram takes ``delay`` and a drawn part of ``jitter``, so that one may overtake another. A
    datagram in fragments arrives when all of them do.
    """

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0


@dataclass(slots=True, eq=False)
class Host:
    """A host: its address, the boxes in front of it (its own first), and what it runs."""

    address: bytes
    boxes: tuple[Box, ...] = ()
    machine: Machine[Any] | None = None
    taken: set[int] = field(default_factory=set)


Service = Callable[[bytes, Endpoint, Endpoint, float], list[Outgoing]]
"""A server: data, source, its own endpoint that was asked and the time in, datagrams out."""


class Network:
    """Hosts and services, joined. ``now`` is the virtual time in seconds."""

    def __init__(self, random: Random, weather: Weather | None = None) -> None:
        self.now = 0.0
        self._random = random
        self._weather = weather or Weather()
        self._hosts: list[Host] = []
        self._services: dict[Endpoint, Service] = {}
        self._relays: dict[Endpoint, tuple[Relay, Host]] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def add_host(self, host: Host) -> None:
        """Join a host; it is reachable at its own address, or at its outermost NAT's."""
        self._hosts.append(host)

    def add_service(self, endpoints: Sequence[Endpoint], service: Service) -> None:
        """Join a server that answers at several endpoints."""
        for endpoint in endpoints:
            self._services[endpoint] = service

    def add_relay(self, relay: Relay, host: Host) -> None:
        """Join a relay: what a host sends from ``relay.relayed`` goes by it, and comes by it."""
        self._relays[relay.relayed] = (relay, host)

    def mapped(self, host: Host, local: Endpoint, destination: Endpoint) -> Endpoint | None:
        """Return where ``destination`` sees a datagram from ``local``: a Binding request in short.

        None where it does not get there.
        """
        source: Endpoint | None = local
        for box in host.boxes:
            if source is not None:
                source = box.outbound(source, destination, self.now)
        return source

    def open(self, host: Host) -> Endpoint:
        """Return a fresh local endpoint of a host, as binding port 0 would."""
        while True:
            port = self._random.randrange(FIRST_DYNAMIC_PORT, 65536)
            if port not in host.taken:
                host.taken.add(port)
                return Endpoint(host.address, port)

    def run(self, until: float, is_done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until then, or until it is done, or until nothing will ever happen."""
        while not is_done():
            for host in self._hosts:
                self._flush(host)
            deadlines = [
                deadline
                for host in self._hosts
                if host.machine is not None and (deadline := host.machine.deadline()) is not None
            ]
            wake = min(deadlines, default=inf)
            event = self._events[0][0] if self._events else inf
            at = max(self.now, min(wake, event))
            if at > until:
                self.now = self.now if at == inf else until
                return
            self.now = at
            if event <= wake:
                heappop(self._events)[2]()
            else:
                self._tick()

    def _schedule(self, at: float, action: Callable[[], None]) -> None:
        heappush(self._events, (at, next(self._order), action))

    def _tick(self) -> None:
        for host in self._hosts:
            if host.machine is not None:
                host.machine.tick(self.now)

    def _flush(self, host: Host) -> None:
        if host.machine is not None:
            for outgoing in host.machine.sends():
                if outgoing.local in self._relays:
                    self._relay_out(*outgoing)
                else:
                    self._leave(host, outgoing)

    def _leave(self, host: Host, outgoing: Outgoing) -> None:
        """Take a datagram from a host outwards through its boxes."""
        source, destination, data = outgoing.local, outgoing.destination, outgoing.data
        outer = host.boxes
        while outer:
            if self._owner(destination, outer) is not None:
                self._schedule(self.now, partial(self._enter, data, source, destination, outer))
                return
            box, *rest = outer
            if _fragments(data, source) > 1 and not box.behavior.fragments:
                return
            external = box.outbound(source, destination, self.now)
            if external is None:
                return
            if destination.packed in box.public:
                owner = box.turn_back(destination, self.now)
                if owner is not None:
                    self._schedule(self.now, partial(self._enter, data, external, owner, outer))
                return
            source, outer = external, tuple(rest)
        self._transmit(data, source, destination)

    def _transmit(self, data: bytes, source: Endpoint, destination: Endpoint) -> None:
        weather, draw = self._weather, self._random.random
        survival = (1.0 - weather.loss) ** _fragments(data, source)
        for _ in range(2 if draw() < weather.duplication else 1):
            if draw() < survival:
                at = self.now + weather.delay + draw() * weather.jitter
                self._schedule(at, partial(self._arrive, data, source, destination))

    def _arrive(self, data: bytes, source: Endpoint, destination: Endpoint) -> None:
        if destination in self._relays:
            self._relay_in(data, source, destination)
            return
        service = self._services.get(destination)
        if service is None:
            self._enter(data, source, destination, ())
            return
        for answer in service(data, source, destination, self.now):
            self._transmit(answer.data, answer.local, answer.destination)

    def _relay_out(self, data: bytes, destination: Endpoint, relayed: Endpoint) -> None:
        relay, _ = self._relays[relayed]
        relay.permit(destination, self.now)
        at = self.now + self._weather.delay
        self._schedule(at, partial(self._transmit, data, relayed, destination))

    def _relay_in(self, data: bytes, source: Endpoint, relayed: Endpoint) -> None:
        relay, host = self._relays[relayed]
        if relay.lets_in(source, self.now):
            at = self.now + self._weather.delay
            self._schedule(at, partial(_hand_over, host, data, source, relayed, at))

    def _enter(
        self, data: bytes, source: Endpoint, destination: Endpoint, outer: tuple[Box, ...]
    ) -> None:
        """Take a datagram inwards from the network inside some boxes to the host it is for."""
        while (host := self._owner(destination, outer)) is not None:
            inner = _inner(host, outer)
            if not inner:
                _hand_over(host, data, source, destination, self.now)
                return
            box = inner[-1]
            if _fragments(data, source) > 1 and not box.behavior.fragments:
                return
            internal = box.inbound(source, destination, self.now)
            if internal is None:
                return
            data = box.rewrite(data, destination, internal)
            destination, outer = internal, (box, *outer)

    def _owner(self, destination: Endpoint, outer: tuple[Box, ...]) -> Host | None:
        """Return who has an endpoint's address, seen from the network inside some boxes."""
        for host in self._hosts:
            inner = _inner(host, outer)
            if inner is not None and destination.packed in _addresses(host, inner):
                return host
        return None


def _hand_over(
    host: Host, data: bytes, source: Endpoint, destination: Endpoint, now: float
) -> None:
    if host.machine is not None:
        host.machine.receive(data, source, destination, now)


def _inner(host: Host, outer: tuple[Box, ...]) -> tuple[Box, ...] | None:
    """Return a host's boxes inside of some, None when it is not behind those."""
    inner = len(host.boxes) - len(outer)
    return host.boxes[:inner] if inner >= 0 and host.boxes[inner:] == outer else None


def _addresses(host: Host, boxes: tuple[Box, ...]) -> tuple[bytes, ...]:
    """Return at which addresses a host is seen through boxes: the outermost NAT's, or its own."""
    for box in reversed(boxes):
        if box.public:
            return box.public
    return (host.address,)


def _fragments(data: bytes, source: Endpoint) -> int:
    """Return in how many fragments a datagram travels.

    Their headers are left out of account: near a multiple of the MTU there is one more.
    """
    return -(-(len(data) + HEADERS[len(source.packed)]) // MTU)
