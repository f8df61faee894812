"""What ``stunkit check`` shows: one sentence, how each subject fares, and every fault in full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from stunkit.cli.render.text import printable
from stunkit.cli.render.whoami import NAMES
from stunkit.conformance.case import Case
from stunkit.conformance.conversation import decoded, error_code
from stunkit.conformance.trust import Filtering, Trust, filtering
from stunkit.conformance.verdict import Level, Outcome
from stunkit.net.check import CaseResult, CheckResult, Way
from stunkit.wire.registry import attribute_name
from stunkit.wire.uri import Transport

MAX_HEX = 80  # bytes of a message that are shown to a person
TRUST = {
    Trust.TRUSTED: "Filtering verdicts made with it can be trusted",
    Trust.MISLEADING: "Filtering verdicts made with it cannot be trusted",
    Trust.NONE: "It gives no filtering verdicts, and no false ones",
    Trust.UNKNOWN: "Whether its filtering verdicts can be trusted is unknown",
}


def to_json(result: CheckResult) -> str:
    """Return the JSON document of the contract, on one line."""
    import json  # noqa: PLC0415 (text does without)

    return json.dumps(to_document(result))


def to_document(result: CheckResult) -> dict[str, Any]:
    """Return the document as Python values."""
    return {
        "schema": "stunkit/check/1",
        "server": str(result.name),
        "elapsed": round(result.elapsed, 3),
        "summary": {outcome.value: result.count(outcome) for outcome in Outcome},
        "ways": [_way(way) for way in result.ways],
        "cases": [_case(way, one) for way in result.ways for one in way.results],
    }


def _way(way: Way) -> dict[str, Any]:
    trusted = _filtering(way)
    return {
        "server": str(way.server),
        "transport": way.transport,
        "family": way.family,
        "answered": way.is_answered,
        "datagrams": way.datagrams,
        "filtering": None
        if trusted is None
        else {"verdicts": trusted.trust, "why": printable(trusted.why)},
    }


def _case(way: Way, one: CaseResult) -> dict[str, Any]:
    case, verdict = one
    return {
        "id": case.id,
        "group": case.group,
        "cite": case.cite,
        "level": case.level,
        "summary": case.summary,
        "transport": way.transport,
        "family": way.family,
        "outcome": verdict.outcome,
        "why": printable(verdict.why),
        "sent": (verdict.sent or b"").hex(),
        "received": None if verdict.received is None else verdict.received.hex(),
    }


def sentence(result: CheckResult) -> str:
    """Return the result in one sentence, without a grade."""
    name = printable(str(result.name))
    if not result.is_answered:
        return f"Nobody answers at {name}."
    broken = [one for one in _results(result) if one.breaks_must]
    counts = ", ".join(f"{result.count(one)} {one}" for one in Outcome)
    if not broken:
        return f"{name} breaks no MUST: {counts}."
    ids = dict.fromkeys(one.case.id for one in broken)
    return f"{name} breaks a MUST in {', '.join(ids)}: {counts}."


def table(result: CheckResult) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[bool]]:
    """Return headings, rows (one a group) and which of them hold a broken MUST."""
    ways = result.ways
    headings = ("", *(title(way) for way in ways))
    groups = dict.fromkeys(one.case.group for one in _results(result))
    rows = []
    failed = []
    for group in groups:
        columns = [[one for one in way.results if one.case.group == group] for way in ways]
        rows.append((group, *(_cell(column) for column in columns)))
        failed.append(any(one.breaks_must for column in columns for one in column))
    return headings, rows, failed


def title(way: Way) -> str:
    """Return a way's name."""
    word = "UDP" if way.transport is Transport.UDP else way.transport.upper()
    return f"{word} {NAMES[way.family]}"


def _cell(column: list[CaseResult]) -> str:
    parts = []
    for outcome in Outcome:
        for level in Level:
            some = [r for r in column if (r.verdict.outcome, r.case.level) == (outcome, level)]
            if outcome is Outcome.FAIL and some:
                parts.append(f"{len(some)} FAIL {level}")
        if outcome in (Outcome.PASS, Outcome.UNKNOWN):
            count = sum(one.verdict.outcome is outcome for one in column)
            if count:
                parts.append(f"{count} {outcome}")
    return ", ".join(parts) or "-"


class Item(NamedTuple):
    """A case that is worth a paragraph: its headline, and lines of names and texts."""

    headline: str
    lines: tuple[tuple[str, str], ...]
    is_broken: bool


def faults(result: CheckResult) -> list[Item]:
    """Return what failed, the MUSTs first; one item where several ways show the same."""
    order = list(Level)
    found = [
        (way, one)
        for way in result.ways
        for one in way.results
        if one.verdict.outcome is Outcome.FAIL
    ]
    together: dict[str, list[tuple[Way, CaseResult]]] = {}
    for way, one in sorted(found, key=lambda pair: order.index(pair[1].case.level)):
        together.setdefault(one.case.id, []).append((way, one))
    return [_item(shown) for shown in together.values()]


def _item(shown: list[tuple[Way, CaseResult]]) -> Item:
    first = shown[0][1]
    case, verdict = first
    over = ", ".join(title(way) for way, _ in shown)
    lines = [
        ("wanted", f"the server {case.summary} ({case.cite})"),
        ("found", printable(verdict.why)),
    ]
    if verdict.sent:
        lines.append(("sent", brief(verdict.sent)))
        lines.append(("received", "-" if verdict.received is None else brief(verdict.received)))
    return Item(f"{case.level} {case.id}, {over}", tuple(lines), case.level is Level.MUST)


def brief(data: bytes) -> str:
    """Return what bytes are, if they are a message, and their beginning in hex."""
    message = decoded(data)
    words = ""
    if message is not None:
        kind = str(message).partition(" (")[0]
        code = error_code(message) if message.is_response else None
        names = ", ".join(attribute_name(number) for number, _ in message.attributes)
        words = f"{kind}{f' {code}' if code else ''}{f' ({names})' if names else ''}: "
    more = f"... {len(data)} bytes" if len(data) > MAX_HEX else ""
    return f"{words}{data[:MAX_HEX].hex()}{more}"


def doubts(result: CheckResult) -> list[str]:
    """Return what is unknown, and why; one line where several ways show the same."""
    found: dict[tuple[str, str], list[str]] = {}
    for way in result.ways:
        for one in way.results:
            if one.verdict.outcome is Outcome.UNKNOWN:
                key = one.case.id, printable(one.verdict.why)
                found.setdefault(key, []).append(title(way))
    return [f"{name}, {', '.join(over)}: unknown: {why}" for (name, why), over in found.items()]


def facts(result: CheckResult) -> list[str]:
    """Return what an operator wants to know of the outside."""
    said = []
    for way in result.ways:
        trusted = _filtering(way)
        if trusted is not None and way.is_answered:
            said.append(f"{title(way)}: {TRUST[trusted.trust]} ({printable(trusted.why)}).")
        said += [
            f"{title(way)}: amplification: {one.verdict.why}."
            for one in way.results
            if one.case.id == "amplification" and one.verdict.why and way.is_answered
        ]
    return said


def lines(result: CheckResult) -> list[tuple[str, ...]]:
    """Return every case, for those who want to see all."""
    return [
        (
            one.verdict.outcome,
            one.case.level,
            one.case.id,
            title(way),
            one.case.cite,
            printable(one.verdict.why),
        )
        for way in result.ways
        for one in way.results
    ]


def footer(result: CheckResult) -> str:
    """Return who was asked, and how much."""
    asked = ", ".join(f"{way.server} over {way.transport}" for way in result.ways)
    sent = sum(way.datagrams for way in result.ways)
    return f"asked {asked}: {sent} datagrams and pieces in {result.elapsed:.1f} s"


def listing(cases: Iterable[Case]) -> str:
    """Return cases for reading: what each wants, in whose words, and how it is seen."""
    parts = []
    for case in cases:
        over = ", ".join(one for one in Transport if one in case.transports)
        indented = "\n".join(f"    {line}".rstrip() for line in case.quote.splitlines())
        head = f"{case.id} ({case.group}, {over})\n  {case.level}, {case.cite}: {case.summary}"
        parts.append(f"{head}\n{indented}")
    return "\n\n".join(parts)


def _filtering(way: Way) -> Filtering | None:
    if way.transport is not Transport.UDP:
        return None
    return filtering({one.case.id: one.verdict for one in way.results})


def _results(result: CheckResult) -> list[CaseResult]:
    return [one for way in result.ways for one in way.results]
