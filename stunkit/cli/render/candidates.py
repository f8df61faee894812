"""What ``stunkit candidates`` shows: how many ways lead here, each of them, and the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from stunkit.cli.render.text import printable
from stunkit.ice.browser import Shown, shown_to_page
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.dump import Dump
from stunkit.ice.finding import Code, Finding, Severity
from stunkit.ice.interface import InterfaceKind
from stunkit.ice.lint import lint, lint_candidates
from stunkit.ice.priority import Priority
from stunkit.ice.redact import Redactor
from stunkit.ice.redundancy import redundancies
from stunkit.ice.scope import scope_of
from stunkit.net.gathered import Gathered, Gleaned
from stunkit.net.remark import Remark, RemarkCode, remarks
from stunkit.net.whoami import Answer

HEADINGS = ("type", "address", "scope", "interface", "priority", "to a page")
READ_HEADINGS = ("line", "type", "address", "scope", "transport", "priority", "redundant")
WAYS = {  # one, and several
    CandidateType.HOST: ("address of this host", "addresses of this host"),
    CandidateType.SERVER_REFLEXIVE: ("as the world sees you", "as the world sees you"),
    CandidateType.PEER_REFLEXIVE: ("as a peer sees you", "as peers see you"),
    CandidateType.RELAYED: ("on a relay", "on relays"),
}


class Item(NamedTuple):
    """A candidate, and what is known of where it comes from."""

    candidate: Candidate
    scope: str
    interface: str | None = None
    kind: InterfaceKind | None = None
    shown: Shown | None = None
    is_redundant: bool = False
    line: int = 0


class Shelf(NamedTuple):
    """All there is to show."""

    items: tuple[Item, ...]
    findings: tuple[Remark, ...]
    lines: tuple[tuple[int, ...], ...] = ()  # of each finding, where a text was read


def of_gathering(gathered: Gathered) -> Shelf:
    """Return what there is to show of candidates of our own."""
    gone = _redundant([one.candidate for one in gathered.candidates])
    items = tuple(item_of(one, gone) for one in gathered.candidates)
    said = remarks(gathered)
    known = {Code.REDUNDANT}  # the remarks say it with its reason
    if any(one.code is RemarkCode.SERVERS_SILENT for one in said):
        known.add(Code.MISSING_REFLEXIVE)
    found = lint_candidates(one.candidate for one in gathered.candidates)
    said += [_remark(one) for one in found if one.code not in known]
    rank = list(Severity).index
    return Shelf(items, tuple(sorted(said, key=lambda one: rank(one.severity))))


def of_dump(dump: Dump) -> Shelf:
    """Return what there is to show of a text's candidates."""
    gone = _redundant([found.candidate for found in dump.candidates])
    items = tuple(
        Item(
            found.candidate,
            scope_of(found.candidate.address),
            is_redundant=id(found.candidate) in gone,
            line=found.line,
        )
        for found in dump.candidates
    )
    findings = lint(dump)
    return Shelf(items, tuple(map(_remark, findings)), tuple(map(_lines, findings)))


def item_of(one: Gleaned, redundant: Iterable[int] = ()) -> Item:
    """Return a gathered candidate as an item; ``redundant`` are ids of those that are."""
    candidate, interface = one.candidate, one.address.interface
    return Item(
        candidate,
        scope_of(candidate.address),
        interface.name or None,
        interface.kind if interface.name else None,
        shown_to_page(candidate.type, one.address),
        is_redundant=id(candidate) in redundant,
    )


def redact(shelf: Shelf) -> Shelf:
    """Return the same with the addresses hidden, but not what they are."""
    redactor = Redactor()
    items = tuple(
        item._replace(candidate=redactor.candidate(item.candidate)) for item in shelf.items
    )
    findings = tuple(one._replace(text=redactor.text(one.text)) for one in shelf.findings)
    return shelf._replace(items=items, findings=findings)


def to_json(shelf: Shelf) -> str:
    """Return the JSON document of the contract, on one line."""
    import json  # noqa: PLC0415 (text does without)

    return json.dumps(to_document(shelf))


def to_document(shelf: Shelf) -> dict[str, Any]:
    """Return the document as Python values."""
    return {
        "schema": "stunkit/candidates/1",
        "findings": [
            {"code": one.code, "severity": one.severity, "text": printable(one.text)}
            for one in shelf.findings
        ],
        "candidates": [_document(item) for item in shelf.items],
    }


def _document(item: Item) -> dict[str, Any]:
    candidate = item.candidate
    return {
        "foundation": candidate.foundation,
        "component": candidate.component,
        "transport": candidate.transport,
        "priority": candidate.priority,
        "address": printable(candidate.address),
        "port": candidate.port,
        "type": candidate.type,
        "related_address": None
        if candidate.related_address is None
        else printable(candidate.related_address),
        "related_port": candidate.related_port,
        "scope": item.scope,
        "interface": item.interface,
        "kind": item.kind,
        "sdp": printable(candidate.format()),
    }


def sentence(shelf: Shelf) -> str:
    """Return in how many ways this host can be reached, redundant ones not counted."""
    counts = Counter(item.candidate.type for item in shelf.items if not item.is_redundant)
    if not counts:
        return "There is no way in which you can be reached."
    total = counts.total()
    parts = [
        f"{counts[kind]} {several if counts[kind] > 1 else one}"
        for kind, (one, several) in WAYS.items()
        if counts[kind]
    ]
    ways = "1 way" if total == 1 else f"{total} ways"
    return f"You have {ways} to be reached: {', '.join(parts)}."


def read_sentence(shelf: Shelf) -> str:
    """Return how many candidates a text has, and how many faults."""
    counts = Counter(item.candidate.type for item in shelf.items)
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in CandidateType if counts[kind])
    total = counts.total()
    said = f"{total} candidate{'s' if total != 1 else ''}" + (f": {kinds}." if kinds else ".")
    faults = Counter(one.severity for one in shelf.findings)
    parts = [
        f"{faults[severity]} {severity}{'s' if faults[severity] > 1 else ''}"
        for severity in (Severity.ERROR, Severity.WARNING)
        if faults[severity]
    ]
    return f"{said} {' and '.join(parts) or 'No fault'} found."


def row(item: Item) -> tuple[str, ...]:
    """Return a gathered candidate as the cells under ``HEADINGS``."""
    interface = item.interface or "-"
    if item.interface and item.kind not in (None, InterfaceKind.UNKNOWN):
        interface = f"{item.interface} ({item.kind})"
    shown = f"{item.shown}, redundant" if item.is_redundant else f"{item.shown}"
    return (
        item.candidate.type,
        _endpoint(item.candidate),
        item.scope,
        printable(interface),
        _priority(item.candidate),
        shown,
    )


def read_row(item: Item) -> tuple[str, ...]:
    """Return a candidate of a text as the cells under ``READ_HEADINGS``."""
    candidate = item.candidate
    transport = " ".join(filter(None, (candidate.transport, candidate.tcptype)))
    return (
        str(item.line or "-"),
        candidate.type,
        _endpoint(candidate),
        item.scope,
        printable(transport),
        _priority(candidate),
        "yes" if item.is_redundant else "no",
    )


def notes(shelf: Shelf) -> list[tuple[Severity, str, str]]:
    """Return each finding for a person: how bad it is, its sentence, its code and lines."""
    shown = []
    for index, one in enumerate(shelf.findings):
        lines = shelf.lines[index] if index < len(shelf.lines) else ()
        where = ""
        if lines:
            word = "line" if len(lines) == 1 else "lines"
            where = f", {word} {', '.join(map(str, lines))}"
        shown.append((one.severity, printable(one.text), f"{one.code}{where}"))
    return shown


def asked_line(gathered: Gathered) -> str:
    """Return who was asked, and how long it took."""
    names = [_asked(answer) for answer in gathered.answers]
    names += [
        str(one.uri) for one in gathered.candidates if one.candidate.type is CandidateType.RELAYED
    ]
    known = ", ".join(printable(name) for name in dict.fromkeys(names))
    return f"asked {known} in {gathered.elapsed:.1f} s" if names else ""


def _asked(answer: Answer) -> str:
    if answer.server is None or answer.name.is_address:
        return str(answer.server or answer.name.host)
    return f"{answer.name.host}:{answer.server.port}"


def _priority(candidate: Candidate) -> str:
    return str(Priority.of(candidate.priority)).replace(" ", "")


def _endpoint(candidate: Candidate) -> str:
    address = printable(candidate.address)
    return f"[{address}]:{candidate.port}" if ":" in address else f"{address}:{candidate.port}"


def _redundant(candidates: Sequence[Candidate]) -> set[int]:
    return {id(one.candidate) for one in redundancies(candidates)}


def _remark(finding: Finding) -> Remark:
    return Remark(finding.code, finding.severity, finding.text)


def _lines(finding: Finding) -> tuple[int, ...]:
    own = {found.line for found in finding.candidates if found.line}
    return tuple(sorted(own | set(finding.lines)))
