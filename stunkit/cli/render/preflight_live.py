"""A preflight on a terminal: its parts as they come, and the answer with its tables.

Rules of this file: it draws what ``render.preflight`` says; nothing is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from stunkit.call.simulation import Outcome
from stunkit.cli.render import turn
from stunkit.cli.render.preflight import PEER_HEADINGS, View, summary
from stunkit.cli.render.text import printable
from stunkit.net.preflight import News
from stunkit.net.preflight_report import Part

COLORS = {
    Outcome.DIRECT: "green",
    Outcome.RELAY: "yellow",
    Outcome.BLOCKED: "red",
    Outcome.UNKNOWN: "magenta",
}
_MARKS = {
    Outcome.DIRECT: "\u2713",
    Outcome.RELAY: "\u2194",
    Outcome.BLOCKED: "\u2717",
    Outcome.UNKNOWN: "?",
}
_PLAIN_MARKS = {
    Outcome.DIRECT: "+",
    Outcome.RELAY: "~",
    Outcome.BLOCKED: "x",
    Outcome.UNKNOWN: "?",
}


@contextmanager
def board(parts: Sequence[Part], *, redacts: bool = False) -> Iterator[Callable[[News], None]]:
    """Show on stderr a line for each part; call what is given with each piece of news."""
    console = Console(stderr=True, highlight=False)
    marks = _marks(console)
    spinners = {part: Spinner("dots" if marks is _MARKS else "line") for part in parts}
    lines: dict[Part, tuple[str | None, str]] = dict.fromkeys(parts, (None, "waiting"))

    def screen() -> Table:
        drawn = Table.grid(padding=(0, 1))
        drawn.add_column(no_wrap=True, width=1)
        drawn.add_column(no_wrap=True)
        drawn.add_column(style="dim", no_wrap=True, overflow="ellipsis")
        for part, (mark, text) in lines.items():
            style = "red" if mark == marks[Outcome.BLOCKED] else "green"
            drawn.add_row(Text(mark, style) if mark else spinners[part], part.value, Text(text))
        return drawn

    with Live(screen(), console=console, transient=True) as live:

        def show(news: News) -> None:
            text = "" if redacts else printable(news.text)
            mark = None
            if news.is_done:
                is_lacking = news.part in news.found.problems
                mark = marks[Outcome.BLOCKED if is_lacking else Outcome.DIRECT]
                text = summary(news.part, news.found)
            lines[news.part] = (mark, text)
            live.update(screen())

        yield show


def show(view: View) -> None:
    """Draw the answer on stdout."""
    console = Console(highlight=False)
    marks = _marks(console)
    mark = Text(f"{marks[view.outcome]} ", style=f"bold {COLORS[view.outcome]}")
    console.print(_beside(mark, Text(view.sentence, style="bold")))
    _list(console, "Why", view.reasons)
    _list(console, "What would help", view.changes)
    peers = Table(box=None, pad_edge=False, header_style="dim")
    for heading in PEER_HEADINGS:
        peers.add_column(heading, no_wrap=heading != PEER_HEADINGS[-1])
    for friend in view.friends:
        call = Text(f"{marks[friend.outcome]} {friend.outcome}", style=COLORS[friend.outcome])
        style = "bold" if friend.is_asked else ""
        peers.add_row(Text(friend.name, style), call, Text(friend.who, style="dim"))
    _section(console, "Calls", peers)
    if view.ways:
        relays = Table(box=None, pad_edge=False, header_style="dim")
        for heading in turn.HEADINGS[:-1]:
            relays.add_column(heading, overflow="fold")
        for way in view.ways:
            color = {True: "green", False: "red", None: "magenta"}[way.is_usable]
            relays.add_row(*map(Text, way.row[:2]), Text(way.row[2], color), *way.row[3:-1])
        _section(console, "Relays", Group(Text(view.relays_sentence), relays))
    if view.quality_sentence:
        rows = quality_table(view)
        _section(console, "Quality", Group(Text(view.quality_sentence), rows))
    console.print()
    console.print(Text(f"{view.asked}; your token: {view.token}", style="dim"))


def quality_table(view: View) -> Table:
    """Return the rows of what the path does to a call."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for row in view.quality:
        drawn.add_row(*map(Text, row))
    return drawn


def _marks(console: Console) -> dict[Outcome, str]:
    return _MARKS if console.encoding.lower().startswith("utf") else _PLAIN_MARKS


def _beside(mark: Text, text: Text) -> Table:
    drawn = Table.grid()
    drawn.add_column(no_wrap=True)
    drawn.add_column()
    drawn.add_row(mark, text)
    return drawn


def _section(console: Console, title: str, body: Table | Group) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Padding(body, (0, 0, 0, 2)))


def _list(console: Console, title: str, sentences: Sequence[str]) -> None:
    if not sentences:
        return
    drawn = Table.grid()
    for sentence in sentences:
        drawn.add_row(Text("- ", style="dim"), Text(sentence))
    _section(console, title, drawn)
