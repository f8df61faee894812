"""Line lint: what is wrong with one candidate, whatever stands beside it.

Answers to RFC 8839 section 5.1 (the fields), RFC 8445 sections 5.1.1 and 5.1.2 (addresses and
priorities) and RFC 6544 section 4.5 (TCP).

Rules of this file: what rightly built agents send has no finding. An error breaks a rule that peers
rely on, or the candidate cannot work.
"""

from __future__ import annotations

from collections.abc import Iterator

from stunkit.endpoint import Family
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.finding import Code, Finding, Severity, label
from stunkit.ice.priority import MAX_COMPONENT, MAX_PRIORITY, MAX_TYPE_PREFERENCE, Priority
from stunkit.ice.scope import Scope, family_of, scope_of
from stunkit.ice.sdp import Found

DISCARD_PORT = 9  # stands for no port; RFC 6544 section 4.5
TCPTYPES = ("active", "passive", "so")  # RFC 6544 section 4.5
_LOCAL_SCOPES = frozenset(  # right for a host candidate, useless for what a server should see
    (Scope.PRIVATE, Scope.SHARED, Scope.UNIQUE_LOCAL, Scope.CLAT)
)
_UNUSABLE = {
    Scope.MULTICAST: "is a multicast address",
    Scope.RESERVED: "is in a reserved block",
    Scope.DOCUMENTATION: "is in a block for documentation only",
    Scope.BENCHMARKING: "is in a block for benchmarks only",
    Scope.SITE_LOCAL: "is a site-local address, which RFC 3879 abolished",
}


def lint_line(found: Found) -> Iterator[Finding]:
    """Yield the findings of one candidate."""
    yield from _numbers(found)
    yield from _port(found)
    yield from _address(found)
    yield from _transport(found)
    if not found.is_partial:
        yield from _related(found)


def _finding(found: Found, code: Code, severity: Severity, rest: str) -> Finding:
    return Finding(code, severity, f"{label(found.candidate)} {rest}", (found,))


def _numbers(found: Found) -> Iterator[Finding]:
    candidate = found.candidate
    if not 1 <= candidate.component <= MAX_COMPONENT:
        rest = f"has component {candidate.component}; number components from 1, 256 is the last."
        yield _finding(found, Code.COMPONENT_RANGE, Severity.ERROR, rest)
    if not 1 <= candidate.priority <= MAX_PRIORITY:
        rest = f"has priority {candidate.priority}; use one from 1 to {MAX_PRIORITY}."
        yield _finding(found, Code.PRIORITY_RANGE, Severity.ERROR, rest)
    elif 1 <= candidate.component <= MAX_COMPONENT and not follows_formula(candidate):
        rest = (
            f"has priority {candidate.priority} ({Priority.of(candidate.priority)}), which does not"
            f" end in component {candidate.component}; use the formula of RFC 8445 section 5.1.2.1."
        )
        yield _finding(found, Code.PRIORITY_FORMULA, Severity.WARNING, rest)


def follows_formula(candidate: Candidate) -> bool:
    """Whether the priority can be taken apart by the recommended formula."""
    parts = Priority.of(candidate.priority)
    is_in_range = parts.type_preference <= MAX_TYPE_PREFERENCE
    return is_in_range and parts.component == candidate.component


def _port(found: Found) -> Iterator[Finding]:
    candidate = found.candidate
    if candidate.port == 0:
        rest = "has port 0, to which nothing can be sent; say the port, or leave the candidate out."
        yield _finding(found, Code.PORT_ZERO, Severity.ERROR, rest)
    elif candidate.port == DISCARD_PORT and candidate.transport == "udp":
        rest = (
            "has port 9, which stands for no port at all; say the port that the socket has"
            " (9 is right for active TCP candidates alone)."
        )
        yield _finding(found, Code.PORT_DISCARD, Severity.WARNING, rest)


def _address(found: Found) -> Iterator[Finding]:
    candidate = found.candidate
    scope = scope_of(candidate.address)
    if scope is Scope.UNSPECIFIED:
        rest = "stands for any address and reaches nobody; put the socket's real address there."
        yield _finding(found, Code.ADDRESS_UNSPECIFIED, Severity.ERROR, rest)
    elif scope in _UNUSABLE:
        severity = (
            Severity.WARNING
            if scope in (Scope.DOCUMENTATION, Scope.BENCHMARKING)
            else Severity.ERROR
        )
        rest = f"{_UNUSABLE[scope]}, so the internet does not carry it; use a real address."
        yield _finding(found, Code.ADDRESS_UNUSABLE, severity, rest)
    elif scope is Scope.NAME:
        rest = (
            "has a name for an address, which most agents ignore (RFC 8839 section 5.1); use an IP."
        )
        yield _finding(found, Code.ADDRESS_NAME, Severity.WARNING, rest)
    elif scope in (Scope.SIX_TO_FOUR, Scope.TEREDO):
        rest = (
            f"is a {scope} address, a tunnel whose public relays are gone; turn the tunnel off and"
            " use native IPv6."
        )
        yield _finding(found, Code.ADDRESS_TRANSITION, Severity.WARNING, rest)
    elif candidate.type is CandidateType.HOST:
        yield from _host_scope(found, scope)
    elif scope is not Scope.PUBLIC:
        yield from _seen_scope(found, scope)


def _host_scope(found: Found, scope: Scope) -> Iterator[Finding]:
    if scope is Scope.LOOPBACK:
        rest = (
            "is reachable on its own machine only; leave the loopback interface out of gathering."
        )
        yield _finding(found, Code.ADDRESS_LOOPBACK, Severity.WARNING, rest)
    elif scope is Scope.LINK_LOCAL and family_of(found.candidate.address) is Family.IPV4:
        rest = "was made up because no DHCP server answered; mend that network or leave it out."
        yield _finding(found, Code.ADDRESS_LINK_LOCAL, Severity.WARNING, rest)
    elif scope is Scope.LINK_LOCAL:
        rest = "works on the same link only, and only with an interface named; it can be left out."
        yield _finding(found, Code.ADDRESS_LINK_LOCAL, Severity.INFO, rest)


def _seen_scope(found: Found, scope: Scope) -> Iterator[Finding]:
    """What a server saw or lent should be public."""
    severity = Severity.WARNING if scope in _LOCAL_SCOPES else Severity.ERROR
    if scope in (Scope.NAT64, Scope.MDNS):
        return
    if found.candidate.type is CandidateType.RELAYED:
        rest = (
            f"has a {scope} address, so only peers in the same network reach this relay; give the"
            " TURN server its public address (coturn: external-ip)."
        )
        yield _finding(found, Code.RELAY_NOT_PUBLIC, severity, rest)
    else:
        rest = (
            f"has a {scope} address: the STUN server is inside the same network and did not see the"
            " public one; ask a server outside."
        )
        yield _finding(found, Code.REFLEXIVE_NOT_PUBLIC, severity, rest)


def _transport(found: Found) -> Iterator[Finding]:
    candidate, tcptype = found.candidate, found.candidate.tcptype
    if candidate.transport == "udp":
        if tcptype is not None:
            rest = f"is UDP and says tcptype {tcptype}; leave tcptype to TCP candidates."
            yield _finding(found, Code.TCPTYPE_ON_UDP, Severity.WARNING, rest)
    elif candidate.transport != "tcp":
        rest = "has a transport that is neither udp nor tcp; peers ignore it."
        yield _finding(found, Code.TRANSPORT_UNKNOWN, Severity.WARNING, rest)
    elif tcptype is None:
        if not found.is_partial:
            rest = "is TCP without a tcptype; say active, passive or so (RFC 6544 section 4.5)."
            yield _finding(found, Code.TCPTYPE_MISSING, Severity.ERROR, rest)
    elif tcptype not in TCPTYPES:
        rest = f"has tcptype {tcptype}; say active, passive or so (RFC 6544 section 4.5)."
        yield _finding(found, Code.TCPTYPE_UNKNOWN, Severity.ERROR, rest)
    elif candidate.port == DISCARD_PORT and tcptype != "active":
        rest = f"waits for connections ({tcptype}) at port 9, which stands for none; say the port."
        yield _finding(found, Code.PORT_DISCARD, Severity.WARNING, rest)


def _related(found: Found) -> Iterator[Finding]:
    candidate = found.candidate
    has_none = candidate.related_address is None and candidate.related_port is None
    if candidate.type is CandidateType.HOST:
        if not has_none:
            rest = "is a host candidate with raddr or rport; leave them out (RFC 8839 section 5.1)."
            yield _finding(found, Code.RELATED_ON_HOST, Severity.WARNING, rest)
    elif candidate.related_address is None or candidate.related_port is None:
        rest = (
            "lacks raddr or rport, which some agents insist on; to hide them, write"
            " raddr 0.0.0.0 rport 9 (RFC 8839 section 5.1)."
        )
        yield _finding(found, Code.RELATED_MISSING, Severity.ERROR, rest)
