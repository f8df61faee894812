from __future__ import annotations

import pytest

from stunkit.errors import UsageError
from stunkit.ice.sdp import (
    Description,
    Line,
    RtcpAddress,
    Unreadable,
    parse_leniently,
    parse_sdp,
    split_line,
)

OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
c=IN IP4 192.0.2.1/127
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0
a=ice-ufrag:sess
a=ice-pwd:sessionsessionsession12
a=ice-options:trickle ice2
m=audio 5000/2 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=rtcp:5001 IN IP4 192.0.2.9
a=RTCP-MUX
a=ice-ufrag:medi
a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host
a=candidate:oh no
a=end-of-candidates
noise
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP6 ::
a=mid: 1
a=rtcp:http
"""


def parse(text: str) -> Description:
    return parse_sdp(Line(number, line) for number, line in enumerate(text.split("\n"), 1))


def test_reads_sections():
    offer = parse(OFFER)
    session, audio, data = offer.sections
    assert (session.index, session.line, session.kind) == (None, 1, "")
    assert (audio.index, audio.line, audio.kind, audio.port) == (0, 11, "audio", 5000)
    assert (data.index, data.line, data.kind, data.port) == (1, 20, "application", 9)
    assert (audio.protocol, data.protocol) == ("UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP")
    assert (audio.is_rtp, data.is_rtp) == (True, False)
    assert (audio.mid, data.mid) == ("0", "1")


def test_reads_addresses():
    offer = parse(OFFER)
    audio, data = offer.media
    assert (offer.connection(audio), offer.connection(data)) == ("192.0.2.1", "::")
    assert (audio.rtcp, data.rtcp) == (RtcpAddress(5001, "192.0.2.9"), None)
    assert parse("m=audio 1 RTP/AVP 0\na=rtcp:7").media[0].rtcp == RtcpAddress(7, None)


def test_section_inherits_from_the_session():
    offer = parse(OFFER)
    audio, data = offer.media
    assert offer.inherited(audio, "ice-ufrag") == "medi"
    assert offer.inherited(data, "ice-ufrag") == "sess"
    assert offer.inherited(data, "setup") is None


def test_candidates_keep_their_place():
    offer = parse(OFFER)
    (found,) = offer.candidates
    assert (found.line, found.section, found.mid) == (16, 0, "0")
    (broken,) = offer.media[0].unreadable
    assert broken == Unreadable(17, "candidate:oh no", "its transport is missing")


def test_reads_flags_and_groups():
    offer = parse(OFFER)
    assert offer.groups == (("0", "1"),)
    assert offer.media[0].has("rtcp-mux")
    assert not offer.is_lite
    assert parse("v=0\na=ice-lite").is_lite
    assert offer.session.options == ("trickle", "ice2")


def test_knows_when_more_candidates_may_follow():
    offer = parse(OFFER)
    assert [offer.is_trickling(section) for section in offer.media] == [False, True]
    assert not parse("m=audio 9 RTP/AVP 0").is_trickling(parse("m=audio 9 RTP/AVP 0").media[0])


@pytest.mark.parametrize(
    "text", ["", "\n\n", "noise", "m=", "m=audio", "m=audio x y", "c=IN", "a=", "a=candidate", "m"]
)
def test_bears_anything(text: str):
    for section in parse(text).sections:
        assert section.port == 0
        assert section.candidates == ()


def test_bears_a_fragment():
    fragment = parse("a=ice-ufrag:abcd\nm=audio 9 RTP/AVP 0\na=mid:0")
    assert fragment.session.value("ice-ufrag") == "abcd"
    assert len(fragment.media) == 1
    assert len(parse("m=audio 9 RTP/AVP 0").media) == 1


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a=mid:0", ("a", "mid:0")),
        ("  a=mid:0 \r\n", ("a", "mid:0 ")),
        ("mid:0", None),
        ("A=mid", None),
        ("", None),
    ],
)
def test_splits_lines(text: str, pair: tuple[str, str] | None):
    assert split_line(text) == pair


def test_spaces_too_many_are_no_fault():
    line = "candidate:1 1 udp 1 192.0.2.1 1 typ host"
    assert parse_leniently(f"candidate: {line.partition(':')[2]}  ") == parse_leniently(line)
    with pytest.raises(UsageError):
        parse_leniently("candidate: ")
