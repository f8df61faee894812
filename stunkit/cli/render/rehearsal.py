"""What ``stunkit rehearse`` says: the verdict in one sentence, why, and how well it went.

Rules of this file: it is made of the document of a rehearsal, and of nothing else, so that whatever
is redacted there is nowhere here. Text of the other end is escaped.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from stunkit.call.simulation import Outcome
from stunkit.cli.render.text import printable

SENTENCES = {
    Outcome.DIRECT: "The call connected directly.",
    Outcome.RELAY: "The call connected through a relay.",
    Outcome.BLOCKED: "The call does not connect: no way between the two works.",
    Outcome.UNKNOWN: "Whether the call works is not known.",
}
CANDIDATE_HEADINGS = ("end", "type", "protocol", "address", "port")
NO_FIGURE = "unknown"


class View(NamedTuple):
    """All that is said."""

    outcome: Outcome
    sentence: str
    reasons: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    candidates: tuple[tuple[str, ...], ...]
    problems: tuple[str, ...]


def view(document: dict[str, Any]) -> View:
    """Return what a document says."""
    outcome = Outcome(document["outcome"])
    return View(
        outcome,
        SENTENCES[outcome],
        tuple(map(printable, document["reasons"])),
        tuple(figures(document)),
        tuple(
            tuple(printable(str(one[name])) for name in CANDIDATE_HEADINGS)
            for one in document["candidates"]
        ),
        tuple(map(printable, document["problems"])),
    )


def figures(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and figures, those of a call only where there was one."""
    rows = [("took", f"{document['seconds']:.1f} s")]
    if document["connected_after"] is None:
        return rows
    pair, rtt, loss = document["pair"], document["rtt_ms"], document["loss"]
    video, kbps, chat = document["video"], document["kbps"], document["chat"]
    if pair is not None:
        rows += [("here", place(pair["local"])), ("there", place(pair["remote"]))]
    rows.append(("connected after", f"{document['connected_after']:.2f} s"))
    rows.append(
        (
            "round trip",
            NO_FIGURE
            if rtt is None
            else f"{rtt['median']:.1f} ms, 95 % of them under {rtt['p95']:.1f} ms",
        )
    )
    rows.append(("jitter", ms(document["jitter_ms"])))
    rows.append(("lost", f"{share(loss['sent'])} sent, {share(loss['received'])} received"))
    rows.append(("rate", f"{rate(kbps['sent'])} sent, {rate(kbps['received'])} received"))
    rows.append(
        (
            "video",
            "none was seen"
            if video is None
            else f"{video['frames_decoded']} pictures of {video['width']} x {video['height']}",
        )
    )
    rows.append(("chat", f"{chat['sent']} sent, {chat['received']} received"))
    return rows


def place(spot: dict[str, Any]) -> str:
    """Return where a candidate is, and what it is."""
    address = printable(spot["address"])
    host = f"[{address}]" if ":" in address else address
    over = f", over {spot['relay_protocol']}" if spot.get("relay_protocol") else ""
    return f"{host}:{spot['port']} ({printable(spot['type'])}{over})"


def ms(value: float | None) -> str:
    """Return milliseconds."""
    return NO_FIGURE if value is None else f"{value:.1f} ms"


def share(value: float | None) -> str:
    """Return a share in percent."""
    if value is None:
        return NO_FIGURE
    return f"{value * 100:.1f} %" if 0 < value < 0.1 else f"{value * 100:.0f} %"


def rate(value: float | None) -> str:
    """Return a rate of data."""
    if value is None:
        return NO_FIGURE
    return f"{value:,.0f} kbit/s" if value < 10_000 else f"{value / 1e3:,.1f} Mbit/s"


def line(document: dict[str, Any]) -> str:
    """Return a rehearsal in one line."""
    pair, rtt, video = document["pair"], document["rtt_ms"], document["video"]
    parts = [f"{document['outcome']:8} {document['began']}  {document['seconds']:.0f} s"]
    if pair is not None:
        parts.append(f"{place(pair['local'])} - {place(pair['remote'])}")
    if rtt is not None:
        parts.append(f"round trip {rtt['median']:.1f} ms")
    if video is not None:
        parts.append(f"{video['frames_decoded']} pictures")
    if document["outcome"] in (Outcome.BLOCKED, Outcome.UNKNOWN):
        parts += map(printable, document["reasons"][:1])
    return "  ".join(parts)
