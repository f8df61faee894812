"""The robot at the command line: links come in on stdin, and a line goes out for each rehearsal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from stunkit import __version__
from stunkit.call.rehearsal import to_document
from stunkit.cli.interruption import interruptible
from stunkit.cli.render import rehearsal as render
from stunkit.cli.render.text import printable
from stunkit.cli.typed import Lines, reading
from stunkit.errors import UsageError
from stunkit.rehearsal.quiet import quieted
from stunkit.rehearsal.robot import Finished, Opened, Robot, Word
from stunkit.rehearsal.wishes import Wishes
from stunkit.signal.link import RoomLink, Website

SCHEMA = "stunkit/rehearse/1"


def attend(
    site: Website | None, links: Sequence[RoomLink], most: int, wishes: Wishes, *, as_json: bool
) -> None:
    """Answer rehearsals until Ctrl-C, or until no more can come."""
    asyncio.run(_attend(Robot(site, most, wishes, _say_json if as_json else _say), links))


async def _attend(robot: Robot, links: Sequence[RoomLink]) -> None:
    loop, lines = asyncio.get_running_loop(), Lines()

    def take(texts: Iterable[str]) -> None:
        for text in filter(str.strip, texts):
            try:
                robot.take(RoomLink.parse(text))
            except UsageError as error:
                click.echo(f"stunkit: {printable(str(error))}", err=True)

    def end() -> None:
        take(lines.end())
        robot.close()

    def soon(function: Callable[..., None], *arguments: str) -> None:
        loop.call_soon_threadsafe(function, *arguments)

    for link in links:
        robot.take(link)
    with (
        quieted(loop),
        interruptible(lambda: soon(robot.end)),
        reading(lambda text: soon(lambda: take(lines.feed(text))), lambda: soon(end)),
    ):
        await robot.run()


def _say(word: Word) -> None:
    """Print a line for a person."""
    if isinstance(word, Opened):
        click.echo(f"waiting  {word.link}")
    elif isinstance(word, Finished):
        document = to_document(word.seen, __version__)
        click.echo(render.line(document))
    else:
        click.echo(f"stunkit: {printable(word.reason)}", err=True)


def _say_json(word: Word) -> None:
    """Print a line for a program."""
    if isinstance(word, Opened):
        _put("room", {"link": str(word.link)})
    elif isinstance(word, Finished):
        _put("rehearsal", {"link": str(word.link), **to_document(word.seen, __version__)})
    else:
        link = None if word.link is None else str(word.link)
        _put("trouble", {"link": link, "reason": word.reason})


def _put(kind: str, members: dict[str, Any]) -> None:
    click.echo(json.dumps({"schema": SCHEMA, "kind": kind, **members}))
