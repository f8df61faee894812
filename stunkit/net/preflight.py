"""The preflight: everything that shows in ten seconds whether a call will connect, side by side.

    found = await preflight(Wanted(servers, relays, credentials))
    forecast(found.facts)

Rules of this file: each part has a time of its own, and one that fails or waits delays nobody. The
router and the quality are about a server that has answered, and wait for the first one that does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple

from stunkit.call.quality import LEAST_SENT
from stunkit.call.sampler import COUNT, INTERVAL, WAIT
from stunkit.endpoint import Endpoint, Family
from stunkit.net import quality
from stunkit.net.gateway import gateway
from stunkit.net.gather import gather
from stunkit.net.gathered import Gathered, Gleaned, Wanted
from stunkit.net.nat import NatResult, discover
from stunkit.net.preflight_report import Part, Preflight
from stunkit.net.relay.report import RelayReport
from stunkit.net.transport.udp import describe_errno
from stunkit.net.turn import judge_without_udp, probe_relays

TIMEOUT = 10.0  # seconds for a whole run, with what is computed after it
THINKING = 1.0  # seconds of them for starting and for computing
RELAYS_SHARE = (
    0.7  # of what is left: by then four requests were sent, and a fifth would be too late
)
ENDING = 0.25  # seconds in which a part whose time is over says how far it got
GATHERING = 4.0  # seconds, in which four requests are sent
NAMES = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
NOBODY = "no server answered over UDP"


class News(NamedTuple):
    """What is new of a part: that it is under way (``text``), or done (``found`` has it)."""

    part: Part
    text: str
    found: Preflight
    is_done: bool = False


OnNews = Callable[[News], None]


async def preflight(
    wanted: Wanted, *, parts: Iterable[Part] = tuple(Part), on_news: OnNews | None = None
) -> Preflight:
    """Look at everything at once.

    ``wanted.timeout`` is in seconds for the whole run, ``on_news`` hears of each part. What does
    not come in time is unknown, and no error. Raises UsageError for a server or a relay that cannot
    be asked, and StartError when ``wanted.bind`` cannot be bound.
    """
    return await _Run(wanted, on_news).run(tuple(parts))


class _Run:
    """One run, with what is known so far."""

    def __init__(self, wanted: Wanted, on_news: OnNews | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._wanted = wanted
        self._bind = wanted.bind and wanted.bind.with_port(0)
        self._time = max(wanted.timeout - THINKING - ENDING, wanted.timeout / 2)
        self._on_news = on_news
        self._found = Preflight(family=wanted.bind.family if wanted.bind else wanted.family)
        self._problems: dict[Part, str] = {}
        self._answered: list[Endpoint] = []
        self._waiting: dict[asyncio.Future[Endpoint | None], Family | None] = {}
        self._asking: set[Part] = set()  # parts that a first answer may come of

    async def run(self, parts: tuple[Part, ...]) -> Preflight:
        """Run the parts until all are done, or the time is over."""
        doing: dict[Part, Callable[[], Coroutine[Any, Any, None]]] = {
            Part.NAT: self._look_at_nat,
            Part.CANDIDATES: self._gather,
            Part.RELAYS: self._probe_relays,
            Part.ROUTER: self._ask_router,
            Part.QUALITY: self._measure,
        }
        self._asking = {Part.NAT, Part.CANDIDATES} & {*parts}
        tasks = {asyncio.create_task(self._do(part, doing[part])): part for part in parts}
        try:
            done, late = await asyncio.wait(
                tasks, timeout=self._left + ENDING, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                task.result()
            for task in late:
                self._fail(tasks[task], "it was not done in time")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._snapshot()

    async def _do(self, part: Part, doing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await doing()
        except OSError as error:
            reason = describe_errno(error.errno) if error.errno else str(error).lower()
            self._fail(part, reason or "it was not done in time")
        else:
            if part not in self._problems:
                self._tell(part, "", is_done=True)
        finally:
            self._asking.discard(part)
            if not self._asking:
                self._hear(None)

    async def _look_at_nat(self) -> None:
        wanted = self._wanted
        self._tell(Part.NAT, "asking")
        result: NatResult = await discover(
            wanted.servers,
            family=wanted.family,
            bind=wanted.bind,
            timeout=self._left,
            answers=True,
            ca_file=wanted.ca_file,
            on_news=lambda family, text: self._tell(Part.NAT, f"{NAMES[family]} {text}"),
        )
        self._found = self._found._replace(nat=result)
        for one in result.asked:
            report = result.report(one.family)
            if one.server is not None and one.error is None and report and report.udp:
                self._hear(one.server)

    async def _gather(self) -> None:
        wanted = self._wanted
        self._tell(Part.CANDIDATES, "gathering")
        count = 0

        def hear(gleaned: Gleaned) -> None:
            nonlocal count
            count += 1
            self._tell(Part.CANDIDATES, f"{count} so far")
            if gleaned.server is not None:
                self._hear(gleaned.server)

        result: Gathered = await gather(
            wanted._replace(relays=(), bind=self._bind, timeout=min(GATHERING, self._left)),
            hear,
        )
        self._found = self._found._replace(gathered=result)

    async def _probe_relays(self) -> None:
        wanted = self._wanted
        if not wanted.relays:
            self._fail(Part.RELAYS, "none was named")
            return
        heard: list[RelayReport] = []

        def hear(report: RelayReport) -> None:
            heard.append(report)
            self._tell(Part.RELAYS, f"{report.uri} over {report.transport}: {report.outcome}")

        self._tell(Part.RELAYS, "probing")
        reports = await probe_relays(
            wanted.relays,
            wanted.credentials,
            family=wanted.family,
            bind=self._bind,
            ca_file=wanted.ca_file,
            timeout=self._left * RELAYS_SHARE,
            on_news=hear,
        )
        self._found = self._found._replace(relays=reports)

    async def _ask_router(self) -> None:
        server = await self._first_answer(Family.IPV4)
        if server is None:
            self._fail(Part.ROUTER, f"{NOBODY} and IPv4")
            return
        self._tell(Part.ROUTER, "asking")
        found = await gateway.ask_gateway(server, timeout=min(gateway.TIMEOUT, self._left))
        self._found = self._found._replace(gateway=found)

    async def _measure(self) -> None:
        server = await self._first_answer(None)
        if server is None:
            self._fail(Part.QUALITY, NOBODY)
            return
        count = min(COUNT, int((self._left - WAIT) / INTERVAL))
        if count < LEAST_SENT:
            self._fail(Part.QUALITY, "there was not enough time to measure it")
            return
        self._tell(Part.QUALITY, "measuring")
        bind = self._bind if self._bind and not self._bind.is_wildcard else None
        found = await quality.measure(
            server,
            bind=bind,
            count=count,
            on_progress=lambda share, _: self._tell(Part.QUALITY, f"{share:.0%}"),
        )
        self._found = self._found._replace(quality=found)

    async def _first_answer(self, family: Family | None) -> Endpoint | None:
        """Return the first server that answers, None when none will any more."""
        for server in self._answered:
            if family in (None, server.family):
                return server
        if not self._asking:
            return None
        future: asyncio.Future[Endpoint | None] = self._loop.create_future()
        self._waiting[future] = family
        return await future

    def _hear(self, server: Endpoint | None) -> None:
        """Wake those who wait for a server that answers; None: none will any more."""
        if server is not None:
            self._answered.append(server)
        for future, family in list(self._waiting.items()):
            if (server is None or family in (None, server.family)) and not future.done():
                future.set_result(server)
                del self._waiting[future]

    def _fail(self, part: Part, why: str) -> None:
        self._problems[part] = why
        self._tell(part, why, is_done=True)

    def _tell(self, part: Part, text: str, *, is_done: bool = False) -> None:
        if self._on_news is not None:
            self._on_news(News(part, text, self._snapshot(), is_done))

    def _snapshot(self) -> Preflight:
        """Return what is known by now, each part in the light of the others."""
        relays, ipv4 = self._found.relays, self._found.report(Family.IPV4)
        access = self._found.facts.ipv4
        if ipv4 is not None and ipv4.udp is False and access is not None and not access.udp:
            relays = tuple(map(judge_without_udp, relays))
        elapsed = self._loop.time() - self._began
        return self._found._replace(relays=relays, problems=dict(self._problems), elapsed=elapsed)

    @property
    def _left(self) -> float:
        """Seconds that parts have."""
        return max(0.0, self._began + self._time - self._loop.time())
