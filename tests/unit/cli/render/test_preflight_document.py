import json

import pytest

from stunkit.call.facts import Facts
from stunkit.call.forecast import COMMON, Peer, forecast
from stunkit.call.token import format_token
from stunkit.cli.render.preflight_document import to_json
from stunkit.net.preflight_report import Part
from stunkit.net.relay.report import RelayOutcome
from tests.preflights import BLOCKED, SYMMETRIC, preflight, relay, report, router

TOKEN = format_token(Facts.of_kind("full-cone"))


def document(found, *peers: str, **more):
    foretold = forecast(found.facts, [Peer.parse(one) for one in peers], found.unproven)
    return json.loads(to_json(found, foretold, **more))


def test_has_the_fields_of_the_contract_in_its_order():
    whole = document(preflight(relays=(relay(),)))
    names = ["schema", "verdict", "reasons", "peers", "facts", "turn", "quality"]
    assert list(whole) == names
    assert whole["schema"] == "stunkit/preflight/1"
    assert list(whole["peers"]) == list(COMMON)
    assert list(whole["turn"][0])[:5] == ["uri", "outcome", "relayed", "rtt_ms", "why"]
    assert list(whole["quality"])[:3] == ["rtt_ms", "jitter_ms", "loss"]
    assert whole["quality"] | {"rtt_ms": 40.0, "jitter_ms": 2.0, "loss": 0.0} == whole["quality"]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (preflight(), "direct"),
        (preflight(SYMMETRIC, relays=(relay(),)), "relay"),
        (preflight(BLOCKED), "blocked"),
        (preflight(report(mapping=None)), "unknown"),
        (preflight(SYMMETRIC, relays=(relay(RelayOutcome.UNPROVEN),)), "unknown"),
    ],
)
def test_verdict_is_one_of_the_contracts_words(found, verdict):
    assert document(found)["verdict"] == verdict


def test_peers_that_are_asked_about_stand_by_kind_and_by_token():
    peers = document(preflight(SYMMETRIC), TOKEN, "carrier")["peers"]
    assert list(peers) == [*COMMON, TOKEN, "carrier"]
    assert (peers[TOKEN], peers["carrier"]) == ("direct", "blocked")


def test_facts_say_against_whom_and_what_is_possible():
    facts = document(preflight())["facts"]
    assert (facts["against"], facts["possible"]) == ("port-restricted", ["direct"])
    assert facts["family"] == "ipv4"
    assert facts["ipv4"]["mapping"] == "endpoint-independent"
    assert facts["ipv6"] is None
    assert facts["router"]["double_nat"] == "unknown"
    assert facts["candidates"][0]["type"] == "host"
    assert facts["token"].startswith("stunkit-")


def test_what_was_not_found_out_is_null_and_says_why():
    problems = {Part.QUALITY: "no server answered over UDP"}
    found = preflight(nat=None, quality=None, gathered=None, gateway=None, problems=problems)
    whole = document(found)
    assert whole["quality"] == {
        "rtt_ms": None,
        "jitter_ms": None,
        "loss": None,
        "why": "no server answered over UDP",
    }
    facts = whole["facts"]
    assert (facts["ipv4"], facts["router"], facts["candidates"]) == (None, None, [])
    assert facts["problems"] == {"quality": "no server answered over UDP"}


def test_redacted_document_has_no_address_and_no_token_of_others():
    found = preflight(relays=(relay(),), gateway=router("100.64.0.1"))
    text = json.dumps(document(found, TOKEN, redacts=True))
    assert not [one for one in ("10.0.0.", "203.0.113.", "198.51.100.", TOKEN) if one in text]
    whole = json.loads(text)
    assert whole["peers"]["token"] == "direct"
    assert whole["facts"]["against"] == "token"
    assert whole["facts"]["candidates"][0]["address"] == "ipv4-private-1.invalid"
