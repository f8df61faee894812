"""A rehearsal on a terminal: how far it is, its figures and the chat while it goes on, the verdict.

Rules of this file: it draws what it is told. Text of the other end is escaped before it is drawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stunkit.call.rehearsal import Pair, Progress
from stunkit.call.simulation import Outcome
from stunkit.cli.render import rehearsal as render
from stunkit.cli.render.text import printable
from stunkit.cli.render.top import sparkline

if TYPE_CHECKING:
    from stunkit.rehearsal.meter import Sample
    from stunkit.rehearsal.rehearsing import News

HISTORY = 30  # seconds that a line of bars goes back
MOST_CHAT = 200  # lines that are kept to be drawn
QUIET_ZONE = 2  # modules around a QR code: half of what ISO/IEC 18004 wants, and enough on a screen
FIXED = 3  # lines of the screen besides all else: two that are empty, and the last

_COLORS = {
    Outcome.DIRECT: "green",
    Outcome.RELAY: "yellow",
    Outcome.BLOCKED: "red",
    Outcome.UNKNOWN: "magenta",
}


class Board:
    """What the screen shows. ``hear`` news, change what is public, then ``draw``."""

    def __init__(self, link: str, qr: Sequence[str] = ()) -> None:
        self.typed = ""
        self.waiting: Sequence[str] = ()  # what was said and is not sent yet
        self.pair: Pair | None = None
        self.pictures = ""
        self._link = link
        self._qr = qr
        self._progress = Progress.WAITING
        self._state = "connecting to the room"
        self._remark = ""
        self._chat: deque[tuple[bool, str]] = deque(maxlen=MOST_CHAT)
        self._samples: deque[Sample] = deque(maxlen=HISTORY)

    def hear(self, news: News) -> None:
        """Take a piece of news."""
        from stunkit.rehearsal.meter import Sample  # noqa: PLC0415 (of another extra)
        from stunkit.rehearsal.rehearsing import Remark, Said, Stage  # noqa: PLC0415 (likewise)

        if isinstance(news, Stage):
            self._progress, self._state = news.progress, news.text
        elif isinstance(news, Said):
            self._chat.append((news.is_ours, printable(news.text)))
        elif isinstance(news, Remark):
            self._remark = printable(news.text)
        elif isinstance(news, Sample):
            self._samples.append(news)

    def draw(self, width: int, height: int) -> Group:
        """Return the screen."""
        top: list[RenderableType] = [self._sentence()]
        if self._progress is Progress.WAITING:
            room = height - FIXED - 2
            if self._qr and len(self._qr) <= room and len(self._qr[0]) <= width:
                top.append(Text("\n".join(self._qr), style="bright_white on black"))
                room -= len(self._qr)
            link = Text(self._link, style="bold", overflow="fold")
            top.append(Text("Open this at the other end, or send it there:", style="dim"))
            top.append(link)
        else:
            top += [Text(), self._figures()]
        if self._remark:
            top.append(Text(self._remark, style="yellow", overflow="ellipsis", no_wrap=True))
        console = Console(width=width, height=height)
        used = sum(len(console.render_lines(one, pad=False)) for one in top)
        return Group(*top, *self._talk(console, height - used - FIXED))

    def _sentence(self) -> Text:
        if self._progress is not Progress.CONNECTED or self.pair is None:
            style = "bold green" if self._progress is Progress.CONNECTED else "bold"
            return Text(f"{self._state} ...", style=style)
        is_relayed = self.pair.local.is_relayed or self.pair.remote.is_relayed
        style = f"bold {_COLORS[Outcome.RELAY if is_relayed else Outcome.DIRECT]}"
        how = "through a relay" if is_relayed else "directly"
        ends = f"{printable(str(self.pair.local))} - {printable(str(self.pair.remote))}"
        return Text.assemble((f"connected {how}", style), ("  " + ends, "dim"))

    def _figures(self) -> Table:
        drawn = Table(box=None, pad_edge=False, show_header=False)
        drawn.add_column(style="dim", no_wrap=True)
        drawn.add_column(justify="right", no_wrap=True)
        drawn.add_column(style="green", no_wrap=True, overflow="crop")
        samples = list(self._samples)
        rtts = [None if one.rtt is None else one.rtt * 1e3 for one in samples]
        jitters = [None if one.jitter is None else one.jitter * 1e3 for one in samples]
        _row(drawn, "round trip", rtts, render.ms)
        _row(drawn, "jitter", jitters, render.ms)
        _row(drawn, "lost, sent", [one.loss.sent for one in samples], render.share)
        _row(drawn, "lost, received", [one.loss.received for one in samples], render.share)
        _row(drawn, "rate, sent", [one.kbps.sent for one in samples], render.rate)
        _row(drawn, "rate, received", [one.kbps.received for one in samples], render.rate)
        drawn.add_row("video", self.pictures or "-", "")
        return drawn

    def _talk(self, console: Console, room: int) -> list[Text]:
        """Return the last of the chat, and the line that is being typed."""
        texts = [
            Text.assemble(("you   " if is_ours else "other ", "dim"), line, overflow="fold")
            for is_ours, line in self._chat
        ]
        texts += [Text(f"you   {printable(line)}", style="dim") for line in self.waiting]
        shown: list[Text] = []
        for text in reversed(texts):
            room -= len(console.render_lines(text, pad=False))
            if room < 0:
                break
            shown.insert(0, text)
        edge = max(10, console.width - 3)
        typed = Text.assemble(("> ", "bold"), self.typed[-edge:], ("_", "dim"), no_wrap=True)
        ends = "Enter sends; Ctrl-C ends it with the verdict"
        return [Text(), *shown, typed, Text(ends, style="dim", no_wrap=True, overflow="ellipsis")]


@contextmanager
def screen(board: Board) -> Iterator[Callable[[], None]]:
    """Take the whole terminal; call what is given to draw the board again."""
    console = Console(stderr=True, highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show() -> None:
            live.update(board.draw(console.width, console.height), refresh=True)

        show()
        yield show


def qr_code(link: str) -> list[str]:
    """Return a QR code as lines of half blocks, to be drawn white on black."""
    from io import StringIO  # noqa: PLC0415 (seldom)

    import segno  # noqa: PLC0415 (needs an extra)

    out = StringIO()
    segno.make(link, error="l", micro=False).terminal(out, border=QUIET_ZONE, compact=True)
    return out.getvalue().splitlines()


def conclude(said: render.View) -> None:
    """Draw the verdict on stdout."""
    console = Console(highlight=False)
    console.print(Text(said.sentence, style=f"bold {_COLORS[said.outcome]}"))
    for title, sentences in (("Why", said.reasons), ("What went wrong", said.problems)):
        if sentences:
            drawn = Table.grid()
            for sentence in sentences:
                drawn.add_row(Text("- ", style="dim"), Text(sentence))
            _section(console, title, drawn)
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for row in said.figures:
        drawn.add_row(*map(Text, row))
    _section(console, "Figures", drawn)


def _section(console: Console, title: str, body: Table) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Padding(body, (0, 0, 0, 2)))


def _row(
    drawn: Table, name: str, values: Sequence[float | None], say: Callable[[float | None], str]
) -> None:
    last = values[-1] if values else None
    text = "-" if last is None else say(last)
    bars = iter(sparkline([value for value in values if value is not None]))
    drawn.add_row(name, text, "".join(" " if value is None else next(bars) for value in values))
