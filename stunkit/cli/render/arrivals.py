"""Candidates as they come, and the findings in colour; for terminals only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from stunkit.cli.render import candidates as render
from stunkit.ice.finding import Severity
from stunkit.net.gathered import Gleaned

NARROW = 24  # signs of an address that stay together: IPv4, short IPv6
COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


@contextmanager
def arrivals(what: str) -> Iterator[Callable[[Gleaned], None]]:
    """Show on stderr what has come so far; call what is given with each candidate."""
    items: list[render.Item] = []
    spinner = Spinner("dots", Text(f"asking {what} ..."))

    def screen() -> Group:
        best = sorted(items, key=lambda item: -item.candidate.priority)
        return Group(draw(render.HEADINGS, [render.row(item) for item in best]), spinner)

    with Live(screen(), console=Console(stderr=True), transient=True) as live:

        def show(one: Gleaned) -> None:
            items.append(render.item_of(one))
            live.update(screen())

        yield show


def draw(
    headings: Sequence[str], rows: Sequence[Sequence[str]], dimmed: Sequence[bool] = ()
) -> Table:
    """Return a table; ``dimmed`` says of each row whether it matters less."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        longest = max((len(row[place]) for row in rows), default=0)
        is_whole = heading in ("address", "scope", "priority") and longest <= NARROW
        drawn.add_column(heading, overflow="fold", no_wrap=is_whole)
    for index, row in enumerate(rows):
        is_dim = index < len(dimmed) and dimmed[index]
        drawn.add_row(*map(Text, row), style="dim" if is_dim else None)
    return drawn


def show(
    headings: Sequence[str], rows: Sequence[Sequence[str]], dimmed: Sequence[bool] = ()
) -> None:
    """Print a table on stdout."""
    Console().print(draw(headings, rows, dimmed))


def remark(severity: Severity, text: str, code: str) -> None:
    """Print a finding on stdout: its severity in colour, and its code for who looks it up."""
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(no_wrap=True, width=7)
    drawn.add_column()
    said = Text.assemble(text, " ", (f"[{code}]", "dim"))
    drawn.add_row(Text(severity, style=f"bold {COLORS[severity]}"), said)
    Console(highlight=False).print(drawn)
