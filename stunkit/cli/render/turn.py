"""What is shown of relays: a row each, what to do, and the same in JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from stunkit.cli.render.text import printable
from stunkit.endpoint import Endpoint
from stunkit.net.relay.report import RelayReport, Step

HEADINGS = ("relay", "transport", "outcome", "relayed address", "round trip", "why")
SOON = 14  # days before a certificate expires that it is spoken of


def sentence(reports: Sequence[RelayReport]) -> str:
    """Return in one sentence how many work."""
    works = [report for report in reports if report.is_usable]
    unknown = [report for report in reports if report.is_usable is None]
    ways = "way to a relay" if len(reports) == 1 else "ways to a relay"
    if len(works) == len(reports):
        said = f"The {ways} works." if len(reports) == 1 else f"All {len(reports)} {ways} work."
    elif works:
        said = f"{len(works)} of {len(reports)} {ways} work."
    else:
        said = "No relay is known to work." if unknown else "No relay works."
    if works and unknown:
        said += f" Of {len(unknown)} it is not known."
    return said


def row(report: RelayReport) -> tuple[str, ...]:
    """Return one report as the cells under ``HEADINGS``."""
    relay = printable(str(report.uri))
    if report.server is not None and not report.uri.is_address:
        relay += f" ({report.server.host})"
    relayed = "-"
    if report.relayed is not None:
        relayed = f"{report.relayed} ({report.relayed_scope})"
    trip = "-" if report.rtt is None else f"{report.rtt * 1000:.1f} ms"
    return relay, report.transport, report.outcome, relayed, trip, printable(report.why)


def remarks(reports: Sequence[RelayReport], now: float | None = None) -> list[str]:
    """Return what to do, each once a relay, and what will be wrong soon; ``now`` is Unix time."""
    now = time.time() if now is None else now
    said: dict[tuple[str, str], dict[str, None]] = {}
    for report in reports:
        advice = [report.remedy] if report.remedy else []
        days = report.days_left(now)
        if days is not None and days < SOON:
            advice.append(f"Its certificate expires in {'1 day' if days == 1 else f'{days} days'}.")
        for text in advice:
            said.setdefault((str(report.uri), text), {})[report.transport.upper()] = None
    return [
        printable(f"{uri} over {' and '.join(transports)}: {text}")
        for (uri, text), transports in said.items()
    ]


def item(report: RelayReport, now: float | None = None) -> dict[str, Any]:
    """Return one report as an item of the contract's ``turn`` list; ``now`` is Unix time."""
    now = time.time() if now is None else now
    echo, tls = report.echo, report.tls
    return {
        "uri": str(report.uri),
        "outcome": report.outcome,
        "relayed": _text(report.relayed),
        "rtt_ms": _milliseconds(report.rtt),
        "why": printable(report.why),
        "remedy": report.remedy or None,
        "usable": report.is_usable,
        "transport": report.transport,
        "server": _text(report.server),
        "redirected_by": _text(report.redirected_by),
        "scope": report.relayed_scope,
        "mapped": _text(report.mapped),
        "lifetime": report.lifetime,
        "software": None if report.software is None else printable(report.software),
        "open": report.is_open,
        "echo": None
        if echo is None
        else {
            "peer": echo.peer.host,
            "sent": echo.sent,
            "received": echo.received,
            "loss": round(echo.loss, 3),
            "rtt_min_ms": _milliseconds(echo.rtt_min),
            "rtt_ms": _milliseconds(echo.rtt_median),
        },
        "tls": None
        if tls is None
        else {
            "version": tls.version,
            "subject": printable(tls.subject),
            "names": [printable(name) for name in tls.names],
            "issuer": printable(tls.issuer),
            "days_left": report.days_left(now),
        },
        "steps": [_step(step) for step in report.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "outcome": step.outcome,
        "ms": _milliseconds(step.seconds),
        "text": printable(step.text) or None,
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _text(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else str(endpoint)
