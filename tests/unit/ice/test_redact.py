from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stunkit.ice.candidate import Candidate
from stunkit.ice.dump import read_dump
from stunkit.ice.lint import lint
from stunkit.ice.redact import Redactor
from stunkit.ice.scope import family_of, scope_of

SHAPES = sorted((Path(__file__).parents[2] / "data/sdp").iterdir())
SECRETS = re.compile(  # what the shapes have that nobody else should see
    r"192\.168\.\d|192\.31\.196|192\.175\.48|2620:4f|fd12:|\b[0-9a-f-]{36}\.local|4E:0A"
    r"|Oyef|9dKR|e5sC|59a3f2b1|kD9z|4dcee34b|WK49|8WcSPkpqvr|0c2f8a9e|\b842163049\b|Hc0a80122"
    r"|\bphone \d",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    return Redactor().text(text)


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.name)
def test_hides_everything_in_real_shapes(path: Path):
    text = path.read_text()
    redacted = redact(text)
    if path.name != "chrome-trickle.sdp":
        assert SECRETS.search(text)
    assert not SECRETS.search(redacted)
    assert redacted.count("\n") == text.count("\n")


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.name)
def test_keeps_what_things_are(path: Path):
    text = path.read_text()
    before, after = read_dump(text).candidates, read_dump(redact(text)).candidates
    assert len(before) == len(after)
    stand_ins: dict[tuple[str, str], str] = {}
    for one, other in zip(before, after, strict=True):
        first, second = one.candidate, other.candidate
        assert (one.line, one.section, one.mid) == (other.line, other.section, other.mid)
        for name in ("component", "transport", "priority", "port", "type", "tcptype"):
            assert getattr(first, name) == getattr(second, name)
        assert Candidate.parse(second.format()) == second
        pairs = [("foundation", first.foundation, second.foundation)]
        for a, b in (
            (first.address, second.address),
            (first.related_address, second.related_address),
        ):
            assert (a is None) is (b is None)
            if a is not None and b is not None:
                assert (scope_of(a), family_of(a)) == (scope_of(b), family_of(b))
                pairs.append(("address", a, b))
        for kind, a, b in pairs:
            assert stand_ins.setdefault((kind, a), b) == b
    assert len(set(stand_ins.values())) == len(stand_ins) or len(
        {(kind, b) for (kind, _), b in stand_ins.items()}
    ) == len(stand_ins)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("10.0.0.1", "ipv4-private-1.invalid"),
        ("10.0.0.1:5000, 8.8.8.8.", "ipv4-private-1.invalid:5000, ipv4-public-1.invalid."),
        ("10.0.0.1 10.0.0.2 10.0.0.1", "ipv4-private-{1}.invalid"),
        ("[fd00::1]:5000", "[ipv6-unique-local-1.invalid]:5000"),
        ("fe80::1%eth0 x", "ipv6-link-local-1.invalid x"),
        ("stun:2001:db8::1", "stun:ipv6-documentation-1.invalid"),
        ("ip:2600::1", "ip:ipv6-public-1.invalid"),
        ("2600:0:0:0:0:0:0:1 2600::1", "ipv6-public-1.invalid ipv6-public-1.invalid"),
        ("::ffff:10.0.0.1", "ipv4-private-1.invalid"),
        ("x.local a-b.LOCAL", "mdns-1.local mdns-2.local"),
        ("0.0.0.0 :: 127.0.0.1 ::1", "0.0.0.0 :: 127.0.0.1 ::1"),
        ("at 10:02:17 AM", "at 10:02:17 AM"),
        ("aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ff"),
        ("1.2.3 1.2.3.4.5 300.1.1.1", "1.2.3 1.2.3.4.5 300.1.1.1"),
        ("localhost printer.localdomain", "localhost printer.localdomain"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:u001"),
        ("a=ice-ufrag:a", "a=ice-ufrag:u1"),
        ('"usernameFragment":"abcd"', '"usernameFragment":"u001"'),
        (r"\"usernameFragment\": \"abcd\"", r"\"usernameFragment\": \"u001\""),
        ("a=ice-pwd:0123456789", "a=ice-pwd:p000000001"),
        ("a=fingerprint:sha-1 AB:CD:EF", "a=fingerprint:sha-1 00:00:01"),
        ("o=alice 1 1 IN IP4 10.0.0.1", "o=- 1 1 IN IP4 ipv4-private-1.invalid"),
        (r"v=0\r\no=alice 1", r"v=0\r\no=- 1"),
        ('"username":"bob","credential":"x"', '"username":"redacted","credential":"redacted"'),
        (
            "candidate:99 1 udp 1 host.example.org 1 typ host ufrag abcd",
            "candidate:1 1 udp 1 name-1.invalid 1 typ host ufrag u001",
        ),
        ("turn:turn.example.org", "turn:turn.example.org"),
        ('401: wants a login in the realm "corp"', '401: wants a login in the realm "redacted"'),
        (r"failed\n10.0.0.1\t2600::1", r"failed\nipv4-private-1.invalid\tipv6-public-1.invalid"),
        ("x raddr pc.example.org rport 9", "x raddr name-1.invalid rport 9"),
        ("c=IN IP4 pc.example.org/127", "c=IN IP4 name-1.invalid/127"),
    ],
)
def test_writes_stand_ins(text: str, redacted: str):
    if "{1}" in redacted:
        redacted = " ".join(f"ipv4-private-{number}.invalid" for number in (1, 2, 1))
    assert redact(text) == redacted


def test_one_redactor_gives_one_stand_in_throughout():
    redactor = Redactor()
    line = "candidate:77 1 udp 2130706431 10.0.0.9 5000 typ host generation 0 ufrag abcd"
    candidate = redactor.candidate(Candidate.parse(line))
    assert candidate.format() == (
        "candidate:1 1 udp 2130706431 ipv4-private-1.invalid 5000 typ host generation 0 ufrag u001"
    )
    assert redactor.address("10.0.0.9") == candidate.address
    assert redactor.text(f"a={line}") == candidate.format_attribute()
    assert redactor.address("10.0.0.8") == "ipv4-private-2.invalid"


def test_hides_in_a_sentence_what_it_has_hidden_before():
    redactor = Redactor()
    redactor.text("candidate:842163049 1 udp 1 Host.example.org 1 typ host ufrag a+/d")
    sentence = "host host.example.org:1 shares foundation 842163049, not 842163048, with a+/d."
    hidden = "host name-1.invalid:1 shares foundation 1, not 842163048, with u001."
    assert redactor.text(sentence) == hidden
    assert redactor.text("Other.example.org 1") == "Other.example.org 1"


@pytest.mark.parametrize(
    "part",
    [
        "candidate:",
        "xcandidate:1 ",
        "host (",
        "::",
        "1.",
        "a.",
        "ab:",
        "fingerprint:",
        "ufrag ",
        "\n",
    ],
)
def test_takes_no_longer_than_a_text_is_long(part: str):
    redact(part * 20_000)  # what is quadratic would take minutes


def test_redacting_again_changes_no_address():
    redactor = Redactor()
    once = redactor.text("10.0.0.1 2600::1 candidate:1 1 udp 1 a.example 1 typ host")
    assert Redactor().text(once) == once


def test_redacted_json_stays_json():
    text = json.dumps({"type": "offer", "sdp": SHAPES[0].read_text(), "username": 'a"b'})
    assert json.loads(redact(text))["type"] == "offer"


def test_a_redacted_dump_shows_nothing_that_the_lint_could_quote():
    text = """v=0
o=alice 1 1 IN IP4 pc7.example.org
c=IN IP4 pc7.example.org
m=audio 4000 UDP/TLS/RTP/SAVPF 111
a=rtcp:4001 IN IP4 192.168.3.9
a=ice-ufrag:xYzW
a=ice-pwd:short
a=candidate:H7q 1 udp 2122260223 192.168.1.5 5000 typ host
a=candidate:H7q 1 udp 1686052607 8.8.8.8 5000 typ srflx raddr pc7.example.org rport 5000
a=candidate:QQ7 1 udp abc 192.168.1.5 5000 typ host
a=candidate:Z*Z7 1 udp 1 192.168.1.5 5000 typ host
a=candidate:P7p 1 udp 1 192.168.1.5 5001 typ host
a=candidate:P8p 1 udp 1 192.168.1.5 5002 typ host
"""
    dump = read_dump(text)
    redacted = Redactor().dump(dump)
    assert [one.code for one in lint(redacted)] == [one.code for one in lint(dump)]
    shown = f"{redacted} {lint(redacted)}"
    for secret in ("pc7", "192.168", "xYzW", "short", "H7q", "QQ7", "Z*Z7", "P7p", "8.8.8.8"):
        assert secret in text
        assert secret not in shown
