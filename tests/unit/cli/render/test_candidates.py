from __future__ import annotations

import json
from pathlib import Path

import pytest

from stunkit.cli.render import candidates as render
from stunkit.ice.dump import read_dump
from stunkit.ice.finding import Severity
from stunkit.wire.uri import Transport
from tests.gathering import TUNNEL, answer, gathering, host, reflexive, relayed

DATA = Path(__file__).parents[3] / "data" / "sdp"
SEEN = "192.31.196.7:4000"
USUAL = gathering(
    host(),
    host(TUNNEL, 4001, preference=65279),
    reflexive(SEEN),
    relayed(),
    answers=(answer(),),
)
FIELDS = [  # the contract's
    "foundation",
    "component",
    "transport",
    "priority",
    "address",
    "port",
    "type",
    "related_address",
    "related_port",
    "scope",
    "interface",
    "kind",
    "sdp",
]


def test_document_is_the_contracts():
    document = json.loads(render.to_json(render.of_gathering(USUAL)))
    assert list(document) == ["schema", "findings", "candidates"]
    assert document["schema"] == "stunkit/candidates/1"
    for one in document["candidates"]:
        assert list(one) == FIELDS
    for one in document["findings"]:
        assert list(one) == ["code", "severity", "text"]
        assert one["severity"] in ("info", "warning", "error")
    assert document["candidates"][0] == {
        "foundation": "65535",
        "component": 1,
        "transport": "udp",
        "priority": 2130706431,
        "address": "10.0.0.2",
        "port": 4000,
        "type": "host",
        "related_address": None,
        "related_port": None,
        "scope": "private",
        "interface": "eth0",
        "kind": "ethernet",
        "sdp": "candidate:65535 1 udp 2130706431 10.0.0.2 4000 typ host",
    }
    assert document["candidates"][1]["kind"] == "vpn"
    assert document["candidates"][2]["related_port"] == 4000


@pytest.mark.parametrize("file", sorted(DATA.iterdir()), ids=lambda file: file.name)
def test_document_of_a_text_is_the_contracts(file: Path):
    shelf = render.of_dump(read_dump(file.read_text(encoding="utf-8")))
    document = json.loads(render.to_json(shelf))
    assert len(document["candidates"]) == len(shelf.items)
    for one in document["candidates"]:
        assert list(one) == FIELDS
        assert (one["interface"], one["kind"]) == (None, None)
    assert len(render.notes(shelf)) == len(document["findings"])
    assert render.read_sentence(shelf).startswith(f"{len(shelf.items)} candidate")


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ((), "There is no way in which you can be reached."),
        ((host(),), "You have 1 way to be reached: 1 address of this host."),
        (
            USUAL.candidates,
            (
                "You have 4 ways to be reached: 2 addresses of this host, 1 as the world sees you, "
                "1 on a relay."
            ),
        ),
        (
            (host(), reflexive("10.0.0.2:4000")),  # the same again
            "You have 1 way to be reached: 1 address of this host.",
        ),
    ],
)
def test_sentence_counts_the_ways(candidates, said: str):
    assert render.sentence(render.of_gathering(gathering(*candidates))) == said


def test_row_says_where_from_and_what_a_page_sees():
    shelf = render.of_gathering(gathering(host(), host(TUNNEL), reflexive("10.0.0.2:4000")))
    rows = [render.row(item) for item in shelf.items]
    assert rows == [
        (
            "host",
            "10.0.0.2:4000",
            "private",
            "eth0 (ethernet)",
            "126|65535|1",
            "as mDNS name",
        ),
        ("host", "10.8.0.2:4000", "private", "wg0 (vpn)", "126|65535|1", "if permitted"),
        (
            "srflx",
            "10.0.0.2:4000",
            "private",
            "eth0 (ethernet)",
            "100|65535|1",
            "yes, redundant",
        ),
    ]
    assert len(rows[0]) == len(render.HEADINGS)


def test_what_is_redundant_is_said_once_and_is_no_warning():
    shelf = render.of_gathering(gathering(host(), reflexive("10.0.0.2:4000"), answers=(answer(),)))
    (one,) = (one for one in shelf.findings if one.code == "redundant-candidate")
    assert one.severity is Severity.INFO
    assert "missing-reflexive" not in {one.code for one in shelf.findings}


def test_silence_is_said_once():
    shelf = render.of_gathering(gathering(host(), was_answered=False))
    codes = [one.code for one in shelf.findings]
    assert "servers-silent" in codes
    assert "missing-reflexive" not in codes


def test_findings_come_the_worst_first():
    shelf = render.of_gathering(gathering(host(), was_answered=False))
    ranks = [list(Severity).index(one.severity) for one in shelf.findings]
    assert ranks == sorted(ranks)


def test_redaction_hides_addresses_everywhere_and_keeps_what_they_are():
    plain = render.of_gathering(USUAL)
    shown = render.redact(plain)
    text = render.to_json(shown)
    for secret in ("10.0.0.2", "10.8.0.2", "192.31.196.7", "192.175.48.9"):
        assert secret in render.to_json(plain)
        assert secret not in text
    assert [item.scope for item in shown.items] == [item.scope for item in plain.items]
    assert [one.code for one in shown.findings] == [one.code for one in plain.findings]
    host_address = shown.items[0].candidate.address
    assert shown.items[2].candidate.related_address == host_address
    assert all(host_address in one.text for one in shown.findings if one.code == "browser-hides")


def test_names_of_the_network_cannot_reach_the_terminal():
    hostile = read_dump(
        "a=candidate:1 1 udp 1 10.0.0.2 4 typ host\na=candidate:1 1 udp \x1b[2J 1 4 typ host"
    )
    shelf = render.of_dump(hostile)
    said = [*render.notes(shelf), *(render.read_row(item) for item in shelf.items)]
    assert "\x1b" not in str([str(part) for one in said for part in one]).replace(r"\x1b", "")
    assert "\x1b" not in "".join(str(part) for one in said for part in one)


def test_finding_of_a_text_names_its_lines():
    shelf = render.of_dump(read_dump("\na=candidate:1 1 udp 2130706431 10.0.0.2 0 typ host\n"))
    (code,) = (code for _, text, code in render.notes(shelf) if "port 0" in text)
    assert code == "port-zero, line 2"
    assert render.read_row(shelf.items[0])[:3] == ("2", "host", "10.0.0.2:0")
    assert render.read_sentence(shelf) == "1 candidate: 1 host. 1 error found."


def test_last_line_says_who_was_asked():
    assert render.asked_line(USUAL) == ("asked north.example:3478, turn:relay.example in 0.2 s")
    assert USUAL.candidates[3].transport is Transport.TCP
    assert render.asked_line(gathering(host(), was_answered=None)) == ""
