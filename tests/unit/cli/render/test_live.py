import pytest

from stunkit.cli.render.live import progress, say, table


@pytest.fixture(autouse=True)
def _narrow_and_plain(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


def test_says_a_sentence_whole(capsys):
    sentence = "The world sees you as [bold]203.0.113.1[/bold]. " * 5
    say(sentence)
    assert capsys.readouterr().out.split() == sentence.split()


def test_draws_cells_as_they_are_and_not_as_markup(capsys):
    table(("server", "seen as"), [("[red]x[/red]", ":smile:")], failed=[False])
    drawn = capsys.readouterr().out
    assert "[red]x[/red]" in drawn
    assert ":smile:" in drawn


def test_folds_what_is_wider_than_the_terminal_and_loses_nothing(capsys):
    table(("server", "seen as"), [("a" * 60, "b" * 60)], failed=[True])
    drawn = capsys.readouterr().out
    assert drawn.count("a") >= 60
    assert drawn.count("b") >= 60
    assert max(map(len, drawn.splitlines())) <= 80


def test_progress_goes_to_stderr_alone(capsys):
    with progress("asking", 2) as show:
        show("\x1b[2J203.0.113.1")
    assert capsys.readouterr().out == ""
