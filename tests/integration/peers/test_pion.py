"""What the tests of pion/stun, the STUN of most Go programs, expect of a decoder, beside ours.

The expectations are pion's (as of August 2026), the bytes are made here. pion has two modes, and
the strict one counts. Where ``ours`` is another than ``theirs``, the section settles it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import pytest

from stunkit.dissect.field import Field
from stunkit.dissect.tree import dissect
from stunkit.errors import Malformed, NotStun
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.integrity import add_integrity, check_integrity, long_term_key, short_term_key
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType as Type

COOKIE = bytes.fromhex("2112a442")
IDENTITY = bytes(range(1, 13))
REQUEST, SUCCESS = 0x0001, 0x0101
TAKEN, REFUSED = True, False


def header(length: int, kind: int = REQUEST, cookie: bytes = COOKIE) -> bytes:
    return struct.pack(">HH", kind, length) + cookie + IDENTITY


def attribute(number: int, value: bytes, length: int | None = None) -> bytes:
    head = struct.pack(">HH", number, len(value) if length is None else length)
    return head + value + bytes(-len(value) % 4)


def message(*attributes: tuple[int, bytes], kind: int = REQUEST) -> bytes:
    body = b"".join(attribute(*one) for one in attributes)
    return header(len(body), kind) + body


class Whole(NamedTuple):
    """Bytes: whether they are a message. Ours names the error where they are none."""

    why: str
    data: bytes
    theirs: bool
    ours: type[Exception] | None
    section: str


PLAIN = message((Type.SOFTWARE, b"software"))
WHOLES = (
    Whole("nothing at all", b"", REFUSED, NotStun, "RFC 8489 section 5: 20 bytes of header"),
    Whole("a part of a header", PLAIN[:9], REFUSED, NotStun, "RFC 8489 section 5"),
    Whole("a header alone", header(0), TAKEN, None, "RFC 8489 section 5: zero or more attributes"),
    Whole(
        "no method that is registered: strict refuses the type 0, to us a method like others",
        header(0, 0),
        REFUSED,
        None,
        "RFC 8489 section 6.3: an unknown method is a matter of the agent; section 18.2: reserved",
    ),
    Whole(
        "a method of which only the number is known",
        header(0, 0x2DDD),
        TAKEN,
        None,
        "RFC 8489 section 5: a method is a number of 12 bits",
    ),
    Whole(
        "no cookie: to us it is classic STUN, which a server answers",
        header(0, cookie=bytes(4)),
        REFUSED,
        None,
        "RFC 3489 section 11.1, RFC 8489 section 11",
    ),
    Whole(
        "a byte after the end: theirs is read from streams too, and stops where the length says",
        header(0) + b"\0",
        TAKEN,
        NotStun,
        "RFC 8489 section 6.3: that the length is sensible; a datagram is one message",
    ),
    Whole("cut short", PLAIN[:-4], REFUSED, NotStun, "RFC 8489 section 6.3"),
    Whole("cut within an attribute's header", header(2) + b"\0\1", REFUSED, NotStun, "section 5"),
    Whole(
        "a length that is no multiple of four",
        header(5) + attribute(1, bytes(4))[:5],
        REFUSED,
        NotStun,
        "RFC 8489 section 5: the last two bits of the length are always zero",
    ),
    Whole(
        "an attribute that is longer than what is left",
        header(8) + attribute(1, bytes(2), length=10),
        REFUSED,
        Malformed,
        "RFC 8489 section 14: the length is that of the value",
    ),
    Whole(
        "a value that nobody can read, in a whole message",
        message((Type.ERROR_CODE, b"\xff\xfe\xfa")),
        TAKEN,
        None,
        "RFC 8489 section 6.3: only what is understood has to be checked",
    ),
    Whole(
        "attributes that only browsers send",
        message((0xC057, bytes(4)), (Type.PRIORITY, bytes(4))),
        TAKEN,
        None,
        "RFC 8489 section 14: what is comprehension-optional and unknown is ignored",
    ),
)


@pytest.mark.parametrize("row", WHOLES, ids=lambda row: row.why)
def test_takes_what_a_decoder_is_expected_to_take(row: Whole):
    tree = dissect(row.data)
    assert type(tree.error) is (row.ours or type(None))
    assert (tree.message is None) is (row.ours is not None)


class Value(NamedTuple):
    """A value: what it says, as text; None where it cannot be read."""

    why: str
    number: int
    value: bytes
    theirs: str | None
    ours: str | None
    section: str


# 198.51.100.7:4321 under the cookie, 2001:db8::1 under cookie and identity (section 14.2)
IPV4 = bytes.fromhex("0001") + bytes(a ^ b for a, b in zip(b"\x10\xe1", COOKIE, strict=False))
IPV4 += bytes(a ^ b for a, b in zip(b"\xc6\x33\x64\x07", COOKIE, strict=True))
IPV6 = bytes.fromhex("0002") + IPV4[2:4]
IPV6 += bytes(
    a ^ b
    for a, b in zip(
        bytes.fromhex("20010db8000000000000000000000001"), COOKIE + IDENTITY, strict=True
    )
)
OPEN = bytes.fromhex("000110e1c6336407")
XOR_ADDRESS, ADDRESS = Type.XOR_MAPPED_ADDRESS, Type.MAPPED_ADDRESS
SIZES = "RFC 8489 section 14.1: 32 bits of address for IPv4, 128 for IPv6"
TEXTS = "RFC 8489 sections 14.3 and 14.14: fewer than 128 characters; up to 763 bytes are parsed"
VALUES = (
    Value("IPv4", XOR_ADDRESS, IPV4, *2 * ["198.51.100.7:4321"], "RFC 8489 section 14.2"),
    Value("IPv6", XOR_ADDRESS, IPV6, *2 * ["[2001:db8::1]:4321"], "RFC 8489 section 14.2"),
    Value("empty", XOR_ADDRESS, b"", None, None, SIZES),
    Value("only family and port", XOR_ADDRESS, IPV4[:4], None, None, SIZES),
    Value("IPv4 with more", XOR_ADDRESS, IPV4 + bytes(9), None, None, SIZES),
    Value("no family", XOR_ADDRESS, b"\0\x21" + IPV4[2:], None, None, "RFC 8489 section 14.1"),
    Value("in the clear", ADDRESS, OPEN, *2 * ["198.51.100.7:4321"], "RFC 8489 section 14.1"),
    Value("three bytes", ADDRESS, OPEN[:3], None, None, SIZES),
    Value(
        "a first byte that is not zero: theirs takes it for a part of the family",
        ADDRESS,
        b"\x20" + OPEN[1:],
        None,
        "198.51.100.7:4321",
        "RFC 8489 section 14.1: receivers MUST ignore the first 8 bits",
    ),
    Value("no code", Type.ERROR_CODE, b"\1", None, None, "RFC 8489 section 14.8: 32 bits"),
    Value("reserved bits", Type.ERROR_CODE, b"\0\0\xe4\x14", "420", "420", "section 14.8: ignored"),
    Value(
        "no whole number of types",
        Type.UNKNOWN_ATTRIBUTES,
        bytes(3),
        None,
        None,
        "RFC 8489 section 14.13: a list of 16-bit types",
    ),
    Value(
        "two types",
        Type.UNKNOWN_ATTRIBUTES,
        b"\0\x1a\0\x0c",
        *2 * ["DONT-FRAGMENT, CHANNEL-NUMBER"],
        "RFC 8489 section 14.13",
    ),
    Value("three bytes", Type.FINGERPRINT, bytes(3), None, None, "RFC 8489 section 14.7: 32 bits"),
    Value("text", Type.SOFTWARE, b"a v1", "a v1", "a v1", "RFC 8489 section 14.14"),
    Value("text", Type.REALM, b"example.org", *2 * ["example.org"], "RFC 8489 section 14.9"),
    Value("more than is sent", Type.USERNAME, b"u" * 600, *2 * ["u" * 600], TEXTS),
    Value("more than is parsed", Type.USERNAME, b"u" * 800, "u" * 800, None, TEXTS),
    Value("more than is parsed", Type.SOFTWARE, b"s" * 800, "s" * 800, None, TEXTS),
)


@pytest.mark.parametrize("row", VALUES, ids=lambda row: f"{Type(row.number).name}: {row.why}")
def test_reads_what_a_decoder_is_expected_to_read(row: Value):
    tree = dissect(message((row.number, row.value), kind=SUCCESS))
    assert tree.message is not None
    (field,) = [one for one in tree.fields if one.number == row.number]
    assert said(field) == row.ours


def said(field: Field) -> str | None:
    """What an attribute says; None where it, or a part of it, has a fault."""
    return None if any(one.fault for one in field.walk()) else field.text


class Order(NamedTuple):
    """Attributes in a row: how many of them count, by position."""

    why: str
    numbers: tuple[int, ...]
    theirs: tuple[int, ...]
    ours: tuple[int, ...]
    section: str


MI, MI256, PRINT = Type.MESSAGE_INTEGRITY, Type.MESSAGE_INTEGRITY_SHA256, Type.FINGERPRINT
SIZE_OF = {MI: 20, MI256: 32, PRINT: 4}
ORDERS = (
    Order("after SHA-1", (MI, Type.SOFTWARE, PRINT), (0, 2), (0, 2), "RFC 8489 section 14.5"),
    Order("after SHA-256", (MI256, Type.SOFTWARE, PRINT), (0, 2), (0, 2), "section 14.6"),
    Order("SHA-1 after SHA-256", (MI256, MI, PRINT), (0, 2), (0, 2), "RFC 8489 section 14.6"),
    Order("SHA-256 after SHA-1", (MI, MI256, PRINT), (0, 1, 2), (0, 1, 2), "section 14.5"),
    Order("SHA-1 twice", (MI, MI, PRINT), (0, 2), (0, 2), "RFC 8489 section 14.5"),
    Order(
        "after FINGERPRINT: theirs checks what it sends",
        (PRINT, MI),
        (0, 1),
        (0,),
        "RFC 8489 section 14.7: FINGERPRINT MUST be the last attribute",
    ),
)


@pytest.mark.parametrize("row", ORDERS, ids=lambda row: row.why)
def test_leaves_out_what_a_decoder_is_expected_to_leave_out(row: Order):
    pairs = [
        (number, bytes([place]) * SIZE_OF.get(number, 8))
        for place, number in enumerate(row.numbers)
    ]
    decoded = Message.decode(message(*pairs))
    assert decoded.attributes == tuple(pairs)
    assert decoded.visible == tuple(pairs[place] for place in row.ours)


@pytest.mark.parametrize("row", [*WHOLES, *VALUES, *ORDERS], ids=lambda row: row.why)
def test_every_expectation_names_its_section(row: Whole | Value | Order):
    assert "section" in row.section


def test_the_differences_are_those_that_the_sections_settle():
    wholes = {row.why.partition(":")[0] for row in WHOLES if row.theirs is bool(row.ours)}
    values = {row.why.partition(":")[0] for row in VALUES if row.theirs != row.ours}
    orders = {row.why.partition(":")[0] for row in ORDERS if row.theirs != row.ours}
    assert wholes == {"no method that is registered", "no cookie", "a byte after the end"}
    assert values == {"a first byte that is not zero", "more than is parsed"}
    assert orders == {"after FINGERPRINT"}


def test_a_fingerprint_is_of_every_byte_before_it():
    data = add_fingerprint(Message.decode(PLAIN)).raw
    assert check_fingerprint(Message.decode(data)) is True
    for place in (*range(8, 20), *range(24, 32), *range(len(data) - 4, len(data))):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert check_fingerprint(Message.decode(changed)) is False


@pytest.mark.parametrize(
    "key", [short_term_key("password"), long_term_key("user", "realm", "pass")]
)
def test_integrity_holds_whatever_follows_it(key: bytes):
    signed = add_integrity(Message.decode(PLAIN), key)
    more = add_fingerprint(signed.append(Type.SOFTWARE, b"after"))
    for data in (signed.raw, more.raw):
        assert check_integrity(Message.decode(data), key) is True
        changed = data[:24] + bytes([data[24] ^ 1]) + data[25:]
        assert check_integrity(Message.decode(changed), key) is False
    assert check_fingerprint(Message.decode(more.raw)) is True
