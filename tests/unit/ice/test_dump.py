"""Reading what people paste: forms by example, and nothing is ever refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stunkit.ice.dump import Dump, read_dump, unescape
from stunkit.ice.sdp import Found

SHAPES = Path(__file__).parents[2] / "data/sdp"
LINE = "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host"


def shape(name: str) -> Dump:
    return read_dump((SHAPES / name).read_text())


def places(dump: Dump) -> list[tuple[int, str | None, str]]:
    return [(found.line, found.mid, found.candidate.type) for found in dump.candidates]


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"a={LINE}",
        f"  a={LINE}  ",
        f"\ufeff{LINE}",
        f"- {LINE}",
        f'"{LINE}"',
        f"'{LINE}',",
        f"log: ({LINE}) was added",
        f"log: {LINE} was added",
        f"candidate: {LINE}, url: stun:example.org",
        f"<li>{LINE}</li>",
        json.dumps(LINE),
        json.dumps({"candidate": LINE}),
        json.dumps({"candidate": f"a={LINE}"}),
        json.dumps({"ice": [{"candidate": {"candidate": LINE, "sdpMid": ""}}]}),
        f"text {json.dumps({'candidate': LINE})} text",
        json.dumps(f"m=audio 1 RTP/AVP 0\r\na={LINE}\r\n"),
    ],
)
def test_finds_a_candidate_in(text: str):
    dump = read_dump(text)
    assert [found.candidate.format() for found in dump.candidates] == [LINE]
    assert dump.candidates[0].line == 1
    assert dump.unreadable == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "{}",
        "[]",
        "null",
        "17",
        "candidate:",
        "my candidate: you",
        json.dumps({"candidate": "", "sdpMid": "0"}),
        json.dumps({"candidate": "candidate:"}),
        json.dumps({"candidate": None, "sdp": 5}),
        '{"candidate": ',
        'x {"candidate": ',
        40 * "[" + 40 * "]",
        100_000 * "[",
        'x { "candidate" ' + 100_000 * "[",
    ],
)
def test_finds_nothing_in(text: str):
    assert read_dump(text) == Dump()


def test_depth_has_a_limit():
    text = 40 * "[" + json.dumps(LINE) + 40 * "]"
    assert read_dump(text) == Dump()
    assert len(read_dump(30 * "[" + json.dumps(LINE) + 30 * "]").candidates) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("candidate:1 1 udp 1 192.0.2.1 99999 typ host", "port"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ local", "type"),
        (json.dumps({"candidate": "candidate:1 1 udp"}), "priority"),
        ("m=audio 1 RTP/AVP 0\na=candidate:nonsense", "component"),
        (json.dumps({"candidate": "nonsense"}), "begin with candidate:"),
    ],
)
def test_keeps_what_cannot_be_read(text: str, reason: str):
    dump = read_dump(text)
    assert dump.candidates == ()
    (unreadable,) = dump.unreadable
    assert reason in unreadable.reason
    assert unreadable.line == text.count("\n") + 1


def test_reads_json_candidates_with_their_places():
    assert places(shape("chrome-candidates.json")) == [
        (3, "0", "host"),
        (9, "0", "srflx"),
        (15, "0", "host"),
        (21, "0", "relay"),
    ]


def test_reads_both_sides_of_webrtc_internals():
    dump = shape("chrome-internals.json")
    sides = [(found.origin, found.candidate.type) for found in dump.candidates]
    assert sides == [
        ("connection 17-3 local", "host"),
        ("connection 17-3 local", "srflx"),
        ("connection 17-3 remote", "host"),
    ]
    assert [one.origin for one in dump.descriptions] == [
        "connection 17-3 local",
        "connection 17-3 remote",
    ]


def test_reads_the_page_of_webrtc_internals():
    assert places(shape("chrome-internals.txt")) == [
        (6, "0", "host"),
        (8, "0", "srflx"),
        (10, "0", "relay"),
    ]


def test_reads_the_table_of_the_trickle_ice_page():
    dump = shape("trickle-ice.txt")
    assert places(dump) == [
        (2, None, "host"),
        (3, None, "host"),
        (4, None, "srflx"),
        (5, None, "relay"),
    ]
    assert all(found.is_partial for found in dump.loose)
    assert len(shape("trickle-ice-with-component.txt").candidates) == 2


def test_reads_about_webrtc_as_the_sdp_in_it():
    page, sdp = shape("firefox-about-webrtc.html"), shape("firefox-gathered.sdp")
    assert [one.candidate for one in page.candidates] == [one.candidate for one in sdp.candidates]
    assert len(page.descriptions) == 1


def test_reads_escaped_sdp_in_json_and_in_a_log():
    plain = shape("safari-trickled.sdp").candidates
    for text in ((SHAPES / "offer-escaped.json").read_text(),):
        for form in (text, f"10:02 sending {text}", json.loads(text)["sdp"], text[1:-3]):
            found = read_dump(form).candidates
            assert [one.candidate for one in found] == [one.candidate for one in plain]


def test_line_of_its_own_keeps_unknown_extensions_and_a_log_does_not():
    text = f"{LINE} generation 0 color blue"
    assert read_dump(text).candidates[0].candidate.format() == text
    (found,) = read_dump(f"got {text}").candidates
    assert found.candidate.extensions == (("generation", "0"),)


def test_several_descriptions_stay_apart():
    text = (SHAPES / "aiortc.sdp").read_text()
    answer = text.replace("40123", "40124").replace("o=- 39", "o=- 38")
    assert len(read_dump(text + answer).descriptions) == 2
    assert len(read_dump(f"offer:\n{text}\nanswer:\n{answer}").descriptions) == 2
    assert len(read_dump(f"{text}\n{text}").descriptions) == 1  # said twice


def test_candidate_that_is_said_twice_comes_once():
    sdp = f"m=audio 1 RTP/AVP 0\na=mid:0\na={LINE}\n"
    trickled = json.dumps({"candidate": LINE, "sdpMid": "0"})
    dump = read_dump(f"{sdp}\nand\n{trickled}\n")
    assert len(dump.candidates) == 1
    assert len(dump.loose) == len(dump.descriptions) == 1
    other = json.dumps({"candidate": LINE, "sdpMid": "1"})
    assert len(read_dump(f"{trickled}\n{other}").candidates) == 2


def test_line_index_stands_for_the_section_without_a_mid():
    (found,) = read_dump(json.dumps({"candidate": LINE, "sdpMLineIndex": 3})).candidates
    assert (found.section, found.mid) == (3, None)
    (found,) = read_dump(f"sdpMLineIndex: 2, candidate: {LINE}").candidates
    assert found.section == 2
    assert isinstance(found, Found)


def test_finds_the_line_of_json_in_another_spelling():
    text = '[\n"\\u0063andidate:1 1 udp 1 192.0.2.1 1 typ host",\n' + json.dumps(LINE) + "]"
    assert [found.line for found in read_dump(text).candidates] == [1, 3]


def test_unescapes_only_what_is_escaped():
    assert unescape(r"a=x\r\na=y") == "a=x\na=y"
    assert unescape(r"C:\new\readme") == r"C:\new\readme"


@pytest.mark.parametrize(
    "text",
    [
        "candidate:1 1 udp 1 " * 5000,
        '["' + '","'.join(f"m=\\u0061{number}" for number in range(5000)) + '"]',
    ],
    ids=["candidates in one line", "JSON in another spelling"],
)
def test_takes_no_longer_than_a_text_is_long(text: str):
    read_dump(text)  # what is quadratic would take minutes
