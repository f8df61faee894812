"""The verdict of a rehearsal: correct, or unknown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from stunkit.call.rehearsal import (
    Figures,
    Pair,
    Picture,
    Progress,
    Rehearsal,
    Share,
    Spot,
    judge,
    to_document,
)

HOST = Spot("host", "udp", "10.0.0.2", 5000)
SRFLX = Spot("srflx", "udp", "203.0.113.1", 5000)
RELAY = Spot("relay", "udp", "198.51.100.9", 50_000, "tcp")
THEIR_HOST = Spot("host", "udp", "192.168.1.7", 6000)
THEIR_SRFLX = Spot("srflx", "udp", "203.0.113.2", 6000)
THEIR_RELAY = Spot("relay", "udp", "198.51.100.9", 60_000)
PRFLX = Spot("prflx", "udp", "203.0.113.2", 6001)
MDNS = Spot("host", "udp", "6f1c.local", 6000)

NOTHING = Rehearsal("2026-11-23T07:00:00Z", 60.0, "terminal", "stunkit")
CHECKED = replace(
    NOTHING,
    local=(HOST, SRFLX),
    remote=(THEIR_HOST, THEIR_SRFLX),
    knows_local=True,
    knows_remote=True,
)
FAILED = replace(CHECKED, progress=Progress.FAILED)


def connected(ours: Spot, theirs: Spot, **more) -> Rehearsal:
    return replace(CHECKED, progress=Progress.CONNECTED, pair=Pair(ours, theirs), **more)


@pytest.mark.parametrize(
    ("seen", "outcome", "why"),
    [
        (connected(HOST, THEIR_SRFLX), "direct", "No relay is between"),
        (connected(HOST, PRFLX), "direct", "No relay is between"),
        (connected(RELAY, THEIR_SRFLX), "relay", "the relay of this end"),
        (connected(HOST, THEIR_RELAY), "relay", "the relay of the other end"),
        (connected(RELAY, THEIR_RELAY), "relay", "the relay of both ends"),
        (connected(HOST, PRFLX, knows_remote=False), "unknown", "it may be that of a relay"),
        (
            connected(HOST, THEIR_RELAY._replace(type="prflx"), remote=(THEIR_HOST, THEIR_RELAY)),
            "relay",
            "the relay of the other end",
        ),
        (
            connected(
                HOST,
                THEIR_RELAY._replace(type="prflx"),
                remote=(THEIR_HOST, THEIR_RELAY),
                knows_remote=False,
            ),
            "relay",
            "the relay of the other end",
        ),
        (replace(CHECKED, progress=Progress.CONNECTED), "unknown", "is not known here"),
        (replace(CHECKED, progress=Progress.UNKEYED), "unknown", "did not agree on keys"),
        (FAILED, "blocked", "a relay (TURN) is needed"),
        (replace(FAILED, local=(HOST, RELAY)), "blocked", "Not even the relay of this end"),
        (replace(FAILED, remote=(THEIR_RELAY,)), "blocked", "Not even the relay of the other"),
        (
            replace(FAILED, local=(RELAY,), remote=(THEIR_RELAY,)),
            "blocked",
            "Not even the relay of both",
        ),
        (replace(FAILED, is_deserted=True), "unknown", "went away while it was checked"),
        (replace(FAILED, knows_remote=False), "unknown", "never told all"),
        (replace(FAILED, remote=()), "unknown", "never told all"),
        (replace(FAILED, local=()), "unknown", "did not find its own"),
        (replace(FAILED, knows_local=False), "unknown", "did not find its own"),
        (replace(FAILED, remote=(MDNS,)), "unknown", "may be in one network"),
        (
            replace(FAILED, remote=(MDNS, SRFLX)),
            "unknown",
            "may be in one network",
        ),
        (replace(FAILED, remote=(MDNS, THEIR_SRFLX)), "blocked", "a relay (TURN) is needed"),
        (NOTHING, "unknown", "Nobody came"),
        (replace(NOTHING, progress=Progress.NEGOTIATING), "unknown", "offer and answer"),
        (replace(CHECKED, progress=Progress.CHECKING), "unknown", "still under way"),
        (
            replace(CHECKED, progress=Progress.CHECKING, is_deserted=True),
            "unknown",
            "went away before",
        ),
    ],
)
def test_verdict_and_what_it_rests_on(seen, outcome, why):
    judgement = judge(seen)
    assert judgement.outcome == outcome
    assert why in " ".join(judgement.reasons)


def test_failure_says_how_many_candidates_there_were():
    two = Spot("host", "udp", "10.0.0.3", 5000)
    reasons = judge(replace(FAILED, local=(HOST, two, SRFLX), remote=(PRFLX,))).reasons
    assert "2 host and 1 srflx here and 1 prflx there" in reasons[0]


def test_document_of_nothing_knows_nothing():
    document = to_document(NOTHING, "0.1.0")
    assert json.loads(json.dumps(document)) == {
        "schema": "stunkit/rehearse/1",
        "stunkit": "0.1.0",
        "began": "2026-11-23T07:00:00Z",
        "seconds": 60.0,
        "end": "terminal",
        "agent": "stunkit",
        "outcome": "unknown",
        "reasons": ["Nobody came to the other end."],
        "pair": None,
        "connected_after": None,
        "rtt_ms": None,
        "loss": {"sent": None, "received": None},
        "jitter_ms": None,
        "kbps": {"sent": None, "received": None},
        "video": None,
        "chat": {"sent": 0, "received": 0},
        "candidates": [],
        "problems": [],
    }


def test_document_of_a_call_has_its_figures():
    figures = Figures(
        rtts=[0.010] * 18 + [0.020, 0.5],
        jitters=[0.001, 0.002, 0.009],
        loss=Share(0.0, 0.012345),
        kbps=Share(512.345, None),
        video=Picture(900, 640, 480),
        chat_sent=1,
        chat_received=2,
    )
    seen = connected(RELAY, THEIR_SRFLX, figures=figures, connected_after=1.23456)
    document = to_document(replace(seen, problems=("It broke.",)), "0.1.0")
    assert document["pair"] == {
        "local": {
            "type": "relay",
            "protocol": "udp",
            "address": "198.51.100.9",
            "port": 50_000,
            "relay_protocol": "tcp",
        },
        "remote": {"type": "srflx", "protocol": "udp", "address": "203.0.113.2", "port": 6000},
    }
    assert document["connected_after"] == 1.235
    assert document["rtt_ms"] == {"median": 10.0, "p95": 20.0}
    assert document["jitter_ms"] == 2.0
    assert document["loss"] == {"sent": 0.0, "received": 0.0123}
    assert document["kbps"] == {"sent": 512.3, "received": None}
    assert document["video"] == {"frames_decoded": 900, "width": 640, "height": 480}
    assert document["chat"] == {"sent": 1, "received": 2}
    assert document["problems"] == ["It broke."]
    assert [one["end"] for one in document["candidates"]] == ["local"] * 2 + ["remote"] * 2


def test_one_round_trip_is_no_median():
    seen = replace(NOTHING, figures=Figures(rtts=[0.01]))
    assert to_document(seen, "0")["rtt_ms"] is None


def test_spot_is_written_as_an_endpoint():
    assert str(HOST) == "10.0.0.2:5000 (host)"
    assert str(Spot("host", "udp", "fd00::2", 5)) == "[fd00::2]:5 (host)"
