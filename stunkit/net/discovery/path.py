"""The path of one address family: its servers found, its NAT measured, its silence explained.

Rules of this file: while no answer comes over UDP, the same servers are asked over TCP; who waits
for another family can ``hurry`` this one, and it ends then unless somebody has answered.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError, StunkitError, TransactionError, Unreachable
from stunkit.nat.discovery import SOCKETS, TIMEOUT, Discovery
from stunkit.nat.report import Evidence, Report
from stunkit.net import experiment
from stunkit.net.discovery.scout import scout
from stunkit.net.discovery.silence import Judgment, Silence
from stunkit.net.discovery.trial import Trial, attempt
from stunkit.net.query import Asker
from stunkit.net.resolve import resolve
from stunkit.net.transport.udp import describe_errno, source_address
from stunkit.net.whoami import MAX_ADDRESSES
from stunkit.wire.uri import Uri

QUIET = 1.0  # seconds of silence over UDP after which TCP is tried
PATIENCE = 6.0  # seconds in which nobody answers after which nobody is taken to
HURRY = 0.25  # seconds more when the other family is done: a connection and an answer
MAX_SERVERS = 6  # endpoints asked in one family; each takes a mapping of the NAT
SECOND = (
    1.0  # seconds between the discovery's start and the other tests': RFC 5780 section 4's rate
)
ASK_AGAIN = 1.0  # seconds for the reason of an answer without a mapped address

NEWS = {"mapped": "seen as", "mapping": "mapping", "filtering": "filtering"}
News = Callable[[Family, str], None]


class Asked(NamedTuple):
    """A server's name, where it led in one family, and what went wrong, if anything."""

    name: Uri
    family: Family
    server: Endpoint | None = None
    error: StunkitError | None = None


class Plan(NamedTuple):
    """What holds for all paths of a run.

    ``end`` is the loop's time at which it is over, ``bind`` where to ask from; for ``answers`` see
    ``nat.discovery``.
    """

    end: float
    bind: Endpoint | None = None
    trials: tuple[Trial, ...] = ()
    on_news: News | None = None
    answers: bool = False


class Path:
    """One family's run: ``measure`` it once."""

    def __init__(self, family: Family, names: Sequence[Uri], plan: Plan) -> None:
        self.family = family
        self.is_heard = False  # whether anything has come back over UDP
        self.asked = tuple(Asked(name, family) for name in names)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._end = plan.end
        self._plan = plan
        self._told: set[str] = set()
        self._discovery: Discovery | None = None
        self._silence: Silence | None = None
        self._hurried: asyncio.Future[None] = self._loop.create_future()

    def hurry(self) -> None:
        """Wait no longer than ``QUIET + HURRY`` seconds from the start, unless somebody answers."""

        def end() -> None:
            is_there = self._silence is not None and self._silence.is_there
            if not (self.is_heard or is_there or self._hurried.done()):
                self._hurried.set_result(None)

        self._loop.call_at(max(self._loop.time(), self._began + QUIET + HURRY), end)

    async def measure(self) -> Report | None:
        """Return what this family's path does, None where no server can be asked.

        Raises OSError when no socket can be bound.
        """
        finding = asyncio.create_task(self._find())
        try:
            await self._wait(finding)
            if not finding.done():
                why = "the name server has not answered yet"
                self.asked = tuple(
                    one._replace(error=ResolutionError(one.name.host, why)) for one in self.asked
                )
                return None
            routes = finding.result()
        finally:
            await _end(finding)
        if not routes:
            return None
        bind = routes[0][1]  # servers that are reached from another address see another NAT
        servers = [server for server, source in routes if source == bind][:MAX_SERVERS]
        return await self._measure(servers, bind)

    async def _measure(self, servers: Sequence[Endpoint], bind: Endpoint) -> Report:
        self._silence = Silence(servers, bind.with_port(0))
        measuring = asyncio.create_task(self._discover(servers, bind))
        judging = asyncio.create_task(self._judge(self._silence, measuring))
        try:
            while True:
                if self.is_heard or measuring.done():
                    report = await measuring
                    if self.is_heard:
                        return report
                is_blocked = judging.done() and judging.result().udp is False
                if is_blocked or (measuring.done() and judging.done()):
                    return silent_report(self._local, judging.result())
                if self._is_over:
                    break
                await self._wait(measuring, judging)
        finally:
            await _end(measuring, judging)
        waited = self._loop.time() - self._began
        why = f"no answer over UDP in {waited:.1f} s, and none over TCP either"
        return silent_report(self._local, Judgment(None, why, ()))

    async def _find(self) -> list[tuple[Endpoint, Endpoint]]:
        """Return the servers' endpoints, each with the address to ask it from.

        They take turns by name, so that of many addresses each name's first ones are left.
        """
        groups = await asyncio.gather(*(self._find_one(one) for one in self.asked))
        self.asked = tuple(asked for group in groups for asked, _ in group)
        longest = max(map(len, groups), default=0)
        turns = [group[turn] for turn in range(longest) for group in groups if turn < len(group)]
        return [(one.server, source) for one, source in turns if one.server and source]

    async def _find_one(self, asked: Asked) -> list[tuple[Asked, Endpoint | None]]:
        try:
            servers = await resolve(asked.name, family=self.family)
        except ResolutionError as error:
            return [(asked._replace(error=error), None)]
        found: list[tuple[Asked, Endpoint | None]] = []
        for server in servers[:MAX_ADDRESSES]:
            one = asked._replace(server=server)
            try:
                found.append((one, self._source(server)))
            except OSError as error:
                reason = Unreachable(describe_errno(error.errno or 0))
                found.append((one._replace(error=reason), None))
        return found

    def _source(self, server: Endpoint) -> Endpoint:
        """Return where to ask a server from. Raises OSError when there is no route."""
        if self._plan.bind is None:
            return source_address(server)
        if self._plan.bind.is_wildcard:
            return source_address(server).with_port(self._plan.bind.port)
        return self._plan.bind

    async def _judge(self, silence: Silence, measuring: asyncio.Task[Report]) -> Judgment:
        """Judge the silence once there is one."""
        await asyncio.wait({measuring}, timeout=QUIET)
        if self.is_heard:
            return Judgment(udp=True, why="answers came over UDP", probes=())
        if self._plan.on_news is not None:
            self._plan.on_news(self.family, "silent over UDP, asked over TCP")
        return await silence.judge()

    async def _discover(self, servers: Sequence[Endpoint], bind: Endpoint) -> Report:
        """Find the servers that answer, and ask them everything."""
        if len(servers) > 1:
            patience = min(PATIENCE, self._end - self._loop.time())
            scouted = await scout(servers, bind.with_port(0), patience, self._hear)
            self._note(scouted.errors)
            if not scouted.servers:
                return silent_report(None, Judgment(self.is_heard or None, "no good answer", ()))
            servers = scouted.servers

        def make(sockets: Sequence[Endpoint], now: float) -> Discovery:
            timeout = min(TIMEOUT, max(0.0, self._end - now))
            self._discovery = Discovery(
                servers, sockets, now, os.urandom, timeout=timeout, answers=self._plan.answers
            )
            return self._discovery

        began = self._loop.time()
        fresh = [bind.with_port(0)] * (SOCKETS - 1)
        report = await experiment.run([*fresh, bind], make, self._step)
        if self.is_heard and report.mapped is None:
            await self._ask_again(servers[0], bind)
        if self._plan.trials and report.mapped is not None:
            await asyncio.sleep(began + SECOND - self._loop.time())
            report = await self._try_more(report, servers[0], bind)
        return report

    async def _try_more(self, report: Report, server: Endpoint, bind: Endpoint) -> Report:
        """Make the trials that are asked for, side by side."""
        if self._plan.on_news is not None:
            claims = " and ".join(trial.claim for trial in self._plan.trials)
            self._plan.on_news(self.family, f"testing {claims}")
        found = await asyncio.gather(
            *(attempt(trial, server, bind, self._end) for trial in self._plan.trials)
        )
        for evidence in found:
            report = report.with_evidence(evidence)
        return report

    async def _ask_again(self, server: Endpoint, bind: Endpoint) -> None:
        """Note why a server that answers does not say where it sees us."""
        async with Asker(bind=bind.with_port(0)) as asker:
            timer = self._loop.call_later(ASK_AGAIN, asker.give_up)
            try:
                await asker.ask(server, await asker.open(server))
            except TransactionError as error:
                self._note({server: error})
            finally:
                timer.cancel()

    def _hear(self) -> None:
        self.is_heard = True

    def _step(self) -> None:
        """Notice what the discovery has learned."""
        if self._discovery is None or (self.is_heard and self._plan.on_news is None):
            return
        report = self._discovery.report()
        self.is_heard = self.is_heard or bool(report.udp)
        for claim, words in NEWS.items():
            value = getattr(report, claim)
            if self._plan.on_news is not None and value is not None and claim not in self._told:
                self._told.add(claim)
                self._plan.on_news(self.family, f"{words} {value}")

    def _note(self, errors: Mapping[Endpoint, StunkitError]) -> None:
        """Note what went wrong with servers."""
        self.asked = tuple(
            one if one.server is None else one._replace(error=errors.get(one.server, one.error))
            for one in self.asked
        )

    @property
    def _local(self) -> Endpoint | None:
        return None if self._discovery is None else self._discovery.report().local

    @property
    def _is_over(self) -> bool:
        return self._hurried.done() or self._loop.time() >= self._end

    async def _wait(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait until one of the tasks that are under way is done, or until it is all over."""
        pending = {task for task in tasks if not task.done()}
        timeout = max(0.0, self._end - self._loop.time())
        await asyncio.wait(
            {*pending, self._hurried}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
        )


async def _end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until their sockets are closed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def silent_report(local: Endpoint | None, judgment: Judgment) -> Report:
    """Return the report of a path on which no answer told anything."""
    values: dict[str, Any] = dict.fromkeys(
        field for field in Report._fields if field not in Report._field_defaults
    )
    udp, why, probes = judgment
    evidence = [Evidence("udp", udp, why, probes)]
    consequence = "UDP is blocked" if udp is False else "no answer came over UDP"
    if udp:
        consequence = "the server does not say where it sees us"
    evidence += [
        Evidence(claim, None, consequence)
        for claim in ("mapped", "nat", "mapping", "filtering", "port_preserved", "rewritten")
    ]
    values |= {"udp": udp, "local": local, "evidence": tuple(evidence)}
    return Report(**values)
