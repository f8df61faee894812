from __future__ import annotations

import pytest

from stunkit.ice.description_lint import is_carried, lint_description, uses_ice
from stunkit.ice.finding import Code, Severity
from stunkit.ice.sdp import Description, Line, parse_sdp

ICE = "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n"
HOST = "a=candidate:1 1 udp 2130706431 192.31.196.7 5000 typ host\n"
SECOND = "a=candidate:1 2 udp 2130706430 192.31.196.7 5001 typ host\n"
AUDIO = f"v=0\nc=IN IP4 192.31.196.7\nt=0 0\nm=audio 5000 RTP/AVP 0\n{ICE}{HOST}"
MUXED = "a=rtcp-mux\n"


def parse(text: str) -> Description:
    return parse_sdp(Line(number, line) for number, line in enumerate(text.split("\n"), 1))


def findings(text: str) -> list[tuple[Code, Severity]]:
    return [(one.code, one.severity) for one in lint_description(parse(text))]


def codes(text: str) -> list[Code]:
    return [code for code, _ in findings(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0\n",
        AUDIO,
        AUDIO + SECOND,
        AUDIO + SECOND + "a=rtcp:5001\n",
        AUDIO + SECOND + "a=rtcp:9 IN IP4 0.0.0.0\n",
        AUDIO + MUXED,
        AUDIO.replace("m=audio 5000", "m=audio 9").replace("192.31.196.7\nt", "0.0.0.0\nt"),
        AUDIO.replace("c=IN IP4 192.31.196.7\n", ""),
        AUDIO.replace("c=IN IP4 192.31.196.7", "c=IN IP4 phone.example.org"),
        AUDIO.replace("c=IN IP4 192.31.196.7", "c=IN IP4 0.0.0.0"),
        AUDIO + "m=video 0 RTP/AVP 31\n",
        f"v=0\nm=audio 9 RTP/AVP 0\n{ICE}a=ice-options:trickle\n",
        f"v=0\n{ICE}a=ice-lite\nm=audio 9 RTP/AVP 0\n{HOST}",
    ],
)
def test_says_nothing_of_what_is_right(text: str):
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("v=0\nm=audio 5000 RTP/AVP 0\n", (Code.NO_ICE, Severity.INFO)),
        (AUDIO.replace(HOST, ""), (Code.NO_CANDIDATES, Severity.WARNING)),
        (AUDIO.replace("abcd", "abc"), (Code.CREDENTIALS_INVALID, Severity.ERROR)),
        (AUDIO.replace("abcd", 257 * "a"), (Code.CREDENTIALS_INVALID, Severity.ERROR)),
        (AUDIO.replace("abcd", "ab-cd"), (Code.CREDENTIALS_INVALID, Severity.ERROR)),
        (AUDIO.replace("8901\n", "\n"), (Code.CREDENTIALS_INVALID, Severity.ERROR)),
        (AUDIO.replace("a=ice-ufrag:abcd\n", ""), (Code.CREDENTIALS_MISSING, Severity.ERROR)),
        (AUDIO.replace("host", "host ufrag zzzz"), (Code.UFRAG_STALE, Severity.WARNING)),
        (AUDIO.replace("m=audio 5000", "m=audio 5002"), (Code.DEFAULT_MISMATCH, Severity.WARNING)),
        (AUDIO.replace("7\nt=0 0", "8\nt=0 0"), (Code.DEFAULT_MISMATCH, Severity.WARNING)),
        (AUDIO + SECOND.replace("5001", "5003"), (Code.RTCP_MISMATCH, Severity.WARNING)),
        (AUDIO + SECOND + "a=rtcp:5007\n", (Code.RTCP_MISMATCH, Severity.WARNING)),
        (AUDIO + SECOND + MUXED, (Code.COMPONENT_UNUSED, Severity.INFO)),
        (AUDIO + SECOND + MUXED + "a=rtcp-mux-only\n", (Code.COMPONENT_UNUSED, Severity.WARNING)),
        (AUDIO + SECOND.replace(" 2 ", " 3 "), (Code.COMPONENT_UNKNOWN, Severity.WARNING)),
        (
            AUDIO.replace("audio", "application").replace("RTP/AVP", "UDP/DTLS/SCTP") + SECOND,
            (Code.COMPONENT_UNKNOWN, Severity.WARNING),
        ),
        (AUDIO + "a=ice-options:trickle\n", (Code.END_MISSING, Severity.INFO)),
        (AUDIO + "a=ice-mismatch\n", (Code.ICE_MISMATCH, Severity.WARNING)),
        (AUDIO.replace("t=0 0\n", HOST), (Code.OUTSIDE_MEDIA, Severity.ERROR)),
        (AUDIO + f"m=video 0 RTP/AVP 31\n{HOST}", (Code.REJECTED_SECTION, Severity.WARNING)),
        (
            AUDIO.replace("t=0 0", "a=ice-lite").replace("192.31.196.7", "10.0.0.1"),
            (Code.LITE_NOT_PUBLIC, Severity.WARNING),
        ),
        (
            AUDIO.replace("t=0 0", "a=ice-lite").replace("typ host", "typ relay"),
            (Code.LITE_NOT_HOST, Severity.ERROR),
        ),
        (
            AUDIO + f"m=video 5000 RTP/AVP 0\n{ICE}{HOST}".replace("01\n", "XX\n"),
            (Code.CREDENTIALS_DIFFER, Severity.ERROR),
        ),
    ],
)  # fmt: skip
def test_finds_the_fault(text: str, finding: tuple[Code, Severity]):
    assert findings(text) == [finding]


BUNDLE = (
    f"v=0\na=group:BUNDLE 0 1\nm=audio 9 RTP/AVP 0\na=mid:0\n{ICE}{HOST}"
    "m=video 9 RTP/AVP 31\na=mid:1\n"
)


def test_bundle_carries_its_later_sections():
    offer = parse(BUNDLE)
    assert [is_carried(offer, section) for section in offer.media] == [False, True]
    assert findings(BUNDLE) == []


def test_bundle_needs_its_candidates_once():
    assert codes(BUNDLE + HOST) == [Code.BUNDLE_REPEATED]
    assert codes(BUNDLE + HOST.replace("5000", "6000")) == []  # an offer may still fall apart
    only = BUNDLE.replace("m=video 9", "m=video 0") + "a=bundle-only\n"
    assert codes(only) == []
    assert codes(only + HOST) == [Code.BUNDLE_ONLY]


def test_credentials_may_stand_before_the_first_section():
    text = AUDIO.replace(ICE, "").replace("t=0 0\n", f"t=0 0\n{ICE}")
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "uses"),
    [(AUDIO, True), (f"v=0\n{ICE}", True), (f"m=audio 1 RTP/AVP\n{HOST}", True), ("v=0", False)],
)
def test_knows_ice(*, text: str, uses: bool):
    assert uses_ice(parse(text)) is uses
