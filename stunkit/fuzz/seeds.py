"""What a mutator starts from: good messages in parts, attributes to insert, types for values.

Rules of this file: everything is built by the codec, from constants; so a seed of the random source
is all that a run depends on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    ResponseOrigin,
    SourceAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.behavior import ChangeRequest, Padding, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.table import ATTRIBUTES
from stunkit.wire.attributes.text import Software, Username
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import add_integrity, add_integrity_sha256
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.registry import MessageClass, Method

SOURCES = (
    Endpoint(bytes((192, 0, 2, 1)), 32853),  # addresses for documentation; RFC 5737, RFC 3849
    Endpoint(bytes.fromhex("20010db8123456780011223344556677"), 32853),
)
SERVER = Endpoint(bytes((192, 0, 2, 200)), 3478)
MODERN, CLASSIC = bytes(range(12)), bytes(range(16))  # transaction ids; RFC 8489, RFC 3489

# Values of many shapes: between them every class of attribute finds some that it can decode.
VALUES = (
    b"",
    b"\1",
    bytes(2),
    bytes(4),
    b"\0\0\0\6",
    b"\1\0\0\0",
    b"\0\0\4\x14Unknown Attribute",
    b"\1\0\4\x01Unauthorized",
    bytes.fromhex("0001a147e112a643"),
    bytes.fromhex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"),
    bytes(8),
    bytes(20),
    bytes(32),
    b"\0\2\0\0\0\1\0\0",
    b"stun.example",
    "マトリックス".encode(),
    bytes(range(256)),
)
STRANGE_TYPES = (0x0000, 0x0010, 0x001B, 0x7FFF, 0x8000, 0x8025, 0xC057, 0xFFFF)


class Parts(NamedTuple):
    """A message taken apart: ``head`` is type and id without the length."""

    head: bytes
    attributes: tuple[bytes, ...]

    @classmethod
    def of(cls, message: Message) -> Parts:
        """Take a message apart."""
        pieces = tuple(attribute(number, value) for number, value in message.attributes)
        return cls(message.raw[:2] + message.raw[4:HEADER_SIZE], pieces)


class Seeds(NamedTuple):
    """What is broken, what is put into it, and under which types."""

    messages: tuple[Parts, ...]
    pieces: tuple[bytes, ...]
    types: tuple[int, ...]


@cache
def seeds() -> Seeds:
    """Return the seeds that ship."""
    return make_seeds(())


def make_seeds(more: Iterable[Message]) -> Seeds:
    """Return the seeds that ship, and those of more messages."""
    messages = tuple(map(Parts.of, (*more, *good_messages())))
    pieces = {piece for parts in messages for piece in parts.attributes if len(piece) < 100}
    for number, kind in ATTRIBUTES.items():
        for value in VALUES:
            try:
                kind.decode(value, MODERN)
            except Malformed:
                continue
            pieces.add(attribute(number, value))
    return Seeds(messages, tuple(sorted(pieces)), (*ATTRIBUTES, *STRANGE_TYPES))


def attribute(number: int, value: bytes) -> bytes:
    """Return an attribute as it stands on the wire."""
    size = len(value)
    return number.to_bytes(2, "big") + size.to_bytes(2, "big") + value + bytes(-size % 4)


def good_messages() -> Iterator[Message]:
    """Yield good messages; small requests more often, as they are what a server mostly gets."""
    for identity in (MODERN, CLASSIC) * 3:
        yield Message.request(Method.BINDING, identity)
        yield Message.request(Method.BINDING, identity, [ChangeRequest()])
        yield Message.request(Method.BINDING, identity, [Software("someone"), ResponsePort(9)])
        yield Message.request(Method.BINDING, identity, [Username("a:b")])
    request = Message.request(Method.BINDING, MODERN)
    yield add_fingerprint(request)
    yield add_fingerprint(add_integrity_sha256(add_integrity(request, b"key"), b"key"))
    yield Message.request(Method.BINDING, MODERN, [ChangeRequest(change_ip=True)])
    yield Message.request(Method.BINDING, MODERN, [Padding(bytes(1200))])
    yield many_attributes(request, range(0x4000, 0x4020))
    yield many_attributes(request, ATTRIBUTES)
    yield Message.request(Method.ALLOCATE, MODERN, [Software("someone")])
    yield Message.build(MessageClass.INDICATION, Method.BINDING, MODERN)
    yield from _answers()


def _answers() -> Iterator[Message]:
    """Yield what servers send: a client's parser sees little else."""
    success = MessageClass.SUCCESS_RESPONSE
    for source in SOURCES:
        for identity, kind in ((MODERN, XorMappedAddress), (CLASSIC, MappedAddress)):
            yield Message.build(success, Method.BINDING, identity, [kind(source)])
    more = [
        XorMappedAddress(SOURCES[0]),
        MappedAddress(SOURCES[0]),
        ResponseOrigin(SERVER),
        OtherAddress(SERVER.with_port(3479)),
        Software("someone"),
    ]
    yield add_fingerprint(Message.build(success, Method.BINDING, MODERN, more))
    old = [MappedAddress(SOURCES[0]), SourceAddress(SERVER), ChangedAddress(SERVER)]
    yield Message.build(success, Method.BINDING, CLASSIC, old)
    error = [ErrorCode(420, "Unknown Attribute"), UnknownAttributes((3, 0x26))]
    yield Message.build(MessageClass.ERROR_RESPONSE, Method.BINDING, MODERN, error)


def many_attributes(message: Message, numbers: Iterable[int]) -> Message:
    """Return the message with an attribute of each type, all alike."""
    for number in numbers:
        message = message.append(number, b"\0\1\2\3")
    return message
