"""What holds for all bytes and all values of the codec, and how it compares with aioice's."""

import struct
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TypeVar

import aioice.stun
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, NotStun, StunkitError, Unencodable, UsageError
from stunkit.wire.attributes.address import Address, XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute, Flag, Number, Opaque
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.ice import Priority, UseCandidate
from stunkit.wire.attributes.table import ATTRIBUTES, decode_attribute
from stunkit.wire.attributes.text import Software, Text, Username
from stunkit.wire.attributes.turn import ChannelNumber, RequestedTransport
from stunkit.wire.demux import Kind, demultiplex
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.integrity import (
    SHA256_SIZES,
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
)
from stunkit.wire.message import Message, message_type
from stunkit.wire.nonce import SecurityFeature, nonce_cookie, security_features
from stunkit.wire.prepare import opaque_string, saslprep
from stunkit.wire.registry import AttributeType, MessageClass, Method
from stunkit.wire.stream import StreamDecoder
from stunkit.wire.uri import Uri
from tests import strategies as some

SEALS = {AttributeType.MESSAGE_INTEGRITY, AttributeType.MESSAGE_INTEGRITY_SHA256}
ID = bytes(range(12))
HEADER = bytes.fromhex("0001 0000 2112a442") + ID
QUERIES = ("", "?", "?transport=udp", "?transport=TCP", "?transport=x")


T = TypeVar("T")


def outcome(read: Callable[..., T], *arguments: object) -> T | StunkitError:
    """Return what reading gives, be it an error of ours. Any other error passes."""
    try:
        return read(*arguments)
    except StunkitError as error:
        return error


# endpoints and URIs


@given(some.scoped_endpoints)
def test_an_endpoint_is_parsed_from_its_text(endpoint: Endpoint) -> None:
    assert Endpoint.parse(str(endpoint)) == endpoint
    assert Endpoint.of(endpoint.address, endpoint.port) == endpoint
    assert Endpoint.parse(endpoint.host, port=endpoint.port) == endpoint


@given(st.text() | st.text("[]:.%0123456789abcdef", max_size=24))
def test_any_text_is_an_endpoint_or_a_usage_error(text: str) -> None:
    endpoint = outcome(partial(Endpoint.parse, port=1), text)
    if not isinstance(endpoint, UsageError):
        assert Endpoint.parse(str(endpoint)) == endpoint


@given(some.uris)
def test_a_uri_is_parsed_from_its_text(uri: Uri) -> None:
    assert Uri.parse(uri.format()) == uri


@given(st.text() | st.builds("stun:{}{}".format, st.text("[]:.%/02af"), st.sampled_from(QUERIES)))
def test_any_text_is_a_uri_or_a_usage_error(text: str) -> None:
    uri = outcome(Uri.parse, text)
    if not isinstance(uri, UsageError):
        assert Uri.parse(str(uri)) == uri


# attributes


# the profile's examples, shared out: there are as many tests as classes
@pytest.mark.parametrize("kind", ATTRIBUTES.values())
@settings(max_examples=max(5, settings().max_examples // 5))
@given(data=st.data(), identity=some.transaction_ids)
def test_an_attribute_survives_the_wire(
    kind: type[Attribute], data: st.DataObject, identity: bytes
) -> None:
    attribute = data.draw(some.attributes_of(kind))
    assert type(attribute) is kind
    value = attribute.encode(identity)
    assert kind.decode(value, identity) == attribute
    assert decode_attribute(kind.type, value, identity) == attribute


@given(some.attributes, some.classic_ids)
def test_an_attribute_survives_the_wire_of_classic_stun(
    attribute: Attribute, identity: bytes
) -> None:
    if isinstance(attribute, UnknownAttributes) and len(attribute.types) % 2:
        # RFC 3489 section 11.2.10: an odd list repeats one
        attribute = UnknownAttributes((*attribute.types, attribute.types[-1]))
    assert type(attribute).decode(attribute.encode(identity), identity) == attribute


@given(some.type_numbers, st.binary(max_size=64), some.transaction_ids | some.classic_ids)
def test_any_value_decodes_or_is_malformed(number: int, value: bytes, identity: bytes) -> None:
    attribute = outcome(decode_attribute, number, value, identity)
    if isinstance(attribute, Malformed):
        assert 0 <= attribute.offset <= len(value)
    elif attribute is None:
        assert number not in ATTRIBUTES
    else:  # what could be read can be written, and reads the same
        assert isinstance(attribute, ATTRIBUTES[number])
        if isinstance(attribute, UnknownAttributes) and len(identity) == 16:
            attribute = UnknownAttributes(attribute.types[: len(attribute.types) & ~1])
        assert type(attribute).decode(attribute.encode(identity), identity) == attribute


# messages


@given(
    st.sampled_from(MessageClass),
    some.methods,
    some.transaction_ids | some.classic_ids,
    some.attribute_lists,
)
def test_a_message_survives_the_wire(
    message_class: MessageClass, method: int, identity: bytes, attributes: list[Attribute]
) -> None:
    built = Message.build(message_class, method, identity, attributes)
    read = Message.decode(built.raw)
    assert read == built
    assert read.message_class is message_class
    assert read.method == method
    assert read.transaction_id == identity
    assert read.is_classic is (len(identity) == 16)
    assert len(read.raw) % 4 == 0
    assert demultiplex(read.raw) in (Kind.STUN, Kind.ZRTP, Kind.DTLS, Kind.UNKNOWN)
    values = [(attribute.type, attribute.encode(identity)) for attribute in attributes]
    assert list(read.attributes) == values


@given(some.datagrams)
def test_any_bytes_are_a_message_or_an_error_with_its_place(data: bytes) -> None:
    read = outcome(Message.decode, data)
    if isinstance(read, Malformed):
        assert 20 <= read.offset < len(data)
        assert read.header == data[:20]
    elif isinstance(read, NotStun):
        assert 0 <= read.offset <= len(data)
        assert read.place == "header"
    else:
        assert read.raw == data
        sizes = [4 + len(value) + -len(value) % 4 for _, value in read.attributes]
        assert sum(sizes) == len(data) - 20


@given(some.datagrams)
def test_any_message_gives_values_or_says_where_they_are_malformed(data: bytes) -> None:
    message = outcome(Message.decode, data)
    if not isinstance(message, Message):
        return
    for number, kind in ATTRIBUTES.items():
        start, value = message.offset(number), message.value(number)
        attribute = outcome(message.get, kind)
        if isinstance(attribute, Malformed):
            assert start is not None
            assert value is not None
            assert start + 4 <= attribute.offset <= start + 4 + len(value)
            assert attribute.header == data[:20]
        else:
            assert (attribute is None) is (value is None) is (start is None)
        if start is not None:
            assert data[start : start + 2] == number.to_bytes(2, "big")
            assert data[start + 4 : start + 4 + len(value or b"")] == value


@given(some.datagrams)
def test_what_is_visible_is_a_part_in_order(data: bytes) -> None:
    message = outcome(Message.decode, data)
    if not isinstance(message, Message):
        return
    rest = iter(message.attributes)
    assert all(pair in rest for pair in message.visible)  # consumes: order is kept
    numbers = [number for number, _ in message.visible]
    for before, after in pairwise(numbers):
        if before in SEALS:
            assert after in (AttributeType.MESSAGE_INTEGRITY_SHA256, AttributeType.FINGERPRINT)
    assert AttributeType.FINGERPRINT not in numbers[:-1]
    unknown = message.unknown(frozenset(ATTRIBUTES))
    assert len(set(unknown)) == len(unknown)
    assert all(number < 0x8000 and number not in ATTRIBUTES for number in unknown)
    assert set(unknown) <= set(numbers)


@given(st.integers(0, 0x3FFF))
def test_class_and_method_make_the_type_again(kind: int) -> None:
    message = Message.decode(kind.to_bytes(2, "big") + HEADER[2:])
    assert message_type(message.message_class, message.method) == kind


@given(some.messages, some.type_numbers, st.binary(max_size=40))
def test_appending_adds_one_attribute(message: Message, number: int, value: bytes) -> None:
    longer = message.append(number, value)
    assert Message.decode(longer.raw) == longer
    assert longer.attributes == (*message.attributes, (number, value))
    assert longer.raw[20 : len(message.raw)] == message.raw[20:]
    assert longer.raw[4:20] == message.raw[4:20]


# signatures


@given(some.messages, st.binary(max_size=70), st.sampled_from(SHA256_SIZES))
def test_a_signed_message_verifies_and_another_key_does_not(
    message: Message, key: bytes, size: int
) -> None:
    taken = {number for number, _ in message.attributes}
    assume(not taken & {*SEALS, AttributeType.FINGERPRINT})
    signed = add_fingerprint(add_integrity_sha256(add_integrity(message, key), key, size))
    read = Message.decode(signed.raw)
    other = key + b"x"
    assert read == signed
    assert check_integrity(read, key) is True
    assert check_integrity(read, other) is False
    assert check_integrity_sha256(read, key, size) is True
    assert check_integrity_sha256(read, other, size) is False
    assert check_fingerprint(read) is (None if read.is_classic else True)


@given(some.datagrams, st.binary(max_size=20))
def test_any_message_can_be_checked(data: bytes, key: bytes) -> None:
    message = outcome(Message.decode, data)
    if not isinstance(message, Message):
        return
    has_sha1 = message.value(AttributeType.MESSAGE_INTEGRITY) is not None
    assert (check_integrity(message, key) is not None) is has_sha1
    has_sha256 = message.value(AttributeType.MESSAGE_INTEGRITY_SHA256) is not None
    assert (check_integrity_sha256(message, key) is not None) is has_sha256
    has_crc = message.value(AttributeType.FINGERPRINT) is not None and not message.is_classic
    assert (check_fingerprint(message) is not None) is has_crc


# text and nonces


@given(st.text(max_size=20))
def test_any_text_is_prepared_or_refused(text: str) -> None:
    for prepare in (opaque_string, saslprep):
        prepared = outcome(prepare, text)
        if not isinstance(prepared, Unencodable):
            assert prepared.encode().decode() == prepared


@given(st.integers(0, 0xFFFFFF), st.binary(max_size=20))
def test_a_nonce_announces_its_features(bits: int, rest: bytes) -> None:
    assume(not bits & 0xC00000)  # the two bits that are read at either side
    features = SecurityFeature(bits)
    assert security_features(nonce_cookie(features) + rest) == features


@given(st.binary(max_size=20).map(lambda rest: b"obMatJos2" + rest) | st.binary(max_size=20))
def test_any_nonce_has_features_of_24_bits_or_none(nonce: bytes) -> None:
    features = security_features(nonce)
    assert features is None or 0 <= features < 1 << 24


# streams


@given(some.cut_streams())
def test_a_stream_gives_the_same_messages_wherever_it_is_cut(
    stream: tuple[list[bytes], list[bytes]],
) -> None:
    whole, pieces = stream
    decoder = StreamDecoder()
    assert [message for piece in pieces for message in decoder.receive(piece)] == whole
    assert decoder.pending == 0


@given(st.lists(some.datagrams, max_size=5))
def test_any_stream_gives_whole_messages_until_it_is_not_stun(pieces: list[bytes]) -> None:
    decoder = StreamDecoder(max_size=300)
    found = b""
    for piece in pieces:
        messages = outcome(decoder.receive, piece)
        if isinstance(messages, NotStun):
            assert messages.offset in (0, 2)
            break
        for message in messages:
            assert 20 <= len(message) <= 300
            assert len(message) == 20 + int.from_bytes(message[2:4], "big")
        found += b"".join(messages)
        assert decoder.pending < 300
    assert b"".join(pieces).startswith(found)


# the same bytes, read by aioice


def read_by_aioice(data: bytes) -> aioice.stun.Message | None:
    """Return what aioice makes of a datagram, or None where it raises."""
    try:
        return aioice.stun.parse_message(data)
    except (ValueError, struct.error, IndexError, OverflowError):
        return None


def as_aioice_has_it(attribute: Attribute | None) -> object:
    """Return an attribute's value in the shape that aioice gives it."""
    match attribute:
        case Address(endpoint):
            return endpoint.host, endpoint.port
        case ErrorCode(code, reason):
            return code, reason
        case ChangeRequest():
            return attribute.flags
        case RequestedTransport(number):
            return number << 24  # it reads the three reserved bytes too
        case Number(number=simple) | Text(text=simple) | Opaque(value=simple):
            return simple
        case Flag() | None:
            return None
    raise TypeError(attribute)


def assert_same(ours: Message, theirs: aioice.stun.Message) -> None:
    """Compare all that is in the header."""
    classes = {
        MessageClass.REQUEST: aioice.stun.Class.REQUEST,
        MessageClass.INDICATION: aioice.stun.Class.INDICATION,
        MessageClass.SUCCESS_RESPONSE: aioice.stun.Class.RESPONSE,
        MessageClass.ERROR_RESPONSE: aioice.stun.Class.ERROR,
    }
    assert classes[ours.message_class] is theirs.message_class
    assert ours.method == theirs.message_method
    assert ours.transaction_id == theirs.transaction_id


@given(some.shared_messages, st.none() | st.binary(min_size=1, max_size=70), st.booleans())
def test_aioice_reads_and_writes_the_same_bytes(
    message: Message,
    key: bytes | None,
    marked: bool,
) -> None:
    if key is not None:
        message = add_integrity(message, key)
    if marked:
        message = add_fingerprint(message)
    theirs = aioice.stun.parse_message(message.raw)
    assert_same(message, theirs)
    assert bytes(theirs) == message.raw
    assert theirs.check_message_integrity(key or b"") is (key is not None)
    for number, _ in message.attributes:
        name = aioice.stun.ATTRIBUTES_BY_TYPE[number][1]
        assert theirs.attributes[name] == as_aioice_has_it(message.get(ATTRIBUTES[number]))
    assert len(theirs.attributes) == len(message.attributes)


@given(some.shared_messages, st.binary(min_size=1, max_size=70))
def test_aioice_writes_what_verifies_here(message: Message, key: bytes) -> None:
    theirs = aioice.stun.parse_message(message.raw)
    theirs.add_message_integrity(key)
    signed = Message.decode(bytes(theirs))
    assert check_integrity(signed, key) is True
    assert check_integrity(signed, key + b"x") is False
    assert check_fingerprint(signed) is True


@given(some.datagrams)
def test_aioice_agrees_where_both_accept(data: bytes) -> None:
    ours, theirs = outcome(Message.decode, data), read_by_aioice(data)
    # The tests below say why these differ on purpose.
    if theirs is None or not isinstance(ours, Message) or ours.is_classic:
        return
    assert_same(ours, theirs)
    numbers = [number for number, _ in ours.attributes]
    hidden = {AttributeType.MESSAGE_INTEGRITY_SHA256, AttributeType.FINGERPRINT} & set(numbers[:-1])
    for number, name, *_ in aioice.stun.ATTRIBUTES:
        if numbers.count(number) > 1 or hidden:
            continue
        value = outcome(ours.get, ATTRIBUTES[number])
        if isinstance(value, Malformed):
            continue
        if value is None:
            assert name not in theirs.attributes
            continue
        found = theirs.attributes[name]
        if isinstance(value, Address):
            assert Endpoint.of(*found) == value.endpoint  # whichever way it is mapped
        elif isinstance(value, ChangeRequest | RequestedTransport):
            reserved = 0xFFFFFFF9 if isinstance(value, ChangeRequest) else 0xFFFFFF
            assert found & ~reserved == as_aioice_has_it(value)
        else:
            assert found == as_aioice_has_it(value)


# where aioice differs, and what settles it


def request(*pieces: str, header: bytes = HEADER) -> bytes:
    body = bytes.fromhex("".join(pieces))
    return header[:2] + len(body).to_bytes(2, "big") + header[4:] + body


def test_a_message_without_the_cookie_is_classic_where_aioice_does_not_look() -> None:
    # RFC 8489 section 5: the cookie has one value; RFC 3489 section 11.1: the id has 16 bytes
    data = HEADER[:4] + b"\0\0\0\1" + ID
    ours, theirs = Message.decode(data), aioice.stun.parse_message(data)
    assert ours.is_classic
    assert ours.transaction_id == b"\0\0\0\1" + ID
    assert theirs.transaction_id == ID


def test_the_first_duplicate_counts_where_aioice_takes_the_last() -> None:
    # RFC 8489 section 14: only the first occurrence needs to be processed
    data = request("00240004 00000001", "00240004 00000002")
    assert Message.decode(data).get(Priority) == Priority(1)
    assert aioice.stun.parse_message(data).attributes["PRIORITY"] == 2


@pytest.mark.parametrize("last", ["80220008 61616161", "80220005 61616161"])
def test_a_truncated_last_attribute_is_malformed_where_aioice_takes_what_is_there(
    last: str,
) -> None:
    # RFC 8489 sections 6.3 and 14: the length of the value is that of the value
    data = request(last)
    with pytest.raises(Malformed):
        Message.decode(data)
    assert aioice.stun.parse_message(data).attributes["SOFTWARE"] == "aaaa"


@pytest.mark.parametrize("top", [0x40, 0x80, 0xC0])
def test_the_top_bits_must_be_zero_where_aioice_does_not_look(top: int) -> None:
    # RFC 8489 section 6.3: the first two bits are checked
    data = bytes((top,)) + HEADER[1:]
    with pytest.raises(NotStun):
        Message.decode(data)
    assert aioice.stun.parse_message(data).message_method == Method.BINDING


def test_the_length_must_be_a_multiple_of_four_where_aioice_does_not_look() -> None:
    # RFC 8489 section 5: the last two bits of the length are always zero
    data = request("8022 0001 61")
    with pytest.raises(NotStun):
        Message.decode(data)
    assert aioice.stun.parse_message(data).attributes == {"SOFTWARE": "a"}


def test_nothing_counts_after_fingerprint_where_aioice_reads_on() -> None:
    # RFC 8489 section 14.7: it is the last attribute
    message = add_fingerprint(Message.request(Method.BINDING, ID))
    first = message.append(AttributeType.SOFTWARE, b"a")
    assert first.get(Software) is None
    assert check_fingerprint(first) is False
    assert aioice.stun.parse_message(first.raw).attributes["SOFTWARE"] == "a"


def test_little_counts_after_sha256_integrity_where_aioice_reads_on() -> None:
    # RFC 8489 section 9: only FINGERPRINT does
    message = Message.request(Method.BINDING, ID)
    signed = add_integrity_sha256(message, b"key").append(AttributeType.USERNAME, b"mallory")
    assert signed.get(Username) is None
    assert aioice.stun.parse_message(signed.raw).attributes["USERNAME"] == "mallory"


def test_a_wrong_fingerprint_leaves_a_message_to_judge_where_aioice_raises() -> None:
    # RFC 8489 section 7: the check is the usage's
    data = request("80280004 00000000")
    assert check_fingerprint(Message.decode(data)) is False
    with pytest.raises(ValueError, match="fingerprint"):
        aioice.stun.parse_message(data)


def test_an_unknown_method_leaves_a_message_to_answer_where_aioice_raises() -> None:
    # RFC 8489 section 6.3: it is for the agent to know its methods
    data = b"\0\x0a" + HEADER[2:]
    assert Message.decode(data).method == Method.CONNECT
    with pytest.raises(ValueError, match="not a valid Method"):
        aioice.stun.parse_message(data)


@pytest.mark.parametrize(
    ("kind", "body", "theirs"),
    [
        (UseCandidate, "00250004 00000000", None),  # RFC 8445 section 16.1: it has no content
        (ErrorCode, "00090004 00000700", (700, "")),  # RFC 8489 section 14.8: 3 to 6
        (ErrorCode, "00090004 00000464", (500, "")),  # RFC 8489 section 14.8: 0 to 99
        (ChannelNumber, "000c0002 40010000", 0x4001),  # RFC 8656 section 18.1: 4 bytes
        (Software, "802202fc" + "61" * 764, "a" * 764),  # RFC 8489 section 14.14: 763 bytes
    ],
)
def test_a_broken_value_is_malformed_where_aioice_takes_it(
    kind: type[Attribute], body: str, theirs: object
) -> None:
    data = request(body)
    message = Message.decode(data)
    with pytest.raises(Malformed):
        message.get(kind)
    assert list(aioice.stun.parse_message(data).attributes.values()) == [theirs]


def test_reserved_bits_of_an_error_are_ignored_where_aioice_counts_them() -> None:
    # RFC 8489 section 14.8
    data = request("00090004 0000fc14")
    assert Message.decode(data).get(ErrorCode) == ErrorCode(420)
    assert aioice.stun.parse_message(data).error_code == 0xFC * 100 + 20


def test_an_integrity_value_of_another_size_is_wrong_where_aioice_lets_it_pass_the_parser() -> None:
    # RFC 8489 section 14.5: 20 bytes
    data = request("00080004 00000000")
    assert check_integrity(Message.decode(data), b"key") is False
    assert aioice.stun.parse_message(data).attributes["MESSAGE-INTEGRITY"] == bytes(4)


def test_an_ipv4_address_mapped_into_ipv6_is_ipv4_where_aioice_keeps_it() -> None:
    # RFC 4291 section 2.5.5.2: it stands for the IPv4 address
    xored = "0002 a147 2112a442000102030405 f9f8 c8090809"
    data = request("00200014", xored)
    mapped = Message.decode(data).get(XorMappedAddress)
    assert mapped == XorMappedAddress(Endpoint.parse("192.0.2.2:32853"))
    address, _ = aioice.stun.parse_message(data).attributes["XOR-MAPPED-ADDRESS"]
    assert address in ("::ffff:c000:202", "::ffff:192.0.2.2")
