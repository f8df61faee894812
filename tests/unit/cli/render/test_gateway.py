from __future__ import annotations

import json
from ipaddress import IPv4Address

import pytest

from stunkit.cli.render.gateway import HEADINGS, advice, rows, sentence, to_document
from stunkit.nat.gateway import GatewayReport, MappingProtocol, Reply
from stunkit.nat.layers import Layers, SecondNat

PCP, PMP, IGD = MappingProtocol
WAN = IPv4Address("100.64.0.2")
REPLIES = (
    Reply(PCP, is_answered=False, why="no answer"),
    Reply(PMP, is_answered=True, why="it has none", is_nameless=True),
    Reply(IGD, is_answered=True, why="a \x1b[2J router", addresses=(WAN,), maps=True),
)
REPORT = GatewayReport(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), REPLIES, "")
LAYERS = Layers(SecondNat.PROVEN, "the gateway's own address is 100.64.0.2")
NOBODY = GatewayReport(None, None, (), "tun0 leads there without a gateway")


def test_json_says_what_is_known():
    document = json.loads(json.dumps(to_document(REPORT, LAYERS)))
    assert document["double_nat"] == "proven"
    assert document["why"] == LAYERS.why
    assert document["gateway"] == "10.0.0.1"
    assert document["port_mapping"] is True
    assert document["next_hop"] is None
    assert document["protocols"] == [
        {
            "protocol": "PCP",
            "answered": False,
            "addresses": [],
            "port_mapping": None,
            "why": "no answer",
        },
        {
            "protocol": "NAT-PMP",
            "answered": True,
            "addresses": [],
            "port_mapping": None,
            "why": "it has none",
        },
        {
            "protocol": "UPnP IGD",
            "answered": True,
            "addresses": ["100.64.0.2"],
            "port_mapping": True,
            "why": r"a \x1b[2J router",
        },
    ]


def test_json_of_no_gateway_is_null_and_has_a_why():
    document = to_document(NOBODY, Layers(SecondNat.UNKNOWN, NOBODY.why))
    assert (document["gateway"], document["port_mapping"], document["protocols"]) == (
        None,
        None,
        [],
    )
    assert document["why"] == NOBODY.why


def test_json_names_the_router_behind_the_gateway():
    report = REPORT._replace(next_hop=IPv4Address("100.64.0.1"))
    assert to_document(report, LAYERS)["next_hop"] == "100.64.0.1"


def test_a_row_has_a_cell_for_each_heading():
    assert rows(REPORT) == [
        ("PCP", "no answer", "-", "-"),
        ("NAT-PMP", "yes", "none", "unknown"),
        ("UPnP IGD", "yes", "100.64.0.2", "offers to"),
    ]
    assert {len(row) for row in rows(REPORT)} == {len(HEADINGS)}


def test_an_address_that_is_not_said_is_not_none():
    report = REPORT._replace(replies=(Reply(PCP, is_answered=True, why="", maps=False),))
    assert rows(report) == [("PCP", "yes", "not said", "no")]


@pytest.mark.parametrize("second", SecondNat)
def test_every_verdict_has_a_sentence(second: SecondNat):
    assert sentence(Layers(second, "so it is")).endswith(": so it is.")


def test_advice_is_for_what_can_be_changed():
    assert "IPv6" in advice(REPORT, LAYERS)
    one = Layers(SecondNat.NO, "")
    assert advice(REPORT, one) == ""
    refusal = REPORT._replace(replies=(Reply(PCP, is_answered=True, why="", maps=False),))
    assert "settings" in advice(refusal, one)
