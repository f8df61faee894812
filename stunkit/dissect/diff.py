"""Two messages side by side: which fields and attributes are the same, and which are not.

Attributes are paired by type, the n-th of a type with the n-th of the other message. Those that
change places relative to the others are told apart from those that stay (the longest run that
keeps its order stays). An XORed address under another transaction id has other bytes and says the
same: that is no change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from stunkit.dissect.field import Field
from stunkit.dissect.tree import Tree


class Change(StrEnum):
    """What became of a field."""

    SAME = "same"
    EQUIVALENT = "equivalent"  # other bytes, the same meaning
    CHANGED = "changed"
    LEFT = "left-only"
    RIGHT = "right-only"


class Row(NamedTuple):
    """A field of the left message beside its partner; ``is_moved``: it changed its place."""

    change: Change
    left: Field | None
    right: Field | None
    is_moved: bool = False


def compare(left: Tree, right: Tree) -> list[Row]:
    """Return the rows, in the order of the left message, with what only the right has between."""
    ours, theirs = _units(left), _units(right)
    partners = _partners(ours, theirs)
    staying = _in_order([place for place in partners if place is not None])
    rows: list[Row] = []
    done: set[int] = set()
    used = {place for place in partners if place is not None}
    for field, place in zip(ours, partners, strict=True):
        if place is None:
            rows.append(Row(Change.LEFT, field, None))
            continue
        if place in staying:
            rows += _only_right(theirs, done, used, place)
        change = _change(left, field, right, theirs[place])
        rows.append(Row(change, field, theirs[place], place not in staying))
    return rows + _only_right(theirs, done, used, len(theirs))


def _units(tree: Tree) -> list[Field]:
    """Return what is compared: the parts of the header, and each attribute as a whole."""
    units: list[Field] = []
    for field in tree.fields:
        units += field.fields if field.name == "header" and field.fields else (field,)
    return units


def _partners(ours: list[Field], theirs: list[Field]) -> list[int | None]:
    """Return for each of our fields the place of its partner."""
    places: dict[tuple[str, int], int] = {}
    seen: Counter[str] = Counter()
    for place, field in enumerate(theirs):
        places[field.name, seen[field.name]] = place
        seen[field.name] += 1
    seen.clear()
    partners = []
    for field in ours:
        partners.append(places.get((field.name, seen[field.name])))
        seen[field.name] += 1
    return partners


def _in_order(places: list[int]) -> set[int]:
    """Return the longest increasing run of places."""
    ends: list[int] = []  # the smallest end of a run of each length
    run: list[int] = []  # how long the longest run is that ends at each place
    for place in places:
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        run.append(length)
    chosen: set[int] = set()
    wanted = len(ends) - 1
    for place, length in zip(reversed(places), reversed(run), strict=True):
        if length == wanted:
            chosen.add(place)
            wanted -= 1
    return chosen


def _only_right(theirs: list[Field], done: set[int], used: set[int], end: int) -> list[Row]:
    """Return what only the right message has before a place, and has not been told yet."""
    places = [place for place in range(end) if place not in used and place not in done]
    done.update(places)
    return [Row(Change.RIGHT, None, theirs[place]) for place in places]


def _change(left: Tree, ours: Field, right: Tree, theirs: Field) -> Change:
    if left.data[ours.offset : ours.end] == right.data[theirs.offset : theirs.end]:
        return Change.SAME
    same = ours.text == theirs.text and not (ours.fault or theirs.fault) and _is_read(ours)
    return Change.EQUIVALENT if same else Change.CHANGED


def _is_read(field: Field) -> bool:
    """Whether the text of a field says all that its bytes say."""
    return field.number is not None and "..." not in field.text
