"""A dissected message: a line for each field, and where it breaks, the bytes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stunkit.cli.render.spans import Line
from stunkit.cli.render.text import printable
from stunkit.dissect.diff import Change, Row
from stunkit.dissect.field import Field
from stunkit.dissect.tree import Form, Tree
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import attribute_name, method_name

_OFFSET, _NAME, _NOTE, _FAULT, _GUIDE = "dim", "bold", "cyan", "bold red", "dim"
_RIGHT = "green"
_BRANCH, _LAST, _BAR, _GAP = "├─ ", "└─ ", "│  ", "   "
_ROW = 16  # bytes on a line of hex
_MARKS = {
    Change.SAME: (" ", "dim"),
    Change.EQUIVALENT: ("~", ""),
    Change.CHANGED: ("!", "yellow"),
    Change.LEFT: ("-", "red"),
    Change.RIGHT: ("+", "green"),
}


def title(tree: Tree) -> Line:
    """Return the heading of a tree."""
    size = len(tree.data)
    return [(tree.title, "bold"), (f", {size} byte{'' if size == 1 else 's'}", _OFFSET)]


def lines(tree: Tree, *, is_whole: bool = False, is_drawn: bool = False) -> list[Line]:
    """Return a tree, with all of its fields if it ``is_whole``; guides where it ``is_drawn``."""
    shown = list(_branches(tree.fields, "", is_whole=is_whole))
    width = max((len(guide) + len(field.name) for field, guide in shown), default=0)
    found = [title(tree)]
    for field, guide in shown:
        found.append(_field(field, guide if is_drawn else _spaces(guide), width))
        if field.fault:
            found.append(_fault(field, guide if is_drawn else _spaces(guide)))
    if tree.faults:
        found += [[], *_excerpt(tree)]
    return found


def _branches(
    fields: Sequence[Field], before: str, *, is_whole: bool
) -> Iterator[tuple[Field, str]]:
    for field in fields:
        is_last = field is fields[-1]
        yield field, before + (_LAST if is_last else _BRANCH)
        if is_whole or _is_open(field):
            inner = before + (_GAP if is_last else _BAR)
            yield from _branches(field.fields, inner, is_whole=is_whole)


def _is_open(field: Field) -> bool:
    """Whether the parts of a field are worth a line each, unasked."""
    is_header = field.number is None
    has_more = any(one.fault or one.fields for one in field.walk() if one is not field)
    return is_header or has_more


def _spaces(guide: str) -> str:
    return "".join(" " for _ in guide)


def _field(field: Field, guide: str, width: int) -> Line:
    line: Line = [(f"{field.offset:04x} ", _OFFSET), (guide, _GUIDE), (field.name, _NAME)]
    if field.text or field.note:
        line.append((" " * (width - len(guide) - len(field.name) + 2), ""))
        line.append((field.text, ""))
    if field.note:
        style = _RIGHT if field.note.startswith("right") else _NOTE
        line.append((("  " if field.text else "") + f"({field.note})", style))
    return line


def _fault(field: Field, guide: str) -> Line:
    inner = guide.replace(_BRANCH, _BAR).replace(_LAST, _GAP)
    return [("     ", ""), (inner, _GUIDE), (f"^ {field.fault}", _FAULT)]


def _excerpt(tree: Tree) -> list[Line]:
    """Return where the first fault is: a sentence, and its bytes marked."""
    field = tree.faults[0]
    place, reason, size = field.offset, field.fault, field.length
    if tree.error is not None:
        place, reason = tree.error.offset, tree.error.reason
        size = next((f.length for f in tree.faults if f.offset == place), 0) or size
    end = len(tree.data)
    place = min(place, max(0, end - 1))
    start = max(0, place // _ROW - 1) * _ROW
    said = "Broken" if tree.message is None else "Wrong"
    found: list[Line] = [[(f"{said} at byte {place} (0x{place:04x}): ", _FAULT), (reason, "")]]
    for row in range(start, min(end, start + 3 * _ROW), _ROW):
        data = tree.data[row : row + _ROW]
        found.append([(f"{row:04x}  ", _OFFSET), (data.hex(" "), "")])
        first, last = max(place, row), min(place + size, row + len(data))
        if first < last:
            marks = "   " * (first - row) + " ".join(["^^"] * (last - first))
            found.append([("      " + marks, _FAULT)])
    return found


def diff_lines(left: Tree, right: Tree, rows: Sequence[Row]) -> list[Line]:
    """Return the cells of two messages side by side: mark, name, left, right, remark."""
    sides = [(f"{tree.title}, {len(tree.data)} bytes", _NAME) for tree in (left, right)]
    cells: list[Line] = [[("", ""), ("", ""), *sides, ("", "")]]
    for row in rows:
        mark, style = _MARKS[row.change]
        field = row.left or row.right
        name = ("" if field is None else field.name, _NAME)
        remark = ("moved" if row.is_moved else "", _NOTE)
        texts = (_side(row.left), style), (_side(row.right), style)
        cells.append([(mark, style), name, *texts, remark])
    return cells


def _side(field: Field | None) -> str:
    if field is None:
        return ""
    shown = f"{field.offset:04x} {field.text}".rstrip()
    fault = next((one.fault for one in field.walk() if one.fault), "")
    return f"{shown} ^ {fault}" if fault else shown


def document(tree: Tree) -> dict[str, Any]:
    """Return a tree for JSON."""
    error = tree.error
    found: dict[str, Any] = {
        "form": tree.form,
        "title": printable(tree.title),
        "size": len(tree.data),
        "hex": tree.data.hex(),
        "accepted": tree.message is not None or (tree.form is Form.CHANNEL_DATA and not error),
        "error": None
        if error is None
        else {"place": error.place, "offset": error.offset, "reason": error.reason},
        "faults": [{"offset": one.offset, "reason": printable(one.fault)} for one in tree.faults],
    }
    if tree.message is not None:
        found |= _about(tree.message)
        found["integrity"] = [
            {
                "attribute": attribute_name(check.number),
                "outcome": check.outcome,
                "why": printable(check.why),
            }
            for check in tree.checks
        ]
    found["fields"] = [_field_document(field) for field in tree.fields]
    return found


def _about(message: Message) -> dict[str, Any]:
    return {
        "class": message.message_class.name.lower().replace("_", "-"),
        "method": method_name(message.method),
        "transaction_id": message.transaction_id.hex(),
        "fingerprint": check_fingerprint(message),
    }


def _field_document(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {"offset": field.offset, "length": field.length, "name": field.name}
    if field.number is not None:
        found["type"] = field.number
    found["value"] = printable(field.text) or None
    if field.note:
        found["note"] = printable(field.note)
    if field.fault:
        found["fault"] = printable(field.fault)
    if field.fields:
        found["fields"] = [_field_document(one) for one in field.fields]
    return found


def row_document(row: Row) -> dict[str, Any]:
    """Return a row of a comparison for JSON."""
    field = row.left or row.right
    return {
        "change": row.change,
        "moved": row.is_moved,
        "name": None if field is None else field.name,
        "left": None if row.left is None else _field_document(row.left),
        "right": None if row.right is None else _field_document(row.right),
    }
