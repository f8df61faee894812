import sys

from stunkit.cli.render.spans import aligned, counting, plain, show


def test_plain_leaves_the_styles_out():
    assert plain([("a", "bold"), (" b  ", "red")]) == "a b"


def test_aligns_cells_by_what_is_printed():
    lines = aligned([[("a", ""), ("\x1b", "")], [("bbb", ""), ("c", "")]])
    assert [plain(line) for line in lines] == ["a    \\x1b", "bbb  c"]


def test_shows_plain_text_where_nobody_draws_it(capsys):
    show([[("\x1b[2J", "bold")], [], [("x", "")]])
    assert capsys.readouterr().out == "\\x1b[2J\n\nx\n"


def test_shows_colours_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("stunkit.cli.render.spans.is_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    show([[("[bold]x\x1b", "red")]])
    printed = capsys.readouterr().out
    assert "[bold]x\\x1b" in printed
    assert printed.startswith("\x1b[")


def test_counts_nowhere_without_a_terminal(capsys):
    with counting("reading") as count:
        count(500)
    assert capsys.readouterr() == ("", "")


def test_counts_on_stderr_where_somebody_looks(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with counting("reading") as count:
        count(499)
        count(500)
    printed = capsys.readouterr()
    assert printed.out == ""
