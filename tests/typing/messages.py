"""A message's types, as a program meets them."""

from __future__ import annotations

from typing import assert_type

from stunkit.endpoint import Endpoint, Family
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method


def read(data: bytes) -> Endpoint | None:
    message = Message.decode(data)
    assert_type(message, Message)
    assert_type(message.message_class, MessageClass)
    assert_type(message.attributes, tuple[tuple[int, bytes], ...])
    assert_type(message.get(Software), Software | None)
    assert_type(message.get(ErrorCode), ErrorCode | None)
    assert_type(message.get(XorMappedAddress), XorMappedAddress | None)
    found = message.get(XorMappedAddress) or message.get(MappedAddress)
    assert_type(found, XorMappedAddress | MappedAddress | None)
    if found is None:
        return None
    assert_type(found.endpoint, Endpoint)
    assert_type(found.endpoint.family, Family)
    return found.endpoint


def write(transaction_id: bytes) -> bytes:
    message = Message.request(Method.BINDING, transaction_id, [Software("example")])
    assert_type(message, Message)
    return message.raw
