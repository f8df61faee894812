"""``stunkit rehearse`` at both ends, behind real NATs: it connects as foretold, and says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stunkit.cli.preflight import STATUSES
from stunkit.lab import find_kind
from tests.lab.rehearsals import Terminal, assert_foretold, site

CALL = 4.0  # seconds that they stay to see each other

pytestmark = pytest.mark.timeout(180)  # seconds; on an idle machine each takes five


@pytest.mark.parametrize(
    ("kind", "other", "has_relay"),
    [
        ("symmetric", "restricted", False),
        ("symmetric", "symmetric", True),
        ("udp-blocked", "restricted", True),
    ],
)
def test_two_terminals_connect_as_foretold(tmp_path: Path, kind: str, other: str, has_relay: bool):
    with (
        site(find_kind(kind), find_kind(other), tmp_path, has_relay=has_relay) as place,
        Terminal(place, 0) as one,
        Terminal(place, 1, one.link()) as two,
    ):
        one.say("hello")  # before anybody is there to hear it
        two.until("hello")
        two.say("hello yourself")
        one.until("hello yourself")
        time.sleep(CALL)
        status, document = one.end()
        other_status, other_document = two.ended()
    assert status == other_status == STATUSES[place.verdict.outcome]
    assert_foretold(place, document, other_document)
