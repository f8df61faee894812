import io

import pytest
from rich.console import Console

from stunkit.call.forecast import Peer, forecast
from stunkit.cli.render import preflight as render
from stunkit.cli.render import preflight_live
from stunkit.net.preflight import News
from stunkit.net.preflight_report import Part
from tests.preflights import BLOCKED, SYMMETRIC, preflight, relay


def console(
    monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8", **options
) -> io.TextIOWrapper:
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    settings = {"file": screen, "width": 70, "force_terminal": True, **options}
    monkeypatch.setattr(preflight_live, "Console", lambda **_: Console(highlight=False, **settings))
    return screen


def written(screen: io.TextIOWrapper) -> str:
    return screen.buffer.getvalue().decode(screen.encoding)


def show(found, *peers: str) -> None:
    foretold = forecast(found.facts, [Peer.parse(one) for one in peers], found.unproven)
    preflight_live.show(render.view(found, foretold))


def test_answer_fits_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch):
    screen = console(monkeypatch, no_color=True, force_terminal=False)
    show(preflight(SYMMETRIC, relays=(relay(),)), "symmetric")
    lines = written(screen).splitlines()
    assert max(map(len, lines)) <= 70
    assert lines[0].startswith("↔ A call with someone behind a symmetric NAT works")
    for title in ("Why", "Calls", "Relays", "Quality"):
        assert title in lines


def test_answer_has_colours_on_a_terminal_and_none_without(monkeypatch: pytest.MonkeyPatch):
    screen = console(monkeypatch)
    show(preflight())
    assert "\x1b[1;32m" in written(screen)
    screen = console(monkeypatch, no_color=True, force_terminal=False)
    show(preflight())
    assert "\x1b" not in written(screen)


def test_marks_are_plain_where_the_terminal_knows_no_others(monkeypatch: pytest.MonkeyPatch):
    screen = console(monkeypatch, "latin-1", no_color=True, force_terminal=False)
    show(preflight(BLOCKED))
    assert written(screen).startswith("x A call with")


def test_board_has_a_line_for_each_part(monkeypatch: pytest.MonkeyPatch):
    screen = console(monkeypatch)
    parts = [Part.NAT, Part.RELAYS, Part.QUALITY]
    lacking = preflight(problems={Part.RELAYS: "none was named"})
    with preflight_live.board(parts) as tell:
        tell(News(Part.NAT, "asking\x1b]0;", preflight()))
        tell(News(Part.NAT, "", preflight(), is_done=True))
        tell(News(Part.RELAYS, "none was named", lacking, is_done=True))
    drawn = written(screen)
    for words in ("waiting", "IPv4 port restricted cone", "none was named"):
        assert words in drawn
    assert "\x1b]0;" not in drawn


def test_redacted_board_says_nothing_on_the_way(monkeypatch: pytest.MonkeyPatch):
    screen = console(monkeypatch)
    with preflight_live.board([Part.NAT], redacts=True) as tell:
        tell(News(Part.NAT, "IPv4 seen as 203.0.113.1:4", preflight()))
    assert "203.0.113.1" not in written(screen)
