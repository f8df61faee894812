"""Attributes that hold text or a token with RFC 8489's limits on its length.

Fewer than 128 characters, 509 bytes at the most when we write, 763 when we read (RFC 8489 sections
14.3 to 14.16, which keep the reading limit of RFC 5389's longer UTF-8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from stunkit.wire.attributes.attribute import Attribute, Opaque
from stunkit.wire.registry import AttributeType

MAX_READ = 763  # bytes; RFC 8489 section 14.3
MAX_WRITTEN = 509  # bytes; RFC 8489 section 14.8


def encode_text(kind: type[Attribute], text: str, max_characters: int, max_bytes: int) -> bytes:
    """Return text as UTF-8. Raises Unencodable when it is over a limit or has no UTF-8."""
    if len(text) > max_characters:
        raise kind.unencodable(f"{len(text)} characters are over {max_characters}")
    try:
        value = text.encode()
    except UnicodeEncodeError as error:
        raise kind.unencodable(str(error)) from None
    if len(value) > max_bytes:
        raise kind.unencodable(f"{len(value)} bytes of UTF-8 are over {max_bytes}")
    return value


def decode_text(
    kind: type[Attribute], value: bytes, max_bytes: int = MAX_READ, *, start: int = 0
) -> str:
    """Read the UTF-8 from byte ``start`` on. Raises Malformed when it is too long or no UTF-8."""
    text = value[start:]
    if len(text) > max_bytes:
        raise kind.malformed(f"its text is {len(text)} bytes, over {max_bytes}", offset=start)
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise kind.malformed(f"no UTF-8: {error.reason}", offset=start + error.start) from None


@dataclass(frozen=True, slots=True)
class Text(Attribute):
    """Text in UTF-8."""

    max_characters: ClassVar[int] = 127
    max_written: ClassVar[int] = MAX_WRITTEN
    max_read: ClassVar[int] = MAX_READ
    text: str

    def encode(self, transaction_id: bytes) -> bytes:
        return encode_text(type(self), self.text, self.max_characters, self.max_written)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        return cls(decode_text(cls, value, cls.max_read))


class Username(Text):
    """USERNAME, prepared with OpaqueString: under 509 bytes (RFC 8489 section 14.3)."""

    __slots__ = ()
    type = AttributeType.USERNAME
    max_characters = 508
    max_written = 508


class Realm(Text):
    """REALM (RFC 8489 section 14.9)."""

    __slots__ = ()
    type = AttributeType.REALM


class Software(Text):
    """SOFTWARE: who made the message, for people (RFC 8489 section 14.14)."""

    __slots__ = ()
    type = AttributeType.SOFTWARE


class AlternateDomain(Text):
    """ALTERNATE-DOMAIN: the name in the certificate of ALTERNATE-SERVER (RFC 8489 14.16)."""

    __slots__ = ()
    type = AttributeType.ALTERNATE_DOMAIN
    max_characters = 255
    max_written = 255
    max_read = 255

    def encode(self, transaction_id: bytes) -> bytes:
        if not self.text.isascii():
            raise self.unencodable("a DNS name is ASCII (A-labels)")
        return super().encode(transaction_id)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        if not value.isascii():
            raise cls.malformed("a DNS name is ASCII (A-labels)")
        return super().decode(value, transaction_id)


class Nonce(Opaque):
    """NONCE: a token of the server's, to be echoed byte for byte (RFC 8489 section 14.10)."""

    __slots__ = ()
    type = AttributeType.NONCE

    def encode(self, transaction_id: bytes) -> bytes:
        if len(self.value) > MAX_READ:
            raise self.unencodable(f"{len(self.value)} bytes are over {MAX_READ}")
        return self.value

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        if len(value) > MAX_READ:
            raise cls.malformed(f"its length is {len(value)} bytes, over {MAX_READ}")
        return cls(value)


class Password(Opaque):
    """PASSWORD: of a Shared Secret response (RFC 3489 section 11.2.7)."""

    __slots__ = ()
    type = AttributeType.PASSWORD
