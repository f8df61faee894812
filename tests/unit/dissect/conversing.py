"""Messages on their way between two ends, as a capture would have seen them."""

from __future__ import annotations

from collections.abc import Iterable

from stunkit.dissect.flow import Flow, Pair
from stunkit.dissect.sighting import Sighting
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.ice import IceControlling, Priority, UseCandidate
from stunkit.wire.attributes.text import Username
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import Transport
from tests.packets import ALICE, SERVER


def identity(number: int) -> bytes:
    return number.to_bytes(12, "big")


def request(
    number: int = 1,
    attributes: Iterable[Attribute] = (),
    *,
    method: int = Method.BINDING,
    at: float | None = 0.0,
    ends: tuple[Endpoint, Endpoint] = (ALICE, SERVER),
    **more,
) -> Sighting:
    return sighting(Message.request(method, identity(number), attributes), at, ends, **more)


def answer(
    number: int = 1,
    *,
    method: int = Method.BINDING,
    code: int | None = None,
    at: float | None = 0.02,
    ends: tuple[Endpoint, Endpoint] = (SERVER, ALICE),
    **more,
) -> Sighting:
    if code is None:
        attribute: Attribute = XorMappedAddress(ends[1])
        kind = MessageClass.SUCCESS_RESPONSE
    else:
        attribute, kind = ErrorCode(code, "Because"), MessageClass.ERROR_RESPONSE
    message = Message.build(kind, method, identity(number), [attribute])
    return sighting(message, at, ends, **more)


def check(number: int, ufrags: str, *, nominate: bool = False, **more) -> Sighting:
    attributes = [Username(ufrags), Priority(1), IceControlling(7)]
    return request(number, [*attributes, *([UseCandidate()] if nominate else [])], **more)


def sighting(
    message: Message | None, at: float | None, ends: tuple[Endpoint, Endpoint], **more
) -> Sighting:
    data = more.pop("data", b"") if message is None else message.raw
    transport = more.pop("transport", Transport.UDP)
    return Sighting(1, at, transport, *ends, data, message, **{"hops": 64} | more)


def run(*sightings: Sighting) -> tuple[Flow, list[Pair]]:
    flow = Flow()
    return flow, [flow.receive(one)[0] for one in sightings]
