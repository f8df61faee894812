"""What moves or has colour: rich's part of the output, for terminals only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stunkit.cli.render.text import printable


@contextmanager
def progress(verb: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show on stderr that something is under way; call what is given with each piece of news."""
    console = Console(stderr=True)
    what = f"{total} servers" if total > 1 else "1 server"
    news: list[str] = []

    with console.status(f"{verb} {what} ...") as status:

        def show(text: str) -> None:
            news.append(printable(text))
            status.update(Text(f"{verb} {what}: {', '.join(news)} ..."))

        yield show


def say(sentence: str) -> None:
    """Print a sentence that matters on stdout."""
    Console(highlight=False).print(Text(sentence, style="bold"))


def remark(sentence: str) -> None:
    """Print a sentence for those who want to know more, on stdout."""
    Console(highlight=False).print(Text(sentence, style="dim"))


def indent(text: str, *, style: str = "") -> None:
    """Print a text on stdout that belongs to the line above it."""
    Console(highlight=False).print(Padding(Text(text, style=style), (0, 0, 0, 4)))


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Draw names and what belongs to each on stdout, without headings."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, text in rows:
        drawn.add_row(Text(name), Text(text))
    Console(highlight=False).print(drawn)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, failed: Sequence[bool]
) -> None:
    """Draw a table on stdout, the failed rows in red.

    The cells are printed as they are, not as markup.
    """
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row, is_failed in zip(rows, failed, strict=True):
        drawn.add_row(*(Text(cell) for cell in row), style="red" if is_failed else None)
    Console().print(drawn)
