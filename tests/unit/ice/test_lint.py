"""The lint over real shapes: nothing false about the clean ones, and each seeded fault found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.dump import read_dump
from stunkit.ice.finding import Code, Severity
from stunkit.ice.lint import lint, lint_candidates
from stunkit.ice.priority import Priority
from stunkit.ice.redact import Redactor

SHAPES = Path(__file__).parents[2] / "data/sdp"
HOST, REFLEXIVE, RELAYED = (
    CandidateType.HOST,
    CandidateType.SERVER_REFLEXIVE,
    CandidateType.RELAYED,
)
TRICKLED = {Code.END_MISSING, Code.HOST_LEAK}
CLEAN = {  # what is worth knowing about each; no warning, no error
    "aiortc.sdp": {Code.HOST_LEAK},
    "application.log": {Code.MISSING_REFLEXIVE, Code.MISSING_RELAY, Code.RELATED_LEAK},
    "chrome-candidates.json": {Code.HOST_LEAK},
    "chrome-gathered.sdp": TRICKLED,
    "chrome-internals.json": {Code.HOST_LEAK, Code.MISSING_RELAY},
    "chrome-internals.txt": {Code.HOST_LEAK},
    "chrome-mdns.sdp": {Code.END_MISSING, Code.MDNS_HIDDEN, Code.MISSING_RELAY},
    "chrome-trickle.sdp": set(),
    "firefox-about-webrtc.html": {Code.COMPONENT_UNUSED, Code.HOST_LEAK},
    "firefox-gathered.sdp": {Code.COMPONENT_UNUSED, Code.HOST_LEAK},
    "gateway-answer.sdp": {Code.BUNDLE_REPEATED},
    "ice-lite.sdp": set(),
    "ipv6.sdp": set(),
    "mdns-only.sdp": {
        Code.END_MISSING,
        Code.MDNS_HIDDEN,
        Code.MISSING_REFLEXIVE,
        Code.MISSING_RELAY,
    },
    "offer-escaped.json": {Code.END_MISSING, Code.MDNS_HIDDEN},
    "relay-only.sdp": set(),
    "safari-trickled.sdp": {Code.END_MISSING, Code.MDNS_HIDDEN},
    "sip-phone.sdp": {Code.HOST_LEAK},
    "tcp.sdp": {Code.HOST_LEAK},
    "trickle-ice-with-component.txt": {Code.HOST_LEAK, Code.MISSING_RELAY},
    "trickle-ice.txt": {Code.HOST_LEAK},
}
SDPS = sorted(name for name in CLEAN if name.endswith(".sdp"))


def shape(name: str) -> str:
    return (SHAPES / name).read_text()


def codes(text: str, *severities: Severity) -> set[Code]:
    return {one.code for one in lint(read_dump(text)) if one.severity in (severities or Severity)}


def test_every_shape_is_looked_at():
    assert {path.name for path in SHAPES.iterdir()} == set(CLEAN)


@pytest.mark.parametrize("name", CLEAN)
def test_says_nothing_false_of_what_is_clean(name: str):
    findings = lint(read_dump(shape(name)))
    assert {one.code for one in findings} == CLEAN[name]
    assert {one.severity for one in findings} <= {Severity.INFO}


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n\n", "\\r\\n"])
@pytest.mark.parametrize("name", SDPS)
def test_says_the_same_whatever_the_ends_of_lines(name: str, ends: str):
    assert codes(shape(name).replace("\n", ends)) == CLEAN[name]


@pytest.mark.parametrize("name", CLEAN)
def test_says_the_same_of_a_redacted_text(name: str):
    redacted = Redactor().text(shape(name))
    assert codes(redacted) == CLEAN[name]


# Faults. Each takes a clean text and returns it with the fault, or None where it cannot have it.

Fault = Callable[[str], str | None]


def lines_of(text: str) -> Iterator[tuple[int, Candidate]]:
    for index, line in enumerate(text.split("\n")):
        if line.startswith("a=candidate:"):
            yield index, Candidate.parse(line)


def add(kind: CandidateType | None, change: Callable[[Candidate], Candidate]) -> Fault:
    """Add a candidate like the first one of a type, beside it, with something changed."""

    def fault(text: str) -> str | None:
        for index, candidate in lines_of(text):
            if candidate.transport == "udp" and kind in (None, candidate.type):
                lines = text.split("\n")
                lines.insert(index + 1, change(fresh(candidate)).format_attribute())
                return "\n".join(lines)
        return None

    return fault


def fresh(candidate: Candidate) -> Candidate:
    """A candidate that could stand beside this one: of another port of the same address."""
    return replace(
        candidate,
        priority=candidate.priority - 77 * 256,
        port=candidate.port + 1000,
        related_port=candidate.related_port and candidate.related_port + 1000,
    )


def to(**changes: Any) -> Callable[[Candidate], Candidate]:
    if changes.keys() & {"address", "transport"}:  # of which the foundation is made
        changes["foundation"] = "seed"
    return lambda candidate: replace(candidate, **changes)


def substitute(pattern: str, into: str, *, count: int = 0) -> Fault:
    def fault(text: str) -> str | None:
        new, done = re.subn(pattern, into, text, count=count, flags=re.MULTILINE)
        return new if done else None

    return fault


def as_reflexive(host: Candidate) -> Candidate:
    return replace(
        host,
        foundation="seed",
        type=REFLEXIVE,
        priority=Priority(30, 77, host.component).value,
        related_address=host.address,
        related_port=host.port,
    )


def add_line(text: str, after: Candidate, new: Candidate) -> str:
    line = after.format_attribute()
    return text.replace(line, f"{line}\n{new.format_attribute()}", 1)


def is_full(text: str) -> bool:
    return "a=ice-lite" not in text


def lite(fault: Fault) -> Fault:
    return lambda text: None if is_full(text) else fault(text)


def share_foundation(text: str) -> str | None:
    first = next((candidate for _, candidate in lines_of(text)), None)
    others = [one for _, one in lines_of(text) if first and one.type is not first.type]
    return add_line(text, others[0], like(others[0], first)) if first and others else None


def like(one: Candidate, other: Candidate) -> Candidate:
    return replace(fresh(one), foundation=other.foundation)


def duplicate(text: str) -> str | None:
    first = next((candidate for _, candidate in lines_of(text)), None)
    return add_line(text, first, first) if first else None


def drop_reflexive(text: str) -> str | None:
    if "trickle" in text or " typ srflx" not in text:
        return None
    text = re.sub(r"^a=candidate.* typ srflx .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^(m=\S+) \d+", r"\1 9", text.replace("a=rtcp:", "a=x:"), flags=re.MULTILINE)


def move_outside(text: str) -> str | None:
    first = next((candidate for _, candidate in lines_of(text)), None)
    new = first and fresh(first).format_attribute()
    return text.replace("\nm=", f"\n{new}\nm=", 1) if first else None


def other_password(text: str) -> str | None:
    head, separator, tail = text.rpartition("a=ice-pwd:")
    if "a=ice-pwd:" not in head:
        return None
    return f"{head}{separator}zzzz{tail}"


def other_default(text: str) -> str | None:
    if not re.search(r"^m=\S+ \d{2,}", text, re.MULTILINE) or " typ " not in text:
        return None
    address = "IP6 2620:4f:8000::99" if "c=IN IP6" in text else "IP4 192.31.196.99"
    return re.sub(r"^c=IN IP[46] (?!0\.0\.0\.0).*$", f"c=IN {address}", text, flags=re.MULTILINE)


def into_bundle_only(text: str) -> str | None:
    first = next((candidate for _, candidate in lines_of(text)), None)
    if not first or "a=bundle-only" not in text:
        return None
    return text.replace("a=bundle-only", f"a=bundle-only\n{fresh(first).format_attribute()}")


def append(section: str) -> Fault:
    """Add a section to what does not trickle as a whole."""
    return lambda text: None if "trickle" in text.partition("\nm=")[0] else text + section


REJECTED = "m=video 0 RTP/AVP 31\na=candidate:seed 1 udp 2130687231 192.31.196.7 9999 typ host\n"
BROKEN = "a=candidate:no_good 1 udp 1 192.31.196.7 1 typ host"
EMPTY = "m=video 4000 RTP/AVP 31\na=ice-ufrag:seed\na=ice-pwd:0123456789012345678901\n"

FAULTS: list[tuple[Code, Fault]] = [
    (Code.UNREADABLE, substitute(r"^(a=candidate:.*)$", rf"\1\n{BROKEN}", count=1)),
    (Code.COMPONENT_RANGE, add(None, to(component=0))),
    (Code.PRIORITY_RANGE, add(None, to(priority=0))),
    (Code.PRIORITY_RANGE, add(None, to(priority=2**31))),
    (Code.PRIORITY_FORMULA, add(None, lambda one: replace(one, priority=one.priority - 1))),
    (Code.PORT_ZERO, add(None, to(port=0))),
    (Code.PORT_DISCARD, add(None, to(port=9))),
    (Code.PORT_DISCARD, substitute(r" \d+ (typ host tcptype passive)", r" 9 \1")),
    (Code.ADDRESS_UNSPECIFIED, add(HOST, to(address="0.0.0.0"))),
    (Code.ADDRESS_UNSPECIFIED, add(HOST, to(address="::"))),
    (Code.ADDRESS_UNUSABLE, add(HOST, to(address="224.0.0.5"))),
    (Code.ADDRESS_UNUSABLE, add(HOST, to(address="fec0::5"))),
    (Code.ADDRESS_UNUSABLE, add(HOST, to(address="2001:db8::5"))),
    (Code.ADDRESS_UNUSABLE, add(RELAYED, to(address="198.18.0.5"))),
    (Code.ADDRESS_LOOPBACK, add(HOST, to(address="127.0.0.1"))),
    (Code.ADDRESS_LINK_LOCAL, add(HOST, to(address="169.254.7.7"))),
    (Code.ADDRESS_TRANSITION, add(HOST, to(address="2002:c01f:c407::1"))),
    (Code.ADDRESS_TRANSITION, add(HOST, to(address="2001:0:c01f:c407::1"))),
    (Code.ADDRESS_NAME, add(HOST, to(address="host.example.org"))),
    (Code.REFLEXIVE_NOT_PUBLIC, add(REFLEXIVE, to(address="10.7.7.7"))),
    (Code.REFLEXIVE_NOT_PUBLIC, add(REFLEXIVE, to(address="100.64.7.7"))),
    (Code.RELAY_NOT_PUBLIC, add(RELAYED, to(address="192.168.7.7"))),
    (Code.RELAY_NOT_PUBLIC, add(RELAYED, to(address="127.0.0.1"))),
    (Code.RELAY_NOT_PUBLIC, add(RELAYED, to(address="fe80::7"))),
    (Code.TRANSPORT_UNKNOWN, add(None, to(transport="sctp"))),
    (Code.TCPTYPE_MISSING, add(None, to(transport="tcp"))),
    (Code.TCPTYPE_UNKNOWN, add(None, to(transport="tcp", tcptype="idle"))),
    (Code.TCPTYPE_ON_UDP, add(None, to(tcptype="so"))),
    (Code.RELATED_MISSING, add(REFLEXIVE, to(related_address=None, related_port=None))),
    (Code.RELATED_MISSING, add(RELAYED, to(related_port=None))),
    (Code.RELATED_ON_HOST, add(HOST, to(related_address="0.0.0.0", related_port=9))),
    (Code.DUPLICATE, duplicate),
    (Code.FOUNDATION_SHARED, share_foundation),
    (Code.FOUNDATION_SPLIT, add(HOST, lambda one: replace(one, foundation="seed"))),
    (Code.PRIORITY_EQUAL, add(HOST, lambda one: replace(one, priority=one.priority + 77 * 256))),
    (
        Code.PRIORITY_ORDER,
        add(REFLEXIVE, lambda one: replace(one, priority=Priority(126, 7, one.component).value)),
    ),
    (Code.MISSING_REFLEXIVE, drop_reflexive),
    (Code.NO_CANDIDATES, append(EMPTY)),
    (Code.CREDENTIALS_MISSING, substitute(r"^a=ice-pwd:.*\n", "")),
    (Code.CREDENTIALS_MISSING, substitute(r"^a=ice-ufrag:.*\n", "")),
    (Code.CREDENTIALS_INVALID, substitute(r"^a=ice-pwd:.*$", "a=ice-pwd:short")),
    (Code.CREDENTIALS_INVALID, substitute(r"^a=ice-ufrag:.*$", "a=ice-ufrag:abc")),
    (Code.CREDENTIALS_DIFFER, other_password),
    (Code.UFRAG_STALE, add(None, to(extensions=(("ufrag", "zzzz"),)))),
    (Code.DEFAULT_MISMATCH, other_default),
    (Code.RTCP_MISMATCH, substitute(r"^a=rtcp:40003 ", "a=rtcp:40005 ")),
    (
        Code.COMPONENT_UNKNOWN,
        add(None, lambda one: replace(one, component=3, priority=one.priority + one.component - 3)),
    ),
    (Code.OUTSIDE_MEDIA, move_outside),
    (Code.BUNDLE_ONLY, into_bundle_only),
    (Code.REJECTED_SECTION, append(REJECTED)),
    (Code.LITE_NOT_HOST, lite(add(HOST, lambda one: replace(as_reflexive(one), port=one.port)))),
    (Code.LITE_NOT_PUBLIC, lite(add(HOST, to(address="10.7.7.7")))),
    (Code.ICE_MISMATCH, substitute(r"^(m=.*)$", r"\1\na=ice-mismatch", count=1)),
]
BAD = (Severity.ERROR, Severity.WARNING)


@pytest.mark.parametrize("name", SDPS)
@pytest.mark.parametrize(
    ("code", "fault"), FAULTS, ids=[f"{index}-{code}" for index, (code, _) in enumerate(FAULTS)]
)
def test_finds_the_fault_and_nothing_else(name: str, code: Code, fault: Fault):
    seeded = fault(shape(name))
    if seeded is not None and seeded != shape(name):
        assert codes(seeded, *BAD) == {code}


@pytest.mark.parametrize(
    ("code", "fault"), FAULTS, ids=[f"{index}-{code}" for index, (code, _) in enumerate(FAULTS)]
)
def test_every_fault_fits_some_shape(code: Code, fault: Fault):
    assert any(fault(shape(name)) not in (None, shape(name)) for name in SDPS)


@pytest.mark.parametrize("name", SDPS)
@pytest.mark.parametrize("kind", [HOST, REFLEXIVE, RELAYED])
def test_says_nothing_of_one_more_good_candidate(name: str, kind: CandidateType):
    text = shape(name)
    more = add(kind, lambda one: one)(text)
    if more is not None:
        assert codes(more) == CLEAN[name]


def test_every_warning_and_error_has_a_seeded_fault():
    only_told = {
        Code.MISSING_RELAY,
        Code.REDUNDANT,
        Code.UNIQUE_LOCAL_ONLY,
        Code.MDNS_HIDDEN,
        Code.HOST_LEAK,
        Code.RELATED_LEAK,
        Code.NO_ICE,
        Code.COMPONENT_UNUSED,
        Code.END_MISSING,
        Code.BUNDLE_REPEATED,
    }
    assert {code for code, _ in FAULTS} == set(Code) - only_told


def test_says_once_what_is_true_of_several_sections():
    findings = lint(read_dump(shape("chrome-gathered.sdp")))
    assert len({one.text for one in findings}) == len(findings)
    (leak,) = (one for one in findings if one.code is Code.HOST_LEAK)
    assert {found.mid for found in leak.candidates} == {"0", "1"}


def test_puts_the_worst_first():
    text = (
        shape("aiortc.sdp")
        .replace("40123 typ host", "0 typ host")
        .replace("typ host", "typ host tcptype so")
    )
    ranks = [list(Severity).index(one.severity) for one in lint(read_dump(text))]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0


def test_says_that_a_description_is_without_ice():
    (finding,) = lint(read_dump("v=0\nm=audio 5000 RTP/AVP 0\n"))
    assert (finding.code, finding.severity) == (Code.NO_ICE, Severity.INFO)


def test_lints_what_was_gathered_here():
    host = Candidate.parse("candidate:1 1 udp 2130706431 192.168.1.34 40000 typ host")
    assert [one.code for one in lint_candidates([host])] == [
        Code.MISSING_REFLEXIVE,
        Code.MISSING_RELAY,
    ]
    assert {one.severity for one in lint_candidates([host], is_complete=False)} == {Severity.INFO}
    assert Code.DUPLICATE in {one.code for one in lint_candidates([host, host])}
    assert lint_candidates([]) == ()
