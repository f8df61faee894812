"""A field of a message: where it is, what it is called, what it says, and what is wrong with it.

A field is a leaf, or is made of the fields that follow each other in it. Text comes from the wire
and is not made safe here: whoever draws it does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Field:
    """Bytes ``offset`` to ``offset + length`` of a message.

    ``text`` is the value for people, ``note`` a remark, ``fault`` what is wrong. ``number`` is
    the type of an attribute, None for any other field.
    """

    offset: int
    length: int
    name: str
    text: str = ""
    note: str = ""
    fault: str = ""
    fields: tuple[Field, ...] = ()
    number: int | None = None

    @property
    def end(self) -> int:
        """Where the next field starts."""
        return self.offset + self.length

    def walk(self) -> Iterator[Field]:
        """Yield this field and all that are in it, in order."""
        yield self
        for field in self.fields:
            yield from field.walk()

    def leaves(self) -> Iterator[Field]:
        """Yield the fields that have none in them, in order."""
        return (field for field in self.walk() if not field.fields)

    def moved(self, distance: int) -> Field:
        """Return the same field further back, with all that is in it."""
        inner = tuple(field.moved(distance) for field in self.fields)
        return replace(self, offset=self.offset + distance, fields=inner)


def chain(offset: int, parts: list[tuple[int, str, str]]) -> tuple[Field, ...]:
    """Return fields that follow each other: (length, name, text) each. Empty ones are left out."""
    fields = []
    for length, name, text in parts:
        if length:
            fields.append(Field(offset, length, name, text))
        offset += length
    return tuple(fields)
