from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.errors import Malformed
from stunkit.wire.markup import MAX_DEPTH, MAX_ELEMENTS, MAX_SIZE, parse

LAUGHS = b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>'
OUTSIDE = b'<!DOCTYPE r SYSTEM "http://192.0.2.1/evil.dtd"><r/>'
ENTITY = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'


def test_reads_names_and_text():
    root = parse(
        b'<?xml version="1.0"?><s:a xmlns:s="x"><s:b> one </s:b><c><b>2&amp;3</b></c></s:a>'
    )
    assert root.name == "a"
    assert root.child_text("b") == "one"
    assert root.child_text("d") == ""
    assert [one.text for one in root.find_all("b")] == [" one ", "2&3"]


@pytest.mark.parametrize("document", [LAUGHS, OUTSIDE, ENTITY])
def test_refuses_a_document_with_a_dtd(document: bytes):
    with pytest.raises(Malformed, match="it has a DTD"):
        parse(document)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "no element found"),
        (b"<a>", "no element found"),
        (b"<a></b>", "mismatched tag"),
        (b"<a>&nbsp;</a>", "undefined entity"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding"),
        (b"<a>" + bytes(MAX_SIZE), "bytes are over"),
        (b"<a>" * (MAX_DEPTH + 1), "too many"),
        (b"<r>" + b"<a/>" * MAX_ELEMENTS + b"</r>", "too many"),
    ],
)
def test_refuses_what_is_broken_or_too_much(document: bytes, reason: str):
    with pytest.raises(Malformed, match=reason):
        parse(document)


def test_takes_what_is_just_not_too_much():
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).name == "a"
    assert len(parse(b"<r>" + b"<a/>" * (MAX_ELEMENTS - 1) + b"</r>").children) == MAX_ELEMENTS - 1


@given(st.binary(max_size=80) | st.text(alphabet='<>/ab&;"=! ?', max_size=40).map(str.encode))
def test_any_bytes_are_a_document_or_malformed(data: bytes):
    try:
        root = parse(data)
    except Malformed:
        return
    assert root.name


def test_text_comes_in_one_piece_however_many_lines_it_has():
    text = "\n" * (MAX_SIZE - 10)  # joined line by line, it would take seconds
    assert parse(f"<a>{text}</a>".encode()).text == text
