"""Cases put to a server that is a function, on virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from stunkit.conformance.case import Case
from stunkit.conformance.catalogue import CASES
from stunkit.conformance.conversation import Procedure, decoded
from stunkit.conformance.fault import Fault, Reaction, Server, honest
from stunkit.conformance.interview import Interview
from stunkit.conformance.subject import Credential, Subject, acquainted, introduction
from stunkit.conformance.tally import Tally
from stunkit.conformance.verdict import Outcome, Verdict
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NotStun, WireError
from stunkit.protocol.respond import Disposition, Received, Response
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass
from stunkit.wire.stream import StreamDecoder
from stunkit.wire.uri import Transport

HOSTS = {Family.IPV4: ("127.0.0.1", "127.0.0.2"), Family.IPV6: ("::1", "fd00::2")}
DELAY = 0.01  # seconds each way
WAIT = 0.1  # seconds for an answer
LONGEST = 600.0  # virtual seconds until a test fails whose case does not end


def quartet(family: Family = Family.IPV4) -> Quartet:
    sockets = tuple(Endpoint.of(h, port) for h in HOSTS[family] for port in (3478, 3479))
    return Quartet(sockets, sockets, proven=True)


class World:
    """A server, and the network between it and us, which loses a share of all datagrams."""

    def __init__(  # noqa: PLR0913 (a world has as many parts)
        self,
        server: Server,
        *,
        family: Family = Family.IPV4,
        transport: Transport = Transport.UDP,
        loss: float = 0.0,
        seed: int = 1,
        is_unframed: bool = False,
        credential: Credential | None = None,
    ) -> None:
        self.server = server
        self.random = Random(seed)
        self.loss = loss
        self.now = 0.0
        self.sends = 0  # of the last procedure
        self.locals: tuple[Endpoint, ...] = ()
        self.tally = Tally()
        self.is_unframed = is_unframed
        self._host = Endpoint.of(HOSTS[family][0], 0)
        self._ports = count(40000)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.subject = Subject(
            server=Endpoint.of(HOSTS[family][0], 3478),
            transport=transport,
            locals=(),
            make_id=lambda: self.random.randbytes(12),
            credential=credential,
        )

    def meet(self) -> Subject:
        """Introduce ourselves; return what is known then."""
        self.subject = acquainted(self.subject, self.run(introduction))
        return self.subject

    def examine(self, case: Case) -> Verdict:
        return case.inapplicable(self.subject) or self.run(case.examine)

    def run(self, make: Callable[[Subject], Procedure[Any]]) -> Any:
        """Carry a procedure to its end, and return what it returns."""
        locals_ = tuple(self._host.with_port(next(self._ports)) for _ in range(2))
        self.locals = locals_
        subject = self.subject._replace(locals=locals_)
        self.sends = 0
        machine = Interview(subject, make(subject), self.tally, WAIT, self.now)
        line = Line(self, machine) if subject.is_stream else None
        end = self.now + LONGEST
        self._agenda.clear()
        while not (results := machine.events()):
            for outgoing in machine.sends():
                if line is None:
                    self._carry(machine, outgoing.data, outgoing.local, outgoing.destination)
                else:
                    line.write(outgoing.data, outgoing.local)
            deadline = machine.deadline()
            assert deadline is not None or self._agenda
            if self._agenda and (deadline is None or self._agenda[0][0] <= deadline):
                self.now, _, happen = heappop(self._agenda)
                happen()
            else:
                self.now = max(self.now, deadline)
                machine.tick(self.now)
            assert self.now < end
        self.sends = machine.sends_so_far
        (result,) = results
        return result

    def later(self, happen: Callable[[], None]) -> None:
        heappush(self._agenda, (self.now + DELAY, next(self._order), happen))

    def _carry(self, machine: Any, data: bytes, source: Endpoint, local: Endpoint) -> None:
        if self.random.random() >= self.loss:
            self.later(lambda: self._serve(machine, Received(data, source, local)))

    def _serve(self, machine: Any, received: Received) -> None:
        for one in self.server(received).responses:
            if self.random.random() >= self.loss and one.destination in self.locals:
                self.later(
                    lambda one=one: machine.receive(one.data, one.source, one.destination, self.now)
                )


class Line:
    """One TCP connection, as both ends see it."""

    def __init__(self, world: World, machine: Any) -> None:
        self._world = world
        self._machine = machine
        self._decoder = StreamDecoder()
        self._is_open = True

    def write(self, data: bytes, source: Endpoint) -> None:
        self._world.later(lambda: self._read(data, source))

    def _read(self, data: bytes, source: Endpoint) -> None:
        if not self._is_open:
            return
        if not data:  # the end of what we send: the server answers, and ends it too
            self._close("the connection was closed")
            return
        local = self._world.subject.server
        try:
            messages = self._decoder.receive(data)
            if self._world.is_unframed:
                Message.decode(data)
                messages = [data]
        except (NotStun, WireError):
            self._close("the connection was reset")
            return
        for message in messages:
            reaction = self._world.server(Received(message, source, local))
            for one in reaction.responses:
                self._world.later(
                    lambda one=one: self._machine.receive(one.data, local, source, self._world.now)
                )
            if reaction.closes:
                self._close("the connection was closed")
                return

    def _close(self, reason: str) -> None:
        self._is_open = False
        subject = self._world.subject
        self._world.later(
            lambda: self._machine.unreachable(
                subject.server, subject.server, reason, self._world.now
            )
        )


def site_for(
    *, family: Family = Family.IPV4, has_quartet: bool = False, is_stream: bool = False, **more: Any
) -> Site:
    return Site(quartet=quartet(family) if has_quartet else None, is_stream=is_stream, **more)


def world_of(
    fault: Fault | None = None,
    *,
    transport: Transport = Transport.UDP,
    family: Family = Family.IPV4,
    has_quartet: bool = False,
    **more: Any,
) -> World:
    """Return a world with a server of ours, honest or with one fault, that we have met."""
    has_quartet |= fault is not None and fault.needs_quartet
    is_stream = transport is not Transport.UDP
    place = site_for(family=family, has_quartet=has_quartet, is_stream=is_stream)
    server = honest(place)
    if fault is not None:
        server = fault.wrap(server, place)
        more["is_unframed"] = fault.is_unframed
    world = World(server, transport=transport, family=family, **more)
    world.meet()
    return world


def examine_all(world: World, cases: Iterable[Case] = CASES) -> dict[str, Verdict]:
    """Put every case that applies to a world's server."""
    transport = world.subject.transport
    return {case.id: world.examine(case) for case in cases if transport in case.transports}


def ids(verdicts: dict[str, Verdict], outcome: Outcome = Outcome.FAIL) -> set[str]:
    return {name for name, verdict in verdicts.items() if verdict.outcome is outcome}


def verdict_of(name: str, world: World) -> Verdict:
    """Put one case to a world's server."""
    (case,) = (case for case in CASES if case.id == name)
    return world.examine(case)


def saying(*attributes: Any, is_error: bool = False) -> Server:
    """Return a server that answers every request with the same attributes."""
    kind = MessageClass.ERROR_RESPONSE if is_error else MessageClass.SUCCESS_RESPONSE

    def serve(received: Received) -> Reaction:
        request = decoded(received.data)
        if request is None or not request.is_request:
            return Reaction()
        data = Message.build(kind, request.method, request.transaction_id, attributes).raw
        response = Response(Disposition.ANSWERED, data, received.local, received.source)
        return Reaction((response,))

    return serve


def met(server: Server, **more: Any) -> World:
    """Return a world with a server that we have met."""
    world = World(server, **more)
    world.meet()
    return world
