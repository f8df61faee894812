"""Puts the conformance cases to a server on real sockets: gently, and side by side.

Each way to the server (a transport in a family) is introduced first, by plain requests. Then its
cases run a few at a time, each on sockets or a connection of its own, and no faster than ``RATE``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from stunkit.conformance.case import Case
from stunkit.conformance.catalogue import CASES
from stunkit.conformance.conversation import Heard, Procedure
from stunkit.conformance.interview import FIRST_WAIT, Interview, wait_for
from stunkit.conformance.subject import (
    Credential,
    Handshake,
    Subject,
    acquainted,
    introduction,
)
from stunkit.conformance.tally import Tally
from stunkit.conformance.verdict import Level, Outcome, Verdict, unknown
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError, UsageError
from stunkit.net.dialog import Dialer
from stunkit.net.experiment import run as experiment
from stunkit.net.resolve import resolve
from stunkit.net.transport.udp import describe_errno, source_address
from stunkit.wire.uri import Transport, Uri

TIMEOUT = 30.0  # seconds for a whole run; one over a good path takes less than half
RATE = 25.0  # datagrams, or pieces, a second over each way
LANES = 4  # cases that run side by side over each way
SOCKETS = 2  # of each case over UDP


R = TypeVar("R")


class CaseResult(NamedTuple):
    """A case and its verdict."""

    case: Case
    verdict: Verdict

    @property
    def breaks_must(self) -> bool:
        """Whether a MUST was broken."""
        return self.case.level is Level.MUST and self.verdict.outcome is Outcome.FAIL


class Way(NamedTuple):
    """One way to the server, and what every case that applies to it came to.

    ``is_answered``: somebody was met there. ``datagrams`` counts what was sent, pieces of a stream
    too.
    """

    server: Endpoint
    transport: Transport
    results: tuple[CaseResult, ...]
    is_answered: bool
    datagrams: int

    @property
    def family(self) -> Family:
        """IPv4 or IPv6."""
        return self.server.family


class CheckResult(NamedTuple):
    """All ways to a server. ``elapsed`` is in seconds."""

    name: Uri
    ways: tuple[Way, ...]
    elapsed: float

    @property
    def is_answered(self) -> bool:
        """Whether anybody was met at all."""
        return any(way.is_answered for way in self.ways)

    @property
    def breaks_must(self) -> bool:
        """Whether a MUST was broken."""
        return any(result.breaks_must for way in self.ways for result in way.results)

    def count(self, outcome: Outcome) -> int:
        """Return how many cases came to an outcome."""
        return sum(r.verdict.outcome is outcome for way in self.ways for r in way.results)


class Progress(NamedTuple):
    """One more case is done. ``done`` and ``total`` count those of all ways met so far."""

    done: int
    total: int
    result: CaseResult


async def check(  # noqa: PLR0913 (a run has as many choices)
    server: str | Uri,
    *,
    cases: Sequence[Case] = CASES,
    family: Family | None = None,
    bind: Endpoint | None = None,
    timeout: float = TIMEOUT,
    ca_file: str | os.PathLike[str] | None = None,
    credential: Credential | None = None,
    rate: float = RATE,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Put cases to a server over every transport and family that its name stands for.

    A ``stun:`` URI that names no transport stands for UDP and TCP. ``bind`` is the local address to
    ask from, and decides the family; ``timeout`` is in seconds for the whole run: a case that is
    not done then is unknown. Raises ResolutionError and UsageError.
    """
    uri = server if isinstance(server, Uri) else Uri.parse(server)
    loop = asyncio.get_running_loop()
    started = loop.time()
    family = family if bind is None else bind.family
    ways = await _ways(uri, family)
    examiner = _Examiner(cases, rate, started + timeout, on_progress)
    dialer = Dialer(uri.host, bind, ca_file)
    running = [
        examiner.examine(
            Subject(endpoint, transport, (), _new_id, credential=credential), bind, dialer
        )
        for endpoint, transport in ways
    ]
    done = await asyncio.gather(*running)
    return CheckResult(uri, tuple(done), loop.time() - started)


def _new_id() -> bytes:
    return os.urandom(12)


async def _ways(uri: Uri, family: Family | None) -> list[tuple[Endpoint, Transport]]:
    """Return the endpoints to ask, one for each family and transport."""
    what = "a server to check"
    if uri.scheme.is_relay:
        raise UsageError(what, uri.format(), f"{uri.scheme}: names a relay; stun: asks the same")
    if uri.scheme.is_secure and uri.carrier is Transport.UDP:
        raise UsageError(what, uri.format(), "DTLS, TLS over UDP, is not supported")
    carriers = [uri.carrier]
    if not uri.scheme.is_secure and uri.transport is None:
        carriers = [Transport.UDP, Transport.TCP]
    ways = []
    errors = []
    for carrier in carriers:
        named = uri if carrier is Transport.TLS else replace(uri, transport=carrier)
        try:
            endpoints = await resolve(named, family=family)
        except ResolutionError as error:
            errors.append(error)
            continue
        for one in Family:
            first = [endpoint for endpoint in endpoints if endpoint.family is one][:1]
            ways += [(endpoint, carrier) for endpoint in first]
    if not ways:
        raise errors[0]
    return sorted(ways, key=lambda way: (way[0].family, carriers.index(way[1])))


class _Examiner:
    """Runs the cases over each way, and keeps the time for all of them."""

    def __init__(
        self,
        cases: Sequence[Case],
        rate: float,
        end: float,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._cases = cases
        self._rate = rate
        self._end = end
        self._on_progress = on_progress
        self._done = self._total = 0
        self._loop = asyncio.get_running_loop()

    async def examine(self, subject: Subject, bind: Endpoint | None, dialer: Dialer) -> Way:
        """Meet the server over one way, and put all cases that apply to it."""
        carrier = _Carrier(bind, dialer, self._loop)
        left = self._end - self._loop.time()
        try:
            async with asyncio.timeout(max(0.0, left)):
                subject = await carrier.meet(subject)
        except TimeoutError:
            reason = "nothing was heard before the time was up"
            subject = subject._replace(handshake=Handshake(reason))
        cases = [case for case in self._cases if subject.transport in case.transports]
        self._total += len(cases)
        queue = list(enumerate(cases))[::-1]
        verdicts: dict[int, Verdict] = {}

        async def work() -> None:
            while queue:
                index, case = queue.pop()
                verdicts[index] = await self._put(case, subject, carrier)
                self._report(CaseResult(case, verdicts[index]))

        await asyncio.gather(*(work() for _ in range(LANES)))
        results = tuple(CaseResult(case, verdicts[index]) for index, case in enumerate(cases))
        handshake = subject.handshake
        is_answered = handshake.reason is None or handshake.is_untrusted
        is_answered |= any(
            result.breaks_must and result.case.id == "fingerprint-optional" for result in results
        )
        return Way(subject.server, subject.transport, results, is_answered, carrier.datagrams)

    async def _put(self, case: Case, subject: Subject, carrier: _Carrier) -> Verdict:
        """Put one case, and rest as long as what it sent wants."""
        verdict = case.inapplicable(subject)
        if verdict is not None:
            return verdict
        started = self._loop.time()
        sent = carrier.datagrams
        try:
            async with asyncio.timeout_at(self._end):
                verdict = await carrier.carry(subject, case.examine)
                sends = carrier.datagrams - sent
                rest = min(sends, 3) * LANES / self._rate - (self._loop.time() - started)
                await asyncio.sleep(max(0.0, rest))
        except TimeoutError:
            if verdict is None:
                verdict = unknown("the time for the run was up")
        except OSError as error:
            verdict = unknown(describe_errno(error.errno) if error.errno else str(error))
        return verdict

    def _report(self, result: CaseResult) -> None:
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(Progress(self._done, self._total, result))


class _Carrier:
    """Carries procedures over one way."""

    def __init__(
        self, bind: Endpoint | None, dialer: Dialer, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._bind = bind
        self._dialer = dialer
        self._loop = loop
        self._tally = Tally()
        self._wait = FIRST_WAIT
        self.datagrams = 0

    async def meet(self, subject: Subject) -> Subject:
        """Return the subject with what a first conversation shows of it."""
        if subject.is_stream:
            subject = subject._replace(handshake=await self._dialer.shake(subject))
            if subject.handshake.reason is not None:
                return subject
        try:
            heard: Heard = await self.carry(subject, introduction)
        except OSError as error:
            reason = describe_errno(error.errno) if error.errno else str(error)
            return subject._replace(handshake=subject.handshake._replace(reason=reason))
        if heard.arrivals:
            self._wait = wait_for(heard.arrivals[0].after)
        return acquainted(subject, heard)

    async def carry(self, subject: Subject, make: Callable[[Subject], Procedure[R]]) -> R:
        """Carry a procedure to its end. Raises OSError where there is no socket for it."""
        if subject.is_stream and subject.handshake.reason is not None:
            return self._tell(subject, make, subject.handshake.reason)
        if subject.is_stream:
            return await self._dialer.converse(
                subject, lambda met: self._interview(met, make(met)), self._count
            )
        machines: list[Interview[R]] = []

        def begin(sockets: Sequence[Endpoint], now: float) -> Interview[R]:
            own = subject._replace(locals=tuple(sockets))
            machines.append(Interview(own, make(own), self._tally, self._wait, now))
            return machines[0]

        source = source_address(subject.server)
        if self._bind is not None and not self._bind.is_wildcard:
            source = self._bind.with_port(0)
        try:
            return await experiment([source] * SOCKETS, begin)
        finally:
            self._count(machines[0].sends_so_far if machines else 0)

    def _tell(self, subject: Subject, make: Callable[[Subject], Procedure[R]], reason: str) -> R:
        """Carry a procedure where there is no connection: every question ends at once."""
        server = subject.server
        subject = subject._replace(locals=(server,) * SOCKETS)
        machine = self._interview(subject, make(subject))
        machine.unreachable(server, server, reason, self._loop.time())
        (result,) = machine.events()
        return result

    def _interview(self, subject: Subject, procedure: Procedure[R]) -> Interview[R]:
        return Interview(subject, procedure, self._tally, self._wait, self._loop.time())

    def _count(self, sends: int) -> None:
        self.datagrams += sends
