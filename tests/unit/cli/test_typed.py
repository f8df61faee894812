"""Lines from a pipe, and what somebody types."""

from __future__ import annotations

import io
import os
import threading

import pytest

from stunkit.cli.typed import MOST_LINE, Editor, Lines, keys_at_once, reading


def test_lines_are_what_they_are():
    lines = Lines()
    assert list(lines.feed("  one ")) == []
    assert list(lines.feed(" \r\n\ntw")) == ["  one  ", ""]
    assert list(lines.feed("o\n")) == ["two"]
    assert list(lines.feed("rest")) == []
    assert list(lines.end()) == ["rest"]
    assert list(lines.end()) == []


def test_a_line_without_end_has_a_bound():
    lines = Lines()
    for _ in range(3):
        list(lines.feed("x" * MOST_LINE))
    assert [len(line) for line in lines.end()] == [MOST_LINE]


@pytest.mark.parametrize(
    ("keys", "lines", "text"),
    [
        ("hello", [], "hello"),
        ("hello\rmore", ["hello"], "more"),
        ("\r\n", [], ""),
        ("helo\x7flo\n", ["hello"], ""),
        ("\x7f\x08a", [], "a"),
        ("one two\x15three", [], "three"),
        ("one two three \x17", [], "one two "),
        ("one\x17", [], ""),
        ("a\x1b[A\x1b[1;5Cb\x1bOPc\x1b", [], "abc"),
        ("\x04\x00\u00e4\U0001f600", [], "\u00e4\U0001f600"),
    ],
)
def test_editor_understands_keys(keys, lines, text):
    editor = Editor()
    assert list(editor.feed(keys)) == lines
    assert editor.text == text


class Given:
    """A stdin that is a pipe."""

    def __init__(self, number: int) -> None:
        self.number = number

    def fileno(self) -> int:
        return self.number

    def isatty(self) -> bool:
        return False


@pytest.fixture
def pipe(monkeypatch):
    reads, writes = os.pipe()
    monkeypatch.setattr("sys.stdin", Given(reads))
    yield writes
    os.close(reads)


def test_reads_stdin_to_its_end(pipe):
    texts: list[str] = []
    over = threading.Event()
    with reading(texts.append, over.set):
        os.write(pipe, "\u00e4\n".encode()[:1])
        os.write(pipe, "\u00e4\n".encode()[1:])
        os.close(pipe)
        assert over.wait(10)
    assert "".join(texts) == "\u00e4\n"


def test_no_stdin_ends_at_once(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("no descriptor"))
    said: list[str] = []
    over = threading.Event()
    with reading(said.append, over.set):
        assert over.wait(10)
    assert said == []


def test_keys_of_a_pipe_are_left_alone(pipe):
    with keys_at_once():
        pass
    os.close(pipe)


def test_keys_come_at_once_on_a_terminal(monkeypatch):
    import pty
    import termios

    ours, theirs = pty.openpty()
    terminal = Given(theirs)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    before = termios.tcgetattr(theirs)
    with keys_at_once():
        assert not termios.tcgetattr(theirs)[3] & termios.ICANON
        os.write(ours, b"x")
        assert os.read(theirs, 1) == b"x"
    assert termios.tcgetattr(theirs)[3] == before[3]
    os.close(ours)
    os.close(theirs)
