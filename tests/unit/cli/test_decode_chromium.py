"""``stunkit decode`` of two real Chromiums' ICE and TURN, as captured once in the lab.

What tshark saw in the capture is kept beside it. ``tests/browser/test_decode.py`` makes such calls
anew.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stunkit.cli.decode import command
from tests.agreement import assert_agreement
from tests.tshark import SharkAttribute, SharkMessage

CAPTURES = Path(__file__).parents[2] / "data/captures"
CAPTURE = str(CAPTURES / "chromium.pcap")
KEPT = json.loads((CAPTURES / "chromium.json").read_text())


def decode(*options: str) -> str:
    result = CliRunner().invoke(command, [*options, CAPTURE], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def told(*options: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(decode("--json", *options))
    return document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return told(*(word for one in KEPT["passwords"] for word in ("--password", one)))


def test_sees_every_message_that_tshark_saw_field_by_field(document):
    messages = [
        SharkMessage(*head, tuple(SharkAttribute(*one) for one in attributes), is_malformed=False)
        for *head, attributes in KEPT["messages"]
    ]
    assert len(messages) > 70
    assert_agreement(messages, document)


def test_finds_nothing_wrong(document):
    (capture,) = document["captures"]
    assert (capture["trouble"], capture["faulty"], capture["cut"]) == (None, 0, 0)
    assert capture["answers_without_request"] == 0
    fingerprints = Counter(one["fingerprint"] for one in document["messages"] if "class" in one)
    assert set(fingerprints) == {None, True}


def test_checks_the_integrity_of_checks_and_of_turn(document):
    ways = Counter(
        check["why"] for one in document["messages"] for check in one.get("integrity", ())
    )
    assert set(ways) == {"right (short-term)", "right (long-term, MD5, caller in lab)"}
    assert ways["right (short-term)"] > 30


def test_reads_the_attribute_that_only_browsers_send(document):
    wanted = (0xC057, "GOOG-NETWORK-INFO")
    seen = [
        (field["type"], field["name"])
        for one in document["messages"]
        for field in one.get("fields", ())
        if field.get("type") == 0xC057
    ]
    assert len(seen) > 10
    assert set(seen) == {wanted}


def test_tells_ice_checks_from_queries_and_from_turn(document):
    purposes = Counter(one["purpose"] for one in document["transactions"])
    assert purposes == {"ice-check": 22, "query": 4, "turn": 10}
    for one in document["transactions"]:
        is_check = one["purpose"] == "ice-check"
        assert sorted(one["ufrags"] or ()) == (sorted(KEPT["ufrags"]) if is_check else [])
    talks = document["conversations"]
    assert {one["transport"] for one in talks if one["purpose"] == "turn"} == {"udp", "tcp"}
    assert any(one["nominated_by"] and one["relay"] for one in talks)


def test_shows_transactions_by_what_they_are_for():
    lines = decode("--flows").splitlines()
    (head,) = [number for number, line in enumerate(lines) if line.startswith("frame ")]
    purposes = Counter(
        purpose
        for line in lines[head + 1 :]
        for purpose in (", server query", ", TURN", ", ICE checks")
        if purpose in line
    )
    assert purposes == {", server query": 4, ", TURN": 10, ", ICE checks": 22}
