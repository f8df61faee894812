import pytest

from stunkit.text import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain, with ümläuts", "plain, with ümläuts"),
        ("a\x1b[2Jb\nc", r"a\x1b[2Jb\nc"),
        ("\u202eright to left", r"\u202eright to left"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_escapes_what_could_move_a_cursor(raw: str, shown: str):
    assert printable(raw) == shown
