"""Programs with a mistake that a type checker must find: mypy fails when an ignore is unused."""

from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.message import Message


def forget_that_an_attribute_may_be_missing(message: Message) -> Endpoint:
    return message.get(XorMappedAddress).endpoint  # type: ignore[union-attr]


def ask_for_what_is_no_attribute(message: Message) -> None:
    message.get(Endpoint)  # type: ignore[type-var]


def put_a_tuple_in_place_of_an_endpoint(transaction_id: bytes) -> bytes:
    return XorMappedAddress(("192.0.2.1", 3478)).encode(transaction_id)  # type: ignore[arg-type]


def change_a_message(message: Message) -> None:
    message.raw = b""  # type: ignore[misc]
