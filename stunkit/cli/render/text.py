"""Plain text: safe to print, aligned in columns."""

from __future__ import annotations

from collections.abc import Sequence

from stunkit.text import printable

__all__ = ["columns", "printable"]


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
