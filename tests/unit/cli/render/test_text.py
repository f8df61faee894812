import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.cli.render.text import columns, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Unknown Attribute", "Unknown Attribute"),
        ("Grüße, 世界", "Grüße, 世界"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\bc\td", r"a\rb\x08c\td"),
        ("\u202eabc", r"\u202eabc"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_escapes_what_is_no_plain_character(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_leaves_nothing_that_moves_a_cursor(text):
    assert all(c.isprintable() or c == "\n" for c in printable(text))


@given(st.text())
def test_changes_nothing_the_second_time(text):
    assert printable(printable(text)) == printable(text)


def test_aligns_columns():
    assert columns([("a", "bbb", "c"), ("aaa", "b", "")]) == "a    bbb  c\naaa  b"


def test_has_no_columns_of_different_number():
    with pytest.raises(ValueError, match="zip"):
        columns([("a", "b"), ("a",)])
