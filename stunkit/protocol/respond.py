"""The server, as a function: what arrived in, what to answer out.

``respond`` is the whole truth about what a stunkit server says; whatever is faster must say the
same, byte for byte. It keeps no state and never sends. Answers to RFC 8489 sections 6.3, 6.3.1 and
12, to RFC 5780 section 6 and, for clients without the magic cookie, to RFC 3489 section 8.1.

Rules of this file: never an answer to what is not a request; never an answer longer than
``Site.budget`` allows; never an answer to an address that did not ask (RESPONSE-PORT changes the
port alone).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, NotStun
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    ResponseOrigin,
    SourceAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest, Padding, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, MessageClass, Method, reason_phrase

# The comprehension-required types that this server acts on or, as RFC 8489 section 6.3 has it,
# knows and does not expect in a Binding request; any other gets 420. RESPONSE-ADDRESS is left out
# on purpose: to obey it would send to where nobody asked from.
UNDERSTOOD = frozenset(
    {
        AttributeType.MAPPED_ADDRESS,
        AttributeType.USERNAME,
        AttributeType.MESSAGE_INTEGRITY,
        AttributeType.ERROR_CODE,
        AttributeType.UNKNOWN_ATTRIBUTES,
        AttributeType.REALM,
        AttributeType.NONCE,
        AttributeType.MESSAGE_INTEGRITY_SHA256,
        AttributeType.PASSWORD_ALGORITHM,
        AttributeType.USERHASH,
        AttributeType.XOR_MAPPED_ADDRESS,
    }
)
UNDERSTOOD_OF_DATAGRAMS = UNDERSTOOD | {AttributeType.RESPONSE_PORT, AttributeType.PADDING}


class Disposition(StrEnum):
    """What became of something that arrived."""

    ANSWERED = "answered"
    BAD_REQUEST = "bad-request"  # 400
    UNKNOWN_ATTRIBUTE = "unknown-attribute"  # 420
    NOT_STUN = "not-stun"
    MALFORMED = "malformed"  # and no request, so not answered
    BAD_FINGERPRINT = "bad-fingerprint"
    UNSUPPORTED_METHOD = "unsupported-method"
    INDICATION = "indication"
    RESPONSE = "response"


_DISPOSITIONS = {
    Code.BAD_REQUEST: Disposition.BAD_REQUEST,
    Code.UNKNOWN_ATTRIBUTE: Disposition.UNKNOWN_ATTRIBUTE,
}


class Received(NamedTuple):
    """A datagram, or one message of a stream, and the two ends of its path.

    ``local`` is the server's endpoint that was asked, never a wildcard.
    """

    data: bytes
    source: Endpoint
    local: Endpoint


class Response(NamedTuple):
    """What to do with something that arrived: send ``data`` from ``source``, or nothing."""

    disposition: Disposition
    data: bytes
    source: Endpoint
    destination: Endpoint


def respond(received: Received, site: Site) -> Response:
    """Decide what to answer. Raises nothing, whatever the bytes."""
    try:
        message = Message.decode(received.data)
    except NotStun:
        return _nothing(Disposition.NOT_STUN, received)
    except Malformed as error:
        header = Message(error.header, ())
        if _unanswered(header) is not None:
            return _nothing(Disposition.MALFORMED, received)
        answered = _refuse(header, Code.BAD_REQUEST, received, site)
    else:
        disposition = _unanswered(message)
        if disposition is not None:
            return _nothing(disposition, received)
        if check_fingerprint(message) is False:
            return _nothing(Disposition.BAD_FINGERPRINT, received)
        answered = _answer_binding(message, received, site)
    disposition, answer, source, destination = answered
    return Response(disposition, answer.raw, source, destination)


def _nothing(disposition: Disposition, received: Received) -> Response:
    return Response(disposition, b"", received.local, received.source)


def _unanswered(message: Message) -> Disposition | None:
    """Return why a message gets no answer, or None for a Binding request."""
    if message.is_response:
        return Disposition.RESPONSE
    if message.message_class is MessageClass.INDICATION:
        return Disposition.INDICATION
    if message.method != Method.BINDING:
        return Disposition.UNSUPPORTED_METHOD
    return None


def _answer_binding(
    request: Message, received: Received, site: Site
) -> tuple[Disposition, Message, Endpoint, Endpoint]:
    """Answer a Binding request; the endpoints are where the answer leaves from and goes to."""
    here, there = received.local, received.source
    quartet = site.quartet
    has_other = quartet is not None and quartet.proven
    understood = UNDERSTOOD if site.is_stream else UNDERSTOOD_OF_DATAGRAMS
    if has_other or request.is_classic:
        understood |= {AttributeType.CHANGE_REQUEST}
    unknown = request.unknown(understood)
    if unknown:
        return _refuse(request, Code.UNKNOWN_ATTRIBUTE, received, site, UnknownAttributes(unknown))
    try:
        change = request.get(ChangeRequest) or ChangeRequest()
        response_port = request.get(ResponsePort)
        padding = request.get(Padding)
    except Malformed:
        return _refuse(request, Code.BAD_REQUEST, received, site)
    if change.flags and (site.is_stream or not has_other):
        unknown = (AttributeType.CHANGE_REQUEST,)  # RFC 5780 section 6
        return _refuse(request, Code.UNKNOWN_ATTRIBUTE, received, site, UnknownAttributes(unknown))
    if response_port is not None:
        if padding is not None or response_port.number == 0:
            return _refuse(request, Code.BAD_REQUEST, received, site)
        there = there.with_port(response_port.number)
    mapped = MappedAddress if request.is_classic else XorMappedAddress
    attributes: list[Attribute] = [mapped(received.source)]
    if quartet is not None:
        asked = quartet.local.index(here)
        answering = asked ^ change.flags >> 1
        here = quartet.local[answering]
        attributes += _behavior(request, received, quartet, answering, asked ^ 3)
    answer = _build(MessageClass.SUCCESS_RESPONSE, request, site, *attributes)
    if padding is not None:
        # Long enough to be fragmented if the request was, and never longer than it.
        room = len(received.data) - len(answer.raw) - 4
        filler = Padding(bytes(max(0, room) & ~3))
        answer = _build(MessageClass.SUCCESS_RESPONSE, request, site, *attributes, filler)
    return Disposition.ANSWERED, answer, here, there


def _behavior(
    request: Message, received: Received, quartet: Quartet, answering: int, other: int
) -> list[Attribute]:
    """Return what RFC 5780 section 6.1, or RFC 3489 section 8.1, adds to every success."""
    origin, alternate = quartet.public[answering], quartet.public[other]
    attributes: list[Attribute]
    if request.is_classic:
        attributes = [SourceAddress(origin), ChangedAddress(alternate)]
    else:
        mapped = MappedAddress(received.source)
        attributes = [mapped, ResponseOrigin(origin), OtherAddress(alternate)]
    return attributes if quartet.proven else attributes[:-1]


def _refuse(
    request: Message, code: Code, received: Received, site: Site, *more: Attribute
) -> tuple[Disposition, Message, Endpoint, Endpoint]:
    """Answer with an error; its phrase is left out where it would break the budget."""
    message_class = MessageClass.ERROR_RESPONSE
    answer = _build(message_class, request, site, ErrorCode(code, reason_phrase(code)), *more)
    if len(answer.raw) > site.budget(len(received.data), received.source.family):
        answer = _build(message_class, request, site, ErrorCode(code), *more)
    return _DISPOSITIONS[code], answer, received.local, received.source


def _build(
    message_class: MessageClass, request: Message, site: Site, *attributes: Attribute
) -> Message:
    """Build an answer with what every answer has: SOFTWARE if set, FINGERPRINT if asked with."""
    if site.software is not None:
        attributes += (Software(site.software),)
    answer = Message.build(message_class, request.method, request.transaction_id, attributes)
    return answer if check_fingerprint(request) is None else add_fingerprint(answer)
