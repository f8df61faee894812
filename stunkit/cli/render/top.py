"""What ``stunkit top`` shows: how much a server does, from two looks at its figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stunkit.cli.render.text import columns, printable
from stunkit.net.scrape import Scrape
from stunkit.server.metrics.counters import ANSWERS

BARS = "▁▂▃▄▅▆▇█"

_MESSAGES = "stunkit_messages_total"
_IN, _OUT = "stunkit_received_bytes_total", "stunkit_sent_bytes_total"


class Flow(NamedTuple):
    """What came one way, or became one thing: in all, and a second."""

    name: str
    total: int
    rate: float


class Way(NamedTuple):
    """A transport and a family: messages and bytes a second."""

    name: str
    received: float
    answered: float
    bytes_in: float
    bytes_out: float


@dataclass(frozen=True, slots=True)
class Glance:
    """A server between two looks. Rates are a second's."""

    version: str
    lane: str
    uptime: float | None
    elapsed: float
    ways: tuple[Way, ...]
    dispositions: tuple[Flow, ...]
    losses: tuple[Flow, ...]
    connections: int
    connections_limit: int
    limit_rate: float
    workers: int
    workers_serving: int
    workers_replaced: int
    partner: tuple[bool, bool] | None  # its link is up, OTHER-ADDRESS is named

    @property
    def whole(self) -> Way:
        """All ways together."""
        return Way(
            "all", *(sum(figures) for figures in zip(*(w[1:] for w in self.ways), strict=True))
        )


def look(before: Scrape, after: Scrape, unix_time: float) -> Glance:
    """Compare two looks at one server; one that was restarted between them starts from 0."""
    elapsed = max(after.at - before.at, 1e-3)

    def rate(name: str, **labels: str) -> float:
        return max(0.0, after.sum(name, **labels) - before.sum(name, **labels)) / elapsed

    ways = []
    for transport in after.values(_MESSAGES, "transport"):
        for family in after.values(_MESSAGES, "family"):
            way = {"transport": transport, "family": family}
            answered = sum(rate(_MESSAGES, **way, disposition=kind) for kind in ANSWERS)
            flows = rate(_MESSAGES, **way), answered, rate(_IN, **way), rate(_OUT, **way)
            ways.append(Way(f"{transport} {family}", *flows))
    kinds = [
        Flow(kind, int(after.sum(_MESSAGES, disposition=kind)), rate(_MESSAGES, disposition=kind))
        for kind in after.values(_MESSAGES, "disposition")
    ]
    losses = (
        ("dropped by the kernel", "stunkit_kernel_drops_total"),
        ("answers not sent", "stunkit_unsent_total"),
        ("errors of ours", "stunkit_errors_total"),
    )
    started = after.sum("stunkit_start_time_seconds")
    has_partner = after.has("stunkit_partner_up")
    return Glance(
        version=next(iter(after.values("stunkit_build_info", "version")), "unknown"),
        lane=next(iter(after.values(_MESSAGES, "lane")), "unknown"),
        uptime=max(0.0, unix_time - started) if started else None,
        elapsed=elapsed,
        ways=tuple(ways),
        dispositions=tuple(kinds),
        losses=tuple(Flow(name, int(after.sum(metric)), rate(metric)) for name, metric in losses),
        connections=int(after.sum("stunkit_connections")),
        connections_limit=int(after.sum("stunkit_connections_limit")),
        limit_rate=after.sum("stunkit_limit_answers_per_second"),
        workers=int(after.sum("stunkit_workers")),
        workers_serving=int(after.sum("stunkit_workers_serving")),
        workers_replaced=int(after.sum("stunkit_workers_replaced_total")),
        partner=(
            bool(after.sum("stunkit_partner_up")),
            bool(after.sum("stunkit_partner_other_address")),
        )
        if has_partner
        else None,
    )


def sentence(glance: Glance) -> str:
    """Return the answer in one sentence."""
    whole = glance.whole
    if not whole.received:
        return "Nobody asks."
    share = whole.answered / whole.received
    return f"{whole.answered:,.0f} answers a second, to {share:.1%} of what comes."


def facts(glance: Glance) -> list[tuple[str, str]]:
    """Return what the server is, each with its name."""
    whole = glance.whole
    uptime = "unknown" if glance.uptime is None else _duration(glance.uptime)
    workers = f"{glance.workers_serving} of {glance.workers} serve"
    limit = (
        f"{glance.limit_rate:g} answers a second for each source" if glance.limit_rate else "none"
    )
    rows = [
        (
            "server",
            f"stunkit {printable(glance.version)}, lane {printable(glance.lane)}, up {uptime}",
        ),
        ("workers", f"{workers}, {glance.workers_replaced} replaced so far"),
        ("connections", f"{glance.connections:,} of {glance.connections_limit:,}"),
        ("limit", limit),
        ("bytes", f"{_bytes(whole.bytes_in)} in, {_bytes(whole.bytes_out)} out"),
        ("amplification", _factor(whole)),
    ]
    if glance.partner is not None:
        is_up, is_named = glance.partner
        named = "OTHER-ADDRESS is named" if is_named else "OTHER-ADDRESS is withdrawn"
        rows.append(("partner", f"link {'up' if is_up else 'down'}, {named}"))
    return rows


def ways(glance: Glance) -> list[tuple[str, ...]]:
    """Return the table of transports and families, headings first; idle ones are left out."""
    busy = [way for way in glance.ways if way.received] or list(glance.ways[:1])
    shown = [*busy, glance.whole] if len(busy) > 1 else busy
    return [
        ("over", "received/s", "answered/s", "in", "out", "out/in"),
        *(
            (
                printable(way.name),
                f"{way.received:,.0f}",
                f"{way.answered:,.0f}",
                _bytes(way.bytes_in),
                _bytes(way.bytes_out),
                _factor(way),
            )
            for way in shown
        ),
    ]


def outcomes(glance: Glance) -> list[tuple[str, ...]]:
    """Return the table of what became of it, headings first; what never happened is left out."""
    flows = [flow for flow in glance.dispositions if flow.total] + list(glance.losses)
    lines = [(printable(flow.name), f"{flow.rate:,.0f}", f"{flow.total:,}") for flow in flows]
    return [("became", "a second", "in all"), *lines]


def to_text(glance: Glance) -> str:
    """Return all of it as plain text."""
    tables: tuple[Sequence[tuple[str, ...]], ...] = (
        facts(glance),
        ways(glance),
        outcomes(glance),
    )
    return "\n\n".join([sentence(glance), *(columns(table) for table in tables)])


def to_json(glance: Glance, source: str) -> str:
    """Return the JSON document, on one line."""
    document: dict[str, Any] = {
        "schema": "stunkit/top/1",
        "source": source,
        "version": printable(glance.version),
        "lane": printable(glance.lane),
        "uptime": glance.uptime,
        "elapsed": round(glance.elapsed, 3),
        "total": _document(glance.whole),
        "ways": {printable(way.name): _document(way) for way in glance.ways},
        "dispositions": _flows(glance.dispositions),
        "losses": _flows(glance.losses),
        "connections": {"open": glance.connections, "limit": glance.connections_limit},
        "limit": glance.limit_rate or None,
        "workers": {
            "wanted": glance.workers,
            "serving": glance.workers_serving,
            "replaced": glance.workers_replaced,
        },
        "partner": None
        if glance.partner is None
        else {"up": glance.partner[0], "other_address": glance.partner[1]},
    }
    return json.dumps(document)


def sparkline(history: Sequence[float]) -> str:
    """Return a bar for each figure, the highest as high as the line."""
    most = max(history, default=0.0) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int(figure / most * len(BARS)))] for figure in history)


def _document(way: Way) -> dict[str, float | None]:
    rates = {
        "received_per_second": way.received,
        "answered_per_second": way.answered,
        "bytes_in_per_second": way.bytes_in,
        "bytes_out_per_second": way.bytes_out,
    }
    rounded: dict[str, float | None] = {name: round(rate, 1) for name, rate in rates.items()}
    factor = round(way.bytes_out / way.bytes_in, 3) if way.bytes_in else None
    return {**rounded, "amplification": factor}


def _flows(flows: Sequence[Flow]) -> dict[str, dict[str, float]]:
    return {
        printable(flow.name): {"per_second": round(flow.rate, 1), "total": flow.total}
        for flow in flows
    }


def _factor(way: Way) -> str:
    return f"{way.bytes_out / way.bytes_in:.2f}" if way.bytes_in else "-"


def _bytes(rate: float) -> str:
    """Return bytes a second, in a unit that a person can read."""
    for unit in ("B/s", "kB/s", "MB/s"):
        if rate < 1000:
            return f"{rate:.0f} {unit}" if unit == "B/s" else f"{rate:.1f} {unit}"
        rate /= 1000
    return f"{rate:.1f} GB/s"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
