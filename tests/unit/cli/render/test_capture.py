import json

from stunkit.cli.render.capture import (
    Overview,
    conversation_document,
    conversation_lines,
    document,
    heading,
    message_document,
    sentences,
    transaction_document,
    transaction_rows,
)
from stunkit.cli.render.spans import plain
from stunkit.dissect.conversation import conversations
from stunkit.dissect.flow import Flow, Pair
from stunkit.dissect.sighting import Tally
from stunkit.wire.registry import Method
from tests.packets import ALICE, BOB, SERVER
from tests.unit.dissect.conversing import answer, check, request, run

THROUGH = f"nominated by {ALICE}, through the relay {SERVER}"
SIGHTINGS = [
    request(1, at=10.0),
    answer(1, at=10.025),
    request(2, at=11.0),
    request(2, at=11.5),
    request(3, method=Method.ALLOCATE, at=12.0, relay=None),
    answer(3, method=Method.ALLOCATE, code=401, at=12.01),
    check(4, "bob:alice", ends=(ALICE, BOB), nominate=True, at=13.0, relay=SERVER),
    answer(4, ends=(BOB, ALICE), at=13.1, relay=SERVER),
    request(5, at=14.0),
    answer(5, at=14.1, ends=(BOB, ALICE)),
]


def overview(flow: Flow | None = None, **given) -> Overview:
    flow = flow or run(*SIGHTINGS)[0]
    parts = {"tally": Tally(frames=12), "messages": 10, "faulty": 0, "trouble": ""} | given
    return Overview("a.pcap", flow=flow, conversations=conversations(flow.transactions), **parts)


def test_says_what_is_in_a_capture():
    said = sentences(overview())
    assert said[0] == "a.pcap: 10 STUN messages in 12 frames, over 4.100 s."
    assert said[1] == "ICE between alice and bob: 1 pair checked, 1 answered, 1 nominated."


def test_says_what_kept_more_from_being_seen():
    flow = Flow(copies=1, orphans=2, indications=3, channel_data=4)
    tally = Tally(frames=12, fragments=1, cut=2, unknown_link=3)
    said = sentences(overview(flow, tally=tally, faulty=1, trouble="it is cut short"))
    assert said[1:] == [
        "1 message broken or wrong: --tree shows where.",
        "1 message seen again at another interface.",
        "2 answers without request.",
        "3 indications which nobody answers.",
        "4 messages of ChannelData.",
        "1 fragment of IP: they are not put together.",
        "2 packets cut by the limit on length of the capture.",
        "3 frames of a link type that is not read here.",
        "a.pcap: it is cut short.",
    ]


def test_says_that_there_is_no_stun():
    (said,) = sentences(overview(Flow(), messages=0))
    assert said == "a.pcap: no STUN in 12 frames. --classic looks for that of RFC 3489 too."


def test_shows_who_asked_whom_and_what_came_of_it():
    printed = [" ".join(plain(line).split()) for line in conversation_lines(overview())]
    ends = "10.0.0.2:40000 198.51.100.1:3478"
    assert printed[1:] == [
        f"server query {ends} udp 3 2 0 1 1 62.500 ms",
        "seen as 10.0.0.2:40000, 1 answered from another endpoint",
        f"TURN {ends} udp 1 0 1 0 0 10.000 ms",
        "Allocate 1, 401 Because 1x",
        "ICE checks 10.0.0.2:40000 203.0.113.7:50000 udp, relayed 1 1 0 0 0 100.000 ms",
        f"ufrags alice and bob, {ALICE} controlling, {THROUGH}, seen as {ALICE}",
    ]


def test_shows_each_transaction():
    rows = [[text for text, _ in row] for row in transaction_rows(overview())]
    assert [row[7] for row in rows[1:]] == [
        "seen as 10.0.0.2:40000",
        "unanswered",
        "401 Because",
        "seen as 10.0.0.2:40000",
        "seen as 10.0.0.2:40000, from 203.0.113.7:50000",
    ]
    assert rows[2][6:] == ["2", "unanswered", "-"]
    assert rows[1][1] == "0.000000"


def test_heads_a_message_of_a_capture():
    line = plain(heading(SIGHTINGS[6], Pair.REQUEST, 10.0))
    through = "10.0.0.2:40000 to 203.0.113.7:50000 through 198.51.100.1:3478 over udp"
    assert line == f"frame 1  3.000000  {through}  request"


def test_documents_are_json_and_say_unknown_with_null():
    shown = overview()
    first, second, refused, checked, _ = map(transaction_document, shown.flow.transactions)
    assert (first["rtt_ms"], first["outcome"], first["frames"]) == (25.0, "success", [1])
    assert (second["rtt_ms"], second["retransmissions"]) == (None, 1)
    assert refused["error"] == {"code": 401, "reason": "Because"}
    assert (checked["ufrags"], checked["role"]) == (["alice", "bob"], "controlling")
    talks = [conversation_document(one) for one in shown.conversations]
    assert talks[0]["rtt_ms"] == {"min": 25.0, "median": 62.5, "max": 100.0, "known": 2}
    assert talks[2]["nominated_by"] == str(ALICE)
    assert conversation_document(conversations([shown.flow.transactions[1]])[0])["rtt_ms"] is None
    about = message_document(SIGHTINGS[0], Pair.REQUEST, shown.flow.transactions[0])
    assert (about["source"], about["transaction"], about["relay"]) == (str(ALICE), 0, None)
    whole = document(shown)
    assert (whole["name"], whole["trouble"], whole["frames"]) == ("a.pcap", None, 12)
    for one in (first, *talks, about, whole):
        json.dumps(one)
