"""A sheet: one page that needs nothing else, to attach to a ticket or to print.

Rules of this file: whatever came from the network, or from a person, passes ``escape``. The page
has no script and loads nothing: its policy allows the one style that it has, by its digest.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import NamedTuple

REDACTED = "Addresses are replaced by names that say what they are; one address has one name."


class Head(NamedTuple):
    """What stands above all: ``kind`` is the verdict in short, ``made`` says when and by whom."""

    title: str
    outcome: str
    kind: str
    sentence: str
    made: str


def sheet(head: Head, body: Sequence[str], footer: str = "") -> str:
    """Return a page; ``body`` and ``footer`` are HTML."""
    style = files("stunkit.server.web").joinpath("page", "report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">',
        f"<title>{escape(head.title)}</title>",
        f"<style>{style}</style></head><body><main>",
        f'<header><div class="verdict {head.outcome}">',
        f'<p class="kind is-{head.outcome}">{escape(head.kind)}</p>',
        f"<h1>{escape(head.sentence)}</h1></div>",
        f'<p class="meta">{escape(head.made)}</p></header>',
        *body,
        f'<footer class="quiet">{footer}</footer></main></body></html>\n',
    ]
    return "".join(parts)


def section(title: str, *parts: str) -> str:
    """Return a section under a heading."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, the first cell of each row being its name; "" where there is no row."""
    if not rows:
        return ""
    parts = [table_head(headings)]
    for name, *cells in rows:
        data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        parts.append(f'<tr><th scope="row">{escape(name)}</th>{data}</tr>')
    return "".join([*parts, "</tbody></table></div>"])


def table_head(headings: Sequence[str]) -> str:
    """Return how a table begins."""
    cells = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    head = f"<thead><tr>{cells}</tr></thead>" if headings else ""
    return f'<div class="scroll"><table>{head}<tbody>'


def bullets(sentences: Sequence[str]) -> str:
    """Return a list; "" where there is nothing in it."""
    items = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    return f"<ul>{items}</ul>" if items else ""
