from __future__ import annotations

from dataclasses import replace

import pytest

from stunkit.ice.candidate import Candidate
from stunkit.ice.finding import Code, Finding, Severity
from stunkit.ice.sdp import Found
from stunkit.ice.stream_lint import lint_stream

HOST = Candidate.parse("candidate:1 1 udp 2130706431 192.168.1.2 40000 typ host")
SEEN = Candidate.parse(
    "candidate:2 1 udp 1694498815 192.31.196.7 40000 typ srflx raddr 192.168.1.2 rport 40000"
)
RELAY = Candidate.parse(
    "candidate:3 1 udp 16777215 192.175.48.20 5000 typ relay raddr 192.31.196.7 rport 40000"
)
PUBLIC = replace(HOST, address="192.31.196.7")
SIXTH = replace(HOST, foundation="6", address="2620:4f:8000::2", priority=2130706175)
LOCAL = replace(SIXTH, address="fd00::2", foundation="7")
MDNS = replace(HOST, address="x.local")
HIDDEN = replace(SEEN, related_address="0.0.0.0", related_port=0)


def findings(*candidates: Candidate, is_complete: bool | None = True) -> list[Finding]:
    return list(lint_stream([Found(one) for one in candidates], is_complete=is_complete))


def codes(*candidates: Candidate, is_complete: bool | None = True) -> set[Code]:
    return {one.code for one in findings(*candidates, is_complete=is_complete)}


@pytest.mark.parametrize(
    ("candidates", "told"),
    [
        ((), set()),
        ((HOST, SEEN, RELAY), {Code.HOST_LEAK}),
        ((HOST, SEEN), {Code.HOST_LEAK, Code.MISSING_RELAY}),
        ((HOST, RELAY), {Code.MISSING_REFLEXIVE}),
        ((HOST,), {Code.MISSING_REFLEXIVE, Code.MISSING_RELAY}),
        ((PUBLIC,), set()),
        ((SIXTH,), {Code.MISSING_RELAY}),
        ((HOST, SIXTH, SEEN, RELAY), {Code.HOST_LEAK}),
        ((HOST, LOCAL, SEEN, RELAY), {Code.HOST_LEAK, Code.UNIQUE_LOCAL_ONLY}),
        ((HOST, LOCAL, replace(SIXTH, priority=2130705919), SEEN, RELAY), {Code.HOST_LEAK}),
        ((MDNS, HIDDEN, RELAY), {Code.MDNS_HIDDEN}),
        ((MDNS, SEEN, RELAY), {Code.MDNS_HIDDEN, Code.RELATED_LEAK}),
        ((SEEN, RELAY), {Code.RELATED_LEAK}),
        ((RELAY,), {Code.RELATED_LEAK}),
        ((replace(RELAY, related_address="0.0.0.0"),), set()),
        ((PUBLIC, replace(SEEN, related_address="192.31.196.7"), RELAY), {Code.REDUNDANT}),
    ],
    ids=lambda value: " ".join(one.address for one in value) if isinstance(value, tuple) else "",
)
def test_tells_what_is_missing_and_what_leaks(candidates: tuple[Candidate, ...], told: set[Code]):
    assert codes(*candidates) == told


def test_what_is_missing_is_no_warning_before_the_end():
    (one,) = findings(HOST, RELAY)
    assert (one.severity, "so far" in one.text) == (Severity.WARNING, False)
    (one,) = findings(HOST, RELAY, is_complete=False)
    assert (one.severity, "so far" in one.text) == (Severity.INFO, True)
    assert findings(HOST, is_complete=None) == []


def test_lite_agents_need_host_candidates_alone():
    assert list(lint_stream([Found(HOST)], is_complete=True, is_lite=True)) == []


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (HOST, Code.DUPLICATE),
        (replace(HOST, priority=HOST.priority - 256), Code.DUPLICATE),
        (
            replace(HOST, foundation="9", port=1, priority=HOST.priority - 256),
            Code.FOUNDATION_SPLIT,
        ),
        (replace(HOST, port=1), Code.PRIORITY_EQUAL),
        (replace(LOCAL, foundation="1"), Code.FOUNDATION_SHARED),
        (replace(SEEN, foundation="1", port=1, priority=1694498559), Code.FOUNDATION_SHARED),
        (replace(HOST, transport="tcp", tcptype="so", priority=255), Code.FOUNDATION_SHARED),
        (replace(SEEN, foundation="8", port=1, priority=2130705663), Code.PRIORITY_ORDER),
        (replace(RELAY, foundation="8", port=1, priority=1694498303), Code.PRIORITY_ORDER),
    ],
    ids=str,
)
def test_finds_what_two_candidates_have_against_each_other(other: Candidate, code: Code):
    found = [one for one in findings(HOST, SEEN, RELAY, other) if one.severity is Severity.WARNING]
    assert {one.code for one in found} == {code}
    assert all(len(one.candidates) == 2 for one in found)


@pytest.mark.parametrize(
    "others",
    [
        # the server differs, which no line says
        (replace(SEEN, foundation="9", port=1, priority=1694498559),),
        # RFC 6544: active and passive ones of one address may share a foundation or not
        (
            replace(HOST, foundation="t", transport="tcp", tcptype="active", port=9, priority=511),
            replace(
                HOST, foundation="p", transport="tcp", tcptype="passive", port=80, priority=255
            ),
        ),
        # hidden bases say nothing
        (replace(HIDDEN, foundation="h", port=1, priority=1694498559),),
        # over TCP, other type preferences are usual
        (replace(RELAY, foundation="9", transport="tcp", tcptype="passive", priority=2130705919),),
        # another formula cannot be taken apart
        (replace(RELAY, foundation="9", port=1, priority=2130705900),),
        # the same address for RTCP
        (replace(HOST, component=2, port=40001, priority=HOST.priority - 1),),
    ],
    ids=lambda value: str(value[0]),
)
def test_says_nothing_false_of_two(others: tuple[Candidate, ...]):
    assert codes(HOST, SEEN, RELAY, *others) == {Code.HOST_LEAK}


def test_leak_behind_mdns_is_a_warning():
    (leak,) = (one for one in findings(MDNS, SEEN, RELAY) if one.code is Code.RELATED_LEAK)
    assert leak.severity is Severity.WARNING
    assert "192.168.1.2" in leak.text
    (leak,) = (one for one in findings(RELAY) if one.code is Code.RELATED_LEAK)
    assert leak.severity is Severity.INFO


def test_says_a_leak_once_for_each_address():
    second = replace(SEEN, port=2, foundation="9", priority=1694498559, related_port=2)
    leaks = [one for one in findings(MDNS, SEEN, second) if one.code is Code.RELATED_LEAK]
    assert len(leaks) == 1
