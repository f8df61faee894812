"""A screen that is drawn again and again until a key ends it; for terminals only."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stunkit.cli.render import top
from stunkit.cli.render.text import printable

QUIT = "qQ"


def draw(glance: top.Glance, history: Sequence[float], source: str, trouble: str = "") -> Group:
    """Return the screen; ``history`` has answers a second, the newest last."""
    last = Text(printable(trouble), style="red") if trouble else Text("q ends it", style="dim")
    return Group(
        Text(printable(source), style="dim"),
        Text(top.sentence(glance), style="bold"),
        Text(f"{top.sparkline(history)}  up to {max(history, default=0):,.0f}/s", style="green"),
        Text(),
        _pairs(top.facts(glance)),
        Text(),
        _table(top.ways(glance)),
        Text(),
        _table(top.outcomes(glance)),
        Text(),
        last,
    )


@contextmanager
def screen() -> Iterator[Callable[[Group], None]]:
    """Take the whole terminal; call what is given to draw."""
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        yield lambda group: live.update(group, refresh=True)


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Have keys come without Enter; call what is given to wait so long, in seconds, for one."""
    if not sys.stdin.isatty() or os.name != "posix":
        yield _sleep
        return
    import termios  # noqa: PLC0415 (not on Windows)
    import tty  # noqa: PLC0415 (not on Windows)

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield lambda timeout: _wait(number, timeout)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _sleep(timeout: float) -> str:
    time.sleep(timeout)
    return ""


def _wait(number: int, timeout: float) -> str:
    ready, _, _ = select.select([number], [], [], timeout)
    return os.read(number, 1).decode(errors="replace") if ready else ""


def _pairs(rows: Sequence[tuple[str, str]]) -> Table:
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn


def _table(rows: Sequence[Sequence[str]]) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for place, heading in enumerate(rows[0]):
        drawn.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in rows[1:]:
        drawn.add_row(*map(Text, row))
    return drawn
