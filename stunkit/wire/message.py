"""A STUN message: its bytes, and its attributes as they stand in them.

A message keeps its raw bytes and an ordered tuple of (type, value) pairs; typed values are made
on demand. So order, duplicates, unknown types and the exact bytes under an HMAC survive.
Everything that the header says is read from the raw bytes.

Answers to RFC 8489 sections 5, 6.3, 9 and 14, and to RFC 3489 section 11.1 for the messages of
classic STUN, which have no magic cookie and a transaction id of 16 bytes instead of 12.

Rules of this file: decoding is total (a message, NotStun or Malformed) and takes time linear in
the length. The header decides NotStun, the attributes decide Malformed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import TypeVar

from stunkit.errors import Malformed, NotStun, Unencodable
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.registry import (
    COMPREHENSION_OPTIONAL,
    AttributeType,
    MessageClass,
    attribute_name,
    method_name,
)

HEADER_SIZE = 20  # bytes; RFC 8489 section 5
MAGIC_COOKIE = b"\x21\x12\xa4\x42"  # RFC 8489 section 5
MAX_BODY = 65532  # bytes; the largest multiple of four that the 16-bit length field holds

# What follows an integrity attribute is not visible, except what ranks higher here, and nothing
# follows FINGERPRINT (RFC 8489 sections 9 and 14.7).
_SEALS = {
    int(AttributeType.MESSAGE_INTEGRITY): 1,
    int(AttributeType.MESSAGE_INTEGRITY_SHA256): 2,
    int(AttributeType.FINGERPRINT): 3,
}
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")  # by length modulo 4

A = TypeVar("A", bound=Attribute)

_type_and_length = Struct(">HH")


@dataclass(frozen=True, slots=True)
class Message:
    """One STUN message.

    ``raw`` is the whole message, ``attributes`` its (type, value) pairs in order, values without
    their padding. Made by ``decode`` (their bytes) and ``build`` (ours).
    """

    raw: bytes
    attributes: tuple[tuple[int, bytes], ...]

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """Read one whole message, with or without the magic cookie.

        Raises NotStun when the header cannot be STUN's, Malformed when an attribute runs past
        the end (400 to the other side if it was a request).
        """
        size = len(data)
        if size < HEADER_SIZE:
            raise NotStun(f"{size} bytes, fewer than a header's 20", place="header")
        kind, length = _type_and_length.unpack_from(data)
        if kind > 0x3FFF:
            raise NotStun("the two most significant bits are not zero", place="header")
        if length & 3:
            raise NotStun("the length is no multiple of four", place="header", offset=2)
        if length + HEADER_SIZE != size:
            reason = f"the length says {length} bytes of body, there are {size - HEADER_SIZE}"
            raise NotStun(reason, place="header", offset=2)
        if not length:
            return cls(data, ())
        attributes = []
        offset = HEADER_SIZE
        while offset < size:
            # size and offset are multiples of four, so an attribute's header is always whole
            number, length = _type_and_length.unpack_from(data, offset)
            end = offset + 4 + length
            if end > size:
                raise Malformed(
                    f"its length is {length} bytes, {size - offset - 4} are left",
                    place=attribute_name(number),
                    offset=offset,
                    header=data[:HEADER_SIZE],
                )
            attributes.append((number, data[offset + 4 : end]))
            offset = (end + 3) & ~3
        return cls(data, tuple(attributes))

    @classmethod
    def build(
        cls,
        message_class: MessageClass,
        method: int,
        transaction_id: bytes,
        attributes: Iterable[Attribute] = (),
    ) -> Message:
        """Make a message; a transaction id of 16 bytes makes one of classic STUN.

        Raises Unencodable for a method over 12 bits, an id of another length, or a body over
        65,532 bytes.
        """
        if not 0 <= method <= 0xFFF:
            raise Unencodable(f"a method has 12 bits, {method} has more", place="header")
        if len(transaction_id) == 12:
            identity = MAGIC_COOKIE + transaction_id
        elif len(transaction_id) == 16 and transaction_id[:4] != MAGIC_COOKIE:
            identity = transaction_id
        else:
            raise Unencodable("a transaction id has 12 bytes (classic: 16)", place="header")
        pairs = []
        chunks: list[bytes] = []
        length = 0
        for attribute in attributes:
            number = attribute.type
            value = attribute.encode(transaction_id)
            size = len(value)
            if size > MAX_BODY - 4:
                raise Unencodable(f"a value of {size} bytes", place=attribute_name(number))
            pairs.append((number, value))
            padding = _PADDING[size & 3]
            chunks += (_type_and_length.pack(number, size), value, padding)
            length += 4 + size + len(padding)
        if length > MAX_BODY:
            raise Unencodable(f"a body of {length} bytes is over {MAX_BODY}", place="header")
        kind = message_type(message_class, method)
        head = _type_and_length.pack(kind, length) + identity
        return cls(b"".join((head, *chunks)), tuple(pairs))

    @classmethod
    def request(
        cls, method: int, transaction_id: bytes, attributes: Iterable[Attribute] = ()
    ) -> Message:
        """Make a request (see ``build``)."""
        return cls.build(MessageClass.REQUEST, method, transaction_id, attributes)

    def append(self, number: int, value: bytes) -> Message:
        """Return this message with one more attribute at the end.

        Raises Unencodable when the body would grow over 65,532 bytes.
        """
        body = self.raw[HEADER_SIZE:]
        body += (
            _type_and_length.pack(number, len(value) & 0xFFFF) + value + _PADDING[len(value) & 3]
        )
        if len(body) > MAX_BODY:
            raise Unencodable(f"a body of {len(body)} bytes", place=attribute_name(number))
        raw = self.raw[:2] + len(body).to_bytes(2, "big") + self.raw[4:HEADER_SIZE] + body
        return Message(raw, (*self.attributes, (number, value)))

    @property
    def message_class(self) -> MessageClass:
        """Request, indication, success response or error response."""
        high, low = self.raw[0], self.raw[1]
        return MessageClass((high & 1) << 1 | (low >> 4) & 1)

    @property
    def method(self) -> int:
        """The 12 bits of the method (see ``registry.Method`` for those that have a name)."""
        high, low = self.raw[0], self.raw[1]
        return (high & 0x3E) << 6 | (low & 0xE0) >> 1 | low & 0x0F

    @property
    def is_classic(self) -> bool:
        """Whether the magic cookie is missing: a message of RFC 3489."""
        return self.raw[4:8] != MAGIC_COOKIE

    @property
    def transaction_id(self) -> bytes:
        """12 bytes, or the 16 of a classic message."""
        return self.raw[4:20] if self.is_classic else self.raw[8:20]

    @property
    def is_request(self) -> bool:
        """Whether an answer is expected."""
        return self.message_class is MessageClass.REQUEST

    @property
    def is_response(self) -> bool:
        """Whether this answers a request, with success or an error."""
        return self.message_class >= MessageClass.SUCCESS_RESPONSE

    @property
    def visible(self) -> tuple[tuple[int, bytes], ...]:
        """The attributes that may be acted on: none that an integrity attribute leaves out.

        After MESSAGE-INTEGRITY only MESSAGE-INTEGRITY-SHA256 and FINGERPRINT count, after
        MESSAGE-INTEGRITY-SHA256 only FINGERPRINT (RFC 8489 section 9), after that nothing.
        """
        seal = 0
        pairs = []
        for pair in self.attributes:
            rank = _SEALS.get(pair[0], 0)
            if rank > seal:
                seal = rank
            elif seal:
                continue
            pairs.append(pair)
        return tuple(pairs)

    def value(self, number: int) -> bytes | None:
        """Return the value bytes of the first visible attribute of a type, or None."""
        seal = 0
        for kind, value in self.attributes:
            rank = _SEALS.get(kind, 0)
            if rank > seal:
                seal = rank
            elif seal:
                continue
            if kind == number:
                return value
        return None

    def get(self, kind: type[A]) -> A | None:
        """Return the first visible attribute of a class, decoded, or None.

        Raises Malformed, with the offset in this message, when its value cannot be decoded.
        """
        value = self.value(kind.type)
        if value is None:
            return None
        try:
            return kind.decode(value, self.transaction_id)
        except Malformed as error:
            raise Malformed(
                error.reason,
                place=attribute_name(kind.type),
                offset=(self.offset(kind.type) or 0) + 4 + error.offset,
                header=self.raw[:HEADER_SIZE],
            ) from None

    def offset(self, number: int) -> int | None:
        """Return where the first visible attribute of a type starts, in bytes, or None."""
        seal = 0
        offset = HEADER_SIZE
        for kind, value in self.attributes:
            rank = _SEALS.get(kind, 0)
            if rank > seal or not seal:
                if kind == number:
                    return offset
                seal = max(seal, rank)
            offset += 4 + (len(value) + 3 & ~3)
        return None

    def unknown(self, understood: frozenset[int]) -> tuple[int, ...]:
        """Return the visible comprehension-required types that are not in ``understood``.

        Each once, in order of appearance (RFC 8489 section 14).
        """
        numbers = [number for number, _ in self.visible if number < COMPREHENSION_OPTIONAL]
        return tuple(dict.fromkeys(n for n in numbers if n not in understood))

    def __str__(self) -> str:
        kind = self.message_class.name.replace("_", " ").lower()
        names = ", ".join(attribute_name(number) for number, _ in self.attributes)
        return f"{method_name(self.method)} {kind}" + (f" ({names})" if names else "")


def message_type(message_class: int, method: int) -> int:
    """Return the 14-bit message type: the class bits woven into the method (RFC 8489 section 5)."""
    return (
        (method & 0xF80) << 2
        | (method & 0x070) << 1
        | method & 0x00F
        | (message_class & 2) << 7
        | (message_class & 1) << 4
    )
