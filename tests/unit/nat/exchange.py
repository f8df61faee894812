"""Questions and answers by hand: what a machine under test sends, and what a server says to it."""

from __future__ import annotations

from random import Random

from stunkit.endpoint import Endpoint
from stunkit.nat.prober import Prober
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass

SERVER = Endpoint.of("198.51.100.1", 3478)  # A1:P1
OTHER_PORT = Endpoint.of("198.51.100.1", 3479)  # A1:P2
OTHER_ADDRESS = Endpoint.of("198.51.100.2", 3478)  # A2:P1
OTHER = Endpoint.of("198.51.100.2", 3479)  # A2:P2
LOCAL = Endpoint.of("10.0.0.2", 50000)
LOCALS = tuple(Endpoint.of("10.0.0.2", 50000 + number) for number in range(16))
MAPPED = Endpoint.of("203.0.113.1", 40000)


def prober() -> Prober:
    return Prober(Random(1).randbytes)


def success(
    request: bytes | Message,
    mapped: Endpoint | None = MAPPED,
    *more: Attribute,
    plain: Endpoint | None = None,
    other: Endpoint | None = None,
    changed: Endpoint | None = None,
) -> bytes:
    """A success response with XOR-MAPPED-ADDRESS, and what else is given."""
    attributes = list(more)
    if mapped is not None:
        attributes.append(XorMappedAddress(mapped))
    if plain is not None:
        attributes.append(MappedAddress(plain))
    if other is not None:
        attributes.append(OtherAddress(other))
    if changed is not None:
        attributes.append(ChangedAddress(changed))
    return respond(request, MessageClass.SUCCESS_RESPONSE, *attributes)


def refusal(request: bytes | Message, code: int = 420) -> bytes:
    return respond(request, MessageClass.ERROR_RESPONSE, ErrorCode(code))


def respond(request: bytes | Message, message_class: MessageClass, *attributes: Attribute) -> bytes:
    message = Message.decode(request) if isinstance(request, bytes) else request
    return Message.build(message_class, message.method, message.transaction_id, attributes).raw
