from dataclasses import replace
from ipaddress import ip_address

import pytest

from stunkit.errors import UsageError
from stunkit.ice.candidate import Candidate, CandidateType

HOST = Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 40000, CandidateType.HOST)

EXACT = [
    # RFC 8839 sections 5.1 and 5.3, RFC 5245 section 15.1
    "candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
    "candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host",
    # RFC 6544 appendix C
    "candidate:1 1 TCP 2128609279 192.0.2.1 9 typ host tcptype active",
    "candidate:3 1 TCP 1688207359 192.0.2.3 9 typ srflx raddr 192.0.2.1 rport 9 tcptype active",
    # what browsers send
    "candidate:8 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 network-id 1",
    "candidate:1876313031 1 tcp 1518280447 ::1 9 typ host tcptype active generation 0",
    "candidate:0 1 UDP 2113667327 8a1f6c1e-5fd0-4e6b-9f0b-2f6f1f1f0b7e.local 54832 typ host",
    "candidate:1 1 udp 1 fe80::1%eth0 1 typ host",
    # what the grammar allows
    "CANDIDATE:a+/9 001 Udp 0000000001 192.0.2.1 000080 TYP Host",
    "candidate:1 999 sctp 9999999999 example.org 0 typ prflx rport 5 raddr 192.0.2.1",
    "candidate:1 1 udp 1 192.0.2.1 1 typ host generation ",
    "candidate:1 1 tcp 1 192.0.2.1 1 typ host generation 0 tcptype SO",
    "candidate:1 1 udp 1 192.0.2.1 1 typ relay raddr 192.0.2.1 raddr 192.0.2.2 rport 1 rport 2",
]


@pytest.mark.parametrize("line", EXACT)
def test_formats_a_line_as_it_was(line: str):
    assert Candidate.parse(line).format() == line
    assert str(Candidate.parse(line)) == line
    assert Candidate.parse(f"a={line}").format_attribute() == f"a={line}"


def test_reads_every_field():
    candidate = Candidate.parse(
        "a=candidate:7 2 TCP 1684013054 192.0.2.3 9002 typ srflx raddr 10.0.0.1 rport 9003"
        " tcptype passive generation 0 Ufrag x1"
    )
    assert candidate == Candidate(
        foundation="7",
        component=2,
        transport="tcp",
        priority=1684013054,
        address="192.0.2.3",
        port=9002,
        type=CandidateType.SERVER_REFLEXIVE,
        related_address="10.0.0.1",
        related_port=9003,
        tcptype="passive",
        extensions=(("generation", "0"), ("Ufrag", "x1")),
    )
    assert candidate.extension("ufrag") == "x1"
    assert candidate.extension("network-id") is None


def test_formats_what_it_says_after_a_change():
    line = "candidate:1 1 UDP 2130706431 192.0.2.1 40000 typ host Generation 0"
    changed = replace(Candidate.parse(line), port=9)
    assert changed.format() == "candidate:1 1 udp 2130706431 192.0.2.1 9 typ host Generation 0"


def test_spelling_does_not_make_candidates_differ():
    line = "candidate:1 1 UDP 2130706431 192.0.2.1 40000 typ HOST"
    assert Candidate.parse(line) == HOST
    assert hash(Candidate.parse(line)) == hash(HOST)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with candidate:"),
        ("candidate 1", "does not begin with candidate:"),
        ("b=candidate:1", "does not begin with candidate:"),
        ("candidate:", "its foundation is missing"),
        ("candidate:1 1 udp", "its priority is missing"),
        ("candidate:1  udp 1 192.0.2.1 1 typ host", "its component is missing"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ ", "its type is missing"),
        ("candidate:1 1 udp 1 192.0.2.1 1 host host", "word 7 is 'host' and not typ"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ local", "its type 'local' is not host, srflx"),
        (f"candidate:{33 * 'a'} 1 udp 1 192.0.2.1 1 typ host", "its foundation"),
        ("candidate:a-b 1 udp 1 192.0.2.1 1 typ host", "its foundation 'a-b'"),
        ("candidate:1 1000 udp 1 192.0.2.1 1 typ host", "its component '1000' is not a number"),
        ("candidate:1 -1 udp 1 192.0.2.1 1 typ host", "its component '-1' is not a number"),
        ("candidate:1 ² udp 1 192.0.2.1 1 typ host", "its component '²' is not a number"),
        ("candidate:1 1 u/p 1 192.0.2.1 1 typ host", "its transport 'u/p'"),
        ("candidate:1 1 udp 12345678901 192.0.2.1 1 typ host", "its priority '12345678901'"),
        ("candidate:1 1 udp 1 \x7f 1 typ host", "its address"),
        ("candidate:1 1 udp 1 192.0.2.1 65536 typ host", "'65536' is not a port from 0 to 65535"),
        ("candidate:1 1 udp 1 192.0.2.1 http typ host", "its port 'http' is not a number"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host generation", "'generation' at its end"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host ", "'' at its end has no value"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host  x", "its extension ''"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr \n rport 1", "its raddr"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx rport x", "its rport 'x'"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host x \xe9", "its x"),
    ],
)
def test_says_where_a_line_is_no_candidate(text: str, reason: str):
    with pytest.raises(UsageError) as raised:
        Candidate.parse(text)
    assert reason in raised.value.reason
    assert raised.value.text == text


def test_knows_addresses_from_names():
    assert HOST.ip == ip_address("192.0.2.1")
    assert HOST.related_ip is None
    assert replace(HOST, address="fe80::1%eth0").ip == ip_address("fe80::1")
    assert replace(HOST, address="x.local").ip is None
    assert replace(HOST, related_address="::").related_ip == ip_address("::")
