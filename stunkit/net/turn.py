"""The preflight of relays: which work, over which transports, and what is wrong with the rest.

Every URI is tried over each transport that it allows, at each address that its name has, side by
side: one that is dead delays nobody. A browser that meets the same fault says nothing.

Rules of this file: our own probes must not be what they find. Several of them hold allocations at
a time, so a quota that is reached by then is asked again when the others have let go.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError
from stunkit.net.relay.allocation import allocate, check_uri
from stunkit.net.relay.connection import Site
from stunkit.net.relay.probe import Terms, probe
from stunkit.net.relay.report import RelayOutcome, RelayReport, Step, StepName, StepOutcome
from stunkit.net.relay.verdict import judge_error
from stunkit.net.resolve import resolve
from stunkit.net.transport.secure import ALPN_TURN, Secure
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport, Uri

__all__ = ["allocate", "probe_relays"]

TIMEOUT = 20.0  # seconds for a whole run
MAX_ADDRESSES = 4  # of one name that are probed
RESOLVE_TIMEOUT = 5.0  # seconds
_WHERE = "on the way or at the relay"
QUOTA_PAUSE = 1.5  # seconds; coturn gives a user's allocation back a second after its release

OnNews = Callable[[RelayReport], None]


def transports_of(uri: Uri) -> tuple[Transport, ...]:
    """Return what a URI is tried over: UDP and TCP where a turn: URI names none."""
    if not uri.scheme.is_secure and uri.transport is None:
        return (Transport.UDP, Transport.TCP)
    return (uri.carrier,)


async def probe_relays(  # noqa: PLR0913 (a run has as many choices)
    uris: Sequence[str | Uri],
    credentials: TurnCredentials | None = None,
    *,
    family: Family | None = None,
    relayed_family: Family | None = None,
    bind: Endpoint | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    timeout: float = TIMEOUT,
    on_news: OnNews | None = None,
    is_udp_open: bool | None = None,
) -> tuple[RelayReport, ...]:
    """Probe relays; return a report for each URI, transport and address, in this order.

    ``family`` restricts the relays' addresses, as ``bind`` does; ``relayed_family`` is asked for
    (None: IPv4). ``timeout`` is in seconds for the whole run; ``on_news`` hears of each report as
    it is there, and again if it changes. ``is_udp_open`` is what is known of this network already:
    where UDP does not leave it, peers' datagrams cannot be tried. Raises UsageError for what is no
    relay's URI, and for a bad ``ca_file``. Nothing is left on the relays.
    """
    parsed = [uri if isinstance(uri, Uri) else Uri.parse(uri) for uri in dict.fromkeys(uris)]
    for uri in parsed:
        check_uri(uri)
    targets = [(uri, transport) for uri in parsed for transport in transports_of(uri)]
    needs_tls = any(transport is Transport.TLS for _, transport in targets)
    secure = Secure(ca_file, ALPN_TURN) if needs_tls else None
    run = _Run(
        Terms(credentials, relayed_family, bind, secure),
        family if bind is None else bind.family,
        asyncio.get_running_loop().time() + timeout,
        on_news,
    )
    found = await asyncio.gather(*(run.target(*target) for target in targets))
    reports = [report for reports in found for report in reports]
    return await run.reconsider(reports, is_udp_open=is_udp_open)


class _Run:
    """One run, with what its probes have in common."""

    def __init__(
        self, terms: Terms, family: Family | None, deadline: float, on_news: OnNews | None
    ) -> None:
        self._terms = terms
        self._family = family
        self._deadline = deadline
        self._on_news = on_news

    async def target(self, uri: Uri, transport: Transport) -> list[RelayReport]:
        """Probe each address of a URI over one transport."""
        named = replace(uri, transport=Transport.TCP if transport is Transport.TLS else transport)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(min(began + RESOLVE_TIMEOUT, self._deadline)):
                servers = await resolve(named, family=self._family)
        except (ResolutionError, TimeoutError) as error:
            if not isinstance(error, ResolutionError):
                error = ResolutionError(uri.host, "the name server has not answered yet")
            step = Step(StepName.RESOLVE, StepOutcome.FAILED, loop.time() - began, str(error))
            verdict = judge_error(error)
            report = RelayReport(uri, transport, None, *verdict, steps=(step,))
            self._tell(report)
            return [report]
        text = ", ".join(server.host for server in servers)
        step = Step(StepName.RESOLVE, StepOutcome.OK, loop.time() - began, text)
        steps = () if uri.is_address else (step,)
        return await asyncio.gather(
            *(
                self._probe(uri, Site(server, transport, uri.host), steps)
                for server in servers[:MAX_ADDRESSES]
            )
        )

    async def reconsider(
        self, reports: list[RelayReport], *, is_udp_open: bool | None
    ) -> tuple[RelayReport, ...]:
        """Ask again where our own probes were in the way; say what only all of them show."""
        is_held = any(report.relayed is not None for report in reports)
        now = asyncio.get_running_loop().time
        for index, report in enumerate(reports):
            is_full = is_held and report.outcome is RelayOutcome.QUOTA_REACHED
            if is_full and report.server is not None and now() + QUOTA_PAUSE < self._deadline:
                await asyncio.sleep(QUOTA_PAUSE)
                site = Site(report.server, report.transport, report.uri.host)
                steps = tuple(one for one in report.steps if one.name is StepName.RESOLVE)
                reports[index] = await self._probe(report.uri, site, steps)
        for index, report in enumerate(reports):
            revised = _revise(report, reports, is_udp_open=is_udp_open)
            if revised is not report:
                reports[index] = revised
                self._tell(revised)
        return tuple(reports)

    async def _probe(self, uri: Uri, site: Site, steps: tuple[Step, ...]) -> RelayReport:
        report = await probe(uri, site, self._terms, self._deadline)
        report = replace(report, steps=(*steps, *report.steps))
        self._tell(report)
        return report

    def _tell(self, report: RelayReport) -> None:
        if self._on_news is not None:
            self._on_news(report)


def _revise(
    report: RelayReport, all_reports: Sequence[RelayReport], *, is_udp_open: bool | None
) -> RelayReport:
    """Return a report in the light of all: whether UDP is filtered shows where TCP is not."""
    same = [other for other in all_reports if other.server == report.server]
    allocated = {other.transport for other in same if other.relayed is not None}
    is_silent = any(
        other.transport is Transport.UDP and other.outcome is RelayOutcome.TIMED_OUT
        for other in all_reports
        if other.server is not None
        and report.server is not None
        and other.server.packed == report.server.packed
    )
    if (
        report.transport is Transport.UDP
        and report.outcome is RelayOutcome.TIMED_OUT
        and allocated - {Transport.UDP}
    ):
        why = f"{report.why} over UDP, though it works over TCP: UDP is filtered {_WHERE}"
        return replace(report, why=why)
    if is_udp_open is False:
        return judge_without_udp(report)
    if is_silent and is_udp_open is None and report.outcome is RelayOutcome.PORTS_UNREACHABLE:
        # a relay whose own firewall lets no UDP in looks the same, and serves nobody
        why = (
            "data comes back between two relayed addresses; whether peers reach them cannot be"
            f" told from here, since UDP is filtered {_WHERE}"
        )
        return replace(report, why=why)
    return report


def judge_without_udp(report: RelayReport) -> RelayReport:
    """Return a report as it is meant where UDP is blocked: no plain socket of ours could try."""
    if report.outcome is not RelayOutcome.PORTS_UNREACHABLE:
        return report
    why = (
        "data comes back between two relayed addresses; more cannot be tried from here, since"
        " UDP is filtered on the way"
    )
    return replace(report, outcome=RelayOutcome.WORKS, why=why, remedy="")
