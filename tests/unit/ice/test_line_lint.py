from __future__ import annotations

from dataclasses import replace

import pytest

from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.finding import Code, Severity
from stunkit.ice.line_lint import follows_formula, lint_line
from stunkit.ice.sdp import Found

HOST = Candidate.parse("candidate:1 1 udp 2130706431 192.168.1.2 40000 typ host")
SEEN = Candidate.parse(
    "candidate:2 1 udp 1694498815 192.31.196.7 40000 typ srflx raddr 192.168.1.2 rport 40000"
)
RELAY = Candidate.parse(
    "candidate:3 1 udp 16777215 192.175.48.20 5000 typ relay raddr 192.31.196.7 rport 40000"
)
TCP = Candidate.parse("candidate:4 1 tcp 1518280447 192.168.1.2 9 typ host tcptype active")
ERROR, WARNING, INFO = Severity


def findings(candidate: Candidate, *, is_partial: bool = False) -> list[tuple[Code, Severity]]:
    found = Found(candidate, is_partial=is_partial)
    return [(one.code, one.severity) for one in lint_line(found)]


@pytest.mark.parametrize("candidate", [HOST, SEEN, RELAY, TCP], ids=str)
def test_says_nothing_of_a_good_one(candidate: Candidate):
    assert findings(candidate) == []


@pytest.mark.parametrize(
    ("base", "changes", "code", "severity"),
    [
        (HOST, {"component": 0}, Code.COMPONENT_RANGE, ERROR),
        (HOST, {"component": 257}, Code.COMPONENT_RANGE, ERROR),
        (HOST, {"priority": 0}, Code.PRIORITY_RANGE, ERROR),
        (HOST, {"priority": 2**31}, Code.PRIORITY_RANGE, ERROR),
        (HOST, {"priority": 2**31 - 1}, Code.PRIORITY_FORMULA, WARNING),
        (HOST, {"component": 2}, Code.PRIORITY_FORMULA, WARNING),
        (HOST, {"port": 0}, Code.PORT_ZERO, ERROR),
        (HOST, {"port": 9}, Code.PORT_DISCARD, WARNING),
        (TCP, {"tcptype": "passive"}, Code.PORT_DISCARD, WARNING),
        (TCP, {"port": 0}, Code.PORT_ZERO, ERROR),
        (TCP, {"tcptype": None}, Code.TCPTYPE_MISSING, ERROR),
        (TCP, {"tcptype": "both"}, Code.TCPTYPE_UNKNOWN, ERROR),
        (HOST, {"tcptype": "active"}, Code.TCPTYPE_ON_UDP, WARNING),
        (HOST, {"transport": "ssltcp"}, Code.TRANSPORT_UNKNOWN, WARNING),
        (HOST, {"address": "0.0.0.0"}, Code.ADDRESS_UNSPECIFIED, ERROR),
        (HOST, {"address": "203.0.113.1"}, Code.ADDRESS_UNUSABLE, WARNING),
        (HOST, {"address": "198.19.0.1"}, Code.ADDRESS_UNUSABLE, WARNING),
        (HOST, {"address": "255.255.255.255"}, Code.ADDRESS_UNUSABLE, ERROR),
        (HOST, {"address": "ff02::1"}, Code.ADDRESS_UNUSABLE, ERROR),
        (HOST, {"address": "fec0::1"}, Code.ADDRESS_UNUSABLE, ERROR),
        (HOST, {"address": "::192.0.2.1"}, Code.ADDRESS_UNUSABLE, ERROR),
        (HOST, {"address": "::1"}, Code.ADDRESS_LOOPBACK, WARNING),
        (HOST, {"address": "169.254.1.1"}, Code.ADDRESS_LINK_LOCAL, WARNING),
        (HOST, {"address": "fe80::1%eth0"}, Code.ADDRESS_LINK_LOCAL, INFO),
        (HOST, {"address": "2002::1"}, Code.ADDRESS_TRANSITION, WARNING),
        (HOST, {"address": "2001::1"}, Code.ADDRESS_TRANSITION, WARNING),
        (HOST, {"address": "a.example"}, Code.ADDRESS_NAME, WARNING),
        (SEEN, {"address": "192.168.1.2"}, Code.REFLEXIVE_NOT_PUBLIC, WARNING),
        (SEEN, {"address": "100.64.0.2"}, Code.REFLEXIVE_NOT_PUBLIC, WARNING),
        (SEEN, {"address": "127.0.0.1"}, Code.REFLEXIVE_NOT_PUBLIC, ERROR),
        (RELAY, {"address": "10.0.0.1"}, Code.RELAY_NOT_PUBLIC, WARNING),
        (RELAY, {"address": "fd00::1"}, Code.RELAY_NOT_PUBLIC, WARNING),
        (RELAY, {"address": "::1"}, Code.RELAY_NOT_PUBLIC, ERROR),
        (RELAY, {"address": "fe80::1"}, Code.RELAY_NOT_PUBLIC, ERROR),
        (RELAY, {"address": "0.0.0.0"}, Code.ADDRESS_UNSPECIFIED, ERROR),
        (SEEN, {"related_address": None}, Code.RELATED_MISSING, ERROR),
        (RELAY, {"related_port": None}, Code.RELATED_MISSING, ERROR),
        (HOST, {"related_port": 9}, Code.RELATED_ON_HOST, WARNING),
        (HOST, {"related_address": "::"}, Code.RELATED_ON_HOST, WARNING),
    ],
    ids=str,
)
def test_finds_the_fault(
    base: Candidate, changes: dict[str, object], code: Code, severity: Severity
):
    assert findings(replace(base, **changes)) == [(code, severity)]


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (HOST, {"address": "x.local"}),
        (HOST, {"address": "100.64.1.1"}),
        (HOST, {"address": "192.0.0.4"}),  # 464XLAT
        (HOST, {"address": "fd00::1"}),
        (HOST, {"address": "64:ff9b::102:304"}),
        (SEEN, {"address": "64:ff9b::102:304"}),
        (SEEN, {"address": "x.local"}),
        (SEEN, {"related_address": "0.0.0.0", "related_port": 0}),
        (SEEN, {"related_address": "0.0.0.0", "related_port": 9}),
        (SEEN, {"type": CandidateType.PEER_REFLEXIVE}),
        (HOST, {"priority": 659455}),  # any type preference is allowed
        (TCP, {"tcptype": "so", "port": 443}),
        (TCP, {"tcptype": "active", "port": 50000}),
        (HOST, {"component": 256, "priority": 2130706431 - 255}),
    ],
    ids=str,
)
def test_says_nothing_false(base: Candidate, changes: dict[str, object]):
    assert findings(replace(base, **changes)) == []


def test_does_not_blame_a_candidate_for_what_a_table_leaves_out():
    bare = replace(SEEN, related_address=None, related_port=None)
    assert findings(bare, is_partial=True) == []
    assert findings(replace(TCP, tcptype=None, port=443), is_partial=True) == []


def test_every_text_is_a_sentence_that_names_the_candidate():
    broken = replace(RELAY, component=0, port=0, address="10.0.0.1", related_port=None)
    for one in lint_line(Found(broken)):
        assert one.text.startswith("relay 10.0.0.1:0/udp ")
        assert one.text.endswith(".")


def test_knows_the_formula():
    assert follows_formula(HOST)
    assert not follows_formula(replace(HOST, component=3))
