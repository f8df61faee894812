import pytest

from stunkit.errors import UsageError
from stunkit.fuzz.child import find_expected, find_parser
from stunkit.wire.message import Message


def test_a_parser_is_found_by_its_name():
    assert find_parser("stunkit.wire.message:Message.decode") == Message.decode


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stunkit.wire.message", "module:callable"),
        ("no.such.module:f", "No module named 'no'"),
        ("stunkit.wire.message:nothing", "nothing"),
        ("stunkit.wire.message:HEADER_SIZE", "no function"),
        ("tests.integration.fuzz.broken:waits", "no function"),
    ],
)
def test_what_is_no_parser_is_refused(text: str, reason: str):
    with pytest.raises(UsageError, match=reason):
        find_parser(text)


def test_exceptions_are_found_by_their_names():
    names = ("ValueError", "struct.error", "stunkit.errors.NotStun")
    assert [kind.__name__ for kind in find_expected(names)] == ["ValueError", "error", "NotStun"]


@pytest.mark.parametrize("name", ["Nonsense", "no.such.Error", "len"])
def test_what_is_no_exception_is_refused(name: str):
    with pytest.raises(UsageError):
        find_expected((name,))
