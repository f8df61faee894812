"""What a NAT means for a direct call, in one sentence for a person.

The rule: a side with endpoint-independent mapping can be told where to send. Two such sides always
reach each other, since both send and so open their filters. Where only one side is such, the other
one comes from a port that nobody can foresee: that works unless the filter here wants to know it
(RFC 5128 section 3.3). Where neither is, a relay is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from stunkit.behavior import Filtering, Mapping
from stunkit.cli.render.text import printable
from stunkit.cli.render.whoami import NAMES
from stunkit.endpoint import Family
from stunkit.nat.report import Report
from stunkit.net.nat import NatResult


def sentence(result: NatResult) -> str:
    """Return how hard this network makes a direct call, for a person."""
    clauses: dict[str, list[str]] = {}
    for family, report in families(result):
        clauses.setdefault(advise(report), []).append(NAMES[family])
    if not clauses:
        return "Nothing is known: there is no server that could be asked."
    if len(clauses) == 1:
        said = next(iter(clauses))
        return f"{said[0].upper()}{said[1:]}."
    said = "; ".join(f"over {names[0]}, {clause}" for clause, names in clauses.items())
    return f"O{said[1:]}."


def advise(report: Report) -> str:
    """Return what a report means for a direct call, to follow "over IPv4, "."""
    if report.udp is False:
        return (
            "UDP is blocked: no direct call is possible, and every call needs a relay that is "
            "reached over TCP or TLS"
        )
    if report.udp is None and report.mapped is None:
        return "nothing is known: no server answered"
    if report.mapping is None:
        return f"how hard a direct call is stays unknown: {_why_mapping(report)}"
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


def _why_mapping(report: Report) -> str:
    found = next((one.why for one in report.evidence if one.claim == "mapping"), "")
    return printable(found)


def families(result: NatResult) -> Iterator[tuple[Family, Report]]:
    """Yield the families that have a report."""
    for family in Family:
        report = result.report(family)
        if report is not None:
            yield family, report
