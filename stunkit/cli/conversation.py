"""One rehearsal with a person at the terminal, or with a pipe in a person's place.

Rules of this file: on a terminal everything is drawn, and goes when it ends. Elsewhere what the
other end says is on stdout, a line each, and how it goes on stderr.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack

import click

from stunkit.call.rehearsal import Rehearsal
from stunkit.cli.interruption import interruptible
from stunkit.cli.render.text import printable
from stunkit.cli.typed import Editor, Lines, keys_at_once, reading
from stunkit.errors import SignalError
from stunkit.rehearsal.quiet import quieted
from stunkit.rehearsal.rehearsing import News, Rehearsing, Remark, Said, Stage
from stunkit.rehearsal.wishes import Wishes
from stunkit.signal.link import RoomLink


def converse(link: RoomLink, wishes: Wishes, *, is_made: bool, is_quiet: bool) -> Rehearsal:
    """Rehearse. A room that ``is_made`` just now has its link shown; ``is_quiet`` leaves stdout.

    Raises StunkitError when there is no such room.
    """
    is_drawn = sys.stderr.isatty() and sys.stdin.isatty()
    if is_made and not is_drawn:
        click.echo(f"open this at the other end: {link}", err=True)
    run = _draw if is_drawn else _print
    return asyncio.run(run(link, wishes, is_quiet=is_quiet))


async def _print(link: RoomLink, wishes: Wishes, *, is_quiet: bool) -> Rehearsal:
    """Rehearse with stdin as what is said, and what is heard on stdout."""

    def hear(news: News) -> None:
        if isinstance(news, Said):
            if not news.is_ours:
                click.echo(printable(news.text), err=is_quiet)
        elif isinstance(news, Stage | Remark):
            click.echo(printable(news.text), err=True)

    rehearsing = Rehearsing(link, wishes, hear)
    lines = Lines()

    def chat(said: Iterable[str]) -> None:
        for line in said:
            rehearsing.chat(line)

    return await _run(
        rehearsing, lambda text: chat(lines.feed(text)), lambda: chat(lines.end()), ExitStack()
    )


async def _draw(link: RoomLink, wishes: Wishes, *, is_quiet: bool) -> Rehearsal:
    """Rehearse on a screen of its own."""
    from stunkit.cli.render.rehearsal_live import (  # noqa: PLC0415 (slow to import)
        Board,
        qr_code,
        screen,
    )

    del is_quiet  # nothing of it is on stdout
    board, editor = Board(str(link), qr_code(str(link))), Editor()
    with ExitStack() as stack:
        stack.enter_context(keys_at_once())
        show = stack.enter_context(screen(board))

        def hear(news: News) -> None:
            board.hear(news)
            peer, picture = rehearsing.peer, rehearsing.sink.picture
            board.pair = None if peer is None else peer.pair
            if picture is not None:
                board.pictures = f"{picture.frames_decoded} pictures"
            show()

        rehearsing = Rehearsing(link, wishes, hear)

        def type_(keys: str) -> None:
            for line in editor.feed(keys):
                rehearsing.chat(line)
            board.typed, board.waiting = printable(editor.text), rehearsing.waiting
            show()

        return await _run(rehearsing, type_, lambda: None, stack)


async def _run(
    rehearsing: Rehearsing,
    on_text: Callable[[str], None],
    on_end: Callable[[], None],
    stack: ExitStack,
) -> Rehearsal:
    """Rehearse with what is typed, until it ends or Ctrl-C does."""
    loop = asyncio.get_running_loop()
    with (
        quieted(loop),
        interruptible(lambda: loop.call_soon_threadsafe(rehearsing.end)),
        reading(
            lambda text: _soon(loop, on_text, text),
            lambda: _soon(loop, on_end),
        ),
    ):
        seen = await rehearsing.run()
    over = rehearsing.over
    if over is not None and over.fault is not None and not rehearsing.has_met:
        stack.close()
        raise SignalError(over.fault, over.reason)
    return seen


def _soon(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: str) -> None:
    loop.call_soon_threadsafe(function, *arguments)
