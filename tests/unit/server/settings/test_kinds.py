import contextlib
import math
import os
import tomllib
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable, UsageError
from stunkit.server.settings.kinds import (
    Choice,
    File,
    Flag,
    Kind,
    Many,
    Number,
    Text,
    Whole,
    Written,
    count_processors,
    quoted,
)


def no_bang(text: str) -> None:
    if "!" in text:
        raise Unencodable("it has a !")


def even(text: str) -> int:
    if int(text) % 2:
        raise ValueError("it is odd")
    return int(text)


WORKERS = Whole("a number of workers", 1, 512, {"auto": lambda: 7})
PORT = Whole("a port", 0, 65535)
SIZE = Whole("a size", 1)
TIME = Number("a time")
RATE = Number("a rate", 10, zero="no limit")
LANE = Choice("a lane", "auto", "batch")
TEXT = Text("a text", check=no_bang)
EVEN = Written("an even number", "N", even)
ENDPOINT = Written("an endpoint", "ADDRESS", Endpoint.parse)

KINDS = [WORKERS, PORT, SIZE, TIME, RATE, Flag(), LANE, TEXT, File("a file"), EVEN, ENDPOINT]


@pytest.mark.parametrize(
    ("kind", "value", "text", "meaning"),
    [
        (WORKERS, 4, "4", 4),
        (WORKERS, "auto", "auto", 7),
        (PORT, 65535, "65535", 65535),
        (TIME, 0.25, "0.25", 0.25),
        (TIME, 60, "60", 60.0),
        (RATE, 0, "0", 0.0),
        (RATE, 10.0, "1e1", 10.0),
        (Flag(), True, "true", True),
        (Flag(), False, "false", False),
        (LANE, "batch", "batch", "batch"),
        (TEXT, 'a # "b" \\ \t \x7f ä', 'a # "b" \\ \t \x7f ä', 'a # "b" \\ \t \x7f ä'),
        (TEXT, "", "", None),
        (File("a file"), "/etc/a b", "/etc/a b", Path("/etc/a b")),
        (File("a file"), "", "", None),
        (EVEN, "4", "4", 4),
        (ENDPOINT, "[::1]:1", "[::1]:1", Endpoint.of("::1", 1)),
        (Many(PORT), [], "none", ()),
        (Many(PORT), [1, 2], "1, 2", (1, 2)),
    ],
)
def test_means_the_same_in_a_file_and_on_the_command_line(kind, value, text, meaning):
    for made in (kind.read(value), kind.parse(text)):
        assert made == meaning
        assert type(made) is type(meaning)
    written = tomllib.loads(f"key = {kind.write(meaning)}")["key"]
    assert kind.read(written) == meaning


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (WORKERS, "0", "'0' is not a number of workers: give 1 to 512 or \"auto\""),
        (WORKERS, "513", "'513' is not a number of workers: give 1 to 512 or \"auto\""),
        (WORKERS, "-1", "'-1' is not a number of workers: give 1 to 512 or \"auto\""),
        (WORKERS, "1.5", "'1.5' is not a number of workers: give 1 to 512 or \"auto\""),
        (WORKERS, "many", "'many' is not a number of workers: give 1 to 512 or \"auto\""),
        (WORKERS, "1" * 5000, f"'{'1' * 5000}' is not a number of workers: "),
        (SIZE, "0", "'0' is not a size: give 1 or more"),
        (SIZE, "²", "'²' is not a size: give 1 or more"),
        (TIME, "0", "'0' is not a time: give a number over 0"),
        (TIME, "inf", "'inf' is not a time: give a number over 0"),
        (TIME, "nan", "'nan' is not a time: give a number over 0"),
        (TIME, "soon", "'soon' is not a time: give a number over 0"),
        (RATE, "9.5", "'9.5' is not a rate: give 10 or more, or 0 for no limit"),
        (Flag(), "yes", "'yes' is not true or false: it is neither"),
        (LANE, "fast", '\'fast\' is not a lane: it is none of "auto", "batch"'),
        (TEXT, "!", "'!' is not a text: it has a !"),
        (File("a file"), "\0", "'\\x00' is not a file: no path has a NUL"),
        (EVEN, "3", "'3' is not an even number: it is odd"),
        (ENDPOINT, "::1", "'::1' is not an address and port: it has no port"),
        (Many(PORT), "1,x", "'x' is not a port: give 0 to 65535"),
        (Many(PORT), "", "'' is not a port: give 0 to 65535"),
    ],
)
def test_says_what_a_wrong_text_should_be(kind: Kind, text: str, sentence: str):
    with pytest.raises(UsageError) as caught:
        kind.parse(text)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (SIZE, True, "'true' is not a size: give 1 or more"),
        (SIZE, 1.0, "'1.0' is not a size: give 1 or more"),
        (SIZE, "1", "'1' is not a size: write it without quotes"),
        (SIZE, "1_", "'1_' is not a size: give 1 or more"),
        (WORKERS, "4", "'4' is not a number of workers: write it without quotes"),
        (TIME, False, "'false' is not a time: give a number over 0"),
        (TIME, math.inf, "'inf' is not a time: give a number over 0"),
        (TIME, "0.5", "'0.5' is not a time: write it without quotes"),
        (TIME, "inf", "'inf' is not a time: give a number over 0"),
        (Flag(), "true", "'true' is not true or false: write it without quotes"),
        (LANE, 1, "'1' is not a lane: it has to be text, in quotes"),
        (TEXT, [], "'[]' is not a text: it has to be text, in quotes"),
        (Many(PORT), 5, "'5' is not a list, each of it a port: write it in brackets: [ ]"),
        (Many(PORT), [1, "2"], "'2' is not a port: write it without quotes"),
    ],
)
def test_says_what_a_wrong_value_of_a_file_should_be(kind: Kind, value: object, sentence: str):
    with pytest.raises(UsageError) as caught:
        kind.read(value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("value", [None, {}, {"a": 1}, [[1]], [None], 1 << 70, "", b""])
def test_refuses_what_is_no_value_with_nothing_but_a_sentence(value: object):
    for kind in (*KINDS, *map(Many, KINDS)):
        with contextlib.suppress(UsageError):
            assert kind.read(value) is not value or value == "" == kind.read(value)


def test_takes_several_options_together():
    assert Many(PORT).parse_all(("1", "2,3", "none")) == (1, 2, 3)


def test_shows_what_to_write():
    assert [kind.metavar for kind in (WORKERS, PORT, TIME, LANE, TEXT, ENDPOINT, Many(PORT))] == [
        "N|auto",
        "N",
        "N",
        "auto|batch",
        "TEXT",
        "ADDRESS",
        "N",
    ]


def test_takes_a_path_as_seen_from_here():
    assert File("a file").parse("x") == Path.cwd() / "x"


def test_counts_the_processors_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 9}, raising=False)
    assert count_processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert count_processors() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_processors() == 1


def test_quotes_every_character():
    text = "".join(map(chr, range(0x180))) + "\u2028\U0001f600"
    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}
