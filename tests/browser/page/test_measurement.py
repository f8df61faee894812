"""What the page makes of candidates: the command line's words, and nothing that is not proven."""

from __future__ import annotations

from typing import Any

import pytest

from stunkit.cli.render import candidates as render
from stunkit.ice.candidate import Candidate
from stunkit.ice.priority import Priority
from stunkit.ice.scope import _BLOCKS, family_of, scope_of
from tests.browser.chromium import Page
from tests.browser.page.module import call

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

HOST = "candidate:1 1 udp 2122260223 192.168.1.5 5000 typ host generation 0"
HIDDEN = "candidate:1 1 udp 2113937151 9b2c373c-3372-4e2a-b2f6-a235ee88e3a9.local 5000 typ host"
SEEN = "candidate:2 1 udp 1686052607 198.51.100.7 6000 typ srflx raddr 192.168.1.5 rport 5000"
ELSEWHERE = "candidate:2 1 udp 1686052607 198.51.100.7 6001 typ srflx raddr 192.168.1.5 rport 5000"
BLIND = "candidate:2 1 udp 1677729535 198.51.100.7 6000 typ srflx raddr 0.0.0.0 rport 0"
BLIND_TOO = "candidate:2 1 udp 1677729535 198.51.100.7 6001 typ srflx raddr 0.0.0.0 rport 0"
FIREFOX = "candidate:3 1 UDP 1677729535 198.51.100.7 6001 typ srflx raddr 0.0.0.0 rport 0"
SIXTH = "candidate:4 1 udp 1677732095 2001:db8::7 6000 typ srflx raddr :: rport 0"
PUBLIC = "candidate:1 1 udp 2122260223 198.51.100.7 6000 typ host generation 0"
TCP = "candidate:5 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active generation 0"
RELAY = "candidate:6 1 udp 41885695 203.0.113.9 49152 typ relay raddr 198.51.100.7 rport 6000"
LINES = (HOST, HIDDEN, SEEN, BLIND, FIREFOX, SIXTH, PUBLIC, TCP, RELAY, f"a={HOST}")
TWO = ("stun:203.0.113.1:3478", "stun:203.0.113.2:3479")
FOUR = (*TWO, "stun:[2001:db8:1::1]:3478", "stun:[2001:db8:1::2]:3479")
FAILED = {"url": TWO[1], "code": 701, "text": ""}


def addresses() -> list[str]:
    """The first and the last address of each block, their neighbours, and what is no address."""
    from ipaddress import ip_address, ip_network

    found = []
    for network in map(ip_network, _BLOCKS):
        kind = type(network.network_address)
        first, last = int(network.network_address), int(network.broadcast_address)
        most = 2**network.max_prefixlen - 1
        found += [str(kind(one)) for one in (first, last, max(first - 1, 0), min(last + 1, most))]
    mapped = [f"::ffff:{one}" for one in ("10.0.0.1", "8.8.8.8")]
    odd = ["fe80::1%eth0", "a.local", "A.LOCAL.", "example.org", "1.2.3", "01.2.3.4", "::1::", ":1"]
    assert ip_address("::ffff:10.0.0.1").version == 6
    return [*found, *mapped, *odd, "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "64:ff9b::8.8.8.8"]


def test_scopes_are_those_of_the_command_line(bare: Page):
    asked = addresses()
    found = call(bare, "scope", "a[0].map(one => [m.scopeOf(one), m.familyOf(one)])", asked)
    wanted = [[scope_of(one), family_of(one)] for one in asked]
    assert dict(zip(asked, found, strict=True)) == dict(zip(asked, wanted, strict=True))


def test_every_scope_and_type_is_explained(bare: Page):
    found = set(call(bare, "scope", "Object.keys(m.MEANINGS)"))
    assert found == {str(scope_of(one)) for one in addresses()} | {"clat", "6to4", "teredo"}
    types = call(bare, "candidate", "Object.keys(m.TYPES)")
    assert types == ["host", "srflx", "prflx", "relay"]


@pytest.mark.parametrize("line", LINES)
def test_candidate_is_read_as_on_the_command_line(bare: Page, line: str):
    found = call(bare, "candidate", "m.parseCandidate(a[0])", line)
    wanted = Candidate.parse(line)
    assert found["foundation"] == wanted.foundation
    assert found["component"] == wanted.component
    assert found["transport"] == wanted.transport
    assert found["priority"] == wanted.priority
    assert (found["address"], found["port"]) == (wanted.address, wanted.port)
    assert found["type"] == wanted.type
    assert found["relatedAddress"] == wanted.related_address
    assert found["relatedPort"] == wanted.related_port
    assert found["tcptype"] == wanted.tcptype
    shown = call(bare, "candidate", "m.priorityText(a[0])", wanted.priority)
    assert shown == str(Priority.of(wanted.priority)).replace(" ", "")


@pytest.mark.parametrize("line", ["", "candidate:", "candidate:1 1 udp 1 10.0.0.1 1 typ odd", "x"])
def test_what_is_no_candidate_is_none(bare: Page, line: str):
    assert call(bare, "candidate", "m.parseCandidate(a[0])", line) is None


@pytest.mark.parametrize(
    "lines", [(), (HOST,), (HOST, SEEN), (HOST, SEEN, ELSEWHERE, RELAY), (PUBLIC,)]
)
def test_ways_are_counted_as_on_the_command_line(bare: Page, lines: tuple[str, ...]):
    items = tuple(render.Item(Candidate.parse(line), "") for line in lines)
    wanted = render.sentence(render.Shelf(items, ()))
    found = call(bare, "candidate", "m.waysSentence(a[0].map(one => m.parseCandidate(one)))", lines)
    assert found == wanted


def gathered(*lines: str, **members: Any) -> dict[str, Any]:
    usual = {"servers": TWO, "failures": [], "isComplete": True, "tellsFailures": True}
    return {"lines": lines, "seconds": 0.1, **usual, **members}


GATHERED = """({...a[0], candidates: a[0].lines.map(one => c.parseCandidate(one))})"""


def look(page: Page, found: dict[str, Any], family: str = "ipv4") -> dict[str, Any]:
    script = f"import('/static/candidate.js').then(c => m.mappingOf({GATHERED}))"
    result: dict[str, Any] = call(page, "mapping", script, found)[family]
    return result


def identify(page: Page, found: dict[str, Any]) -> dict[str, Any]:
    script = f"import('/static/candidate.js').then(c => m.identify({GATHERED}))"
    result: dict[str, Any] = call(page, "identity", script, found)
    return result


@pytest.mark.parametrize(
    ("found", "nat", "mapping"),
    [
        (gathered(HOST, SEEN), True, "endpoint-independent"),
        (gathered(HIDDEN, BLIND), None, "endpoint-independent"),
        (gathered(HIDDEN, BLIND, SIXTH, servers=FOUR), None, "endpoint-independent"),
        (gathered(HOST, SEEN, ELSEWHERE), True, "depends"),
        (gathered(HIDDEN, BLIND, BLIND_TOO), True, "depends"),
        (gathered(HIDDEN, BLIND, FIREFOX), True, "depends"),  # another foundation for each server
        (gathered(HIDDEN, HIDDEN, BLIND, FIREFOX, SIXTH), True, "depends"),  # a socket a family
        (gathered(HIDDEN, BLIND, BLIND_TOO, isComplete=False), True, "depends"),
        (gathered(PUBLIC), False, "unknown"),
        # what proves nothing
        (gathered(HOST, SEEN, isComplete=False), True, "unknown"),
        (gathered(HOST, SEEN, failures=[FAILED]), True, "unknown"),
        (gathered(HOST, SEEN, failures=[{**FAILED, "url": ""}]), True, "unknown"),
        (gathered(HOST, SEEN, tellsFailures=False), True, "unknown"),
        (gathered(HOST, SEEN, servers=TWO[:1]), True, "unknown"),
        (
            gathered(HOST, SEEN, servers=("stun:203.0.113.1:1", "stun:203.0.113.1:2")),
            True,
            "unknown",
        ),
        (gathered(HOST, SEEN, servers=("stun:a.example:1", "stun:b.example:2")), True, "unknown"),
        (gathered(HIDDEN, HIDDEN, BLIND, FIREFOX), None, "unknown"),  # two sockets, perhaps
        (gathered(HOST, SEEN.replace("198.51.100.7", "10.0.0.9"), ELSEWHERE), True, "unknown"),
        (gathered(PUBLIC, isComplete=False), None, "unknown"),
        (gathered(HIDDEN), None, "unknown"),
        (gathered(), None, "unknown"),
    ],
)
def test_mapping_is_proven_or_unknown(bare: Page, found: Any, nat: bool | None, mapping: str):
    seen = look(bare, found)
    assert (seen["nat"], seen["mapping"], seen["filtering"]) == (nat, mapping, "unknown")
    assert all(one["why"] for one in seen["evidence"])


def test_a_failure_in_one_family_says_nothing_of_the_other(bare: Page):
    failed = {**FAILED, "url": "stun:2001:db8:1::2:3479"}  # as Chromium writes it
    found = gathered(HOST, SEEN, SIXTH, servers=FOUR, failures=[failed])
    assert look(bare, found)["mapping"] == "endpoint-independent"
    assert look(bare, found, "ipv6")["mapping"] == "unknown"


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("stun:203.0.113.1:3478", "203.0.113.1"),
        ("stun:[2001:db8::1]:3478", "2001:db8::1"),
        ("stun:2001:db8::1:3478", "2001:db8::1"),
        ("stun:stun.example.org", "stun.example.org"),
        ("stuns:stun.example.org:5349?transport=tcp", "stun.example.org"),
    ],
)
def test_the_host_of_a_uri(bare: Page, uri: str, host: str):
    assert call(bare, "mapping", "m.hostOf(a[0])", uri) == host


@pytest.mark.parametrize(
    ("found", "outcome", "sentence"),
    [
        (
            gathered(HOST, SEEN),
            "direct",
            (
                "The world sees you as 198.51.100.7, behind a NAT that keeps one port for all"
                " (endpoint-independent mapping): direct calls are likely to work."
            ),
        ),
        (
            gathered(HOST, SEEN, ELSEWHERE),
            "relay",
            (
                "The world sees you as 198.51.100.7, behind a NAT that takes another port for each"
                " destination (“symmetric”): a call is likely to need a relay."
            ),
        ),
        (
            gathered(PUBLIC),
            "direct",
            "The world sees you as 198.51.100.7, without a NAT: direct calls are likely to work.",
        ),
        (
            gathered(HIDDEN, HIDDEN, BLIND, SIXTH, servers=FOUR),
            "direct",
            (
                "The world sees you as 198.51.100.7 and 2001:db8::7; over IPv4, with one port for"
                " all (endpoint-independent mapping): direct calls are likely to work."
            ),
        ),
        (
            gathered(HIDDEN, BLIND, servers=TWO[:1]),
            "unknown",
            (
                "The world sees you as 198.51.100.7, perhaps behind a NAT. How it maps ports is"
                " unknown: there is but one server address to ask."
            ),
        ),
        (
            gathered(HIDDEN, isComplete=False),
            "unknown",
            "How the world sees you is unknown: nobody has answered over UDP so far.",
        ),
        (
            gathered(HIDDEN, failures=[{**FAILED, "url": one} for one in TWO]),
            "unknown",
            "How the world sees you is unknown: nobody answered over UDP.",
        ),
        (
            gathered(HIDDEN, servers=()),
            "unknown",
            "This server names no STUN server, so nobody could be asked how the world sees you.",
        ),
        (
            gathered(HIDDEN, BLIND.replace("198.51.100.7", "192.168.1.5")),
            "unknown",
            (
                "This server sees you as 192.168.1.5, from inside your own network. How the world"
                " sees you, it cannot tell."
            ),
        ),
        (
            gathered(HOST),
            "unknown",
            (
                "This server sees you as 192.168.1.5, from inside your own network. How the world"
                " sees you, it cannot tell."
            ),
        ),
    ],
)
def test_one_sentence_says_it(bare: Page, found: dict[str, Any], outcome: str, sentence: str):
    said = identify(bare, found)
    assert (said["sentence"], said["outcome"]) == (sentence, outcome)
    assert said["kind"]
