"""What a request may hold: unknown, odd, repeated and broken attributes, and how errors are worded.

RFC 8489 sections 6.3, 6.3.1, 9, 14, 14.8 and 14.13.
"""

from __future__ import annotations

from struct import pack

from stunkit.conformance.case import UDP, Group
from stunkit.conformance.conversation import (
    Ask,
    Heard,
    Procedure,
    describe,
    error_code,
    expect_error,
)
from stunkit.conformance.subject import Raw, Subject
from stunkit.conformance.verdict import Judged, Level, Verdict, failed, passed, skipped, unknown
from stunkit.errors import Malformed
from stunkit.wire.attributes.error import UnknownAttributes
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.registry import AttributeType, Code, MessageClass

group = Group("attributes")
MUST, SHOULD = Level.MUST, Level.SHOULD

# In nobody's registry: two that a server must know, one that it may leave.
REQUIRED = (0x7F53, 0x7A11, 0x6C3B)
OPTIONAL = 0xFE53
NUMBER = AttributeType.UNKNOWN_ATTRIBUTES


@group.case(MUST, "RFC 8489 section 6.3.1", "refuses an unknown required attribute with 420")
def unknown_required(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the request contains one or more unknown comprehension-required attributes, the
    server replies with an error response with an error code of 420 (Unknown Attribute)."

    A request with attribute 0x7f53, which nobody has registered.
    """
    reply = (yield Ask(subject.request(Raw(REQUIRED[0])).raw)).reply()
    return expect_error(reply, Code.UNKNOWN_ATTRIBUTE)


@group.case(MUST, "RFC 8489 section 6.3.1.1", "lists what it does not know")
def unknown_listed(subject: Subject) -> Procedure[Verdict]:
    """It says: "For an error code of 420 (Unknown Attribute), the server MUST include an
    UNKNOWN-ATTRIBUTES attribute."

    A request with attribute 0x7f53; the 420, if there is one, has UNKNOWN-ATTRIBUTES.
    """
    reply = _refusal((yield Ask(subject.request(Raw(REQUIRED[0])).raw)))
    if reply.value(NUMBER) is None:
        return failed("the 420 has no UNKNOWN-ATTRIBUTES")
    return passed()


@group.case(MUST, "RFC 8489 sections 6.3.1 and 14.13", "lists all of it and nothing else")
def unknown_exact(subject: Subject) -> Procedure[Verdict]:
    """It says: "... an UNKNOWN-ATTRIBUTES attribute in the response that lists the unknown
    comprehension-required attributes." It holds "16-bit values, each of which represents an
    attribute type that was not understood by the server".

    A request with three unknown required attributes and one unknown optional one.
    """
    request = subject.request(*(Raw(number, b"four") for number in (*REQUIRED, OPTIONAL)))
    listed = _listed(_refusal((yield Ask(request.raw))))
    if set(listed) != set(REQUIRED):
        return failed(f"{_names(REQUIRED)} are unknown, and it lists {_names(listed) or 'nothing'}")
    return passed()


@group.case(MUST, "RFC 8489 section 14.13", "pads that list with padding, not with a repetition")
def unknown_padded(subject: Subject) -> Procedure[Verdict]:
    """It says: "In [RFC3489], this field was padded to 32 by duplicating the last attribute. In
    this version of the specification, the normal padding rules for attributes are used instead."

    A request with one unknown required attribute; the list has one entry, and its length says
    two bytes.
    """
    request = subject.request(Raw(REQUIRED[0]))
    listed = _listed(_refusal((yield Ask(request.raw))))
    if len(listed) > len(set(listed)):
        return failed(f"it lists {_names(listed)}")
    return passed()


@group.case(MUST, "RFC 8489 sections 6.3.1.1 and 14.8", "says an error's code")
def error_number(subject: Subject) -> Procedure[Verdict]:
    """It says: "For an error response, the server MUST add an ERROR-CODE attribute containing the
    error code specified." "The Class ... value MUST be between 3 and 6. ... Number ... MUST be
    between 0 and 99."

    A request with an unknown required attribute; the error response, if there is one, has a
    code.
    """
    error = _error((yield Ask(subject.request(Raw(REQUIRED[0])).raw)))
    value = error.value(AttributeType.ERROR_CODE)
    if value is None:
        return failed("the error response has no ERROR-CODE")
    if len(value) < 4:
        return failed(f"its ERROR-CODE has {len(value)} bytes")
    hundreds, number = value[2] & 7, value[3]
    if 3 <= hundreds <= 6 and number <= 99:
        return passed()
    return failed(f"its class is {hundreds}, its number {number}")


@group.case(MUST, "RFC 8489 section 14.8", "words an error within limits")
def error_phrase(subject: Subject) -> Procedure[Verdict]:
    """It says: "The reason phrase MUST be a UTF-8-encoded [RFC3629] sequence of fewer than 128
    characters."

    A request with an unknown required attribute; the phrase of the error response.
    """
    error = _error((yield Ask(subject.request(Raw(REQUIRED[0])).raw)))
    value = error.value(AttributeType.ERROR_CODE)
    if value is None:
        return skipped("its errors have no ERROR-CODE")
    try:
        text = value[4:].decode()
    except UnicodeDecodeError as wrong:
        return failed(f"its phrase is no UTF-8: {wrong.reason}")
    return passed() if len(text) < 128 else failed(f"its phrase has {len(text)} characters")


@group.case(MUST, "RFC 8489 section 6.3", "ignores an unknown optional attribute")
def unknown_optional(subject: Subject) -> Procedure[Verdict]:
    """It says: "Unknown comprehension-optional attributes MUST be ignored by the agent."

    A request with attribute 0xfe53 in two lengths, one of them none.
    """
    request = subject.request(Raw(OPTIONAL), Raw(OPTIONAL + 1, b"eight by"))
    (yield Ask(request.raw)).success()
    return passed()


@group.case(SHOULD, "RFC 8489 section 6.3", "ignores what it knows and does not expect")
def known_unexpected(subject: Subject) -> Procedure[Verdict]:
    """It says: "Known-but-unexpected attributes SHOULD be ignored by the agent."

    A request with XOR-MAPPED-ADDRESS, which a server that sends it knows.
    """
    if subject.plain is None or subject.plain.value(AttributeType.XOR_MAPPED_ADDRESS) is None:
        return skipped("it does not send XOR-MAPPED-ADDRESS, and so need not know it")
    value = bytes.fromhex("0001a147 e112a643".replace(" ", ""))
    request = subject.request(Raw(AttributeType.XOR_MAPPED_ADDRESS, value))
    (yield Ask(request.raw)).success()
    return passed()


@group.case(MUST, "RFC 8489 section 14", "takes attributes of every length")
def padded(subject: Subject) -> Procedure[Verdict]:
    """It says: "Attributes whose content is not a multiple of 4 bytes are padded with 1, 2, or 3
    bytes of padding."

    A request with optional attributes of 1, 2 and 3 bytes, padded with zeros.
    """
    (yield Ask(_with_padding(subject, b"\0"))).success()
    return passed()


@group.case(MUST, "RFC 8489 section 14", "ignores what padding holds")
def padding_any(subject: Subject) -> Procedure[Verdict]:
    """It says: "The padding bits MUST be set to zero on sending and MUST be ignored by the
    receiver."

    The same padded with 0xff, to a server that takes it padded with zeros.
    """
    heard = yield Ask(_with_padding(subject, b"\0"))
    if not heard.is_success:
        return skipped("it does not take such attributes whatever the padding")
    (yield Ask(_with_padding(subject, b"\xff"))).success()
    return passed()


@group.case(MUST, "RFC 8489 section 14", "takes repeated attributes")
def repeated(subject: Subject) -> Procedure[Verdict]:
    """It says: "Any attribute type MAY appear more than once in a STUN message." "Only the first
    occurrence needs to be processed by a receiver, and any duplicates MAY be ignored by a
    receiver."

    A request with SOFTWARE twice.
    """
    name = AttributeType.SOFTWARE
    (yield Ask(subject.request(Raw(name, b"once"), Raw(name, b"more")).raw)).success()
    return passed()


@group.case(MUST, "RFC 8489 section 9", "ignores what follows MESSAGE-INTEGRITY")
def after_integrity(subject: Subject) -> Procedure[Verdict]:
    """It says: "Agents MUST ignore all attributes that follow MESSAGE-INTEGRITY, with the exception
    of the MESSAGE-INTEGRITY-SHA256 and FINGERPRINT attributes."

    A request with a MESSAGE-INTEGRITY of nobody's, and the same with an unknown required attribute
    after it: both are answered alike, and no 420 names it.
    """
    integrity = Raw(AttributeType.MESSAGE_INTEGRITY, bytes(range(20)))
    alone = yield Ask(subject.request(integrity).raw)
    if not alone.answers():
        return unknown(f"MESSAGE-INTEGRITY alone: {alone.silence}")
    heard = yield Ask(subject.request(integrity, Raw(REQUIRED[0])).raw)
    if heard.is_silence and alone.is_success:
        return failed(f"with MESSAGE-INTEGRITY alone it answers, with more not: {heard.silence}")
    if not heard.answers():
        return unknown(heard.silence)
    reply = heard.reply()
    if reply.message_class is MessageClass.SUCCESS_RESPONSE:
        return passed()
    if error_code(reply) == Code.UNKNOWN_ATTRIBUTE and REQUIRED[0] in _listed(reply):
        return failed("refused with 420 for the attribute after MESSAGE-INTEGRITY")
    return unknown(f"refused before it came to that, with {describe(reply)}")


@group.case(MUST, "RFC 8489 section 9.1.3", "tells a stranger nothing that only friends may know")
def unknown_user(subject: Subject) -> Procedure[Verdict]:
    """It says: "If any of the checks fail, a server MUST NOT include a MESSAGE-INTEGRITY-SHA256,
    MESSAGE-INTEGRITY, or USERNAME attribute in the error response."

    A request with a USERNAME and a MESSAGE-INTEGRITY of nobody's. A server without logins may
    ignore them (section 6.3); one with short-term ones refuses with 401.
    """
    username = Raw(AttributeType.USERNAME, b"nobody here!")
    integrity = Raw(AttributeType.MESSAGE_INTEGRITY, bytes(range(20)))
    heard = yield Ask(subject.request(username, integrity).raw)
    if heard.is_silence:
        return unknown(f"neither answered nor refused: {heard.silence}")
    reply = heard.reply()
    if reply.message_class is MessageClass.SUCCESS_RESPONSE:
        return passed("it looks at no login")
    what = describe(reply)
    if reply.value(AttributeType.REALM) is None:  # else long-term, where it may (section 9.2.4)
        for number in (
            AttributeType.MESSAGE_INTEGRITY,
            AttributeType.MESSAGE_INTEGRITY_SHA256,
            AttributeType.USERNAME,
        ):
            if reply.value(number) is not None:
                return failed(f"{what} has {number.name.replace('_', '-')}")
    return passed(f"refused with {what}")


@group.case(
    SHOULD,
    "RFC 8489 sections 6.3 and 14.8",
    "does not accept an attribute that is cut off",
    transports=UDP,
)
def cut_off(subject: Subject) -> Procedure[Verdict]:
    """It says: "400 Bad Request: The request was malformed." What breaks the rules for messages "is
    silently discarded".

    A request whose one attribute says 64 bytes and has 4. Right is error 400, or no answer; and
    the server lives on.
    """
    raw = bytearray(subject.request(Raw(OPTIONAL, b"four")).raw)
    raw[HEADER_SIZE + 3] = 64
    heard = yield Ask(bytes(raw))
    if heard.arrivals:
        reply = heard.reply()
        if reply.message_class is MessageClass.SUCCESS_RESPONSE:
            return failed("answered with a success")
        (yield Ask(subject.request().raw)).success()
        return passed(f"refused with {describe(reply)}")
    return heard.expect_silence()


def _with_padding(subject: Subject, padding: bytes) -> bytes:
    """Return a request with optional attributes of 1, 2 and 3 bytes, padded with a byte."""
    body = b"".join(
        pack(">HH", OPTIONAL, size) + b"abc"[:size] + padding * (4 - size) for size in (1, 2, 3)
    )
    raw = subject.request().raw
    return raw[:2] + len(body).to_bytes(2, "big") + raw[4:] + body


def _refusal(heard: Heard) -> Message:
    """Return the 420. Raises Judged: skipped where there is none."""
    if heard.is_silence:
        raise Judged(skipped("it sends no 420"))
    reply = heard.reply()
    if error_code(reply) != Code.UNKNOWN_ATTRIBUTE:
        raise Judged(skipped("it sends no 420"))
    return reply


def _listed(reply: Message) -> tuple[int, ...]:
    """Return the types in UNKNOWN-ATTRIBUTES. Raises Judged: skipped where there is none."""
    try:
        attribute = reply.get(UnknownAttributes)
    except Malformed as error:
        raise Judged(failed(str(error))) from None
    if attribute is None:
        raise Judged(skipped("its 420 has no UNKNOWN-ATTRIBUTES"))
    return attribute.types


def _error(heard: Heard) -> Message:
    """Return the error response. Raises Judged: skipped where there is none."""
    if heard.is_silence:
        raise Judged(skipped("it sends no error response"))
    reply = heard.reply()
    if reply.message_class is not MessageClass.ERROR_RESPONSE:
        raise Judged(skipped("it sends no error response"))
    return reply


def _names(types: tuple[int, ...]) -> str:
    return ", ".join(f"0x{number:04x}" for number in types)


CASES = tuple(group.cases)
