"""Lines of styled text: plain where nobody draws them, coloured on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import click

from stunkit.cli.render.text import printable

_STEP = 500  # of what is counted, between two looks

Span = tuple[str, str]  # text, and a style of rich ("" for none)
Line = list[Span]


def is_terminal() -> bool:
    """Whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for text, _ in line).rstrip()


def show(lines: Iterable[Line]) -> None:
    """Print lines on stdout. Their text is escaped here."""
    safe = ([(printable(text), style) for text, style in line] for line in lines)
    if not is_terminal():
        for line in safe:
            click.echo(plain(line))
        return
    from rich.console import Console  # noqa: PLC0415 (slow to import)
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    for line in safe:
        text = Text.assemble(*line)
        text.rstrip()
        console.print(text, soft_wrap=True)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far something has come, if somebody looks; call what is given for each."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 (slow to import)

    with Console(stderr=True).status(f"{what} ...") as status:

        def count(number: int) -> None:
            if number % _STEP == 0:
                status.update(f"{what} ... {number:,}")

        yield count


def aligned(rows: Iterable[Line]) -> list[Line]:
    """Return rows of cells as lines, each column as wide as its widest cell."""
    rows = [[(printable(text), style) for text, style in row] for row in rows]
    widths = [max(len(text) for text, _ in column) for column in zip(*rows, strict=True)]
    return [
        [
            (text.ljust(width) + "  ", style)
            for (text, style), width in zip(row, widths, strict=True)
        ]
        for row in rows
    ]
