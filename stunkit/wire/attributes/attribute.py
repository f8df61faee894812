"""What every attribute is: a type number, and a value that encodes and decodes.

Each attribute is one small frozen class. Those of one shape share a base here that does the work;
the class itself adds the type and the docstring. Decoding raises Malformed with its offset counted
within the value; encoding raises Unencodable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.registry import attribute_name


class Attribute:
    """The base of all attributes. ``type`` is the number in the IANA registry."""

    __slots__ = ()
    type: ClassVar[int]

    def encode(self, transaction_id: bytes) -> bytes:
        """Return the value's bytes, without padding."""
        raise NotImplementedError

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        """Read the value's bytes."""
        raise NotImplementedError

    @classmethod
    def malformed(cls, reason: str, offset: int = 0) -> Malformed:
        """Return the error to raise for bytes that are none of this attribute's."""
        return Malformed(reason, place=attribute_name(cls.type), offset=offset)

    @classmethod
    def unencodable(cls, reason: str) -> Unencodable:
        """Return the error to raise for a value that has no bytes."""
        return Unencodable(reason, place=attribute_name(cls.type))

    @classmethod
    def expect(cls, value: bytes, *sizes: int) -> None:
        """Raise Malformed unless the value has one of these sizes, in bytes."""
        if len(value) not in sizes:
            allowed = " or ".join(str(size) for size in sizes)
            raise cls.malformed(f"its length is {len(value)} bytes, not {allowed}")


@dataclass(frozen=True, slots=True)
class Number(Attribute):
    """An unsigned number of ``width`` bytes in a value of ``size``; the rest is reserved."""

    width: ClassVar[int] = 4
    size: ClassVar[int] = 4
    number: int

    def encode(self, transaction_id: bytes) -> bytes:
        if not 0 <= self.number < 1 << 8 * self.width:
            raise self.unencodable(f"{self.number} does not fit into {self.width} bytes")
        return self.number.to_bytes(self.width, "big") + bytes(self.size - self.width)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, cls.size)
        return cls(int.from_bytes(value[: cls.width], "big"))


@dataclass(frozen=True, slots=True)
class Flag(Attribute):
    """An attribute that says all by being there: its value is empty."""

    def encode(self, transaction_id: bytes) -> bytes:
        return b""

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, 0)
        return cls()


@dataclass(frozen=True, slots=True)
class Opaque(Attribute):
    """Bytes as they are; ``sizes`` are the lengths allowed (empty: any)."""

    sizes: ClassVar[tuple[int, ...]] = ()
    value: bytes

    def encode(self, transaction_id: bytes) -> bytes:
        if self.sizes and len(self.value) not in self.sizes:
            raise self.unencodable(f"{len(self.value)} bytes, where {self.sizes} are allowed")
        return self.value

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        if cls.sizes:
            cls.expect(value, *cls.sizes)
        return cls(value)
