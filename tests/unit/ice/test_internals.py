from __future__ import annotations

import pytest

from stunkit.ice.internals import members, unfold
from stunkit.ice.sdp import Line

SDP = ["v=0", "o=- 1", "s=-", "m=audio 9 RTP/AVP 0", "a=mid:0", "a=sendrecv"]
BEHIND = [  # as Chromium 156 has it in the text of the page
    "Copy description to clipboard",
    "o=- 1",
    "s=-",
    "v=0 (2 more lines)",
    "a=mid:0",
    "a=sendrecv",
    "m=audio 9 RTP/AVP 0 (2 more lines) direction=sendrecv mid=0",
]
BEFORE = [
    "v=0 (2 more lines)",
    "o=- 1",
    "s=-",
    "m=audio 9 RTP/AVP 0 (2 more lines)",
    "a=mid:0",
    "a=sendrecv",
]


def unfolded(texts: list[str]) -> list[str]:
    return [line.text for line in unfold(Line(1, text) for text in texts)]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ([], []),
        (SDP, SDP),
        (BEHIND, [BEHIND[0], *SDP]),
        (BEFORE, SDP),
        (["v=0 (6 more lines)", "m=audio 9 X 0 (9 more lines)", "text"], ["text"]),
        (["v=0 (6 more lines)"], []),
        (["a=x", "m=audio 9 X 0 (0 more lines)"], ["a=x", "m=audio 9 X 0"]),
        (["a=x", "a=y", "m=audio 9 X 0 (1 more line)"], ["a=x", "m=audio 9 X 0", "a=y"]),
        (["text", "a=x", "text"], ["text", "a=x", "text"]),
    ],
)
def test_unfolds_parts_of_sdp(texts: list[str], wanted: list[str]):
    assert unfolded(texts) == wanted


def test_lines_keep_their_numbers():
    lines = list(unfold(Line(number, text) for number, text in enumerate(BEHIND, 1)))
    assert [line.number for line in lines] == [1, 4, 2, 3, 7, 5, 6]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"PeerConnections": {}}, [("", {})]),
        ({"1-2": {"updateLog": []}}, [("connection 1-2", {"updateLog": []})]),
        ({"updateLog": [1], "stats": {"ip": "x"}}, [("", [1])]),
        ({"type": "onicecandidate", "value": "x"}, [("local", "x")]),
        ({"type": "icecandidate", "value": "x"}, [("local", "x")]),
        ({"type": "addIceCandidate", "value": "x"}, [("remote", "x")]),
        ({"type": "setLocalDescriptionOnSuccess", "value": "x"}, [("local", "x")]),
        (
            {"type": "setRemoteDescription", "value": "type: answer, sdp: v=0\nm="},
            [("remote", "type: answer, \nv=0\nm=")],
        ),
        ({"type": "createOfferOnSuccess", "value": "v=0"}, []),
        ({"type": "offer", "sdp": "v=0"}, [("", "offer"), ("", "v=0")]),
    ],
)
def test_reads_what_was_really_used(value: dict[str, object], wanted: list[tuple[str, object]]):
    assert list(members(value, "")) == wanted


def test_keeps_the_connection():
    event = {"type": "onicecandidate", "value": "x"}
    assert list(members(event, "connection 1-2")) == [("connection 1-2 local", "x")]
