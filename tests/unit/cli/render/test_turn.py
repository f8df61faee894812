"""Relays as rows, sentences and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from stunkit.cli.render.turn import HEADINGS, item, remarks, row, sentence
from stunkit.endpoint import Endpoint
from stunkit.net.relay.report import (
    DAY,
    Echo,
    RelayOutcome,
    RelayReport,
    Step,
    StepName,
    StepOutcome,
)
from stunkit.net.transport.secure import Shown
from stunkit.wire.uri import Transport, Uri

SERVER = Endpoint.parse("198.51.100.1:3478")
PEER = Endpoint.parse("203.0.113.1:0")
WORKS = RelayReport(
    Uri.parse("turns:relay.example"),
    Transport.TLS,
    SERVER,
    RelayOutcome.WORKS,
    "12 of 12 datagrams came back",
    steps=(Step(StepName.CONNECT, StepOutcome.OK, 0.0125), Step(StepName.ECHO, StepOutcome.OK)),
    tls=Shown("TLSv1.3", "relay.example", ("relay.example",), "An Authority", 10 * DAY),
    relayed=SERVER.with_port(50000),
    mapped=PEER.with_port(4000),
    lifetime=600,
    software="Relay\x1b[2J 1",
    is_open=False,
    echo=Echo(PEER, 12, 11, 0.02, 0.0305),
)
WRONG = RelayReport(
    Uri.parse("turn:relay.example"),
    Transport.UDP,
    None,
    RelayOutcome.WRONG_CREDENTIALS,
    "401 \x1b[2J",
    "Check the password.",
)
UNKNOWN = replace(WRONG, outcome=RelayOutcome.UNPROVEN)


def test_says_in_one_sentence_how_many_work():
    for reports, said in (
        ([WORKS], "The way to a relay works."),
        ([WORKS, WORKS], "All 2 ways to a relay work."),
        ([WORKS, WRONG], "1 of 2 ways to a relay work."),
        ([WORKS, WRONG, UNKNOWN], "1 of 3 ways to a relay work. Of 1 it is not known."),
        ([WRONG], "No relay works."),
        ([WRONG, UNKNOWN], "No relay is known to work."),
    ):
        assert sentence(reports) == said


def test_a_row_has_a_cell_for_each_heading():
    assert row(WORKS) == (
        "turns:relay.example (198.51.100.1)",
        "tls",
        "works",
        "198.51.100.1:50000 (documentation)",
        "30.5 ms",
        "12 of 12 datagrams came back",
    )
    bad = row(WRONG)
    assert len(bad) == len(HEADINGS)
    assert bad[:5] == ("turn:relay.example", "udp", "wrong-credentials", "-", "-")
    assert "\x1b" not in bad[5]
    address = replace(WORKS, uri=Uri.parse("turn:198.51.100.1"))
    assert row(address)[0] == "turn:198.51.100.1"


def test_says_what_to_do_once_and_what_will_be_wrong_soon():
    over_tcp = replace(WRONG, transport=Transport.TCP)
    said = remarks([WORKS, WRONG, over_tcp, WRONG], now=0.5 * DAY)
    assert said == [
        "turns:relay.example over TLS: Its certificate expires in 9 days.",
        "turn:relay.example over UDP and TCP: Check the password.",
    ]
    assert remarks([WORKS], now=8.5 * DAY) == [
        "turns:relay.example over TLS: Its certificate expires in 1 day."
    ]
    assert remarks([replace(WORKS, tls=None)]) == []


def test_json_has_what_the_contract_says_first():
    made = item(WORKS, now=0.5 * DAY)
    assert list(made)[:5] == ["uri", "outcome", "relayed", "rtt_ms", "why"]
    assert json.loads(json.dumps(made)) == {
        "uri": "turns:relay.example",
        "outcome": "works",
        "relayed": "198.51.100.1:50000",
        "rtt_ms": 30.5,
        "why": "12 of 12 datagrams came back",
        "remedy": None,
        "usable": True,
        "transport": "tls",
        "server": "198.51.100.1:3478",
        "redirected_by": None,
        "scope": "documentation",
        "mapped": "203.0.113.1:4000",
        "lifetime": 600,
        "software": made["software"],
        "open": False,
        "echo": {
            "peer": "203.0.113.1",
            "sent": 12,
            "received": 11,
            "loss": 0.083,
            "rtt_min_ms": 20.0,
            "rtt_ms": 30.5,
        },
        "tls": {
            "version": "TLSv1.3",
            "subject": "relay.example",
            "names": ["relay.example"],
            "issuer": "An Authority",
            "days_left": 9,
        },
        "steps": [
            {"step": "connect", "outcome": "ok", "ms": 12.5, "text": None},
            {"step": "echo", "outcome": "ok", "ms": None, "text": None},
        ],
    }
    assert "\x1b" not in made["software"]


def test_json_of_a_relay_that_fails_has_the_same_fields():
    made = item(UNKNOWN)
    assert list(made) == list(item(WORKS))
    assert (made["usable"], made["relayed"], made["rtt_ms"], made["echo"]) == (None,) * 4
    assert made["remedy"] == "Check the password."
