"""The picture of a call's path: you, your NATs, the servers, the relays, the peer; as SVG.

It is drawn twice from one plan, along a line for wide pages and down a column for narrow ones.

Rules of this file: shapes alone, with classes that the page's style gives colours; every text is
escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from stunkit.call.simulation import Outcome

WIDTH, HEIGHT = 156, 64  # of a box
WIDE = (196, 118)  # from box to box, along the path and across
TALL = (104, 176)
MARGIN = 12
LETTERS = 22  # that a box has room for
MOST_LINES = 3  # in a box, with its title
STAND_IN = ".invalid"  # the end of a redacted address, which says nothing


class Box(NamedTuple):
    """A place on the path: ``along`` it, and ``across`` (0: on the path itself).

    ``state`` is a class of the style: "fine", "hinders", "stops", "unknown" or "other".
    """

    title: str
    lines: tuple[str, ...]
    along: float
    across: int = 0
    state: str = "other"


class Line(NamedTuple):
    """What goes from one box to another, by their places in the list; ``kind`` is a class."""

    start: int
    end: int
    kind: str


class Plan(NamedTuple):
    """Boxes and lines, and what the whole is and says, for who cannot see it."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    title: str
    text: str


def draw(plan: Plan) -> str:
    """Return the picture in both shapes."""
    return _draw(plan, is_wide=True) + _draw(plan, is_wide=False)


def _draw(plan: Plan, *, is_wide: bool) -> str:
    along, across = WIDE if is_wide else TALL

    def corner(box: Box) -> tuple[int, int]:
        steps = int(box.along * along) + MARGIN, box.across * across + MARGIN
        return steps if is_wide else (steps[1], steps[0])

    places = [corner(box) for box in plan.boxes]
    width = max(x for x, _ in places) + WIDTH + MARGIN
    height = max(y for _, y in places) + HEIGHT + MARGIN
    shape = "wide" if is_wide else "tall"
    middles = [(x + WIDTH // 2, y + HEIGHT // 2) for x, y in places]
    parts = [
        f'<svg class="path {shape}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(plan.title)}</title><desc>{escape(plan.text)}</desc>",
    ]
    order = sorted(plan.lines, key=lambda line: line.kind != "thin")
    for line in order:
        (x, y), (u, v) = middles[line.start], middles[line.end]
        parts.append(f'<line class="{line.kind}" x1="{x}" y1="{y}" x2="{u}" y2="{v}"/>')
    parts += [_box(box, *place) for box, place in zip(plan.boxes, places, strict=True)]
    return "".join([*parts, "</svg>"])


def _box(box: Box, x: int, y: int) -> str:
    lines = box.lines[: MOST_LINES - 1]
    rows = [(box.title, "title"), *((line, "line") for line in lines)]
    first = y + HEIGHT // 2 + 5 - 8 * (len(rows) - 1)
    middle = x + WIDTH // 2
    parts = [
        f'<g class="box {box.state}"><title>{escape(", ".join((box.title, *box.lines)))}</title>',
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="9"/>',
    ]
    for number, (text, kind) in enumerate(rows):
        place = f'x="{middle}" y="{first + 16 * number}"'
        parts.append(f'<text class="{kind}" {place}>{escape(shorten(text))}</text>')
    return "".join([*parts, "</g>"])


def shorten(text: str, most: int = LETTERS) -> str:
    """Return a text that fits; of an address the beginning says more than the end."""
    text = text.removesuffix(STAND_IN)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def lines_of(
    outcome: Outcome, chain: Sequence[int], hub: int, relay: int | None, stop: int | None
) -> list[Line]:
    """Return the lines of a call along a chain of boxes, ``hub`` being where the relay branches.

    It ends at ``stop``, the box that lets nothing through, and without one it goes to the end.
    """
    kind = str(outcome)
    if outcome is Outcome.RELAY and relay is not None:
        before = [one for one in chain if one < hub]
        after = [one for one in chain if one > hub]
        way = [*before, hub, relay, hub, *after]
        pairs = list(pairwise(way))
        return [Line(start, end, kind) for start, end in dict.fromkeys(pairs)]
    pairs = list(pairwise(chain))
    if stop is None:
        return [Line(start, end, kind) for start, end in pairs]
    return [Line(start, end, kind if start < stop else "thin") for start, end in pairs]
