"""What the options of a rehearsal mean, and which exclude each other."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from stunkit.cli.rehearse import command
from stunkit.errors import UsageError

LINK = "http://127.0.0.1:1/rehearse#room"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    monkeypatch.delenv("STUNKIT_SERVER", raising=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give a room's link, or --server"),
        ([LINK, LINK], "Several rooms are for --answer"),
        ([LINK, "--server", "localhost"], "no --server"),
        (["--answer", "--report", "r.html"], "--report is about one"),
        (["--video", "v", "--no-video"], "exclude each other"),
        (["--audio", "v", "--no-audio"], "exclude each other"),
        (["--seconds", "0"], "--seconds"),
        (["--rooms", "0"], "--rooms"),
    ],
)
def test_refuses_what_makes_no_sense(arguments, words):
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["stun.example.org"],
        ["--server", "ftp://x"],
        [LINK, "--report", "/nowhere/r.html"],
        [LINK, "--video", "/nowhere.mkv"],
    ],
)
def test_names_what_is_wrong(arguments):
    with pytest.raises(UsageError):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_refuses_a_relay_as_a_server(monkeypatch):
    monkeypatch.setenv("STUNKIT_SERVER", "turn:turn.example.org")
    with pytest.raises(UsageError):
        CliRunner().invoke(command, [], catch_exceptions=False)


def test_help_needs_no_extra():
    program = (
        "import sys, stunkit.cli.rehearse\n"
        "print([name for name in ('aiortc', 'av', 'aiohttp', 'rich') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
