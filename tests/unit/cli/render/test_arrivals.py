from __future__ import annotations

import io

import pytest
from rich.console import Console

from stunkit.cli.render import arrivals
from stunkit.cli.render import candidates as render
from stunkit.ice.finding import Severity
from tests.gathering import host, reflexive


@pytest.fixture
def screen(monkeypatch) -> io.StringIO:
    text = io.StringIO()

    def make(**_: object) -> Console:
        return Console(file=text, force_terminal=True, width=120, highlight=False)

    monkeypatch.setattr(arrivals, "Console", make)
    return text


def test_candidates_are_drawn_as_they_come_and_the_best_stands_first(screen: io.StringIO):
    with arrivals.arrivals("2 servers") as show:
        show(reflexive("192.31.196.7:4000"))
        show(host())
    text = screen.getvalue()
    assert "asking 2 servers ..." in text
    last = text[text.rindex("to a page") :]
    assert last.index("10.0.0.2:4000") < last.index("192.31.196.7:4000")


def test_table_dims_what_matters_less(screen: io.StringIO):
    rows = [render.row(render.item_of(one)) for one in (host(), reflexive("10.0.0.2:4000"))]
    arrivals.show(render.HEADINGS, rows, [False, True])
    _, plain, dim = screen.getvalue().splitlines()
    assert "\x1b[2m" not in plain
    assert "\x1b[2m" in dim


@pytest.mark.parametrize(
    ("severity", "color"),
    [(Severity.ERROR, "31"), (Severity.WARNING, "33"), (Severity.INFO, "36")],
)
def test_finding_has_the_color_of_its_severity(screen: io.StringIO, severity: Severity, color: str):
    arrivals.remark(severity, "All is [bold]not[/bold] well.", "some-code")
    text = screen.getvalue()
    assert f"\x1b[1;{color}m{severity}" in text
    assert "All is [bold]not[/bold] well." in text  # no markup
    assert "[some-code]" in text
