"""Description lint: what is wrong with the ICE parts of an SDP, beside its candidates.

Answers to RFC 8839 sections 4.2.1.2 (default destination), 5.1 to 5.6 (attributes), RFC 8840
(trickle), RFC 8843 (BUNDLE), RFC 5761 (rtcp-mux) and RFC 8445 section 5.2 (lite agents).

Rules of this file: see line_lint. A section that was rejected or that a bundle carries says
nothing of ICE, and nobody asks it to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stunkit.ice.candidate import CandidateType
from stunkit.ice.finding import Code, Finding, Severity, label
from stunkit.ice.redundancy import normal
from stunkit.ice.scope import Scope, scope_of
from stunkit.ice.sdp import Description, Found, Section

MIN_UFRAG = 4  # characters; RFC 8839 section 5.4
MIN_PWD = 22  # likewise
MAX_LENGTH = 256  # of both; likewise
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]*")
_NO_PORTS = (0, 9)  # rejected, or waiting for candidates to trickle (RFC 8840 section 4.1.1)


def lint_description(description: Description) -> Iterator[Finding]:
    """Yield the findings of one description that are not its candidates' own."""
    if not uses_ice(description):
        if description.media:
            text = "This SDP has no ICE in it at all: no a=ice-ufrag, no candidates."
            yield Finding(Code.NO_ICE, Severity.INFO, text, lines=(description.session.line,))
        return
    yield from _session(description)
    for section in description.media:
        yield from _section(description, section)


def uses_ice(description: Description) -> bool:
    """Whether a description has anything of ICE in it."""
    return bool(description.candidates) or any(
        section.has("ice-ufrag") or section.has("ice-pwd") for section in description.sections
    )


def is_carried(description: Description, section: Section) -> bool:
    """Whether another section's transport carries this one (RFC 8843 section 7.1)."""
    return any(section.mid in group[1:] for group in description.groups)


def _is_active(section: Section) -> bool:
    return section.port != 0 or section.has("bundle-only")


def _session(description: Description) -> Iterator[Finding]:
    if outside := description.session.candidates:
        text = (
            "Candidates stand before the first m= line, where nobody reads them; move them into it."
        )
        yield Finding(Code.OUTSIDE_MEDIA, Severity.ERROR, text, outside)
    if description.is_lite:
        yield from _lite(description)
    known: dict[str, str] = {}
    for section in description.sections:
        ufrag = description.inherited(section, "ice-ufrag")
        pwd = description.inherited(section, "ice-pwd")
        if ufrag and pwd and known.setdefault(ufrag, pwd) != pwd:
            text = (
                "Two sections have the same ice-ufrag and different ice-pwd; make both the same, or"
                " both different (RFC 8839 section 5.4)."
            )
            yield Finding(Code.CREDENTIALS_DIFFER, Severity.ERROR, text, lines=(section.line,))


def _lite(description: Description) -> Iterator[Finding]:
    for found in description.candidates:
        scope = scope_of(found.candidate.address)
        if found.candidate.type is not CandidateType.HOST:
            text = (
                f"{label(found.candidate)} comes from an ice-lite agent, which has host candidates"
                " alone (RFC 8445 section 5.2); leave it out, or be a full agent."
            )
            yield Finding(Code.LITE_NOT_HOST, Severity.ERROR, text, (found,))
        elif scope in (Scope.PRIVATE, Scope.SHARED, Scope.UNIQUE_LOCAL):
            text = (
                f"{label(found.candidate)} of an ice-lite agent is {scope}: a lite agent opens no"
                " NAT, so peers outside never reach it; announce its public address."
            )
            yield Finding(Code.LITE_NOT_PUBLIC, Severity.WARNING, text, (found,))


def _section(description: Description, section: Section) -> Iterator[Finding]:
    if section.has("ice-mismatch"):
        text = (
            "a=ice-mismatch: the other side found no candidate for the address in c= and m=, so"
            " something on the way rewrote the SDP, or left candidates out; ICE is off here."
        )
        yield Finding(Code.ICE_MISMATCH, Severity.WARNING, text, lines=(section.line,))
    if not _is_active(section):
        if section.candidates:
            text = (
                "A section with port 0 was rejected, and still has candidates; they are not used."
            )
            yield Finding(Code.REJECTED_SECTION, Severity.WARNING, text, section.candidates)
        return
    yield from _credentials(description, section)
    yield from _components(section)
    yield from _ending(description, section)
    yield from _bundle(description, section)
    if section.candidates and not is_carried(description, section):
        yield from _default(description, section)


def _credentials(description: Description, section: Section) -> Iterator[Finding]:
    ufrag = description.inherited(section, "ice-ufrag")
    for name, least in (("ice-ufrag", MIN_UFRAG), ("ice-pwd", MIN_PWD)):
        value = description.inherited(section, name)
        where = f"The section {section.mid or section.kind}"
        if value is None:
            if not is_carried(description, section):
                text = f"{where} has no a={name}, without which no check succeeds; add it."
                yield Finding(Code.CREDENTIALS_MISSING, Severity.ERROR, text, lines=(section.line,))
        elif not least <= len(value) <= MAX_LENGTH or not _ICE_CHARS.fullmatch(value):
            text = (
                f"{where} has an a={name} of {len(value)} characters; it takes {least} to"
                f" {MAX_LENGTH} of A-Z a-z 0-9 + / (RFC 8839 section 5.4)."
            )
            yield Finding(Code.CREDENTIALS_INVALID, Severity.ERROR, text, lines=(section.line,))
    for found in section.candidates:
        stale = found.candidate.extension("ufrag")
        if ufrag and stale and stale != ufrag:
            text = (
                f"{label(found.candidate)} belongs to ufrag {stale} and not to this section's"
                f" {ufrag}; it is of another ICE session, drop it."
            )
            yield Finding(Code.UFRAG_STALE, Severity.WARNING, text, (found,))


def _components(section: Section) -> Iterator[Finding]:
    most = 2 if section.is_rtp else 1 if section.kind == "application" else 256
    unknown = tuple(one for one in section.candidates if one.candidate.component > most)
    if unknown:
        text = (
            f"A section of {section.protocol or 'this protocol'} has components up to {most}; the"
            " candidates of others are not used, leave them out."
        )
        yield Finding(Code.COMPONENT_UNKNOWN, Severity.WARNING, text, unknown)
    second = tuple(one for one in section.candidates if one.candidate.component == 2)
    if section.is_rtp and second and section.has("rtcp-mux"):
        text = (
            "Candidates for component 2 (RTCP) serve only peers without rtcp-mux; for all others"
            " they cost time and can be left out (a=rtcp-mux-only)."
        )
        severity = Severity.WARNING if section.has("rtcp-mux-only") else Severity.INFO
        yield Finding(Code.COMPONENT_UNUSED, severity, text, second)


def _ending(description: Description, section: Section) -> Iterator[Finding]:
    is_trickling = description.is_trickling(section)
    if is_trickling and section.candidates:
        text = (
            "Trickle is on and a=end-of-candidates is missing: more candidates may follow in other"
            " messages, so what this lacks may still come."
        )
        yield Finding(Code.END_MISSING, Severity.INFO, text, lines=(section.line,))
    if not (section.candidates or is_trickling or is_carried(description, section)):
        text = (
            f"The section {section.mid or section.kind} has no candidates and does not trickle, so"
            " nothing can connect; send the SDP when gathering is complete."
        )
        yield Finding(Code.NO_CANDIDATES, Severity.WARNING, text, lines=(section.line,))


def _bundle(description: Description, section: Section) -> Iterator[Finding]:
    if not section.candidates:
        return
    if section.has("bundle-only") and is_carried(description, section):
        text = (
            f"The section {section.mid} is bundle-only and has candidates; they belong into the"
            " bundle's first section."
        )
        yield Finding(Code.BUNDLE_ONLY, Severity.WARNING, text, section.candidates)
        return
    first = {
        _transport(one) for tagged in _tagged(description, section) for one in tagged.candidates
    }
    again = tuple(one for one in section.candidates if _transport(one) in first)
    if again:
        text = (
            "A bundle's later sections repeat the candidates of its first one, which alone count;"
            " they can be left out (RFC 8843 section 7.1)."
        )
        yield Finding(Code.BUNDLE_REPEATED, Severity.INFO, text, again)


def _tagged(description: Description, section: Section) -> list[Section]:
    """Return the sections whose transport carries this one."""
    mids = {group[0] for group in description.groups if section.mid in group[1:]}
    return [one for one in description.media if one.mid in mids]


def _transport(found: Found) -> tuple[object, ...]:
    candidate = found.candidate
    port, component = candidate.port, candidate.component
    return (component, candidate.transport, normal(candidate.address), port, candidate.tcptype)


def _default(description: Description, section: Section) -> Iterator[Finding]:
    """The default destination is one of the candidates (RFC 8839 section 4.2.1.2)."""
    address = description.connection(section)
    if address is None or section.port in _NO_PORTS or _is_open(address):
        return
    if not _has_candidate(section, 1, address, section.port):
        text = (
            f"The address in c= and m= ({address} port {section.port}) is none of the candidates,"
            " so the peer may turn ICE off (a=ice-mismatch); turn off the router's SIP ALG if it"
            " rewrote them, or write the default candidate there (RFC 8839 section 4.2.1.2)."
        )
        yield Finding(Code.DEFAULT_MISMATCH, Severity.WARNING, text, lines=(section.line,))
    if section.has("rtcp-mux") or not any(
        one.candidate.component == 2 for one in section.candidates
    ):
        return
    rtcp_port, rtcp_address = section.rtcp or (section.port + 1, None)
    target = rtcp_address or address
    if rtcp_port not in _NO_PORTS and not _has_candidate(section, 2, target, rtcp_port):
        text = (
            f"RTCP's address ({target} port {rtcp_port}) is none of the candidates of component 2;"
            " say it with a=rtcp (RFC 8839 section 4.2.1.2)."
        )
        yield Finding(Code.RTCP_MISMATCH, Severity.WARNING, text, lines=(section.line,))


def _is_open(address: str) -> bool:
    """Whether a c= line leaves the address open, as 0.0.0.0 does."""
    return scope_of(address) in (Scope.UNSPECIFIED, Scope.MDNS, Scope.NAME)


def _has_candidate(section: Section, component: int, address: str, port: int) -> bool:
    wanted = (component, normal(address), port)
    return any(
        (one.candidate.component, normal(one.candidate.address), one.candidate.port) == wanted
        for one in section.candidates
    )
