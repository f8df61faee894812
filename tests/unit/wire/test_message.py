import tomllib
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, NotStun, Unencodable
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest, Padding
from stunkit.wire.attributes.digest import Fingerprint, MessageIntegrity, Userhash
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.ice import IceControlled, Priority
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Nonce, Realm, Software, Username
from stunkit.wire.attributes.turn import AddressErrorCode
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    long_term_key,
    short_term_key,
)
from stunkit.wire.message import Message, message_type
from stunkit.wire.nonce import SecurityFeature, security_features
from stunkit.wire.registry import AttributeType, MessageClass, Method, PasswordAlgorithmNumber

DATA = Path(__file__).parents[2] / "data"
RFC5769 = tomllib.loads((DATA / "rfc5769.toml").read_text(encoding="utf-8"))
B1 = tomllib.loads((DATA / "rfc8489_b1.toml").read_text(encoding="utf-8"))

COOKIE = bytes.fromhex("2112a442")
ID = bytes(range(12))
CLASSIC_ID = bytes(range(16))

USERNAME, REALM, SOFTWARE = 0x0006, 0x0014, 0x8022
SHA1, SHA256, CRC = 0x0008, 0x001C, 0x8028


def datagram(*pieces: str, kind: int = 0x0001, identity: bytes = COOKIE + ID) -> bytes:
    """A message of these attributes, in hex, with a header that fits."""
    body = bytes.fromhex("".join(pieces))
    return kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + identity + body


def holding(*numbers: int) -> Message:
    """A message of these types in this order; each value is its place, in four bytes."""
    pieces = [f"{number:04x}0004{place:08x}" for place, number in enumerate(numbers)]
    return Message.decode(datagram(*pieces))


# the vectors of RFC 5769 and RFC 8489


def test_reads_the_vector_of_a_request() -> None:
    vector = RFC5769["request"]
    message = Message.decode(bytes.fromhex(vector["hex"]))
    assert (message.message_class, message.method) == (MessageClass.REQUEST, Method.BINDING)
    assert message.transaction_id.hex() == "b7e7a701bc34d686fa87dfae"
    assert not message.is_classic
    assert [number for number, _ in message.attributes] == [
        AttributeType.SOFTWARE,
        AttributeType.PRIORITY,
        AttributeType.ICE_CONTROLLED,
        AttributeType.USERNAME,
        AttributeType.MESSAGE_INTEGRITY,
        AttributeType.FINGERPRINT,
    ]
    assert message.get(Software) == Software(vector["software"])
    assert message.get(Priority) == Priority(vector["priority"])
    assert message.get(IceControlled) == IceControlled(vector["ice_controlled"])
    assert message.get(Username) == Username(vector["username"])
    assert message.get(Fingerprint) == Fingerprint(0xE57A3BCF)
    assert check_integrity(message, short_term_key(vector["password"])) is True
    assert check_fingerprint(message) is True


@pytest.mark.parametrize("name", ["response_ipv4", "response_ipv6"])
def test_reads_the_vectors_of_responses(name: str) -> None:
    vector = RFC5769[name]
    message = Message.decode(bytes.fromhex(vector["hex"]))
    assert message.message_class is MessageClass.SUCCESS_RESPONSE
    assert message.method == Method.BINDING
    assert message.get(Software) == Software(vector["software"])
    mapped = message.get(XorMappedAddress)
    assert mapped is not None
    assert str(mapped.endpoint) == vector["mapped"]
    assert check_integrity(message, short_term_key(vector["password"])) is True
    assert check_fingerprint(message) is True


def test_reads_the_vector_with_long_term_credentials() -> None:
    vector = RFC5769["request_long_term"]
    message = Message.decode(bytes.fromhex(vector["hex"]))
    assert message.get(Username) == Username(vector["username"])
    assert message.get(Realm) == Realm(vector["realm"])
    assert message.get(Nonce) == Nonce(vector["nonce"].encode())
    key = long_term_key(vector["username"], vector["realm"], vector["password"])
    assert check_integrity(message, key) is True
    assert check_fingerprint(message) is None


def test_writes_the_vector_with_long_term_credentials() -> None:
    vector = RFC5769["request_long_term"]
    attributes = [
        Username(vector["username"]),
        Nonce(vector["nonce"].encode()),
        Realm(vector["realm"]),
    ]
    identity = bytes.fromhex("78ad3433c6ad72c029da412e")
    message = Message.request(Method.BINDING, identity, attributes)
    key = long_term_key(vector["username"], vector["realm"], vector["password"])
    assert add_integrity(message, key).raw.hex() == vector["hex"]


@pytest.mark.parametrize(
    ("name", "message_class", "attributes", "padded", "zeroed"),
    [
        (
            "request",
            MessageClass.REQUEST,
            [
                Software("STUN test client"),
                Priority(0x6E0001FF),
                IceControlled(0x932FF9B151263B36),
                Username("evtj:h6vY"),
            ],
            "6576746a3a68367659202020",
            "6576746a3a68367659000000",
        ),
        (
            "response_ipv4",
            MessageClass.SUCCESS_RESPONSE,
            [Software("test vector"), XorMappedAddress(Endpoint.parse("192.0.2.1:32853"))],
            "7465737420766563746f7220",
            "7465737420766563746f7200",
        ),
        (
            "response_ipv6",
            MessageClass.SUCCESS_RESPONSE,
            [
                Software("test vector"),
                XorMappedAddress(Endpoint.parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853")),
            ],
            "7465737420766563746f7220",
            "7465737420766563746f7200",
        ),
    ],
)
def test_writes_the_vectors_but_for_their_padding(
    name: str,
    message_class: MessageClass,
    attributes: list[Attribute],
    padded: str,
    zeroed: str,
) -> None:
    # RFC 5769 section 2: the padding is not zero there, and the HMAC and the CRC cover it
    vector = RFC5769[name]
    identity = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    message = Message.build(message_class, Method.BINDING, identity, attributes)
    key = short_term_key(vector["password"])
    signed = add_fingerprint(add_integrity(message, key))
    expected = bytes.fromhex(vector["hex"].replace(padded, zeroed))
    assert vector["hex"].count(padded) == 1
    assert signed.raw[:-28] == expected[:-28]  # up to the HMAC's value
    assert check_integrity(signed, key) is True
    assert check_fingerprint(signed) is True
    theirs = Message.decode(bytes.fromhex(vector["hex"]))
    assert signed.attributes[:-2] == theirs.attributes[:-2]
    for attribute in attributes:
        assert signed.get(type(attribute)) == attribute


def b1_key() -> bytes:
    return long_term_key(
        B1["username"], B1["realm"], B1["password"], PasswordAlgorithmNumber.SHA256
    )


def test_reads_the_sha256_vector_as_corrected() -> None:
    message = Message.decode(bytes.fromhex(B1["corrected"]["hex"]))
    assert message.is_request
    assert message.get(Userhash) == Userhash(bytes.fromhex(B1["userhash"]))
    assert message.get(Realm) == Realm(B1["realm"])
    assert message.get(PasswordAlgorithm) == PasswordAlgorithm(Algorithm(2))
    nonce = message.get(Nonce)
    assert nonce == Nonce(B1["nonce"].encode())
    assert security_features(nonce.value) is SecurityFeature.USERNAME_ANONYMITY
    assert message.value(SHA256) == bytes.fromhex(B1["corrected"]["hmac"])


def test_writes_the_sha256_vector_as_corrected() -> None:
    attributes = [
        Userhash(bytes.fromhex(B1["userhash"])),
        Nonce(B1["nonce"].encode()),
        Realm(B1["realm"]),
        PasswordAlgorithm(Algorithm(PasswordAlgorithmNumber.SHA256)),
    ]
    identity = bytes.fromhex("78ad3433c6ad72c029da412e")
    message = Message.request(Method.BINDING, identity, attributes)
    assert add_integrity_sha256(message, b1_key()).raw.hex() == B1["corrected"]["hex"]


def test_refuses_the_sha256_vector_as_printed() -> None:
    # erratum 6268: the printed length counts the header too
    with pytest.raises(NotStun, match="156 bytes of body, there are 136") as caught:
        Message.decode(bytes.fromhex(B1["as_printed"]["hex"]))
    assert caught.value.offset == 2


# the header


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        (b"", "0 bytes", 0),
        (datagram()[:19], "19 bytes", 0),
        (datagram(kind=0x4000), "most significant bits", 0),
        (datagram(kind=0x4001), "most significant bits", 0),
        (datagram(kind=0x8001), "most significant bits", 0),
        (datagram(kind=0xFFFF), "most significant bits", 0),
        (datagram("00")[:20] + b"\0", "no multiple of four", 2),
        (b"\0\1\0\2" + COOKIE + ID + bytes(2), "no multiple of four", 2),
        (b"\0\1\0\4" + COOKIE + ID, "4 bytes of body, there are 0", 2),
        (b"\0\1\0\0" + COOKIE + ID + bytes(4), "0 bytes of body, there are 4", 2),
        (b"\0\1\0\4" + COOKIE + ID + bytes(3), "4 bytes of body, there are 3", 2),
        (b"\0\1\xff\xfc" + COOKIE + ID, "65532 bytes of body", 2),
    ],
)
def test_is_not_stun_when_the_header_does_not_fit(data: bytes, reason: str, offset: int) -> None:
    with pytest.raises(NotStun, match=reason) as caught:
        Message.decode(data)
    assert (caught.value.place, caught.value.offset) == ("header", offset)


@pytest.mark.parametrize(
    ("kind", "message_class", "method"),
    [
        # RFC 8489 section 5 and appendix A; RFC 8656 section 17
        (0x0001, MessageClass.REQUEST, Method.BINDING),
        (0x0011, MessageClass.INDICATION, Method.BINDING),
        (0x0101, MessageClass.SUCCESS_RESPONSE, Method.BINDING),
        (0x0111, MessageClass.ERROR_RESPONSE, Method.BINDING),
        (0x0003, MessageClass.REQUEST, Method.ALLOCATE),
        (0x0113, MessageClass.ERROR_RESPONSE, Method.ALLOCATE),
        (0x0016, MessageClass.INDICATION, Method.SEND),
        (0x0109, MessageClass.SUCCESS_RESPONSE, Method.CHANNEL_BIND),
        (0x0020, MessageClass.REQUEST, 0x010),
        (0x0200, MessageClass.REQUEST, 0x080),
        (0x2000, MessageClass.REQUEST, 0x800),
        (0x3EEF, MessageClass.REQUEST, 0xFFF),
        (0x3EFF, MessageClass.INDICATION, 0xFFF),
        (0x3FEF, MessageClass.SUCCESS_RESPONSE, 0xFFF),
        (0x3FFF, MessageClass.ERROR_RESPONSE, 0xFFF),
        (0x0000, MessageClass.REQUEST, 0x000),
    ],
)
def test_weaves_class_and_method_into_the_type(
    kind: int, message_class: MessageClass, method: int
) -> None:
    assert message_type(message_class, method) == kind
    read = Message.decode(datagram(kind=kind))
    assert (read.message_class, read.method) == (message_class, method)
    assert Message.build(message_class, method, ID).raw == datagram(kind=kind)


def test_keeps_all_types_apart() -> None:
    kinds = {message_type(c, method) for c in MessageClass for method in range(0x1000)}
    assert kinds == set(range(0x4000))


@pytest.mark.parametrize(
    ("kind", "is_request", "is_response"),
    [(0x0001, True, False), (0x0011, False, False), (0x0101, False, True), (0x0111, False, True)],
)
def test_knows_requests_and_responses(*, kind: int, is_request: bool, is_response: bool) -> None:
    message = Message.decode(datagram(kind=kind))
    assert message.is_request is is_request
    assert message.is_response is is_response


def test_reads_a_classic_message_when_there_is_no_cookie() -> None:
    # RFC 3489 section 11.1: an id of 16 bytes
    message = Message.decode(datagram("000300040000 0006", identity=CLASSIC_ID))
    assert message.is_classic
    assert message.transaction_id == CLASSIC_ID
    assert message.get(ChangeRequest) == ChangeRequest(change_ip=True, change_port=True)


def test_builds_a_classic_message_when_the_id_has_16_bytes() -> None:
    message = Message.request(Method.BINDING, CLASSIC_ID, [ChangeRequest(change_port=True)])
    assert message.raw == datagram("0003000400000002", identity=CLASSIC_ID)
    assert message.is_classic
    assert message.transaction_id == CLASSIC_ID


def test_keeps_the_low_12_bytes_as_the_id_when_the_cookie_is_there() -> None:
    message = Message.decode(datagram())
    assert not message.is_classic
    assert message.transaction_id == ID


# the attributes


def test_reads_attributes_in_order_with_their_padding_left_out() -> None:
    message = Message.decode(
        datagram(
            "8022 0005 6162636465 ff0102", "0006 0000", "7f01 0004 01020304", "8022 0001 78ffffff"
        )
    )
    assert message.attributes == (
        (SOFTWARE, b"abcde"),
        (USERNAME, b""),
        (0x7F01, b"\1\2\3\4"),
        (SOFTWARE, b"x"),
    )


def test_keeps_its_bytes_as_they_came() -> None:
    data = datagram("8022 0001 78ffffff")
    assert Message.decode(data).raw == data


@pytest.mark.parametrize(
    ("value", "padding"),
    [("", ""), ("a", "000000"), ("ab", "0000"), ("abc", "00"), ("abcd", ""), ("abcde", "000000")],
)
def test_pads_with_zeros_when_writing(value: str, padding: str) -> None:
    # RFC 8489 section 14
    written = f"8022{len(value):04x}{value.encode().hex()}{padding}"
    expected = datagram(written)
    assert Message.request(Method.BINDING, ID, [Software(value)]).raw == expected
    assert Message.request(Method.BINDING, ID).append(SOFTWARE, value.encode()).raw == expected


@pytest.mark.parametrize(
    ("body", "offset", "place"),
    [
        ("80220001", 20, "SOFTWARE"),
        ("8022000578787878", 20, "SOFTWARE"),
        ("80220000 0006ffff", 24, "USERNAME"),
        ("80220001 78000000 7f010004", 28, "0x7F01"),
        ("8022000d 787878787878787878787878", 20, "SOFTWARE"),
        # its padding swallows what would be the next attribute's header
        ("80220005 7878787878000000 80220001", 32, "SOFTWARE"),
    ],
)
def test_is_malformed_when_an_attribute_runs_past_the_end(
    body: str, offset: int, place: str
) -> None:
    data = datagram(body)
    with pytest.raises(Malformed) as caught:
        Message.decode(data)
    assert (caught.value.offset, caught.value.place) == (offset, place)
    assert caught.value.header == data[:20]


def test_says_how_much_an_attribute_lacks() -> None:
    with pytest.raises(Malformed, match="its length is 5 bytes, 4 are left"):
        Message.decode(datagram("00060000", "8022000578787878"))


def test_reads_the_last_attribute_when_its_padding_ends_the_message() -> None:
    assert Message.decode(datagram("8022 0001 78000000")).attributes == ((SOFTWARE, b"x"),)


def test_reads_as_many_attributes_as_fit() -> None:
    message = Message.decode(datagram("80220000" * 16383))
    assert message.attributes == ((SOFTWARE, b""),) * 16383


# what may be acted on


@pytest.mark.parametrize(
    ("numbers", "visible"),
    [
        # RFC 8489 sections 9 and 14.7
        ([USERNAME, SOFTWARE], [0, 1]),
        ([USERNAME, SHA1, SOFTWARE], [0, 1]),
        ([SHA1, USERNAME, SHA256, SOFTWARE, CRC], [0, 2, 4]),
        ([SHA1, SHA256, CRC], [0, 1, 2]),
        ([SHA1, CRC], [0, 1]),
        ([SHA256, USERNAME, CRC], [0, 2]),
        ([SHA256, SHA1], [0]),
        ([SHA1, SHA1], [0]),
        ([SHA256, SHA256, CRC], [0, 2]),
        ([CRC, USERNAME, SHA1, SHA256], [0]),
        ([CRC, CRC], [0]),
        ([SHA1, CRC, SHA256], [0, 1]),
        ([USERNAME, USERNAME], [0, 1]),
        ([], []),
    ],
)
def test_hides_what_follows_a_seal(numbers: list[int], visible: list[int]) -> None:
    message = holding(*numbers)
    assert len(message.attributes) == len(numbers)
    assert message.visible == tuple((numbers[n], n.to_bytes(4, "big")) for n in visible)


@pytest.mark.parametrize(
    ("numbers", "wanted", "place"),
    [
        ([USERNAME, SOFTWARE], SOFTWARE, 1),
        ([USERNAME, USERNAME], USERNAME, 0),  # the first counts; RFC 8489 section 14
        ([SHA1, USERNAME], USERNAME, None),
        ([USERNAME, SHA1, USERNAME], USERNAME, 0),
        ([SHA1, USERNAME, SHA256], SHA256, 2),
        ([SHA256, SHA1], SHA1, None),
        ([SHA1, SHA1], SHA1, 0),
        ([SHA256, USERNAME, CRC], CRC, 2),
        ([CRC, SHA1], SHA1, None),
        ([CRC, SOFTWARE], SOFTWARE, None),
        ([SOFTWARE], USERNAME, None),
        ([], SOFTWARE, None),
    ],
)
def test_finds_the_first_visible_attribute(
    numbers: list[int], wanted: int, place: int | None
) -> None:
    message = holding(*numbers)
    if place is None:
        assert message.value(wanted) is None
        assert message.offset(wanted) is None
    else:
        assert message.value(wanted) == place.to_bytes(4, "big")
        assert message.offset(wanted) == 20 + 8 * place


def test_counts_padding_in_offsets() -> None:
    message = Message.decode(datagram("8022000178000000", "00060000", "0014000561616161 61000000"))
    assert message.offset(SOFTWARE) == 20
    assert message.offset(USERNAME) == 28
    assert message.offset(REALM) == 32
    assert message.append(0x0015, b"").offset(0x0015) == 44


def test_gets_typed_values() -> None:
    message = Message.decode(datagram("0001 0008 00018055c0000201", "8022 0001 78000000"))
    assert message.get(MappedAddress) == MappedAddress(Endpoint.parse("192.0.2.1:32853"))
    assert message.get(Software) == Software("x")
    assert message.get(Username) is None


def test_gets_the_first_of_duplicates() -> None:
    message = Message.decode(datagram("8022 0001 61000000", "8022 0001 62000000"))
    assert message.get(Software) == Software("a")


def test_gets_nothing_that_a_seal_hides() -> None:
    message = Message.request(
        Method.BINDING, ID, [MessageIntegrity(bytes(20)), Username("mallory")]
    )
    assert message.get(Username) is None
    assert message.get(MessageIntegrity) == MessageIntegrity(bytes(20))


@pytest.mark.parametrize(
    ("kind", "place", "body", "offset"),
    [
        (MappedAddress, "MAPPED-ADDRESS", "00010000", 24),  # at the very end
        (MappedAddress, "MAPPED-ADDRESS", "8022000178000000 00010008 0003000000000000", 33),
        (Username, "USERNAME", "80220000 00060004 6161ff61", 30),
        (ErrorCode, "ERROR-CODE", "00090004 00000100", 26),
        (ErrorCode, "ERROR-CODE", "00090008 00000400 616161ff", 31),
        (AddressErrorCode, "ADDRESS-ERROR-CODE", "80010008 01000428 616161ff", 31),
        (AddressErrorCode, "ADDRESS-ERROR-CODE", "80010004 01000700", 26),
        (AddressErrorCode, "ADDRESS-ERROR-CODE", "80010004 03000428", 24),
        (PasswordAlgorithms, "PASSWORD-ALGORITHMS", "80020006 00010000 00020000", 28),
        (PasswordAlgorithms, "PASSWORD-ALGORITHMS", "80020008 00010000 00020001", 30),
        (UnknownAttributes, "UNKNOWN-ATTRIBUTES", "000a0003 00010000", 24),
        (Userhash, "USERHASH", "001e0004 00000000", 24),
    ],
)
def test_says_where_a_value_is_malformed(
    kind: type[Attribute], place: str, body: str, offset: int
) -> None:
    data = datagram(body)
    message = Message.decode(data)
    with pytest.raises(Malformed) as caught:
        message.get(kind)
    assert (caught.value.place, caught.value.offset) == (place, offset)
    assert caught.value.header == data[:20]


def test_lists_unknown_types_once_in_order() -> None:
    # RFC 8489 section 14: only types below 0x8000 must be comprehended
    message = holding(0x7FFF, USERNAME, 0x0002, 0x8000, 0xFFFF, 0x7FFF, 0x0000, 0x0002)
    assert message.unknown(frozenset({USERNAME})) == (0x7FFF, 0x0002, 0x0000)
    assert message.unknown(frozenset()) == (0x7FFF, USERNAME, 0x0002, 0x0000)
    assert message.unknown(frozenset({USERNAME, 0x7FFF, 0x0002, 0x0000})) == ()


def test_lists_no_unknown_type_that_a_seal_hides() -> None:
    message = holding(0x7F01, SHA1, 0x7F02)
    assert message.unknown(frozenset({SHA1})) == (0x7F01,)


# building


def test_builds_what_it_reads() -> None:
    built = Message.build(
        MessageClass.SUCCESS_RESPONSE, Method.BINDING, ID, [Software("x"), Username("ab")]
    )
    assert built.raw == datagram("8022000178000000", "0006000261620000", kind=0x0101)
    assert built.attributes == ((SOFTWARE, b"x"), (USERNAME, b"ab"))
    assert Message.decode(built.raw) == built


def test_builds_with_attributes_from_an_iterator() -> None:
    names = (Software(text) for text in "ab")
    assert Message.request(Method.BINDING, ID, names).attributes == (
        (SOFTWARE, b"a"),
        (SOFTWARE, b"b"),
    )


def test_gives_the_transaction_id_to_the_attributes() -> None:
    mapped = XorMappedAddress(Endpoint.parse("[2001:db8::1]:1"))
    assert Message.request(Method.BINDING, ID, [mapped]).get(XorMappedAddress) == mapped
    assert Message.request(Method.BINDING, CLASSIC_ID, [mapped]).get(XorMappedAddress) == mapped


def test_appends_with_the_length_adjusted() -> None:
    message = Message.decode(datagram("8022000178ffffff"))
    longer = message.append(USERNAME, b"abc")
    assert longer.raw == datagram("8022000178ffffff", "0006000361626300")
    assert longer.attributes == ((SOFTWARE, b"x"), (USERNAME, b"abc"))
    assert message.attributes == ((SOFTWARE, b"x"),)


@pytest.mark.parametrize("method", [-1, 0x1000])
def test_refuses_to_build_a_method_of_more_than_12_bits(method: int) -> None:
    with pytest.raises(Unencodable, match="12 bits"):
        Message.request(method, ID)


@pytest.mark.parametrize(
    "transaction_id", [b"", bytes(11), bytes(13), bytes(15), bytes(17), COOKIE + ID]
)
def test_refuses_to_build_with_an_id_that_fits_neither_kind(transaction_id: bytes) -> None:
    with pytest.raises(Unencodable, match="transaction id"):
        Message.request(Method.BINDING, transaction_id)


def test_builds_the_largest_message() -> None:
    message = Message.request(Method.BINDING, ID, [Padding(bytes(65528))])
    assert len(message.raw) == 20 + 65532
    assert Message.decode(message.raw) == message


@pytest.mark.parametrize(
    "attributes",
    [
        [Padding(bytes(65529))],
        [Padding(bytes(70000))],
        [Padding(bytes(32764)), Padding(bytes(32761))],
        [Padding(bytes(65528)), Software("")],
    ],
)
def test_refuses_to_build_more_than_fits(attributes: list[Attribute]) -> None:
    with pytest.raises(Unencodable):
        Message.request(Method.BINDING, ID, attributes)


@pytest.mark.parametrize("size", [65525, 65529, 65536, 70000])
def test_refuses_to_append_more_than_fits(size: int) -> None:
    message = Message.request(Method.BINDING, ID, [Software("")])
    with pytest.raises(Unencodable, match="SOFTWARE: a body of"):
        message.append(SOFTWARE, bytes(size))


def test_passes_on_why_an_attribute_cannot_be_encoded() -> None:
    with pytest.raises(Unencodable, match="ERROR-CODE: 200"):
        Message.build(MessageClass.ERROR_RESPONSE, Method.BINDING, ID, [ErrorCode(200)])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (holding(), "Binding request"),
        (holding(USERNAME, 0x7F01), "Binding request (USERNAME, 0x7F01)"),
        (Message.build(MessageClass.ERROR_RESPONSE, 0x00B, ID), "ConnectionBind error response"),
        (Message.build(MessageClass.INDICATION, 0x123, ID), "0x123 indication"),
    ],
)
def test_describes_itself(message: Message, text: str) -> None:
    assert str(message) == text
