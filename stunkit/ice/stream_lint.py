"""Stream lint: what is wrong with the candidates of one stream, side by side.

Answers to RFC 8445 sections 5.1.1.3 (foundations), 5.1.2 (priorities), 5.1.3 (redundancy) and
RFC 8828 and the mDNS names of browsers (what leaks).

Rules of this file: a fault between two candidates is said once. What a line does not say (the
server, a hidden base) is never held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from stunkit.endpoint import Family
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.finding import Code, Finding, Severity, label
from stunkit.ice.line_lint import follows_formula
from stunkit.ice.priority import Priority
from stunkit.ice.redundancy import base_of, normal, redundancies
from stunkit.ice.scope import Scope, family_of, scope_of
from stunkit.ice.sdp import Found

_INSIDE = frozenset(  # scopes of addresses that tell of the network inside
    (Scope.PRIVATE, Scope.SHARED, Scope.UNIQUE_LOCAL, Scope.LINK_LOCAL)
)
_REFLEXIVE = frozenset((CandidateType.SERVER_REFLEXIVE, CandidateType.PEER_REFLEXIVE))
_ORDER = (  # the best type first; RFC 8445 section 5.1.2.2
    CandidateType.HOST,
    CandidateType.PEER_REFLEXIVE,
    CandidateType.SERVER_REFLEXIVE,
    CandidateType.RELAYED,
)


def lint_stream(
    stream: Sequence[Found], *, is_complete: bool | None, is_lite: bool = False
) -> Iterator[Finding]:
    """Yield the findings between the candidates of one stream.

    ``is_complete`` tells that no more will come; until then what is missing is no warning. None:
    another stream carries this one, so that nothing has to be here. Of a lite agent nothing but
    host candidates is expected (RFC 8445 section 5.2).
    """
    yield from _repetitions(stream)
    yield from _foundations(stream)
    yield from _priorities(stream)
    if is_lite:
        return
    if is_complete is not None:
        yield from _missing(stream, is_complete=is_complete)
    yield from _leaks(stream)


def _repetitions(stream: Sequence[Found]) -> Iterator[Finding]:
    by_identity = {id(found.candidate): found for found in stream}
    for candidate, kept in redundancies([found.candidate for found in stream]):
        pair = (by_identity[id(candidate)], by_identity[id(kept)])
        if candidate.type is kept.type:
            text = f"{label(candidate)} is there twice; leave one out."
            yield Finding(Code.DUPLICATE, Severity.WARNING, text, pair)
        else:
            text = (
                f"{label(candidate)} is the same as {label(kept)} and only adds checks; leave it"
                " out (RFC 8445 section 5.1.3)."
            )
            yield Finding(Code.REDUNDANT, Severity.INFO, text, pair)


def _foundations(stream: Sequence[Found]) -> Iterator[Finding]:
    firsts: dict[str, Found] = {}  # of each foundation
    blamed: set[str] = set()
    hosts: dict[tuple[str, str | None, str], Found] = {}  # the first one of each base
    for found in stream:
        candidate, foundation = found.candidate, found.candidate.foundation
        first = firsts.setdefault(foundation, found)
        if foundation not in blamed and (difference := _difference(first.candidate, candidate)):
            blamed.add(foundation)
            text = (
                f"{label(first.candidate)} and {label(candidate)} share foundation {foundation}"
                f" though their {difference} differs; give each group its own"
                " (RFC 8445 section 5.1.1.3)."
            )
            yield Finding(Code.FOUNDATION_SHARED, Severity.WARNING, text, (first, found))
        if candidate.type is not CandidateType.HOST:
            continue
        key = (candidate.transport, candidate.tcptype, normal(candidate.address))
        same = hosts.setdefault(key, found)
        if same.candidate.foundation != foundation:
            text = (
                f"{label(same.candidate)} and {label(candidate)} have the same base address but"
                f" foundations {same.candidate.foundation} and {foundation}; give both the same"
                " (RFC 8445 section 5.1.1.3)."
            )
            yield Finding(Code.FOUNDATION_SPLIT, Severity.WARNING, text, (same, found))


def _difference(one: Candidate, other: Candidate) -> str | None:
    """Return what must not differ under one foundation and does, as far as lines show it."""
    if one.type is not other.type:
        return "type"
    if one.transport != other.transport:
        return "transport"
    first, second = base_of(one), base_of(other)
    if first and second and first.address != second.address:
        return "base address"
    return None


def _priorities(stream: Sequence[Found]) -> Iterator[Finding]:
    groups: dict[int, list[Found]] = {}
    for found in stream:
        groups.setdefault(found.candidate.priority, []).append(found)
    for priority, group in groups.items():
        distinct = {_identity(found.candidate): found for found in group}
        if len(distinct) > 1:
            names = " and ".join(label(found.candidate) for found in distinct.values())
            text = (
                f"{names} have the same priority {priority}; give each address a local preference"
                " of its own (RFC 8445 section 5.1.2.1)."
            )
            yield Finding(Code.PRIORITY_EQUAL, Severity.WARNING, text, tuple(distinct.values()))
    for better, worse in combinations(_ORDER, 2):
        yield from _order(stream, better, worse)


def _identity(candidate: Candidate) -> tuple[object, ...]:
    """What makes two lines the same candidate, so that a duplicate is not blamed again."""
    return (
        *(candidate.component, candidate.transport, candidate.tcptype, candidate.type),
        *(normal(candidate.address), candidate.port),
    )


def _order(
    stream: Sequence[Found], better: CandidateType, worse: CandidateType
) -> Iterator[Finding]:
    """Compare two types by their type preferences, over UDP (over TCP, other values are usual)."""

    def of_type(kind: CandidateType) -> list[Found]:
        return [
            found
            for found in stream
            if found.candidate.type is kind
            and found.candidate.transport == "udp"
            and follows_formula(found.candidate)
        ]

    low = min(of_type(better), key=_preference, default=None)
    high = max(of_type(worse), key=_preference, default=None)
    if low and high and _preference(low) <= _preference(high):
        text = (
            f"{label(high.candidate)} has type preference {_preference(high)}, not below the"
            f" {_preference(low)} of {label(low.candidate)}; prefer {better} to {worse}"
            " (RFC 8445 section 5.1.2.2)."
        )
        yield Finding(Code.PRIORITY_ORDER, Severity.WARNING, text, (high, low))


def _preference(found: Found) -> int:
    return Priority.of(found.candidate.priority).type_preference


def _missing(stream: Sequence[Found], *, is_complete: bool) -> Iterator[Finding]:
    kinds = {found.candidate.type for found in stream}
    so_far = "" if is_complete else " so far"
    hosts = _hosts(stream)
    public = {found for found in hosts if scope_of(found.candidate.address).is_reachable}
    if hosts and not kinds & _REFLEXIVE and not public:
        text = (
            f"No server-reflexive candidate{so_far}: peers outside this network can reach it"
            f" {'through the relay alone' if CandidateType.RELAYED in kinds else 'in no way'};"
            " name a STUN server, and see whether it answers."
        )
        severity = Severity.WARNING if is_complete else Severity.INFO
        yield Finding(Code.MISSING_REFLEXIVE, severity, text, tuple(hosts))
    if kinds and CandidateType.RELAYED not in kinds and all(map(_is_sixth, public)):
        text = (
            f"No relayed candidate{so_far}: where no direct path exists, the call fails; name a"
            " TURN server."
        )
        yield Finding(Code.MISSING_RELAY, Severity.INFO, text)


def _hosts(stream: Sequence[Found]) -> list[Found]:
    return [found for found in stream if found.candidate.type is CandidateType.HOST]


def _leaks(stream: Sequence[Found]) -> Iterator[Finding]:
    hosts = _hosts(stream)
    hidden = [found for found in hosts if scope_of(found.candidate.address) is Scope.MDNS]
    if hidden:
        text = (
            "mDNS names hide the addresses of host candidates, as browsers do until a page may use"
            " the camera or microphone; peers on the same link alone can resolve them."
        )
        yield Finding(Code.MDNS_HIDDEN, Severity.INFO, text, tuple(hidden))
    sixth = [found for found in hosts if _is_sixth(found)]
    scopes = {scope_of(found.candidate.address) for found in stream if _is_sixth(found)}
    if sixth and Scope.UNIQUE_LOCAL in scopes and scopes <= {Scope.UNIQUE_LOCAL, Scope.LINK_LOCAL}:
        text = (
            "All IPv6 addresses are unique-local ones, which the internet does not carry; IPv6"
            " helps inside this network only, until the provider's prefix is set up."
        )
        yield Finding(Code.UNIQUE_LOCAL_ONLY, Severity.INFO, text, tuple(sixth))
    shown = [found for found in hosts if scope_of(found.candidate.address) in _INSIDE]
    if shown and any(found.candidate.type in _REFLEXIVE for found in stream):
        text = (
            "Host candidates show peers the addresses inside this network; where that matters, hide"
            " them (mDNS, or relayed candidates alone)."
        )
        yield Finding(Code.HOST_LEAK, Severity.INFO, text, tuple(shown))
    yield from _related_leaks(stream, hosts, is_hidden=bool(hidden))


def _is_sixth(found: Found) -> bool:
    return family_of(found.candidate.address) is Family.IPV6


def _related_leaks(
    stream: Sequence[Found], hosts: Sequence[Found], *, is_hidden: bool
) -> Iterator[Finding]:
    """Find related addresses that tell what no candidate's own address tells."""
    told = {normal(found.candidate.address) for found in stream}
    for found in stream:
        related = found.candidate.related_address
        if related is None or scope_of(related) in (Scope.UNSPECIFIED, Scope.MDNS, Scope.NAME):
            continue
        if normal(related) in told or (hosts and not is_hidden):
            continue
        told.add(normal(related))
        text = (
            f"{label(found.candidate)} gives away {related} as its related address, which the"
            " candidates otherwise hide; write raddr 0.0.0.0 rport 9 (RFC 8839 section 5.1)."
        )
        severity = Severity.WARNING if is_hidden else Severity.INFO
        yield Finding(Code.RELATED_LEAK, severity, text, (found,))
