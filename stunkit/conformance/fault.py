"""How a server is broken: one wrap around one that is right.

A server here is a function: what arrived in, what it does out. ``honest`` makes one of
``protocol.respond``; a ``Fault`` wraps a server into one that is wrong in one way (``faults`` has
the list).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.protocol.respond import Received, Response, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import MappedAddress, ResponseAddress, XorMappedAddress
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE, Message
from stunkit.wire.registry import AttributeType, MessageClass


class Reaction(NamedTuple):
    """What a server does: send these, and over a stream perhaps end the connection."""

    responses: tuple[Response, ...] = ()
    closes: bool = False


Server = Callable[[Received], Reaction]
Wrap = Callable[[Server, Site], Server]
Pair = tuple[int, bytes]  # type and value


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``cases`` are the ids of the cases that fail because of it, and of no others.

    ``wrap`` breaks a server of the ``site``. ``needs_quartet``: it is one of a server with two
    addresses; ``is_stream``: it shows over TCP alone. ``is_unframed``: such a server takes whatever
    it reads at once for one message.
    """

    name: str
    summary: str
    cases: tuple[str, ...]
    wrap: Wrap
    needs_quartet: bool = False
    is_stream: bool = False
    is_unframed: bool = False


def honest(site: Site) -> Server:
    """Return the server that makes no mistake."""

    def serve(received: Received) -> Reaction:
        response = respond(received, site)
        return Reaction((response,) if response.data else ())

    return serve


def on_request(edit: Callable[[Message], bytes]) -> Wrap:
    """Return a wrap whose server reads another request than was sent."""

    def wrap(server: Server, site: Site) -> Server:
        del site

        def serve(received: Received) -> Reaction:
            try:
                message = Message.decode(received.data)
            except WireError:
                return server(received)
            return server(received._replace(data=edit(message)))

        return serve

    return wrap


def on_answer(
    edit: Callable[[Message, Message | None], bytes],
) -> Wrap:
    """Return a wrap whose server words its answers otherwise.

    ``edit`` is given the answer, and the request if that can be read.
    """

    def wrap(server: Server, site: Site) -> Server:
        del site

        def serve(received: Received) -> Reaction:
            reaction = server(received)
            try:
                request = Message.decode(received.data)
            except WireError:
                request = None
            edited = tuple(
                response._replace(data=edit(Message.decode(response.data), request))
                for response in reaction.responses
            )
            return reaction._replace(responses=edited)

        return serve

    return wrap


def rebuilt(message: Message, pairs: Sequence[Pair], kind: int | None = None) -> bytes:
    """Return the message with other attributes, or another type too, and FINGERPRINT made anew.

    One that stays the same is not touched: what is wrong in it stays wrong.
    """
    if kind is None and tuple(pairs) == message.attributes:
        return message.raw
    kept = [pair for pair in pairs if pair[0] != AttributeType.FINGERPRINT]
    head = message.raw[:2] if kind is None else kind.to_bytes(2, "big")
    new = Message(head + bytes(2) + message.raw[4:HEADER_SIZE], ())
    for number, value in kept:
        new = new.append(number, value)
    return (add_fingerprint(new) if len(kept) < len(pairs) else new).raw


def replaced(message: Message, number: int, *pairs: Pair) -> bytes:
    """Return the message with every attribute of a type replaced by others, or by nothing."""
    if all(pair[0] != number for pair in message.attributes):
        return message.raw
    new: list[Pair] = []
    for pair in message.attributes:
        new += pairs if pair[0] == number else [pair]
    return rebuilt(message, new)


def as_requests(*classes: MessageClass) -> Callable[[Message], bytes]:
    """Return an edit that takes messages of some classes for requests."""

    def edit(message: Message) -> bytes:
        if message.message_class not in classes:
            return message.raw
        return rebuilt(message, message.attributes, 0x0001)

    return edit


def elsewhere(pick: Callable[[Received, Response], Endpoint]) -> Wrap:
    """Return a wrap whose server sends its answers from another socket."""

    def wrap(server: Server, site: Site) -> Server:
        del site

        def serve(received: Received) -> Reaction:
            reaction = server(received)
            moved = tuple(r._replace(source=pick(received, r)) for r in reaction.responses)
            return reaction._replace(responses=moved)

        return serve

    return wrap


def deaf(is_deaf: Callable[[Received, Site], bool]) -> Wrap:
    """Return a wrap whose server does not hear some requests."""

    def wrap(server: Server, site: Site) -> Server:
        return lambda received: Reaction() if is_deaf(received, site) else server(received)

    return wrap


def quartet_of(site: Site) -> Quartet:
    """Return the four sockets of a site that has them."""
    if site.quartet is None:
        raise ValueError("this fault is one of a server with two addresses")
    return site.quartet


def without_xor(message: Message, request: Message | None) -> bytes:
    """Return the answer with the plain address where the XORed one belongs."""
    del request
    attribute = message.get(XorMappedAddress)
    if attribute is None:
        return message.raw
    value = MappedAddress(attribute.endpoint).encode(b"")
    number = AttributeType.XOR_MAPPED_ADDRESS
    return replaced(message, number, (number, value))


def classic_with_xor(message: Message, request: Message | None) -> bytes:
    """Return a classic client's answer with XOR-MAPPED-ADDRESS instead of MAPPED-ADDRESS."""
    attribute = message.get(MappedAddress)
    if request is None or not request.is_classic or attribute is None:
        return message.raw
    value = XorMappedAddress(attribute.endpoint).encode(message.transaction_id)
    return replaced(
        message, AttributeType.MAPPED_ADDRESS, (AttributeType.XOR_MAPPED_ADDRESS, value)
    )


def classic_with_cookie(message: Message, request: Message | None) -> bytes:
    """Return a classic client's answer with the magic cookie in its id."""
    if request is None or not request.is_classic:
        return message.raw
    return message.raw[:4] + MAGIC_COOKIE + message.raw[8:]


def with_wrong_id(message: Message, request: Message | None) -> bytes:
    """Return the answer to somebody else's question."""
    if request is None or request.is_classic:
        return message.raw
    return message.raw[:8] + bytes(byte ^ 0x5A for byte in message.raw[8:20]) + message.raw[20:]


def with_wrong_crc(message: Message, request: Message | None) -> bytes:
    """Return the answer with FINGERPRINT wrong."""
    del request
    if not message.attributes or message.attributes[-1][0] != AttributeType.FINGERPRINT:
        return message.raw
    return message.raw[:-1] + bytes([message.raw[-1] ^ 1])


def with_padding(message: Message, request: Message | None) -> bytes:
    """Return the answer with what was in memory between its attributes."""
    del request
    raw, offset = bytearray(message.raw), HEADER_SIZE
    for _, value in message.attributes:
        end = offset + 4 + len(value)
        offset = (end + 3) & ~3
        raw[end:offset] = b"\xaa" * (offset - end)
    return bytes(raw)


def listing(edit: Callable[[bytes], bytes]) -> Callable[[Message, Message | None], bytes]:
    """Return an edit of what UNKNOWN-ATTRIBUTES holds."""

    def edit_answer(message: Message, request: Message | None) -> bytes:
        number = AttributeType.UNKNOWN_ATTRIBUTES
        value = message.value(number)
        if value is None or request is None or request.is_classic:
            return message.raw
        return replaced(message, number, (number, edit(value)))

    return edit_answer


def adding(number: int, value: bytes, *, is_first: bool = False) -> Callable[..., bytes]:
    """Return an edit that adds an attribute to each success."""

    def edit(message: Message, request: Message | None) -> bytes:
        del request
        if message.message_class is not MessageClass.SUCCESS_RESPONSE:
            return message.raw
        pair, pairs = (number, value), list(message.attributes)
        return rebuilt(message, [pair, *pairs] if is_first else [*pairs, pair])

    return edit


def told(received: Received) -> Endpoint | None:
    """Return where RESPONSE-ADDRESS wants the answer."""
    try:
        attribute = Message.decode(received.data).get(ResponseAddress)
    except WireError:
        return None
    return None if attribute is None else attribute.endpoint


def flags_of(received: Received) -> int:
    """Return the flags of CHANGE-REQUEST, 0 for none."""
    try:
        change = Message.decode(received.data).get(ChangeRequest)
    except WireError:
        return 0
    return 0 if change is None else change.flags
