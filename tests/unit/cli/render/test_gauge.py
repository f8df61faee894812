from stunkit.cli.render.gauge import gauge


def test_draws_on_stderr_alone_and_no_control_codes_of_others(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with gauge() as show:
        show(1.0, 5.0, "measuring\x1b[2J [bold]1/s[/bold]")
    drawn = capsys.readouterr()
    assert drawn.out == ""
    assert "measuring\\x1b[2J [bold]1/s[/bold]" in drawn.err
    assert "\x1b[2J" not in drawn.err
