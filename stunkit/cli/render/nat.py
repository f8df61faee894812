"""What ``stunkit nat`` shows: one sentence, then the facts, then the evidence for each."""

from __future__ import annotations

from typing import Any, NamedTuple

from stunkit.behavior import Filtering, Mapping
from stunkit.cli.render.advice import families
from stunkit.cli.render.text import printable
from stunkit.cli.render.whoami import NAMES
from stunkit.endpoint import Endpoint
from stunkit.nat.report import NOT_ASKED, Evidence, Lifetime, Ports, Report
from stunkit.net.nat import NatResult

CLAIMS = (
    "udp",
    "local",
    "mapped",
    "nat",
    "mapping",
    "filtering",
    "port_preserved",
    "hairpin",
    "lifetime",
    "fragments",
    "rewritten",
    "legacy",
)  # in the contract's order
WORDS = ("mapping", "filtering")  # claims whose unknown is a word and not null; "udp" is another
SEEN = ("public_addresses", "ports")  # lists of what was seen
MORE = "answers_through"  # which the contract does not ask for
OPTIONAL = ("hairpin", "lifetime", "fragments", MORE)
TITLES = {
    "udp": "UDP",
    "mapped": "seen as",
    "public_addresses": "public addresses",
    "local": "asked from",
    "nat": "NAT",
    "mapping": "mapping",
    "filtering": "filtering",
    "port_preserved": "port preserved",
    "hairpin": "hairpin",
    "lifetime": "lifetime",
    "fragments": "fragments",
    "rewritten": "rewritten",
    "answers_through": "answers through",
    "legacy": "legacy name",
}
UDP = {True: "open", False: "blocked", None: "unknown"}


def to_json(result: NatResult) -> str:
    """Return the JSON document of the contract, on one line."""
    import json  # noqa: PLC0415 (text does without)

    return json.dumps(to_document(result))


def to_document(result: NatResult) -> dict[str, Any]:
    """Return the document as Python values."""
    return {
        "schema": "stunkit/nat/1",
        "elapsed": round(result.elapsed, 3),
        "ipv4": None if result.ipv4 is None else _document(result.ipv4),
        "ipv6": None if result.ipv6 is None else _document(result.ipv6),
        "servers": [
            {
                "family": asked.family,
                "name": str(asked.name),
                "server": None if asked.server is None else str(asked.server),
                "error": None if asked.error is None else printable(str(asked.error)),
            }
            for asked in result.asked
        ],
    }


def _document(report: Report) -> dict[str, Any]:
    document = {claim: plain(claim, value_of(report, claim)) for claim in (*CLAIMS, MORE, *SEEN)}
    document["evidence"] = [
        {
            "claim": one.claim,
            "value": plain(one.claim, one.value),
            "why": printable(one.why),
            "probes": [printable(str(probe)) for probe in one.probes],
        }
        for one in evidence(report)
    ]
    return document


def plain(claim: str, value: object) -> Any:  # noqa: ANN401 (whatever JSON can hold)
    """Return a claim's value as JSON has it."""
    if claim == "udp" and (value is None or isinstance(value, bool)):
        return UDP[value]
    if value is None:
        return "unknown" if claim in WORDS else None
    if isinstance(value, Lifetime | Ports):
        return value._asdict()
    if isinstance(value, tuple):
        return [plain(claim, one) for one in value]
    return str(value) if isinstance(value, Endpoint) else value


def value_of(report: Report, claim: str) -> Any:  # noqa: ANN401 (each claim has its own type)
    """Return what a report says to a claim, None for unknown."""
    return getattr(report, claim, None)


def evidence(report: Report) -> list[Evidence]:
    """Return the evidence, and for everything else that is unknown the reason."""
    given = {one.claim: one for one in report.evidence}
    whole = []
    for claim in (*CLAIMS, MORE):
        if claim in given:
            whole.append(given.pop(claim))
        elif value_of(report, claim) is None:
            whole.append(Evidence(claim, None, _reason(report, claim)))
    return [*whole, *given.values()]


def _reason(report: Report, claim: str) -> str:
    """Return why a claim is unknown for which there is no evidence."""
    if claim in OPTIONAL and report.udp:
        return NOT_ASKED
    if not report.udp:
        return "UDP is blocked" if report.udp is False else "no answer came over UDP"
    if claim != "legacy":
        return "no server says where it sees us"
    unknown = [one for one in ("nat", "mapping", "filtering") if value_of(report, one) is None]
    if unknown:
        return f"a name says more than is known: {' and '.join(unknown)} unknown"
    return "RFC 3489 has no name for this combination"


def why(report: Report, claim: str) -> str:
    """Return the reason for a claim."""
    found = next((one.why for one in evidence(report) if one.claim == claim), "")
    return printable(found)


def facts(result: NatResult) -> list[tuple[str, ...]]:
    """Return the headings and rows of the table of facts, a column for each family."""
    reports = list(families(result))
    rows: list[tuple[str, ...]] = [("", *(NAMES[family] for family, _ in reports))]
    for claim, title in TITLES.items():
        if any(_is_shown(claim, report) for _, report in reports):
            rows.append((title, *(_fact(claim, report) for _, report in reports)))
    return rows


def _is_shown(claim: str, report: Report) -> bool:
    value = value_of(report, claim)
    if claim == "udp":
        return value is not True
    if claim == "rewritten":
        return value is True
    if claim == "public_addresses":
        return len(report.public_addresses) > 1
    if claim in OPTIONAL:
        return _was_asked(report, claim)
    return value is not None if claim in ("local", "mapped", "legacy") else report.udp is True


def _was_asked(report: Report, claim: str) -> bool:
    if claim == MORE and _keeps_strangers_out(report):
        return False
    return any(one.claim == claim and one.why != NOT_ASKED for one in report.evidence)


def _keeps_strangers_out(report: Report) -> bool:
    """Return whether nothing is to be known of an answer to a stranger."""
    is_one = report.mapping in {None, Mapping.ENDPOINT_INDEPENDENT}
    is_strict = report.filtering is Filtering.ADDRESS_AND_PORT_DEPENDENT
    return report.nat is False or (is_strict and not is_one)


def _fact(claim: str, report: Report) -> str:
    """Return a cell of the table of facts; "-" where there is nothing to know."""
    value = value_of(report, claim)
    if value is None and (
        claim in ("local", "mapped", "legacy")
        or (claim == "port_preserved" and report.nat is False)
        or (claim in OPTIONAL and not _was_asked(report, claim))
        or (claim != "udp" and not report.udp)
    ):
        return "-"
    return _cell(claim, value)


def _cell(claim: str, value: object) -> str:
    if claim == "udp" and (value is None or isinstance(value, bool)):
        return UDP[value]
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Lifetime):
        if value.at_most is None:
            return f"over {value.at_least:g} s"
        return f"{value.at_least:g} to {value.at_most:g} s"
    if isinstance(value, Ports):
        return f"{value.local} as {value.mapped}"
    if isinstance(value, tuple):
        return ", ".join(_cell(claim, one) for one in value) or "-"
    return printable(str(value))


def notes(result: NatResult) -> list[str]:
    """Return why what is unknown is unknown, and who could not be asked."""
    reports = list(families(result))
    said = []
    for family, report in reports:
        prefix = f"{NAMES[family]}: " if len(reports) > 1 else ""
        if report.udp is not True:
            said.append(_sentence(f"{prefix}UDP is {UDP[report.udp]}: {why(report, 'udp')}"))
            continue
        said += [
            _sentence(f"{prefix}{TITLES[claim]} unknown: {why(report, claim)}")
            for claim in ("nat", "mapping", "filtering", *OPTIONAL)
            if value_of(report, claim) is None and _was_asked(report, claim)
        ]
        if report.rewritten:
            said.append(_sentence(f"{prefix}{why(report, 'rewritten')}"))
    said += [
        f"{printable(asked.name.host)}: {printable(str(asked.error))}"
        for asked in result.asked
        if asked.error is not None and (result.report(asked.family) or not reports)
    ]
    return list(dict.fromkeys(said))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:].removesuffix('.')}."


def asked_line(result: NatResult) -> str:
    """Return who was asked."""
    servers = dict.fromkeys(_server(a.name.host, a.server) for a in result.asked if a.server)
    return f"asked {', '.join(servers)} in {result.elapsed:.1f} s" if servers else ""


def _server(host: str, server: Endpoint) -> str:
    return str(server) if host == server.host else f"{printable(host)} {server}"


class Item(NamedTuple):
    """The evidence for a claim, or for several that are unknown for one reason."""

    claim: str
    value: str
    why: str
    probes: str


def items(result: NatResult) -> list[Item]:
    """Return the evidence of all families, for a person."""
    found = []
    reports = list(families(result))
    for family, report in reports:
        prefix = f"{NAMES[family]} " if len(reports) > 1 else ""
        unknown: dict[tuple[str, str], list[str]] = {}
        for one in evidence(report):
            title, why_so = TITLES.get(one.claim, one.claim), printable(one.why)
            probes = ", ".join(printable(str(probe)) for probe in one.probes)
            if one.value is None:
                unknown.setdefault((why_so, probes), []).append(title)
            else:
                found.append(Item(prefix + title, _cell(one.claim, one.value), why_so, probes))
        found += [
            Item(prefix + ", ".join(titles), "unknown", why_so, probes)
            for (why_so, probes), titles in unknown.items()
        ]
    return found
