"""Candidates: what is grammatical comes back letter by letter; anything at all is borne."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from stunkit.errors import UsageError
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.dump import read_dump
from stunkit.ice.foundation import Foundations
from stunkit.ice.lint import lint, lint_candidates
from stunkit.ice.priority import Priority
from stunkit.ice.redact import Redactor
from stunkit.ice.redundancy import without_redundant
from stunkit.ice.scope import family_of, scope_of

OWN = {"raddr", "rport", "tcptype"}  # extensions that are fields
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
tokens = st.text(string.ascii_letters + string.digits + ".!%*_+`'~-", min_size=1, max_size=12)
foundations = st.text(string.ascii_letters + string.digits + "+/", min_size=1, max_size=32)
ips = st.ip_addresses().map(str)
names = st.sampled_from(["8a1f6c1e-5fd0-4e6b-9f0b-2f6f1f1f0b7e.local", "a.example", "fe80::1%2"])
addresses = st.one_of(ips, names)
ports = st.integers(0, 65535)
extensions = st.lists(
    st.tuples(tokens.filter(lambda name: name.lower() not in OWN), visible), max_size=3
).map(tuple)
candidates = st.builds(
    Candidate,
    foundation=foundations,
    component=st.integers(0, 999),
    transport=st.one_of(st.sampled_from(["udp", "tcp"]), tokens.map(str.lower)),
    priority=st.integers(0, 9_999_999_999),
    address=addresses,
    port=ports,
    type=st.sampled_from(CandidateType),
    related_address=st.none() | addresses,
    related_port=st.none() | ports,
    tcptype=st.none() | tokens.map(str.lower),
    extensions=extensions,
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line by the grammar of RFC 8839 section 5.1, in any spelling that it allows."""

    def spell(word: str) -> str:
        return draw(st.sampled_from([word, word.upper(), word.title()]))

    def digits(most: int, limit: int) -> str:
        return draw(st.integers(0, limit).map(str)).zfill(draw(st.integers(1, most)))

    words = [
        f"{spell('candidate')}:{draw(foundations)}",
        digits(3, 999),
        draw(tokens),
        digits(10, 9_999_999_999),
        draw(addresses),
        digits(8, 65535),
        spell("typ"),
        spell(draw(st.sampled_from(CandidateType))),
    ]
    if draw(st.booleans()):
        words += [spell("raddr"), draw(addresses)]
    if draw(st.booleans()):
        words += [spell("rport"), digits(5, 65535)]
    for name, value in draw(extensions):
        words += [name, value]
    if draw(st.booleans()):
        words += [spell("tcptype"), draw(tokens)]
    return " ".join(words)


@given(lines())
def test_grammatical_line_comes_back_letter_by_letter(line: str):
    assert Candidate.parse(line).format() == line
    assert Candidate.parse(f"a={line}").format_attribute() == f"a={line}"


@given(candidates)
def test_candidate_comes_back_from_its_line(candidate: Candidate):
    again = Candidate.parse(candidate.format())
    assert again == candidate
    assert again.format() == candidate.format()


@given(st.text(max_size=200) | lines().map(lambda line: line[:-1]) | lines())
def test_any_text_is_a_candidate_or_a_usage_error(text: str):
    try:
        candidate = Candidate.parse(text)
    except UsageError:
        return
    assert Candidate.parse(candidate.format()) == candidate


@given(st.lists(candidates, max_size=6), st.booleans())
def test_any_candidates_can_be_linted(several: list[Candidate], is_complete: bool):
    for finding in lint_candidates(several, is_complete=is_complete):
        assert finding.text.endswith(".")


@given(st.lists(candidates, max_size=6))
def test_leaving_out_the_redundant_leaves_none(several: list[Candidate]):
    left = without_redundant(several)
    assert without_redundant(left) == left
    assert [one for one in several if one in left] == left or len(set(several)) < len(several)


fragments = st.one_of(
    st.text(max_size=30),
    lines(),
    lines().map("a={}".format),
    st.sampled_from(
        [
            "v=0",
            "m=audio 9 RTP/AVP 0",
            "m=",
            "a=mid:0",
            "a=group:BUNDLE 0 1",
            "c=IN IP4 10.0.0.1",
            "a=rtcp:9 IN IP4 0.0.0.0",
            "a=bundle-only",
            "a=ice-lite",
            "a=ice-options:trickle",
            "a=end-of-candidates",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:x",
            '{"candidate":"candidate:1"}',
            '{"sdp":"v=0\\r\\nm=audio 9 X 0"}',
            "0.1 host 7 udp 10.0.0.1 5 126 | 1 | 255",
            "<html></p>",
        ]
    ),
)


@given(st.lists(fragments, max_size=12), st.sampled_from(["\n", "\r\n", "\\r\\n", " "]))
def test_any_text_can_be_read_redacted_and_linted(parts: list[str], joint: str):
    text = joint.join(parts)
    dump = read_dump(text)
    for finding in lint(dump):
        assert finding.text
    count = text.count("\n") + text.count("\r") + 1
    assert all(1 <= found.line <= count for found in dump.candidates)
    read_dump(Redactor().text(text))


@given(st.lists(ips, max_size=10))
def test_redaction_hides_each_address_and_keeps_what_it_is(several: list[str]):
    redactor = Redactor()
    hidden = redactor.text(" ".join(several)).split()
    assert len(hidden) == len(several)
    for address, stand_in in zip(several, hidden, strict=True):
        assert (scope_of(stand_in), family_of(stand_in)) == (scope_of(address), family_of(address))
        assert redactor.address(address) == stand_in


@given(st.integers(0, 126), st.integers(0, 65535), st.integers(1, 256))
def test_priority_comes_apart_as_it_was_put_together(kind: int, local: int, component: int):
    parts = Priority(kind, local, component)
    assert Priority.of(parts.value) == parts


parts = st.sampled_from(["a", "b"])
groups = st.tuples(st.sampled_from(CandidateType), parts, parts, parts)


@given(st.lists(groups))
def test_foundations_are_equal_exactly_where_the_groups_are(
    several: list[tuple[CandidateType, str, str, str]],
):
    given_out = Foundations()
    pairs = {group: given_out.of(*group) for group in several}
    assert len(set(pairs.values())) == len(pairs)
    assert all(given_out.of(*group) == pairs[group] for group in several)
