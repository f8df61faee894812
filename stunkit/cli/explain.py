"""``stunkit explain``: the manual's pages."""

from __future__ import annotations

import sys
from importlib.resources import files
from importlib.resources.abc import Traversable

import click

from stunkit.cli.render.text import columns
from stunkit.errors import UsageError


@click.command("explain")
@click.argument("topic", required=False)
def command(topic: str | None) -> None:
    """Show a page of the manual, or the list of them."""
    pages = {page.name.removesuffix(".md"): page for page in _pages()}
    if topic is None:
        titles = {
            name: page.read_text("utf-8").partition("\n")[0].lstrip("# ")
            for name, page in sorted(pages.items())
        }
        click.echo(columns(list(titles.items())))
        return
    if topic not in pages:
        raise UsageError("a page of the manual", topic, f"there are {', '.join(sorted(pages))}")
    text = pages[topic].read_text("utf-8")
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 (slow to import)
        from rich.markdown import Markdown  # noqa: PLC0415

        Console().print(Markdown(text))
    else:
        click.echo(text, nl=False)


def _pages() -> list[Traversable]:
    folder = files("stunkit") / "manual"
    return [page for page in folder.iterdir() if page.name.endswith(".md")]
