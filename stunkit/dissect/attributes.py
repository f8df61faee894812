"""The attributes of a message as fields, as far as they can be read, then whatever is no attribute.

What does not count is there too, with a remark: attributes behind an integrity attribute or
FINGERPRINT, repeated ones, padding that is not zero (RFC 8489 sections 9, 14 and 14.7). A value
that cannot be decoded is a fault of that attribute alone: the next one starts where the length
says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stunkit.dissect.field import Field, chain
from stunkit.dissect.value import Value, describe, hexadecimal
from stunkit.errors import Malformed
from stunkit.wire.attributes.table import decode_attribute
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE
from stunkit.wire.registry import COMPREHENSION_OPTIONAL, AttributeType, attribute_name

_SEALS = (  # each hides what follows it, but for those further down
    AttributeType.MESSAGE_INTEGRITY,
    AttributeType.MESSAGE_INTEGRITY_SHA256,
    AttributeType.FINGERPRINT,
)
# RFC 8656: section 10.1, one or more; section 7.2, one of each family
_REPEATED = {AttributeType.XOR_PEER_ADDRESS, AttributeType.XOR_RELAYED_ADDRESS}


class Attributes:
    """Reads the attributes of a message whose header is whole.

    ``look_inside`` turns a value that starts at an offset into a field if it is a message itself.
    """

    def __init__(self, data: bytes, look_inside: Callable[[bytes, int], Field | None]) -> None:
        self._data = data
        self._look_inside = look_inside
        self._id = data[8:20] if data[4:8] == MAGIC_COOKIE else data[4:20]
        self._end = min(len(data), HEADER_SIZE + int.from_bytes(data[2:4], "big"))
        self._seen: set[int] = set()
        self._rank = -1  # of the last seal

    def read(self) -> list[Field]:
        """Return a field for each, and for the bytes that are none."""
        fields: list[Field] = []
        offset = HEADER_SIZE
        while offset < self._end:
            left = self._end - offset
            if left < 4:
                fault = f"{left} bytes are left, an attribute's header has 4"
                fields.append(self._opaque(offset, self._end, "rest", fault))
                break
            fields.append(self._attribute(offset))
            offset = fields[-1].end
        if self._end < len(self._data):
            fault = "the length in the header ends before these bytes"
            fields.append(self._opaque(self._end, len(self._data), "beyond the end", fault))
        return fields

    def _opaque(self, start: int, end: int, name: str, fault: str) -> Field:
        return Field(start, end - start, name, hexadecimal(self._data[start:end]), fault=fault)

    def _attribute(self, offset: int) -> Field:
        data = self._data
        number = int.from_bytes(data[offset : offset + 2], "big")
        size = int.from_bytes(data[offset + 2 : offset + 4], "big")
        name = attribute_name(number)
        start = offset + 4
        head = chain(offset, [(2, "type", f"0x{number:04X}"), (2, "length", str(size))])
        left = self._end - start
        if size > left:
            cut = replace(head[1], fault=f"its length is {size} bytes, {left} are left")
            rest = chain(start, [(left, "rest", hexadecimal(data[start : self._end]))])
            inner = (head[0], cut, *rest)
            return Field(offset, 4 + left, name, "cut short", fields=inner, number=number)
        standing = self._standing(number)
        shown, fields = self._value(number, data[start : start + size], start)
        padding = self._padding(start + size)
        note = "; ".join(said for said in (shown.note, standing) if said)
        fields = (*head, *fields, *padding)
        length = fields[-1].end - offset
        return Field(offset, length, name, shown.text, note, fields=fields, number=number)

    def _value(self, number: int, value: bytes, start: int) -> tuple[Value, tuple[Field, ...]]:
        """Return what a value says, and its fields."""
        try:
            attribute = decode_attribute(number, value, self._id)
        except Malformed as error:
            where = f"at byte {error.offset} of the value: " if error.offset else ""
            text = hexadecimal(value)
            fault = where + error.reason
            return Value(text, []), (Field(start, len(value), "value", text, fault=fault),)
        if attribute is None:
            shown = Value(hexadecimal(value), [], _ignorance(number))
        else:
            shown = describe(attribute, value)
        if number == AttributeType.DATA and (inner := self._look_inside(value, start)):
            return Value(f"{len(value)} bytes: {inner.text}", []), (inner,)
        return shown, chain(start, shown.parts or [(len(value), "value", shown.text)])

    def _padding(self, start: int) -> tuple[Field, ...]:
        end = min((start + 3) & ~3, self._end)
        padding = self._data[start:end]
        fields = chain(start, [(len(padding), "padding", padding.hex())])
        if any(padding):
            return tuple(replace(one, note="not zero, which is ignored") for one in fields)
        return fields

    def _standing(self, number: int) -> str:
        """Say why an attribute does not count, if so."""
        rank = _SEALS.index(AttributeType(number)) if number in _SEALS else -1
        if self._rank >= 0 and rank <= self._rank:
            return f"ignored: it follows {attribute_name(_SEALS[self._rank])}"
        self._rank = max(self._rank, rank)
        if number in self._seen and number not in _REPEATED:
            return "ignored: only the first of its type counts"
        self._seen.add(number)
        return ""


def _ignorance(number: int) -> str:
    """Say what a receiver does that does not know a type either (RFC 8489 section 14)."""
    duty = "is ignored" if number >= COMPREHENSION_OPTIONAL else "has to be understood"
    return f"a value that is not decoded here, and {duty}"
