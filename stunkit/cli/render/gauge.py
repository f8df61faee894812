"""A bar that fills while a run goes on, and a line about it; for terminals only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from stunkit.cli.render.text import printable


@contextmanager
def gauge() -> Iterator[Callable[[float, float, str], None]]:
    """Draw on stderr; call what is given with what is done, the whole, and a line about it.

    Draws when it is called and at no other time: whoever measures has no thread beside it.
    """
    console = Console(stderr=True)
    columns = (BarColumn(16), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("asking for the first time ...", total=None)
        bar.refresh()

        def show(done: float, whole: float, line: str) -> None:
            bar.update(task, completed=done, total=whole, description=printable(line))
            bar.refresh()

        yield show
