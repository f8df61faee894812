import json

import pytest

from stunkit.cli.render import check as render
from stunkit.cli.status import ExitStatus
from stunkit.conformance.catalogue import CASES
from stunkit.conformance.verdict import Outcome, Verdict, failed, passed, skipped, unknown
from stunkit.endpoint import Endpoint
from stunkit.net.check import CaseResult, CheckResult, Way
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport, Uri

NAME = Uri.parse("stun.example.org")
SERVER = Endpoint.of("198.51.100.1", 3478)
REQUEST = Message.request(Method.BINDING, bytes(12)).raw
BY_ID = {case.id: case for case in CASES}
HOSTILE = "\x1b[2J"


def way(verdicts, transport=Transport.UDP, *, is_answered=True):
    results = tuple(CaseResult(BY_ID[name], verdict) for name, verdict in verdicts.items())
    return Way(SERVER, transport, results, is_answered, 42)


def result(*ways):
    return CheckResult(NAME, ways, 5.678)


def shown(why):
    return Verdict(Outcome.FAIL, why, REQUEST, None)


MIXED = {
    "binding": passed("fine"),
    "unknown-required": shown("answered with a success"),
    "known-unexpected": shown("answered with error 420"),
    "software-hidden": shown(f"it says '{HOSTILE}'"),
    "indication": unknown("lost"),
    "software": skipped("left out"),
}
MISLEADING = {"other-address": failed("same"), "other-answers": passed()}


def test_document_keeps_the_contract():
    document = json.loads(render.to_json(result(way(MIXED))))
    assert document["schema"] == "stunkit/check/1"
    assert document["server"] == "stun:stun.example.org"
    assert document["summary"] == {"pass": 1, "fail": 3, "unknown": 1, "skip": 1}
    case = document["cases"][1]
    assert case == {
        "id": "unknown-required",
        "group": "attributes",
        "cite": "RFC 8489 section 6.3.1",
        "level": "MUST",
        "summary": "refuses an unknown required attribute with 420",
        "transport": "udp",
        "family": "ipv4",
        "outcome": "fail",
        "why": "answered with a success",
        "sent": REQUEST.hex(),
        "received": None,
    }
    assert document["ways"][0] == {
        "server": "198.51.100.1:3478",
        "transport": "udp",
        "family": "ipv4",
        "answered": True,
        "datagrams": 42,
        "filtering": {"verdicts": "unknown", "why": "not asked"},
    }


def test_document_says_nothing_of_filtering_over_tcp():
    document = render.to_document(result(way(MIXED, Transport.TCP)))
    assert document["ways"][0]["filtering"] is None


def test_sentence_names_the_musts_that_are_broken():
    assert render.sentence(result(way(MIXED))) == (
        "stun:stun.example.org breaks a MUST in unknown-required:"
        " 1 pass, 3 fail, 1 unknown, 1 skip."
    )


def test_sentence_has_no_grade():
    clean = {"binding": passed(), "known-unexpected": failed("no")}
    assert render.sentence(result(way(clean))) == (
        "stun:stun.example.org breaks no MUST: 1 pass, 1 fail, 0 unknown, 0 skip."
    )


def test_sentence_says_that_nobody_answers():
    nobody = result(way({"reachable": unknown("silence")}, is_answered=False))
    assert render.sentence(nobody) == "Nobody answers at stun:stun.example.org."


def test_table_has_a_row_for_each_group_and_a_column_for_each_way():
    headings, rows, failed_rows = render.table(result(way(MIXED), way(MISLEADING, Transport.TCP)))
    assert headings == ("", "UDP IPv4", "TCP IPv4")
    assert rows == [
        ("answer", "1 pass", "-"),
        ("attributes", "1 FAIL MUST, 1 FAIL SHOULD", "-"),
        ("outside", "1 FAIL ADVICE", "-"),
        ("discard", "1 unknown", "-"),
        ("behavior", "-", "1 pass, 1 FAIL MUST"),
    ]
    assert failed_rows == [False, True, False, False, True]


def test_faults_come_musts_first_with_what_was_sent_and_received():
    items = render.faults(result(way(MIXED)))
    assert [item.headline.split()[0] for item in items] == ["MUST", "SHOULD", "ADVICE"]
    assert [item.is_broken for item in items] == [True, False, False]
    assert items[0].headline == "MUST unknown-required, UDP IPv4"
    assert items[0].lines == (
        (
            "wanted",
            "the server refuses an unknown required attribute with 420 (RFC 8489 section 6.3.1)",
        ),
        ("found", "answered with a success"),
        ("sent", f"Binding request: {REQUEST.hex()}"),
        ("received", "-"),
    )


def test_the_same_fault_over_several_ways_is_told_once():
    both = result(way(MIXED), way(MIXED, Transport.TCP))
    (headline, *_) = [item.headline for item in render.faults(both)]
    assert headline == "MUST unknown-required, UDP IPv4, TCP IPv4"
    assert render.doubts(both) == ["indication, UDP IPv4, TCP IPv4: unknown: lost"]


def test_what_came_from_the_network_moves_no_cursor():
    texts = [
        *(text for item in render.faults(result(way(MIXED))) for _, text in item.lines),
        *(cell for line in render.lines(result(way(MIXED))) for cell in line),
        render.to_json(result(way(MIXED))),
    ]
    assert not any("\x1b" in text for text in texts)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"junk", "6a756e6b"),
        (REQUEST, f"Binding request: {REQUEST.hex()}"),
        (bytes(100), f"{'00' * 80}... 100 bytes"),
    ],
)
def test_bytes_are_told_in_brief(data, text):
    assert render.brief(data).endswith(text)


def test_facts_say_whether_filtering_verdicts_can_be_trusted():
    facts = render.facts(result(way(MISLEADING)))
    assert facts == [
        "UDP IPv4: Filtering verdicts made with it cannot be trusted (other-address: same)."
    ]


def test_facts_say_what_is_amplified():
    facts = render.facts(result(way({"amplification": passed("blank 20 -> 32")})))
    assert facts[-1] == "UDP IPv4: amplification: blank 20 -> 32."


def test_nothing_is_said_of_a_way_on_which_nobody_answers():
    assert render.facts(result(way({"amplification": skipped("no")}, is_answered=False))) == []


def test_footer_says_how_much_was_asked():
    assert render.footer(result(way(MIXED))) == (
        "asked 198.51.100.1:3478 over udp: 42 datagrams and pieces in 5.7 s"
    )


def test_listing_has_the_rfcs_words():
    text = render.listing([BY_ID["indication"]])
    assert text.startswith("indication (discard, udp, tcp, tls)\n  MUST, RFC 8489 section 6.3.2: ")
    assert 'It says: "No response is generated for an indication."' in text


@pytest.mark.parametrize(
    ("ways", "status"),
    [
        ((way(MIXED),), ExitStatus.REFUSED),
        ((way({"binding": passed(), "software-hidden": failed("x")}),), ExitStatus.FINE),
        ((way({"reachable": failed("x")}, is_answered=False),), ExitStatus.NO_ANSWER),
    ],
)
def test_status_follows_from_the_musts(ways, status):
    from stunkit.cli.check import _status

    assert _status(result(*ways)) is status
