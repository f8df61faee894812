import re

import click
import pytest

from stunkit import __version__
from stunkit.cli import main as module
from stunkit.cli.main import VERBS, cli
from stunkit.errors import LabError, NoAnswer, StartError, UsageError


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["stunkit", *arguments])
    with pytest.raises(SystemExit) as stop:
        module.main()
    return stop.value.code or 0


def raising(error: BaseException):
    def invoke(_context):
        raise error

    return invoke


def test_lists_its_verbs(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_explains_each_verb(monkeypatch, capsys, verb):
    assert run(monkeypatch, verb, "--help") == 0
    assert capsys.readouterr().out.startswith(f"Usage: stunkit {verb}")


def test_says_its_version(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"stunkit {__version__}\n"


@pytest.mark.parametrize("arguments", [["frobnicate"], ["whoami", "--frobnicate"], ["-x"]])
def test_ends_with_2_and_names_what_it_does_not_know(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert arguments[-1] in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("a server", "x y", "it is none"), 2),
        (StartError("cannot listen on udp 192.0.2.1:1", "choose another port"), 3),
        (NoAnswer(7, 39.5), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_turns_an_error_into_a_status(monkeypatch, error, status):
    monkeypatch.setattr(cli, "invoke", raising(error))
    assert run(monkeypatch, "whoami") == status


def test_turns_an_error_into_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(cli, "invoke", raising(StartError("no", "\x1b[2Jmend it")))
    run(monkeypatch, "serve")
    assert capsys.readouterr().err == "stunkit: no; \\x1b[2Jmend it\n"


def test_lets_a_bug_be_seen(monkeypatch):
    monkeypatch.setattr(cli, "invoke", raising(ZeroDivisionError()))
    monkeypatch.setattr("sys.argv", ["stunkit", "whoami"])
    with pytest.raises(ZeroDivisionError):
        module.main()


def test_says_what_a_command_of_the_lab_said(monkeypatch, capsys):
    error = LabError("make a namespace", "ip netns add a", "not permitted\n")
    monkeypatch.setattr(cli, "invoke", raising(error))
    assert run(monkeypatch, "serve") == 3
    assert "`ip netns add a` failed: not permitted" in capsys.readouterr().err


def test_no_page_names_a_verb_that_there_is_not(monkeypatch, capsys):
    for verb in VERBS:
        run(monkeypatch, verb, "--help")
    said = " ".join(capsys.readouterr().out.split())
    named = {tuple(words.split()[:2]) for words in re.findall(r"`stunkit ([^`]+)`", said)}
    assert ("lab", "kinds") in named
    for verb, *rest in named:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None, verb
        if isinstance(command, click.Group):
            assert set(rest) <= set(command.commands), (verb, rest)
