"""Text that came from elsewhere, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text that cannot move a cursor: control and other odd characters are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
