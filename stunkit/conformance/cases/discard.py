"""What has to be left without an answer: broken headers, responses, indications, strange methods.

RFC 8489 sections 5, 6.3, 6.3.2, 7, 12 and 14.7.
"""

from __future__ import annotations

from stunkit.conformance.case import UDP, Group
from stunkit.conformance.conversation import Ask, Procedure
from stunkit.conformance.subject import INTRODUCTIONS, Raw, Subject
from stunkit.conformance.tally import NEGLIGIBLE, Tally
from stunkit.conformance.verdict import Level, Verdict, failed, passed, skipped, unknown
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.message import HEADER_SIZE
from stunkit.wire.registry import AttributeType, MessageClass, Method

group = Group("discard")
MUST, SHOULD = Level.MUST, Level.SHOULD

STRANGE = 0xEEE  # a method in nobody's registry
FIRST_ROUNDS = 4  # requests with FINGERPRINT until nobody is taken to answer those either
ROUNDS = 16  # all such requests, each with a plain one after it once one was answered
FILLER = Raw(0xFE53, b"four")  # an unknown optional attribute of 8 bytes


@group.case(
    MUST,
    "RFC 8489 sections 5 and 6.3",
    "leaves what is no STUN alone: the first two bits",
    transports=UDP,
    is_for_closed=True,
)
def first_bits(subject: Subject) -> Procedure[Verdict]:
    """It says: "It checks that the first two bits are 0 ... If any errors are detected, the message
    is silently discarded."

    A Binding request whose first two bits are 10.
    """
    raw = subject.request().raw
    return (yield Ask(bytes([raw[0] | 0x80]) + raw[1:])).expect_silence()


@group.case(
    MUST,
    "RFC 8489 sections 5 and 6.3",
    "leaves a length alone that is no multiple of four",
    transports=UDP,
    is_for_closed=True,
)
def length_unaligned(subject: Subject) -> Procedure[Verdict]:
    """It says: "The last 2 bits of this field are always zero." A receiver "checks ... that the
    message length is sensible"; else the message "is silently discarded".

    A request with an optional attribute that says 11 bytes and has as many.
    """
    raw = subject.request(FILLER).raw + b"abc"
    return (yield Ask(raw[:2] + (11).to_bytes(2, "big") + raw[4:])).expect_silence()


@group.case(
    MUST,
    "RFC 8489 sections 5 and 6.3",
    "leaves a length alone that is more than there is",
    transports=UDP,
    is_for_closed=True,
)
def length_beyond(subject: Subject) -> Procedure[Verdict]:
    """It says: "The message length MUST contain the size of the message in bytes." A message that
    breaks it "is silently discarded".

    A request of 20 bytes that says 8 more follow.
    """
    raw = subject.request().raw
    return (yield Ask(raw[:2] + (8).to_bytes(2, "big") + raw[4:])).expect_silence()


@group.case(
    SHOULD,
    "RFC 8489 sections 5 and 6.3",
    "leaves a length alone that is less than there is",
    transports=UDP,
    is_for_closed=True,
)
def length_within(subject: Subject) -> Procedure[Verdict]:
    """It says: "The message length MUST contain the size of the message in bytes." How sensible a
    length is with bytes to spare in the datagram is for the receiver to say, hence SHOULD.

    A request of 28 bytes that says none follow the header.
    """
    raw = subject.request(FILLER).raw
    return (yield Ask(raw[:2] + bytes(2) + raw[4:])).expect_silence()


@group.case(
    MUST,
    "RFC 8489 sections 5 and 6.3",
    "leaves a header alone that is cut off",
    transports=UDP,
    is_for_closed=True,
)
def header_cut_off(subject: Subject) -> Procedure[Verdict]:
    """It says: "All STUN messages comprise a 20-byte header followed by zero or more attributes."

    The first 19 bytes of a request.
    """
    return (yield Ask(subject.request().raw[: HEADER_SIZE - 1])).expect_silence()


@group.case(MUST, "RFC 8489 section 6.3.2", "does not answer an indication", is_for_closed=True)
def indication(subject: Subject) -> Procedure[Verdict]:
    """It says: "No response is generated for an indication."

    A Binding indication.
    """
    message = subject.message(MessageClass.INDICATION, Method.BINDING)
    return (yield Ask(message.raw)).expect_silence()


@group.case(
    MUST, "RFC 8489 section 6.3.2", "does not refuse an indication either", is_for_closed=True
)
def indication_unknown(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the indication contains unknown comprehension-required attributes, the
    indication is discarded and processing ceases."

    A Binding indication with attribute 0x7f53.
    """
    message = subject.message(MessageClass.INDICATION, Method.BINDING, [Raw(0x7F53)])
    return (yield Ask(message.raw)).expect_silence()


@group.case(MUST, "RFC 8489 section 6.3", "does not answer a response", is_for_closed=True)
def response(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the message class is 'Success Response' or 'Error Response', the agent checks
    that the transaction ID matches a transaction that is still in progress"; else the message "is
    silently discarded". Two servers that answer responses would talk to each other for ever.

    A Binding success response, then an error response.
    """
    verdict = passed()
    for message_class in (MessageClass.SUCCESS_RESPONSE, MessageClass.ERROR_RESPONSE):
        heard = yield Ask(subject.message(message_class, Method.BINDING).raw)
        verdict = heard.expect_silence()
        if not verdict.is_pass:
            break
    return verdict


@group.case(
    MUST,
    "RFC 8489 section 6.3",
    "does not answer a method that it does not support",
    is_for_closed=True,
)
def strange_method(subject: Subject) -> Procedure[Verdict]:
    """It says: "It checks ... that the method value is a supported method. ... If any errors are
    detected, the message is silently discarded."

    A request of method 0xeee, which nobody has registered.
    """
    message = subject.message(MessageClass.REQUEST, STRANGE)
    return (yield Ask(message.raw)).expect_silence()


@group.case(MUST, "RFC 8489 sections 7 and 14.7", "computes FINGERPRINT right")
def fingerprint(subject: Subject) -> Procedure[Verdict]:
    """It says: "The value of the attribute is computed as the CRC-32 of the STUN message up to (but
    excluding) the FINGERPRINT attribute itself, XOR'ed with the 32-bit value 0x5354554e." "When
    present, the FINGERPRINT attribute MUST be the last attribute in the message."

    A request with FINGERPRINT; the answer's, if it has one, is its last attribute and right.
    """
    message = (yield Ask(add_fingerprint(subject.request()).raw)).success()
    verdict = check_fingerprint(message)
    if verdict is None:
        return skipped("its answers have no FINGERPRINT")
    if verdict:
        return passed()
    if message.attributes[-1][0] != AttributeType.FINGERPRINT:
        return failed("FINGERPRINT is not the last attribute")
    mapped, plain = message.get(XorMappedAddress), message.get(MappedAddress)
    if mapped is not None and plain is not None and mapped.endpoint != plain.endpoint:
        return unknown("something on the way rewrites addresses, and so breaks the CRC")
    return failed("the CRC is wrong")


@group.case(MUST, "RFC 8489 sections 6.3 and 7", "does not answer a wrong FINGERPRINT")
def wrong_fingerprint(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the FINGERPRINT extension is being used, the agent checks that the FINGERPRINT
    attribute is present and contains the correct value. ... If any errors are detected, the message
    is silently discarded."

    Asked only of a server that uses it, as one does that answers with it. A request with
    FINGERPRINT one bit off.
    """
    message = (yield Ask(add_fingerprint(subject.request()).raw)).success()
    if message.value(AttributeType.FINGERPRINT) is None:
        return skipped("its answers have no FINGERPRINT, so it need not look at ours")
    raw = bytearray(add_fingerprint(subject.request()).raw)
    raw[-1] ^= 1
    return (yield Ask(bytes(raw))).expect_silence()


@group.case(
    MUST,
    "RFC 8489 section 12",
    "does not require FINGERPRINT",
    is_for_closed=True,
    needs_answer=False,
)
def fingerprint_optional(subject: Subject) -> Procedure[Verdict]:
    """It says: "It MAY utilize the FINGERPRINT mechanism but MUST NOT require it."

    A plain request is answered, or else one with FINGERPRINT is not answered either.
    """
    if subject.plain is not None:
        return passed()
    beside = Tally()
    tries = INTRODUCTIONS  # plain requests without an answer
    for _ in range(ROUNDS):
        with_it = yield Ask(add_fingerprint(subject.request()).raw, is_repeated=False)
        beside.sent += 1
        beside.answered += with_it.is_success
        if beside.sent == FIRST_ROUNDS and not beside.answered:
            break
        if beside.answered and beside.chance(tries) <= NEGLIGIBLE:
            count = f"{beside.answered} of {beside.sent} with FINGERPRINT"
            return failed(f"none of {tries} plain requests is answered, and {count}")
        if beside.answered:
            if (yield Ask(subject.request().raw, is_repeated=False)).arrivals:
                return passed()
            tries += 1
    if beside.answered:
        return unknown("only requests with FINGERPRINT were answered, which may be loss")
    return skipped("nothing is answered")


CASES = tuple(group.cases)
