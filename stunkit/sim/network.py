"""A network on virtual time: hosts behind boxes, servers, and what lies between them.

Every datagram takes a drawn delay, may be lost, doubled or overtaken, and goes through the boxes
of its sender and its receiver. A day passes as fast as the events in it can be handled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from stunkit.endpoint import Endpoint
from stunkit.protocol.machine import Machine, Outgoing
from stunkit.sim.box import Box

MTU_PAYLOAD = 1472  # bytes of UDP payload that a 1500-byte link carries unfragmented
FIRST_DYNAMIC_PORT = 49152  # where ports for port 0 are drawn from; RFC 6335 section 6


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network between boxes and servers does to datagrams, each way.

    ``loss`` and ``duplication`` are probabilities; ``delay`` and ``jitter`` are seconds: each
    datagram takes ``delay`` and a drawn part of ``jitter``, so that one may overtake another.
    """

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0


@dataclass(slots=True, eq=False)
class Host:
    """A host: its address, the boxes in front of it (its own first), and what it runs."""

    address: bytes
    boxes: Sequence[Box] = ()
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
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def add_host(self, host: Host) -> None:
        """Join a host; it is reachable at its own address, or at its outermost NAT's."""
        self._hosts.append(host)

    def add_service(self, endpoints: Sequence[Endpoint], service: Service) -> None:
        """Join a server that answers at several endpoints."""
        for endpoint in endpoints:
            self._services[endpoint] = service

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
            wake = min(deadlines, default=None)
            if self._events and (wake is None or self._events[0][0] <= wake):
                at, _, action = heappop(self._events)
            elif wake is not None:
                at, action = max(wake, self.now), self._tick
            else:
                return
            if at > until:
                self.now = until
                return
            self.now = at
            action()

    def _tick(self) -> None:
        for host in self._hosts:
            if host.machine is not None:
                host.machine.tick(self.now)

    def _flush(self, host: Host) -> None:
        if host.machine is not None:
            for outgoing in host.machine.sends():
                self._leave(host, outgoing)

    def _leave(self, host: Host, outgoing: Outgoing) -> None:
        """Take a datagram from a host outwards through its boxes."""
        source, destination, data = outgoing.local, outgoing.destination, outgoing.data
        for index, box in enumerate(host.boxes):
            if len(data) > MTU_PAYLOAD and not box.behavior.fragments:
                return
            external = box.outbound(source, destination, self.now)
            if external is None:
                return
            if destination.packed in box.public:
                owner = box.turn_back(destination, self.now)
                if owner is not None:
                    self._enter(host, data, external, owner, host.boxes[:index])
                return
            source = external
        self._transmit(data, source, destination)

    def _transmit(self, data: bytes, source: Endpoint, destination: Endpoint) -> None:
        weather, draw = self._weather, self._random.random
        copies = 2 if draw() < weather.duplication else 1
        for _ in range(copies):
            if draw() < weather.loss:
                continue
            at = self.now + weather.delay + draw() * weather.jitter
            heappush(
                self._events,
                (at, next(self._order), lambda: self._arrive(data, source, destination)),
            )

    def _arrive(self, data: bytes, source: Endpoint, destination: Endpoint) -> None:
        service = self._services.get(destination)
        if service is not None:
            for answer in service(data, source, destination, self.now):
                self._transmit(answer.data, answer.local, answer.destination)
            return
        for host in self._hosts:
            nats = [box for box in host.boxes if box.public]
            if destination.packed in (nats[-1].public if nats else (host.address,)):
                self._enter(host, data, source, destination, host.boxes)
                return

    def _enter(
        self,
        host: Host,
        data: bytes,
        source: Endpoint,
        destination: Endpoint,
        boxes: Sequence[Box],
    ) -> None:
        """Take a datagram inwards through boxes to a host."""
        for box in reversed(boxes):
            if len(data) > MTU_PAYLOAD and not box.behavior.fragments:
                return
            internal = box.inbound(source, destination, self.now)
            if internal is None:
                return
            data = box.rewrite(data, destination, internal)
            destination = internal
        if host.machine is not None and destination.packed == host.address:
            host.machine.receive(data, source, destination, self.now)
