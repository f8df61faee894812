"""Clients of RFC 3489: no magic cookie, a transaction id of 16 bytes, MAPPED-ADDRESS.

RFC 8489 sections 11 and 12, which take over section 12.2 of RFC 5389; RFC 3489 sections 8.1 and
11.2.
"""

from __future__ import annotations

from stunkit.conformance.case import UDP, Group
from stunkit.conformance.conversation import (
    Ask,
    Heard,
    Procedure,
    decoded,
    describe,
    expect_error,
)
from stunkit.conformance.subject import Raw, Subject
from stunkit.conformance.verdict import Judged, Level, Verdict, failed, passed, skipped, unknown
from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import ChangedAddress, MappedAddress, SourceAddress
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.registry import COMPREHENSION_OPTIONAL, AttributeType, Code, MessageClass

group = Group("classic")
MUST, SHOULD = Level.MUST, Level.SHOULD

UNKNOWN = 0x7F53  # comprehension-required, in nobody's registry
LAST_CLASSIC = AttributeType.REFLECTED_FROM  # the last type that RFC 3489 defines


@group.case(SHOULD, "RFC 8489 section 12", "answers a client of RFC 3489", transports=UDP)
def classic_answer(subject: Subject) -> Procedure[Verdict]:
    """It says: "Stand-alone STUN servers SHOULD support backwards compatibility with clients using
    [RFC3489]."

    A Binding request without the magic cookie gets a Binding response.
    """
    heard = yield Ask(subject.classic().raw)
    if not heard.arrivals:
        heard.reply()
    message = decoded(heard.arrivals[0].data)
    if message is not None and message.message_class is MessageClass.ERROR_RESPONSE:
        return failed(f"answered with {describe(message)}")
    return passed()


@group.case(
    MUST, "RFC 3489 section 8.1", "gives a classic client its 16 bytes of id back", transports=UDP
)
def classic_id(subject: Subject) -> Procedure[Verdict]:
    """It says: "The Binding Response MUST contain the same transaction ID contained in the Binding
    Request." There it has 128 bits (section 11.1).

    A classic request; bytes 4 to 19 of the answer.
    """
    request = subject.classic().raw
    data = _answer((yield Ask(request)))
    if data[4:HEADER_SIZE] == request[4:HEADER_SIZE]:
        return passed()
    return failed(f"asked as {request[4:20].hex()}, answered as {data[4:20].hex()}")


@group.case(
    MUST, "RFC 3489 section 8.1", "tells a classic client its MAPPED-ADDRESS", transports=UDP
)
def classic_mapped(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST add a MAPPED-ADDRESS attribute to the Binding Response. The IP
    address component of this attribute MUST be set to the source IP address observed in the Binding
    Request. The port component ... MUST be set to the source port."

    A classic request; MAPPED-ADDRESS is there, and ours where nothing stands between.
    """
    mapped = _endpoint(_success((yield Ask(subject.classic().raw))), MappedAddress)
    if mapped is None:
        return failed("the answer has no MAPPED-ADDRESS")
    if subject.is_local and mapped != subject.locals[0]:
        return failed(f"it sees {mapped}, and is asked from {subject.locals[0]}")
    return passed(f"it sees us at {mapped}")


@group.case(
    SHOULD, "RFC 5389 section 12.2", "sends a classic client nothing it cannot know", transports=UDP
)
def classic_plain(subject: Subject) -> Procedure[Verdict]:
    """It says: "When the server detects an RFC 3489 client, it SHOULD ... insert a MAPPED-ADDRESS
    attribute instead of an XOR-MAPPED-ADDRESS attribute." RFC 3489 has its client discard a
    response with an attribute below 0x8000 that it does not understand.

    A classic request; next to MAPPED-ADDRESS, no required attribute is newer than RFC 3489.
    """
    message = _success((yield Ask(subject.classic().raw)))
    if message.value(AttributeType.MAPPED_ADDRESS) is None:
        return skipped("the answer has no MAPPED-ADDRESS")
    for number, _ in message.attributes:
        if LAST_CLASSIC < number < COMPREHENSION_OPTIONAL:
            return failed(f"the answer has the required attribute 0x{number:04x}")
    return passed()


@group.case(
    MUST,
    "RFC 3489 section 8.1",
    "names the right SOURCE-ADDRESS to a classic client",
    transports=UDP,
)
def classic_source(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST add a SOURCE-ADDRESS attribute to the Binding Response, containing
    the source address and port used to send the Binding Response."

    A classic request; SOURCE-ADDRESS, if there is one. A server with one address, whose clients
    get no RFC 3489 discovery from it, may do without.
    """
    heard = yield Ask(subject.classic().raw)
    named = _endpoint(_success(heard), SourceAddress)
    if named is None:
        return skipped("the answer has no SOURCE-ADDRESS")
    source = heard.arrivals[0].source
    if source != subject.server:
        return unknown("it does not answer from where it is asked")
    return passed() if named == source else failed(f"it names {named}, and sent from {source}")


@group.case(
    MUST,
    "RFC 3489 section 8.1",
    "names another CHANGED-ADDRESS to a classic client",
    transports=UDP,
)
def classic_changed(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST add a CHANGED-ADDRESS attribute to the Binding Response. This
    contains the source IP address and port that would be used if the client had set the 'change IP'
    and 'change port' flags."

    A classic request; CHANGED-ADDRESS, if there is one, differs in address and port.
    """
    named = _endpoint(_success((yield Ask(subject.classic().raw))), ChangedAddress)
    if named is None:
        return skipped("the answer has no CHANGED-ADDRESS")
    if named.packed == subject.server.packed or named.port == subject.server.port:
        return failed(f"it is {named}, and the server is {subject.server}")
    return passed()


@group.case(
    MUST, "RFC 3489 section 8.1", "refuses a classic client's unknown attribute", transports=UDP
)
def classic_unknown(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST check for any attributes in the request with values less than or
    equal to 0x7fff which it does not understand. If it encounters any, the server MUST generate a
    Binding Error Response, and it MUST include an ERROR-CODE attribute with a 420 response code."

    A classic request with attribute 0x7f53, to a server that answers classic clients.
    """
    _success((yield Ask(subject.classic().raw)))
    reply = (yield Ask(subject.classic(Raw(UNKNOWN)).raw)).reply()
    return expect_error(reply, Code.UNKNOWN_ATTRIBUTE)


def _answer(heard: Heard) -> bytes:
    """Return what came back. Raises Judged: skipped where classic clients are not answered."""
    if not heard.arrivals:
        raise Judged(
            skipped("it does not answer classic clients")
            if heard.is_silence
            else unknown(heard.silence)
        )
    data = heard.arrivals[0].data
    if int.from_bytes(data[:2], "big") >> 4 & 0x11 == 0x11:
        raise Judged(skipped("it refuses classic clients"))
    return data


def _success(heard: Heard) -> Message:
    """Return the success response. Raises Judged: skipped where there is none."""
    _answer(heard)
    message = heard.reply()
    if message.message_class is not MessageClass.SUCCESS_RESPONSE:
        raise Judged(skipped(f"answered with {describe(message)}"))
    return message


def _endpoint(
    message: Message, kind: type[MappedAddress | SourceAddress | ChangedAddress]
) -> Endpoint | None:
    """Return what an attribute names. Raises Judged for a broken one."""
    try:
        attribute = message.get(kind)
    except Malformed as error:
        raise Judged(failed(str(error))) from None
    return None if attribute is None else attribute.endpoint


CASES = tuple(group.cases)
