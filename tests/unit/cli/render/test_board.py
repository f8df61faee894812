import os
import pty
import sys

import pytest
from rich.console import Console

from stunkit.cli.render import board
from tests.unit.cli.render.test_top import glance

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pty needs POSIX")


def test_draws_all_of_it_as_text_and_not_as_markup():
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(board.draw(glance(), [1, 2], "http://x", "[red]no answer[/red]\x1b[2J"))
        drawn = console.export_text()
    assert "50 answers a second" in drawn
    assert "udp ipv4" in drawn
    assert r"[red]no answer[/red]\x1b[2J" in drawn


def test_takes_keys_without_enter(monkeypatch):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal, os.fdopen(ours, "wb", buffering=0) as person:
        monkeypatch.setattr(sys, "stdin", terminal)
        with board.keys() as wait:
            assert wait(0.0) == ""
            person.write(b"q")
            assert wait(5.0) in tuple(board.QUIT)


def test_waits_where_there_are_no_keys(monkeypatch):
    with open(os.devnull) as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        with board.keys() as wait:
            assert wait(0.0) == ""
