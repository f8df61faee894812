"""What ``stunkit nat`` shows: one sentence, then the facts, then the evidence for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stunkit.behavior import Filtering, Mapping
from stunkit.cli.render.text import printable
from stunkit.cli.render.whoami import NAMES
from stunkit.endpoint import Endpoint, Family
from stunkit.nat.report import Evidence, Report
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
)
WORDS = ("mapping", "filtering")  # claims whose unknown is a word and not null; "udp" is another
OPTIONAL = ("hairpin", "lifetime", "fragments")
TITLES = {
    "udp": "UDP",
    "mapped": "seen as",
    "local": "asked from",
    "nat": "NAT",
    "mapping": "mapping",
    "filtering": "filtering",
    "port_preserved": "port preserved",
    "hairpin": "hairpin",
    "lifetime": "lifetime",
    "fragments": "fragments",
    "rewritten": "rewritten",
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
    document = {claim: plain(claim, value_of(report, claim)) for claim in CLAIMS}
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
    if claim == "lifetime" and isinstance(value, tuple):
        at_least, at_most = value
        return {"at_least": at_least, "at_most": at_most}
    return str(value) if isinstance(value, Endpoint) else value


def value_of(report: Report, claim: str) -> Any:  # noqa: ANN401 (each claim has its own type)
    """Return what a report says to a claim, None for unknown."""
    return getattr(report, claim, None)


def evidence(report: Report) -> list[Evidence]:
    """Return the evidence, and for everything else that is unknown the reason."""
    given = {one.claim: one for one in report.evidence}
    whole = []
    for claim in CLAIMS:
        if claim in given:
            whole.append(given.pop(claim))
        elif value_of(report, claim) is None:
            whole.append(Evidence(claim, None, _reason(report, claim)))
    return [*whole, *given.values()]


def _reason(report: Report, claim: str) -> str:
    """Return why a claim is unknown for which there is no evidence."""
    if claim in OPTIONAL and report.udp:
        return f"not asked for; --{claim} does"
    if not report.udp:
        return "no answer came over UDP"
    if claim != "legacy":
        return "no server says where it sees us"
    unknown = [one for one in ("nat", "mapping", "filtering") if value_of(report, one) is None]
    if unknown:
        return f"a name says more than is known: {' and '.join(unknown)} unknown"
    return "RFC 3489 has no name for this combination"


def sentence(result: NatResult) -> str:
    """Return how hard this network makes a direct call, for a person."""
    clauses: dict[str, list[str]] = {}
    for family, report in _reports(result):
        clauses.setdefault(_difficulty(report), []).append(NAMES[family])
    if not clauses:
        return "Nothing is known: there is no server that could be asked."
    if len(clauses) == 1:
        said = next(iter(clauses))
        return f"{said[0].upper()}{said[1:]}."
    said = "; ".join(f"over {names[0]}, {clause}" for clause, names in clauses.items())
    return f"O{said[1:]}."


def _difficulty(report: Report) -> str:
    """Return what a report means for a direct call.

    With endpoint-independent mapping, the other side can foresee where to send: that works with
    everyone of the same kind, and with everyone at all unless the filter wants to know the other's
    port, which a symmetric NAT there makes unforeseeable.
    """
    if report.udp is False:
        return (
            "UDP is blocked: no direct call is possible, and every call needs a relay that is "
            "reached over TCP or TLS"
        )
    if report.udp is None:
        return "nothing is known: no server answered"
    if report.mapping is None:
        return f"how hard a direct call is stays unknown: {why(report, 'mapping')}"
    if report.mapping is not Mapping.ENDPOINT_INDEPENDENT:
        return (
            "direct calls are hard: every peer sees another address of yours than the one it was "
            "told, so with most home networks a relay is needed"
        )
    if report.filtering is None:
        return (
            "direct calls work with everyone whose own NAT is not symmetric; whether with the "
            "others too is unknown"
        )
    if report.filtering is Filtering.ADDRESS_AND_PORT_DEPENDENT:
        return (
            "direct calls are easy with most people: only with those behind a symmetric NAT a "
            "relay is needed"
        )
    if report.nat is False and report.filtering is Filtering.ENDPOINT_INDEPENDENT:
        return (
            "direct calls are easy: no NAT and no firewall is in the way, so they work with "
            "everyone who can use UDP"
        )
    return (
        "direct calls are easy: they work with everyone who can use UDP, even behind a symmetric "
        "NAT"
    )


def why(report: Report, claim: str) -> str:
    """Return the reason for a claim."""
    found = next((one.why for one in evidence(report) if one.claim == claim), "")
    return printable(found)


def facts(result: NatResult) -> list[tuple[str, ...]]:
    """Return the headings and rows of the table of facts, a column for each family."""
    reports = list(_reports(result))
    rows: list[tuple[str, ...]] = [("", *(NAMES[family] for family, _ in reports))]
    for claim, title in TITLES.items():
        values = [value_of(report, claim) for _, report in reports]
        if _is_shown(claim, values, [report for _, report in reports]):
            rows.append((title, *(_cell(claim, value) for value in values)))
    return rows


def _is_shown(claim: str, values: list[Any], reports: list[Report]) -> bool:
    if claim == "udp":
        return not all(values)
    if claim == "rewritten":
        return True in values
    if claim in OPTIONAL:
        return any(_was_asked(report, claim) for report in reports)
    if claim in ("local", "mapped", "legacy"):
        return any(value is not None for value in values)
    return any(report.udp for report in reports)


def _was_asked(report: Report, claim: str) -> bool:
    return any(one.claim == claim for one in report.evidence)


def _cell(claim: str, value: object) -> str:
    if claim == "udp" and (value is None or isinstance(value, bool)):
        return UDP[value]
    if value is None:
        return "-" if claim in ("local", "mapped", "legacy") else "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if claim == "lifetime" and isinstance(value, tuple):
        at_least, at_most = value
        return f"{at_least:g} to {at_most:g} s" if at_most is not None else f"over {at_least:g} s"
    return printable(str(value))


def notes(result: NatResult) -> list[str]:
    """Return why what is unknown is unknown, and who could not be asked."""
    reports = list(_reports(result))
    said = []
    for family, report in reports:
        prefix = f"{NAMES[family]}: " if len(reports) > 1 else ""
        if report.udp is not True:
            said.append(f"{prefix}UDP is {UDP[report.udp]}: {why(report, 'udp')}.")
            continue
        said += [
            f"{prefix}{TITLES[claim]} unknown: {why(report, claim)}."
            for claim in ("nat", "mapping", "filtering", *OPTIONAL)
            if value_of(report, claim) is None and _was_asked(report, claim)
        ]
        if report.rewritten:
            said.append(f"{prefix}{why(report, 'rewritten')}.")
    said += [
        f"{printable(asked.name.host)}: {printable(str(asked.error))}"
        for asked in result.asked
        if asked.error is not None and (result.report(asked.family) or not reports)
    ]
    return list(dict.fromkeys(said))


def asked_line(result: NatResult) -> str:
    """Return who was asked."""
    servers = dict.fromkeys(_server(a.name.host, a.server) for a in result.asked if a.server)
    return f"asked {', '.join(servers)} in {result.elapsed:.1f} s" if servers else ""


def _server(host: str, server: Endpoint) -> str:
    return str(server) if host == server.host else f"{printable(host)} {server}"


def evidence_rows(result: NatResult) -> list[tuple[str, ...]]:
    """Return the headings and rows of the table of evidence."""
    rows: list[tuple[str, ...]] = [("claim", "value", "why", "probes")]
    reports = list(_reports(result))
    for family, report in reports:
        prefix = f"{NAMES[family]} " if len(reports) > 1 else ""
        for one in evidence(report):
            title = TITLES.get(one.claim, one.claim)
            value = "-" if one.value is None else _cell(one.claim, one.value)
            probes = ", ".join(printable(str(probe)) for probe in one.probes) or "-"
            rows.append((prefix + title, value, printable(one.why), probes))
    return rows


def _reports(result: NatResult) -> Iterator[tuple[Family, Report]]:
    for family in Family:
        report = result.report(family)
        if report is not None:
            yield family, report
