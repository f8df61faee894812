"""``stunkit top``: what a running server does right now."""

from __future__ import annotations

import sys
import time
from collections import deque

import click

from stunkit.cli.options import Seconds
from stunkit.cli.render import top as render
from stunkit.errors import TransactionError
from stunkit.net.scrape import DEFAULT_PORT, Source, fetch

FIRST = 0.3  # seconds until the first screen, at most
HISTORY = 60  # looks that the line of bars goes back


@click.command("top")
@click.argument("source", default=f"127.0.0.1:{DEFAULT_PORT}")
@click.option(
    "--interval",
    type=Seconds(min=0.1, max=60),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks.",
)
@click.option("--once", is_flag=True, help="Look twice, print one table and end.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON document.")
def command(source: str, *, interval: float, once: bool, as_json: bool) -> None:
    """Watch a running server: SOURCE is where it shows its metrics, as HOST[:PORT] or a URL.

    Without SOURCE, 127.0.0.1:9478. In a terminal, q or Ctrl-C ends it; elsewhere it prints one
    table. See `stunkit explain metrics`.
    """
    place = Source.parse(source)
    before = fetch(place)
    if not (once or as_json) and sys.stdout.isatty():
        _watch(place, interval)
        return
    time.sleep(interval)
    glance = render.look(before, fetch(place), time.time())
    click.echo(render.to_json(glance, str(place)) if as_json else render.to_text(glance))


def _watch(place: Source, interval: float) -> None:
    """Draw until a key ends it."""
    from stunkit.cli.render.board import QUIT, draw, keys, screen  # noqa: PLC0415 (slow to import)

    history: deque[float] = deque(maxlen=HISTORY)
    before = after = fetch(place)
    trouble, due = "", time.monotonic() + min(interval, FIRST)
    with screen() as show, keys() as wait:
        while True:
            if after is not before:
                glance = render.look(before, after, time.time())
                show(draw(glance, history, str(place), trouble))
            if wait(max(0.0, due - time.monotonic())) in tuple(QUIT):
                return
            if time.monotonic() < due:
                continue
            due = time.monotonic() + interval
            try:
                before, after, trouble = after, fetch(place), ""
                history.append(render.look(before, after, time.time()).whole.answered)
            except TransactionError as error:
                trouble = str(error)
