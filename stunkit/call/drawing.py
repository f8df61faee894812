"""The matrix drawn: as a table in Markdown, and as a picture in SVG that follows light and dark."""

from __future__ import annotations

from collections.abc import Mapping

from stunkit.call.assumption import Whose
from stunkit.call.matrix import NATS, ROWS, Cell, shared
from stunkit.call.simulation import Outcome

Cells = Mapping[tuple[str, str], Cell]

SIDE = 76  # width of a square of the picture; its height is less
HEIGHT = 30
MARGIN = 86  # for the names

_RELAYS = {
    None: "relay",
    Whose.OURS: "relay here",
    Whose.THEIRS: "relay there",
    Whose.BOTH: "two relays",
}
_STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #1f2328; }
.name { font-weight: 600; }
.direct { fill: #b7e4c7; }
.relay { fill: #ffd6a5; }
.unknown { fill: #e3e3e8; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .direct { fill: #1b5e37; }
  .relay { fill: #7a4a10; }
  .unknown { fill: #3d444d; }
}"""


def word(cell: Cell) -> str:
    """Return what stands in a cell, as the end of its row says it."""
    if cell.outcome is Outcome.RELAY:
        return _RELAYS[cell.relay]
    return "depends" if cell.outcome is Outcome.UNKNOWN else str(cell.outcome)


def tabulate(cells: Cells) -> str:
    """Return the matrix as a table."""
    names = [row.name for row in ROWS]
    lines = [_line("here \\ there", *names), _line(*("---" for _ in range(len(names) + 1)))]
    lines += [
        _line(f"**{name}**", *(word(cells[name, other]) for other in names)) for name in names
    ]
    return "\n".join(lines)


def tabulate_shared() -> str:
    """Return what becomes of two ends with one public address, by what was seen of their NAT."""
    lines = [_line("both ends", "hairpin seen", "no hairpin seen"), _line("---", "---", "---")]
    for row in NATS:
        seen, unseen = (word(Cell(shared(row, hairpin=hairpin))) for hairpin in (True, False))
        lines.append(_line(f"**{row.name}**", seen, unseen))
    return "\n".join(lines)


def draw(cells: Cells) -> str:
    """Return the matrix as an SVG."""
    names = [row.name for row in ROWS]
    width, height = MARGIN + SIDE * len(names), HEIGHT * (len(names) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Which calls connect directly, and which need a relay</title>",
        f"<style>\n{_STYLE}\n</style>",
    ]
    for place, name in enumerate(names):
        middle = MARGIN + SIDE * place + SIDE // 2
        parts.append(_text(middle, HEIGHT - 11, name, "middle", "name"))
        top = HEIGHT * (place + 1)
        parts.append(_text(MARGIN - 6, top + 19, name, "end", "name"))
        for column, other in enumerate(names):
            cell = cells[name, other]
            left = MARGIN + SIDE * column
            parts.append(
                f'<rect class="{cell.outcome}" x="{left + 1}" y="{top + 1}" '
                f'width="{SIDE - 2}" height="{HEIGHT - 2}" rx="3"/>'
            )
            parts.append(_text(left + SIDE // 2, top + 19, word(cell), "middle", ""))
    return "\n".join([*parts, "</svg>\n"])


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(x: int, y: int, text: str, anchor: str, kind: str) -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'
