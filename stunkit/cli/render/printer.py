"""Printer: results as text while they come, as JSON line by line, or as one document at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any

import click

from stunkit.cli.render.spans import Line, show


class Form(Enum):
    """What is printed."""

    TEXT = auto()
    LINES = auto()  # a JSON object each
    DOCUMENT = auto()  # one JSON document


class Printer:
    """Puts out text as it comes, JSON line by line, or one document at the end."""

    def __init__(self, form: Form, schema: str, kinds: Iterable[str] = ()) -> None:
        """Make one; a document has a list of each of ``kinds``, also where none comes."""
        self._schema = schema
        self.is_text = form is Form.TEXT
        self._is_lines = form is Form.LINES
        self._document: dict[str, Any] = {"schema": schema, **{f"{kind}s": [] for kind in kinds}}
        self._has_text = False

    def say(self, lines: Iterable[Line]) -> None:
        """Show a block of text, apart from the one before."""
        if self.is_text:
            show([[], *lines] if self._has_text else lines)
            self._has_text = True

    def put(self, kind: str, make: Callable[[], dict[str, Any]], **about: object) -> None:
        """Add one thing to the JSON, under the plural of its kind; made only if it is wanted."""
        if self._is_lines:
            click.echo(json.dumps({"schema": self._schema, "kind": kind, **about, **make()}))
        elif not self.is_text:
            self._document.setdefault(f"{kind}s", []).append({**about, **make()})

    def finish(self) -> None:
        """End the document."""
        if not self.is_text and not self._is_lines:
            click.echo(json.dumps(self._document))
