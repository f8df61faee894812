"""What a capture holds: a sentence, who asked whom for what, and each transaction if wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from stunkit.cli.render.spans import Line, aligned
from stunkit.cli.render.text import printable
from stunkit.dissect.conversation import Conversation
from stunkit.dissect.flow import Flow, Outcome, Pair, Purpose, Transaction
from stunkit.dissect.sighting import Sighting, Tally
from stunkit.endpoint import Endpoint

_NAMES = {
    Purpose.CHECK: "ICE checks",
    Purpose.BEHAVIOR: "NAT discovery",
    Purpose.TURN: "TURN",
    Purpose.QUERY: "server query",
    Purpose.OTHER: "other",
}
_HEADINGS = (
    *("what", "from", "to", "over", "asked", "answered", "refused", "silent", "resent"),
    "round trip",
)
_STEPS = ("frame", "time", "what", "from", "to", "over", "sent", "became", "round trip")
_STYLES = {Outcome.SUCCESS: "", Outcome.ERROR: "yellow", Outcome.UNANSWERED: "red"}


class Overview(NamedTuple):
    """A capture that has been read to its end."""

    name: str
    tally: Tally
    flow: Flow
    conversations: list[Conversation]
    messages: int
    faulty: int
    trouble: str


def sentences(overview: Overview) -> list[str]:
    """Return what is in a capture, and what kept more from being seen."""
    tally, flow = overview.tally, overview.flow
    name, frames = overview.name, _count(tally.frames, "frame")
    if overview.messages:
        span = flow.last - flow.first if flow.first is not None and flow.last is not None else 0.0
        said = [
            f"{name}: {_count(overview.messages, 'STUN message')} in {frames}, over {span:.3f} s."
        ]
    else:
        said = [f"{name}: no STUN in {frames}. --classic looks for that of RFC 3489 too."]
    said += _sessions(overview)
    remarks = (
        (overview.faulty, "message", "broken or wrong: --tree shows where"),
        (flow.copies, "message", "seen again at another interface"),
        (flow.orphans, "answer", "without request"),
        (flow.indications, "indication", "which nobody answers"),
        (flow.channel_data, "message", "of ChannelData"),
        (tally.fragments, "fragment", "of IP: they are not put together"),
        (tally.cut, "packet", "cut by the limit on length of the capture"),
        (tally.unknown_link, "frame", "of a link type that is not read here"),
    )
    said += [f"{_count(number, noun)} {text}." for number, noun, text in remarks if number]
    if overview.trouble:
        said.append(f"{name}: {overview.trouble}.")
    return said


def _sessions(overview: Overview) -> list[str]:
    """Say of each two ICE agents how their checks went."""
    sessions: dict[frozenset[str], list[Conversation]] = {}
    for one in overview.conversations:
        if one.ufrags:
            sessions.setdefault(frozenset(one.ufrags), []).append(one)
    said = []
    for pairs in sessions.values():
        ufrags = " and ".join(pairs[0].ufrags or ())
        good = sum(bool(one.answered) for one in pairs)
        nominated = sum(one.nominator is not None for one in pairs)
        said.append(
            f"ICE between {ufrags}: {_count(len(pairs), 'pair')} checked, {good} answered,"
            f" {nominated or 'none'} nominated."
        )
    return said


def conversation_lines(overview: Overview) -> list[Line]:
    """Return the table of conversations; under each what it came to."""
    rows: list[Line] = [[(text, "dim") for text in _HEADINGS]]
    for one in overview.conversations:
        trips = one.trips
        refused = sum(one.errors.values())
        cells = (
            _NAMES[one.purpose],
            str(one.asker),
            str(one.asked),
            _over(one),
            str(len(one.transactions)),
            *map(str, (one.answered, refused, one.unanswered, one.retransmissions)),
            "-" if trips is None else _ms(trips.median),
        )
        style = "red" if one.unanswered and not one.answered else ""
        rows.append([(text, style) for text in cells])
    heading, *lines = aligned(rows)
    found = [heading]
    for one, line in zip(overview.conversations, lines, strict=True):
        found.append(line)
        if about := _about(one):
            found.append([("    " + about, "cyan")])
    return found


def _about(one: Conversation) -> str:
    """Say what a conversation came to."""
    parts = []
    if one.purpose is Purpose.CHECK:
        if one.ufrags:
            parts.append("ufrags {} and {}".format(*one.ufrags))
        parts += [f"{end} {role}" for end, role in one.roles.items()]
        if one.nominator:
            parts.append(f"nominated by {one.nominator}")
    elif one.purpose is Purpose.TURN:
        parts += [f"{name} {count}" for name, count in one.methods.items()]
    parts += [f"{text} {count}x" for text, count in one.errors.items()]
    if one.relay:
        parts.append(f"through the relay {one.relay}")
    if one.relayed:
        parts.append(f"relayed at {_list(one.relayed)}")
    if one.mapped:
        parts.append(f"seen as {_list(one.mapped)}")
    if one.elsewhere:
        parts.append(f"{one.elsewhere} answered from another endpoint")
    return ", ".join(parts)


def transaction_rows(overview: Overview) -> list[Line]:
    """Return the table of transactions, headings first."""
    rows: list[Line] = [[(text, "dim") for text in _STEPS]]
    for one in overview.flow.transactions:
        cells = (
            str(one.frames[0]),
            _since(one.sent[0], overview.flow.first),
            f"{one.name}, {_NAMES[one.purpose]}",
            str(one.asker),
            str(one.asked),
            _over(one),
            str(len(one.sent)),
            _became(one),
            "-" if one.rtt is None else _ms(one.rtt),
        )
        rows.append([(text, _STYLES[one.outcome]) for text in cells])
    return rows


def heading(sighting: Sighting, pair: Pair, first: float | None) -> Line:
    """Return the line above a message of a capture."""
    through = f" through {sighting.relay}" if sighting.relay else ""
    way = f"{sighting.source} to {sighting.destination}{through}"
    return [
        (f"frame {sighting.frame}  {_since(sighting.time, first)}  ", "dim"),
        (f"{way} over {sighting.transport}", ""),
        (f"  {pair.replace('-', ' ')}", "cyan"),
    ]


def _became(one: Transaction) -> str:
    said: str = one.outcome
    if one.outcome is Outcome.ERROR:
        error = one.error
        said = f"{error.code} {error.reason}".rstrip() if error else "refused"
    elif one.outcome is Outcome.SUCCESS and one.mapped:
        said = f"seen as {one.mapped}"
    if one.answerer not in (None, one.asked):
        said += f", from {one.answerer}"
    if one.altered:
        said += ", resent with other bytes"
    return said


def _over(one: Transaction | Conversation) -> str:
    return f"{one.transport}, relayed" if one.relay else one.transport


def _list(endpoints: Sequence[Endpoint]) -> str:
    shown = ", ".join(map(str, endpoints[:3]))
    return shown if len(endpoints) <= 3 else f"{shown} and {len(endpoints) - 3} more"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _since(time: float | None, first: float | None) -> str:
    return "-" if time is None or first is None else f"{time - first:.6f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3f} ms"


def message_document(
    sighting: Sighting, pair: Pair, transaction: Transaction | None
) -> dict[str, Any]:
    """Return where a message was seen, for JSON."""
    return {
        "frame": sighting.frame,
        "time": sighting.time,
        "transport": sighting.transport,
        "source": str(sighting.source),
        "destination": str(sighting.destination),
        "relay": _text(sighting.relay),
        "cut": sighting.is_cut,
        "pair": pair,
        "transaction": None if transaction is None else transaction.index,
    }


def document(overview: Overview) -> dict[str, Any]:
    """Return a capture for JSON, without its messages."""
    tally, flow = overview.tally, overview.flow
    return {
        "name": printable(overview.name),
        "frames": tally.frames,
        "udp": tally.udp,
        "tcp": tally.tcp,
        "fragments": tally.fragments,
        "cut": tally.cut,
        "other": tally.other,
        "unknown_link": tally.unknown_link,
        "messages": overview.messages,
        "faulty": overview.faulty,
        "copies": flow.copies,
        "indications": flow.indications,
        "channel_data": flow.channel_data,
        "answers_without_request": flow.orphans,
        "trouble": printable(overview.trouble) or None,
    }


def transaction_document(one: Transaction) -> dict[str, Any]:
    """Return a transaction for JSON."""
    error = one.error
    return {
        "index": one.index,
        "id": one.request.transaction_id.hex(),
        "method": one.name,
        "purpose": one.purpose,
        "transport": one.transport,
        "asker": str(one.asker),
        "asked": str(one.asked),
        "relay": _text(one.relay),
        "frames": one.frames,
        "sent": one.sent,
        "retransmissions": one.retransmissions,
        "altered": one.altered,
        "outcome": one.outcome,
        "answer_frame": one.answer_frame,
        "answered": one.answered,
        "answerer": _text(one.answerer),
        "repeated_answers": one.repeated,
        "rtt_ms": None if one.rtt is None else round(one.rtt * 1000, 6),
        "error": None if error is None else {"code": error.code, "reason": printable(error.reason)},
        "mapped": _text(one.mapped),
        "relayed": _text(one.relayed[0] if one.relayed else None),
        "ufrags": None if one.ufrags is None else [printable(ufrag) for ufrag in one.ufrags],
        "role": one.role,
        "nomination": one.is_nomination,
    }


def conversation_document(one: Conversation) -> dict[str, Any]:
    """Return a conversation for JSON."""
    trips = one.trips
    return {
        "purpose": one.purpose,
        "transport": one.transport,
        "asker": str(one.asker),
        "asked": str(one.asked),
        "relay": _text(one.relay),
        "transactions": [transaction.index for transaction in one.transactions],
        "answered": one.answered,
        "unanswered": one.unanswered,
        "errors": _safe(one.errors),
        "methods": _safe(one.methods),
        "retransmissions": one.retransmissions,
        "answered_from_elsewhere": one.elsewhere,
        "rtt_ms": None
        if trips is None
        else {
            "min": round(trips.least * 1000, 6),
            "median": round(trips.median * 1000, 6),
            "max": round(trips.most * 1000, 6),
            "known": trips.known,
        },
        "mapped": [str(endpoint) for endpoint in one.mapped],
        "relayed": [str(endpoint) for endpoint in one.relayed],
        "ufrags": None if one.ufrags is None else [printable(ufrag) for ufrag in one.ufrags],
        "roles": {str(end): role for end, role in one.roles.items()},
        "nominated_by": _text(one.nominator),
    }


def _safe(counter: Counter[str]) -> dict[str, int]:
    return {printable(text): count for text, count in counter.items()}


def _text(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else str(endpoint)
