"""The server, as a function: what arrived in, what to answer out.

``respond`` is the whole truth about what a stunkit server says; whatever is faster must say the
same, byte for byte. It keeps no state and never sends. Answers to RFC 8489 sections 6.3, 6.3.1 and
12, to RFC 5780 section 6 (420 to CHANGE-REQUEST where there is no other address) and, for clients
without the magic cookie, to RFC 3489 section 8.1 with MAPPED-ADDRESS alone.

Rules of this file: never an answer to what is not a request; never an answer longer than
``Site.budget`` allows; never an answer to anyone but the source.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, NotStun
from stunkit.protocol.site import Site
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest
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
    disposition, answer = _answer(received, site)
    data = answer.raw if answer else b""
    return Response(disposition, data, received.local, received.source)


def _answer(received: Received, site: Site) -> tuple[Disposition, Message | None]:
    try:
        message = Message.decode(received.data)
    except NotStun:
        return Disposition.NOT_STUN, None
    except Malformed as error:
        header = Message(error.header, ())
        disposition = _unanswered(header)
        if disposition is None:
            return Disposition.BAD_REQUEST, _error(header, Code.BAD_REQUEST, received, site)
        return Disposition.MALFORMED, None
    disposition = _unanswered(message)
    if disposition is not None:
        return disposition, None
    if check_fingerprint(message) is False:
        return Disposition.BAD_FINGERPRINT, None
    return _answer_binding(message, received, site)


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
) -> tuple[Disposition, Message]:
    understood = UNDERSTOOD
    if request.is_classic:
        # Classic clients send CHANGE-REQUEST with no flag set as a matter of course.
        try:
            change = request.get(ChangeRequest)
        except Malformed:
            return Disposition.BAD_REQUEST, _error(request, Code.BAD_REQUEST, received, site)
        if change is not None and not change.flags:
            understood |= {AttributeType.CHANGE_REQUEST}
    unknown = request.unknown(understood)
    if unknown:
        answer = _error(request, Code.UNKNOWN_ATTRIBUTE, received, site, UnknownAttributes(unknown))
        return Disposition.UNKNOWN_ATTRIBUTE, answer
    mapped = MappedAddress if request.is_classic else XorMappedAddress
    return Disposition.ANSWERED, _build(
        MessageClass.SUCCESS_RESPONSE, request, site, mapped(received.source)
    )


def _error(
    request: Message, code: Code, received: Received, site: Site, *more: Attribute
) -> Message:
    """Build an error response; its phrase is left out where it would break the budget."""
    message_class = MessageClass.ERROR_RESPONSE
    answer = _build(message_class, request, site, ErrorCode(code, reason_phrase(code)), *more)
    if len(answer.raw) > site.budget(len(received.data), received.source.family):
        answer = _build(message_class, request, site, ErrorCode(code), *more)
    return answer


def _build(
    message_class: MessageClass, request: Message, site: Site, *attributes: Attribute
) -> Message:
    """Build an answer with what every answer has: SOFTWARE if set, FINGERPRINT if asked with."""
    if site.software is not None:
        attributes += (Software(site.software),)
    answer = Message.build(message_class, request.method, request.transaction_id, attributes)
    return answer if check_fingerprint(request) is None else add_fingerprint(answer)
