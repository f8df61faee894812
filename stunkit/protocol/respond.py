"""The server, as a function: what arrived in, what to answer out.

``respond`` is the whole truth about what a stunkit server says; whatever is faster must say the
same, byte for byte. It keeps no state and never sends. Answers to RFC 8489 sections 6.3, 6.3.1, 9
and 12, to RFC 5780 section 6 and, for clients without the magic cookie, to RFC 3489 section 8.1.

Rules of this file: never an answer to what is not a request; never an answer longer than
``Site.budget`` allows; never an answer to an address that did not ask (RESPONSE-PORT changes the
port alone), nor to a port of ``Site.refused_ports``; nothing about a request is acted on before it
is known who asks.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, NotStun
from stunkit.protocol.authentication import Refusal, Seal, authenticate
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
    UNAUTHENTICATED = "unauthenticated"  # 401
    UNKNOWN_ATTRIBUTE = "unknown-attribute"  # 420
    STALE_NONCE = "stale-nonce"  # 438
    NOT_STUN = "not-stun"
    MALFORMED = "malformed"  # and no request, so not answered
    BAD_FINGERPRINT = "bad-fingerprint"
    UNSUPPORTED_METHOD = "unsupported-method"
    INDICATION = "indication"
    RESPONSE = "response"
    REFUSED_PORT = "refused-port"  # a request, whose answer would go to a port that answers back
    LIMITED = "limited"  # a request of a source that has had enough (see protocol.throttle)
    SHED = "shed"  # one of more than can be looked at (see protocol.throttle.Ration)


_DISPOSITIONS = {
    Code.BAD_REQUEST: Disposition.BAD_REQUEST,
    Code.UNAUTHORIZED: Disposition.UNAUTHENTICATED,
    Code.STALE_NONCE: Disposition.STALE_NONCE,
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


class _Question(NamedTuple):
    """A Binding request, with all that its answer follows from."""

    request: Message
    received: Received
    site: Site
    seal: Seal | None = None


_Answer = tuple[Disposition, Message, Endpoint, Endpoint]  # the endpoints: leaves from, goes to


def respond(received: Received, site: Site, now: float = 0.0) -> Response:
    """Decide what to answer. Raises nothing, whatever the bytes.

    ``now`` is Unix time in seconds; it matters only where the site has credentials.
    """
    try:
        message = Message.decode(received.data)
    except NotStun:
        return _nothing(Disposition.NOT_STUN, received)
    except Malformed as error:
        header = Message(error.header, ())
        if _unanswered(header) is not None:
            return _nothing(Disposition.MALFORMED, received)
        answered = _refuse(_Question(header, received, site), Code.BAD_REQUEST)
    else:
        disposition = _unanswered(message)
        if disposition is not None:
            return _nothing(disposition, received)
        if check_fingerprint(message) is False:
            return _nothing(Disposition.BAD_FINGERPRINT, received)
        answered = _answer(_Question(message, received, site), now)
    disposition, answer, source, destination = answered
    if destination.port in site.refused_ports:
        return _nothing(Disposition.REFUSED_PORT, received)
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


def _answer(question: _Question, now: float) -> _Answer:
    """Answer a Binding request, once it is known who asks where that matters."""
    credentials = question.site.credentials
    if credentials is None:
        return _answer_binding(question)
    verdict = authenticate(question.request, question.received.source, credentials, now)
    if isinstance(verdict, Refusal):
        return _refuse(question, verdict.code, *verdict.attributes)
    return _answer_binding(question._replace(seal=verdict))


def _answer_binding(question: _Question) -> _Answer:
    """Answer a Binding request of somebody who may ask."""
    request, received, site, _ = question
    here, there = received.local, received.source
    quartet = site.quartet
    has_other = quartet is not None and quartet.proven
    understood = UNDERSTOOD if site.is_stream else UNDERSTOOD_OF_DATAGRAMS
    if has_other or request.is_classic:
        understood |= {AttributeType.CHANGE_REQUEST}
    unknown = request.unknown(understood)
    if unknown:
        return _refuse(question, Code.UNKNOWN_ATTRIBUTE, UnknownAttributes(unknown))
    try:
        change = request.get(ChangeRequest) or ChangeRequest()
        response_port = request.get(ResponsePort)
        padding = request.get(Padding)
    except Malformed:
        return _refuse(question, Code.BAD_REQUEST)
    if change.flags and (site.is_stream or not has_other):
        unknown = (AttributeType.CHANGE_REQUEST,)  # RFC 5780 section 6
        return _refuse(question, Code.UNKNOWN_ATTRIBUTE, UnknownAttributes(unknown))
    if response_port is not None:
        if padding is not None or response_port.number == 0:
            return _refuse(question, Code.BAD_REQUEST)
        there = there.with_port(response_port.number)
    mapped = MappedAddress if request.is_classic else XorMappedAddress
    attributes: list[Attribute] = [mapped(received.source)]
    if quartet is not None:
        asked = quartet.local.index(here)
        answering = asked ^ change.flags >> 1
        here = quartet.local[answering]
        attributes += _behavior(request, received, quartet, answering, asked ^ 3)
    answer = _build(MessageClass.SUCCESS_RESPONSE, question, *attributes)
    if padding is not None:
        # Long enough to be fragmented if the request was, and never longer than it.
        room = len(received.data) - len(answer.raw) - 4
        filler = Padding(bytes(max(0, room) & ~3))
        answer = _build(MessageClass.SUCCESS_RESPONSE, question, *attributes, filler)
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


def _refuse(question: _Question, code: Code, *more: Attribute) -> _Answer:
    """Answer with an error; its phrase is left out where it would break the budget."""
    _, received, site, _ = question
    message_class = MessageClass.ERROR_RESPONSE
    answer = _build(message_class, question, ErrorCode(code, reason_phrase(code)), *more)
    if len(answer.raw) > site.ordinary_budget(len(received.data), received.source.family):
        answer = _build(message_class, question, ErrorCode(code), *more)
    return _DISPOSITIONS[code], answer, received.local, received.source


def _build(message_class: MessageClass, question: _Question, *attributes: Attribute) -> Message:
    """Build an answer with what every answer has.

    SOFTWARE if it is set, an integrity attribute if the request was authenticated, FINGERPRINT if
    it was asked with.
    """
    request, _, site, seal = question
    if site.software is not None:
        attributes += (Software(site.software),)
    answer = Message.build(message_class, request.method, request.transaction_id, attributes)
    if seal is not None:
        answer = seal.sign(answer)
    return answer if check_fingerprint(request) is None else add_fingerprint(answer)
