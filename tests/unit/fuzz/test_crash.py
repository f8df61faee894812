import struct

import pytest

from stunkit.fuzz.crash import Crash, Kind, TimedOut, crash_of, death_of, place_of, silence_of


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


def shallow(size: int) -> None:
    struct.unpack(f"!{size}s", b"")


def deep(size: int) -> None:
    shallow(size)


def caught(function, *arguments: object) -> Crash:
    try:
        function(*arguments)
    except (Exception, TimedOut) as error:  # noqa: BLE001 (whatever it is)
        return crash_of(error)
    raise AssertionError


def test_one_place_is_one_class_whatever_the_message_says():
    assert caught(shallow, 1).signature == caught(shallow, 2).signature
    assert caught(shallow, 1).said != caught(shallow, 2).said
    assert caught(shallow, 1).signature != caught(deep, 1).signature


def test_a_crash_says_what_and_where():
    crash = caught(shallow, 1)
    assert crash.kind is Kind.EXCEPTION
    assert crash.what == "struct.error"
    assert crash.frames[-1].endswith("in shallow")


def fall(depth: int) -> None:
    fall(depth + 1)


def end(kind: type[BaseException], depth: int) -> None:
    if depth:
        end(kind, depth - 1)
    raise kind


@pytest.mark.parametrize("kind", [TimedOut, MemoryError])
def test_where_chance_ends_it_the_entry_stands_for_it(kind: type[BaseException]):
    assert caught(end, kind, 1).signature == caught(end, kind, 3).signature


def test_kinds():
    assert caught(end, TimedOut, 0).kind is Kind.HANG
    assert caught(end, MemoryError, 0).kind is Kind.MEMORY
    assert caught(fall, 0).what == "RecursionError"
    assert len(caught(fall, 0).frames) == 8


def test_what_cannot_be_printed_is_said_so():
    assert caught(end, Unprintable, 0).said == "(it cannot be printed)"


def test_an_end_of_the_process_is_a_class():
    assert death_of(-11).what == "signal 11"
    assert death_of(3).signature == "exit status 3"
    assert silence_of(5).kind is Kind.HANG


def test_the_place_of_an_expected_exception():
    with pytest.raises(struct.error) as raised:
        deep(1)
    place = place_of(raised.value)
    assert place.what == "error"
    assert place.file == __file__
    assert place_of(ValueError()).line == 0
