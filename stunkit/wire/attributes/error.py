"""Attributes of error responses (RFC 8489 sections 14.8 and 14.13)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack
from typing import Self

from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.text import MAX_WRITTEN, decode_text, encode_text
from stunkit.wire.registry import AttributeType


def encode_error(kind: type[Attribute], code: int, reason: str) -> bytes:
    """Return class, number and phrase, with 16 bits before them that are zero.

    Raises Unencodable for a code or a phrase that does not fit.
    """
    if not 300 <= code <= 699:
        raise kind.unencodable(f"{code} is not from 300 to 699")
    return bytes((0, 0, code // 100, code % 100)) + encode_text(kind, reason, 127, MAX_WRITTEN)


def decode_error(kind: type[Attribute], value: bytes) -> tuple[int, str]:
    """Read code and phrase, whatever the 21 bits before them are. Raises Malformed."""
    if len(value) < 4:
        raise kind.malformed(f"its length is {len(value)} bytes, under 4")
    hundreds, number = value[2] & 7, value[3]
    if not (3 <= hundreds <= 6 and number <= 99):
        raise kind.malformed(f"class {hundreds} and number {number} make no code", offset=2)
    return 100 * hundreds + number, decode_text(kind, value, start=4)


@dataclass(frozen=True, slots=True)
class ErrorCode(Attribute):
    """ERROR-CODE: 300 to 699, and a phrase for people (RFC 8489 section 14.8)."""

    type = AttributeType.ERROR_CODE
    code: int
    reason: str = ""

    def encode(self, transaction_id: bytes) -> bytes:
        return encode_error(type(self), self.code, self.reason)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        return cls(*decode_error(cls, value))


@dataclass(frozen=True, slots=True)
class UnknownAttributes(Attribute):
    """UNKNOWN-ATTRIBUTES: the types that the server did not know (RFC 8489 section 14.13).

    A classic message repeats the last type where the count is odd (RFC 3489 section 11.2.10).
    """

    type = AttributeType.UNKNOWN_ATTRIBUTES
    types: tuple[int, ...]

    def encode(self, transaction_id: bytes) -> bytes:
        types = self.types
        if any(not 0 <= number <= 0xFFFF for number in types):
            raise self.unencodable("a type has 16 bits")
        if len(transaction_id) == 16 and len(types) % 2:
            types += types[-1:]
        return pack(f">{len(types)}H", *types)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        if len(value) % 2:
            raise cls.malformed(f"its length is {len(value)} bytes, an odd number")
        return cls(unpack(f">{len(value) // 2}H", value))
