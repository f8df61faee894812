"""What ``stunkit bench`` shows: one sentence, the figures, and what to make of them."""

from __future__ import annotations

import json
from typing import Any

from stunkit.bench.result import Latency, Progress, Result
from stunkit.cli.render.text import printable
from stunkit.wire.uri import Transport


def to_json(result: Result) -> str:
    """Return the JSON document, on one line."""
    return json.dumps(to_document(result))


def to_document(result: Result) -> dict[str, Any]:
    """Return the document as Python values."""
    options, tally = result.options, result.tally
    is_closed = options.rate is None
    return {
        "schema": "stunkit/bench/1",
        "server": {
            "name": printable(options.server.format()),
            "endpoint": str(result.server),
            "transport": options.server.carrier,
            "software": None if result.software is None else printable(result.software),
        },
        "load": {
            "loop": "closed" if is_closed else "open",
            "window": options.window if is_closed else None,
            "rate": options.rate,
            "sockets": result.sockets,
            "addresses": result.addresses,
            "bind": [str(source) for source in options.sources],
            "duration": options.duration,
            "warmup": options.warmup,
            "timeout": options.timeout,
        },
        "interrupted": result.interrupted,
        "elapsed": round(result.elapsed, 6),
        "answers_per_second": round(result.rate, 1),
        "sent": tally.sent,
        "answered": tally.answered,
        "wrong": tally.wrong,
        "refused": tally.refused,
        "lost": tally.lost,
        "loss": result.loss,
        "duplicate": tally.duplicate,
        "late": tally.late,
        "strange": tally.strange,
        "latency_ms": _document(result.latency),
        "generator": {
            "behind_ms": _document(result.behind),
            "is_late": result.is_late if not is_closed else None,
            "unsent": result.unsent,
            "busy": round(result.busy, 3),
            "is_busy": result.is_busy if is_closed else None,
            "dropped": result.dropped,
            "unheard_sockets": result.unheard,
            "closed_connections": tally.closed,
            "socket_errors": tally.errors,
        },
        "notes": notes(result),
    }


def sentence(result: Result) -> str:
    """Return the answer in one sentence."""
    loss = result.loss
    lost = "" if not loss else f" {_percent(loss)} of the requests were lost."
    said = f"{result.server} gives {result.rate:,.0f} answers a second over {_transport(result)}."
    return said + lost


def rows(result: Result) -> list[tuple[str, str]]:
    """Return the figures, each with its name."""
    options, tally = result.options, result.tally
    if options.rate is None:
        load = f"closed loop, {options.window} in flight on each of {_sockets(result)}"
    else:
        load = f"open loop, {options.rate:,g} requests a second from {_sockets(result)}"
    server = str(result.server) + (f" {printable(result.software)}" if result.software else "")
    figures = [
        ("server", server),
        ("load", load),
        ("time", f"{result.elapsed:.2f} s after {options.warmup:g} s of warming up"),
        ("sent", f"{tally.sent:,}"),
        ("answered", f"{tally.answered:,} ({result.rate:,.0f} a second)"),
        ("lost", f"{tally.lost:,} ({_percent(result.loss or 0.0)})"),
        ("wrong", f"{tally.wrong:,}"),
    ]
    seldom = (
        ("refused", tally.refused),
        ("duplicate", tally.duplicate),
        ("late", tally.late),
        ("strange", tally.strange),
    )
    figures += [(name, f"{number:,}") for name, number in seldom if number]
    if result.latency is not None:
        figures.append(("latency", _spread(result.latency)))
    if result.behind is not None:
        figures.append(("left late by", _spread(result.behind)))
    return figures


def notes(result: Result) -> list[str]:
    """Return what the reader has to know before believing the figures."""
    options, tally = result.options, result.tally
    said = []
    if result.interrupted:
        said.append(f"Interrupted after {result.elapsed:.2f} of {options.duration:g} s.")
    if result.unheard:
        total = result.unheard + result.sockets
        said.append(f"{result.unheard} of {total} sockets got no first answer and were left out.")
    if result.is_late and result.behind is not None:
        never = f", {result.unsent:,} never" if result.unsent else ""
        said.append(
            f"The generator did not keep its timetable: 1 in 100 requests left "
            f"{_ms(result.behind.p99)} ms late or more{never}. The latencies include that."
        )
    if result.is_busy:
        said.append(
            f"The generator took {_percent(result.busy)} of a core: "
            "the server may be faster than this."
        )
    if result.dropped:
        said.append(
            f"{result.dropped:,} answers came and found the generator's own queues full; "
            "they count as lost."
        )
    if tally.closed:
        said.append(f"{tally.closed} connections ended before the run did.")
    if tally.errors:
        said.append(f"The kernel told of {tally.errors:,} errors of the sockets, mostly ICMP.")
    if tally.wrong:
        said.append("Wrong answers say another address, or nothing that a client could use.")
    return said


def line(progress: Progress) -> str:
    """Return a line about a run under way."""
    ended = progress.answered + progress.lost + progress.wrong
    loss = progress.lost / ended if ended else 0.0
    return (
        f"{'warming up' if progress.is_warmup else 'measuring'}  "
        f"{progress.rate:,.0f}/s  loss {_percent(loss)}  "
        f"p50 {_ms(progress.p50)} ms  p99 {_ms(progress.p99)} ms"
    )


def _document(latency: Latency | None) -> dict[str, float] | None:
    if latency is None:
        return None
    names = ("min", "mean", "p50", "p90", "p99", "p99.9", "max")
    return {name: round(seconds * 1000, 6) for name, seconds in zip(names, latency, strict=True)}


def _spread(latency: Latency) -> str:
    return (
        f"p50 {_ms(latency.p50)}, p90 {_ms(latency.p90)}, p99 {_ms(latency.p99)}, "
        f"p99.9 {_ms(latency.p999)}, max {_ms(latency.most)} ms"
    )


def _ms(seconds: float) -> str:
    """Return milliseconds with three significant digits, and no more than microseconds."""
    milliseconds = seconds * 1000
    if milliseconds >= 100:
        return f"{milliseconds:,.0f}"
    return f"{milliseconds:.{1 if milliseconds >= 10 else 2 if milliseconds >= 1 else 3}f}"


def _percent(share: float) -> str:
    """Return a share in percent, with digits enough to tell a little from nothing."""
    return (
        f"{share:.1%}" if share == 0 or share >= 0.01 else f"{share * 100:.2g} %".replace(" ", "")
    )


def _sockets(result: Result) -> str:
    kind = "socket" if result.options.server.carrier is Transport.UDP else "connection"
    count = f"{result.sockets} {kind}{'' if result.sockets == 1 else 's'}"
    if result.addresses == 1:
        return count
    return f"{count} with {result.addresses} addresses"


def _transport(result: Result) -> str:
    return result.options.server.carrier.upper()
