"""The answer to a plain Binding request: its header, its attributes, what it says, whence it comes.

RFC 8489 sections 5, 6.3.1, 12, 14, 14.1 and 14.2. Each case looks at one thing alone, so that one
fault has one name.
"""

from __future__ import annotations

from stunkit.conformance.case import UDP, Group
from stunkit.conformance.conversation import Ask, Heard, Procedure, decoded, describe
from stunkit.conformance.subject import Raw, Subject
from stunkit.conformance.verdict import Judged, Level, Verdict, failed, passed, skipped, unknown
from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE, Message
from stunkit.wire.registry import AttributeType, MessageClass
from stunkit.wire.uri import Transport

group = Group("answer")
MUST, SHOULD = Level.MUST, Level.SHOULD

BINDING_SUCCESS, BINDING_ERROR = 0x0101, 0x0111  # RFC 8489 section 5
UNKNOWN = 0x7F53  # comprehension-required, in nobody's registry


@group.case(
    MUST,
    "RFC 8489 section 12",
    "can be reached over this transport",
    is_for_closed=True,
    needs_answer=False,
)
def reachable(subject: Subject) -> Procedure[Verdict]:
    """It says: "It MUST support UDP and TCP. It MAY support STUN over TCP/TLS or STUN over
    UDP/DTLS."

    A connection is opened, or a plain request sent seven times. Silence is unknown: it cannot
    be told from a path that is blocked.
    """
    yield from ()
    handshake = subject.handshake
    if handshake.reason is None or handshake.is_untrusted:
        return passed()
    if not handshake.is_refused:
        return unknown(handshake.reason)
    is_asked_for = subject.transport is not Transport.TLS
    return failed(handshake.reason) if is_asked_for else skipped(handshake.reason)


@group.case(MUST, "RFC 8489 section 12", "answers a Binding request", is_for_closed=True)
def binding(subject: Subject) -> Procedure[Verdict]:
    """It says: "The STUN server MUST support the Binding method."

    A plain Binding request gets a success response. A server that asks for a login supports it
    too.
    """
    heard = yield Ask(subject.request().raw, takes_any=True)
    if not heard.arrivals:
        heard.reply()
    if subject.is_closed:
        return passed("it asks for a login")
    types = [int.from_bytes(arrival.data[:2], "big") for arrival in heard.arrivals]
    if BINDING_ERROR in types:
        message = decoded(heard.arrivals[0].data)
        return failed(f"answered with {'an error' if message is None else describe(message)}")
    return passed()


@group.case(SHOULD, "RFC 8489 section 12", "asks nobody for a login", is_for_closed=True)
def open_to_all(subject: Subject) -> Procedure[Verdict]:
    """It says: "It SHOULD NOT utilize the short-term or long-term credential mechanism."

    A plain request is not refused with 401 or 400.
    """
    heard = yield Ask(subject.request().raw)
    reply = heard.reply()
    return failed(f"answered with {describe(reply)}") if subject.is_closed else passed()


@group.case(MUST, "RFC 8489 section 5", "echoes the transaction id", is_for_closed=True)
def transaction_id(subject: Subject) -> Procedure[Verdict]:
    """It says: "Success and error responses MUST carry the same transaction ID as their
    corresponding request."

    A plain request; bytes 8 to 19 of what comes back are those of the request.
    """
    request = subject.request().raw
    data = _first(subject, (yield Ask(request, takes_any=True)))
    if data[8:HEADER_SIZE] == request[8:HEADER_SIZE]:
        return passed()
    return failed(f"asked as {request[8:20].hex()}, answered as {data[8:20].hex()}")


@group.case(MUST, "RFC 8489 section 5", "sends the magic cookie", is_for_closed=True)
def magic_cookie(subject: Subject) -> Procedure[Verdict]:
    """It says: "The Magic Cookie field MUST contain the fixed value 0x2112A442 in network byte
    order."

    A plain request; bytes 4 to 7 of what comes back.
    """
    data = _first(subject, (yield Ask(subject.request().raw, takes_any=True)))
    if data[4:8] == MAGIC_COOKIE:
        return passed()
    return failed(f"the answer has {data[4:8].hex()} in its place")


@group.case(
    MUST, "RFC 8489 sections 5 and 6.3.1.1", "answers as a Binding response", is_for_closed=True
)
def response_type(subject: Subject) -> Procedure[Verdict]:
    """It says: "The method of the response is the same as that of the request, and the message
    class is either 'Success Response' or 'Error Response'." "The most significant 2 bits of every
    STUN message MUST be zeroes."

    A plain request; the first two bytes of what comes back are 0x0101 or 0x0111.
    """
    data = _first(subject, (yield Ask(subject.request().raw, takes_any=True)))
    number = int.from_bytes(data[:2], "big")
    if number in (BINDING_SUCCESS, BINDING_ERROR):
        return passed()
    return failed(f"the answer's type is 0x{number:04x}")


@group.case(
    MUST, "RFC 8489 section 5", "says the answer's length", transports=UDP, is_for_closed=True
)
def response_length(subject: Subject) -> Procedure[Verdict]:
    """It says: "The message length MUST contain the size of the message in bytes, not including the
    20-byte STUN header. Since all STUN attributes are padded to a multiple of 4 bytes, the last 2
    bits of this field are always zero."

    A plain request; bytes 2 and 3 of what comes back, beside the size of the datagram.
    """
    data = _first(subject, (yield Ask(subject.request().raw, takes_any=True)))
    said, size = int.from_bytes(data[2:4], "big"), len(data) - HEADER_SIZE
    if said != size:
        return failed(f"the header says {said} bytes, {size} follow it")
    return failed(f"{said} is no multiple of four") if said & 3 else passed()


@group.case(MUST, "RFC 8489 section 14", "sends attributes that can be read", is_for_closed=True)
def attribute_form(subject: Subject) -> Procedure[Verdict]:
    """It says: "Each attribute MUST be TLV encoded, with a 16-bit type, 16-bit length, and value.
    Each STUN attribute MUST end on a 32-bit boundary."

    A plain request; the answer's attributes fill it exactly.
    """
    data = _first(subject, (yield Ask(subject.request().raw, takes_any=True)))
    offset, size = HEADER_SIZE, len(data)
    if int.from_bytes(data[2:4], "big") != size - HEADER_SIZE or size & 3:
        return unknown("the answer's length is wrong")
    while offset < size:
        length = int.from_bytes(data[offset + 2 : offset + 4], "big")
        if offset + 4 + length > size:
            return failed(f"the attribute at byte {offset} says {length} bytes, beyond the end")
        offset += 4 + (length + 3 & ~3)
    return passed()


@group.case(MUST, "RFC 8489 section 14", "pads with zeros", is_for_closed=True)
def padding_zero(subject: Subject) -> Procedure[Verdict]:
    """It says: "The padding bits MUST be set to zero on sending and MUST be ignored by the
    receiver."

    A plain request, and one with an unknown attribute; padding in the answers is looked at.
    Padding that is not zero can be memory that leaks.
    """
    is_padded = False
    for request in (subject.request(), subject.request(Raw(UNKNOWN))):
        heard = yield Ask(request.raw)
        for _, message in heard.answers():
            for number, padding in _paddings(message):
                if any(padding):
                    return failed(f"attribute 0x{number:04x} is padded with {padding.hex()}")
                is_padded |= bool(padding)
    return passed() if is_padded else skipped("no attribute in its answers needs padding")


@group.case(MUST, "RFC 8489 sections 6.3.1.1 and 14.2", "says where it sees us")
def mapped_address(subject: Subject) -> Procedure[Verdict]:
    """It says: "When forming the success response, the server adds an XOR-MAPPED-ADDRESS attribute
    to the response; this attribute contains the source transport address of the request message."
    "If the IP address family is IPv6, X-Address is computed by XOR'ing the mapped IP address with
    the concatenation of the magic cookie and the 96-bit transaction ID."

    Two plain requests from one socket, with different ids. The answers name the same endpoint:
    ours where nothing stands between, and otherwise at least not our own endpoint without XOR.
    """
    mapped = []
    for _ in range(2):
        message = (yield Ask(subject.request().raw)).success()
        mapped.append(_mapped(message, subject))
    if mapped[0] != mapped[1]:
        why = f"two questions from one socket were seen from {mapped[0]} and {mapped[1]}"
        return failed(why) if subject.is_local else unknown(f"{why}: so may a NAT have it")
    if mapped[0].family is not subject.server.family:
        return unknown(f"it sees us over another family, at {mapped[0]}: a translator may do that")
    if subject.is_local and mapped[0] != subject.locals[0]:
        return failed(f"it sees {mapped[0]}, and is asked from {subject.locals[0]}")
    return passed(f"it sees us at {mapped[0]}")


@group.case(
    MUST,
    "RFC 8489 section 6.3.1.2",
    "answers from where it is asked",
    transports=UDP,
    is_for_closed=True,
)
def answer_source(subject: Subject) -> Procedure[Verdict]:
    """It says: "The source IP address and port of the response are equal to the destination IP
    address and port of the received request message."

    A plain request; where the datagram that comes back was sent from.
    """
    request = subject.request().raw
    heard = yield Ask(request)
    for arrival in heard.arrivals:
        if arrival.data[8:20] != request[8:20]:
            continue
        if arrival.source == subject.server:
            return passed()
        return failed(f"asked at {subject.server}, answered from {arrival.source}")
    heard.reply()
    raise Judged(unknown("no answer with the request's id came"))


@group.case(MUST, "RFC 8489 section 6.3.1", "answers a retransmission alike", transports=UDP)
def retransmission(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST respond to retransmissions such that the following property is
    preserved: if the client receives the response to the retransmission and not the response that
    was sent to the original request, the overall state on the client and server is identical."
    Processing again MUST "result in the same success response for the same request".

    The same datagram twice; both answers are a success with the same mapped address.
    """
    request = subject.request().raw
    first = (yield Ask(request)).success()
    second = (yield Ask(request)).reply()
    if second.message_class is not MessageClass.SUCCESS_RESPONSE:
        return failed(f"first a success, then {describe(second)}")
    number = AttributeType.XOR_MAPPED_ADDRESS
    if first.value(number) != second.value(number):
        return unknown("the mapped addresses differ, which a NAT may have done")
    return passed()


def _first(subject: Subject, heard: Heard) -> bytes:
    """Return the first thing that came back and has a header. Raises Judged if there is none."""
    del subject
    for arrival in heard.arrivals:
        if len(arrival.data) >= HEADER_SIZE:
            return arrival.data
    if heard.arrivals:
        raise Judged(failed(f"what came back has {len(heard.arrivals[0].data)} bytes"))
    heard.reply()
    raise Judged(unknown(heard.silence))


def _paddings(message: Message) -> list[tuple[int, bytes]]:
    """Return each attribute's type and the bytes after its value."""
    found = []
    offset = HEADER_SIZE
    for number, value in message.attributes:
        end = offset + 4 + len(value)
        offset = (end + 3) & ~3
        found.append((number, message.raw[end:offset]))
    return found


def _mapped(message: Message, subject: Subject) -> Endpoint:
    """Return what XOR-MAPPED-ADDRESS says. Raises Judged when that cannot be."""
    value = message.value(AttributeType.XOR_MAPPED_ADDRESS)
    if value is None:
        raise Judged(failed("the answer has no XOR-MAPPED-ADDRESS"))
    try:
        mapped = XorMappedAddress.decode(value, message.transaction_id).endpoint
        plain = MappedAddress.decode(value, b"").endpoint
        other = message.get(MappedAddress)
    except Malformed as error:
        raise Judged(failed(str(error))) from None
    if plain == subject.locals[0] or (other is not None and other.endpoint == plain):
        raise Judged(failed(f"XOR-MAPPED-ADDRESS holds {plain} without XOR"))
    return mapped


CASES = tuple(group.cases)
