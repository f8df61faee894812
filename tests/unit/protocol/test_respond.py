import tomllib
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.respond import Disposition, Received, Response, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import (
    MappedAddress,
    OtherAddress,
    ResponseOrigin,
    XorMappedAddress,
)
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.integrity import add_integrity, add_integrity_sha256
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method

VECTORS = tomllib.loads(
    (Path(__file__).parents[2] / "data" / "rfc5769.toml").read_text(encoding="utf-8")
)

SERVER = Endpoint(bytes((192, 0, 2, 200)), 3478)
SERVER_IPV6 = Endpoint(bytes.fromhex("20010db80000000000000000000000c8"), 3478)
V4 = Endpoint(bytes((192, 0, 2, 1)), 32853)  # the addresses of RFC 5769
V6 = Endpoint(bytes.fromhex("20010db8123456780011223344556677"), 32853)
ID = bytes.fromhex("b7e7a701bc34d686fa87dfae")  # and its transaction id
CLASSIC_ID = bytes(range(1, 17))
IDS = pytest.mark.parametrize("identity", [ID, CLASSIC_ID], ids=["modern", "classic"])

MAPPED_ADDRESS, USERNAME, MESSAGE_INTEGRITY, XOR_MAPPED_ADDRESS = 0x0001, 0x0006, 0x0008, 0x0020
RESPONSE_ADDRESS, CHANGE_REQUEST, PADDING, RESPONSE_PORT = 0x0002, 0x0003, 0x0026, 0x0027
PRIORITY, USE_CANDIDATE, SOFTWARE, ICE_CONTROLLED = 0x0024, 0x0025, 0x8022, 0x8029


def message(
    *attributes: tuple[int, bytes],
    identity: bytes = ID,
    kind: MessageClass = MessageClass.REQUEST,
    method: int = Method.BINDING,
) -> Message:
    made = Message.build(kind, method, identity)
    for number, value in attributes:
        made = made.append(number, value)
    return made


def broken(raw: bytes) -> bytes:
    """The message with an attribute at its end that runs past it."""
    raw += bytes.fromhex("80220005")
    return raw[:2] + (len(raw) - 20).to_bytes(2, "big") + raw[4:]


def fate(data: bytes, source: Endpoint = V4, site: Site | None = None) -> Response:
    return respond(Received(data, source, SERVER), site or Site())


def answer(data: bytes, source: Endpoint = V4, site: Site | None = None) -> Message:
    return Message.decode(fate(data, source, site).data)


def types_of(made: Message) -> list[int]:
    return [number for number, _ in made.attributes]


BLANK = message()
STREAM = Site(is_stream=True)


# Success


def test_answers_with_xor_mapped_address_byte_for_byte():
    assert BLANK.raw.hex() == "000100002112a442b7e7a701bc34d686fa87dfae"
    response = fate(BLANK.raw, V4)
    assert response.disposition is Disposition.ANSWERED
    assert response.data.hex() == (
        "0101000c2112a442b7e7a701bc34d686fa87dfae"  # a success of 12 bytes, the same id
        "002000080001a147e112a643"  # the value of RFC 5769 section 2.2
    )


def test_answers_over_ipv6_byte_for_byte():
    assert fate(BLANK.raw, V6).data.hex() == (
        "010100182112a442b7e7a701bc34d686fa87dfae"
        "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"  # RFC 5769 section 2.3
    )


@pytest.mark.parametrize("source", [V4, V6], ids=str)
@pytest.mark.parametrize("local", [SERVER, SERVER_IPV6, SERVER.with_port(3479)], ids=str)
@pytest.mark.parametrize("data", [BLANK.raw, message((0x7FFF, b"")).raw, broken(BLANK.raw)])
def test_answers_the_source_from_the_endpoint_asked(data: bytes, source: Endpoint, local: Endpoint):
    response = respond(Received(data, source, local), Site())
    assert response.data
    assert (response.source, response.destination) == (local, source)


def test_mapped_address_comes_first_and_is_the_source():
    made = answer(add_fingerprint(BLANK).raw, V4, Site("stunkit"))
    assert types_of(made) == [XOR_MAPPED_ADDRESS, SOFTWARE, AttributeType.FINGERPRINT]
    assert made.get(XorMappedAddress) == XorMappedAddress(V4)
    assert made.get(Software) == Software("stunkit")


@pytest.mark.parametrize("data", [BLANK.raw, message((0x7FFF, b"")).raw, broken(BLANK.raw)])
def test_sends_software_only_when_it_is_set(data: bytes):
    assert answer(data).get(Software) is None
    assert answer(data, site=Site("")).get(Software) == Software("")
    assert answer(data, site=Site("stunkit")).get(Software) == Software("stunkit")


@pytest.mark.parametrize("request_", [BLANK, message((0x7FFF, b""))])
def test_sends_fingerprint_when_it_was_asked_with_one(request_: Message):
    assert check_fingerprint(answer(request_.raw)) is None
    assert check_fingerprint(answer(add_fingerprint(request_).raw)) is True


def test_drops_a_request_whose_fingerprint_is_wrong():
    raw = bytearray(add_fingerprint(BLANK).raw)
    raw[-1] ^= 1
    assert fate(bytes(raw)) == Response(Disposition.BAD_FINGERPRINT, b"", SERVER, V4)


def test_drops_a_request_whose_fingerprint_is_not_last():
    late = add_fingerprint(BLANK).append(SOFTWARE, b"")
    assert fate(late.raw).disposition is Disposition.BAD_FINGERPRINT


def test_answers_the_same_to_the_same_request():
    raw = add_fingerprint(message((SOFTWARE, b"x"))).raw
    assert fate(raw) == fate(raw)


@pytest.mark.parametrize("number", [0x8000, 0x8021, ICE_CONTROLLED, 0xC057, 0xFFFF])
@IDS
def test_ignores_unknown_attributes_that_are_optional(number: int, identity: bytes):
    response = fate(message((number, b"any"), identity=identity).raw)
    assert response == fate(message(identity=identity).raw)
    assert response.disposition is Disposition.ANSWERED


@pytest.mark.parametrize("value", [b"", b"any"])
@pytest.mark.parametrize(
    "number",
    [0x0001, 0x0006, 0x0008, 0x0009, 0x000A, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0020],
)
def test_ignores_attributes_that_it_knows_and_does_not_expect(number: int, value: bytes):
    assert fate(message((number, value)).raw) == fate(BLANK.raw)


# Clients without the magic cookie


def test_answers_a_classic_client_with_mapped_address_alone():
    assert fate(message(identity=CLASSIC_ID).raw).data.hex() == (
        "0101000c0102030405060708090a0b0c0d0e0f10"  # all 16 bytes of its id
        "0001000800018055c0000201"  # 192.0.2.1, port 32853, as they are
    )


def test_answers_a_classic_client_over_ipv6():
    made = answer(message(identity=CLASSIC_ID).raw, V6)
    assert types_of(made) == [MAPPED_ADDRESS]
    assert made.get(MappedAddress) == MappedAddress(V6)


def test_answers_a_classic_client_that_wants_no_change():
    response = fate(message((CHANGE_REQUEST, bytes(4)), identity=CLASSIC_ID).raw)
    assert response == fate(message(identity=CLASSIC_ID).raw)


@pytest.mark.parametrize("flags", [2, 4, 6])
def test_refuses_change_request_when_a_classic_client_sets_flags(flags: int):
    request = message((CHANGE_REQUEST, bytes((0, 0, 0, flags))), identity=CLASSIC_ID)
    response = fate(request.raw)
    assert response.disposition is Disposition.UNKNOWN_ATTRIBUTE
    made = Message.decode(response.data)
    assert made.transaction_id == CLASSIC_ID
    assert made.get(ErrorCode).code == 420
    # an odd number of types repeats the last one (RFC 3489 section 11.2.10)
    assert made.value(AttributeType.UNKNOWN_ATTRIBUTES) == bytes.fromhex("00030003")


@pytest.mark.parametrize("size", [0, 3, 5, 8])
def test_calls_malformed_change_request_of_a_classic_client_a_bad_request(size: int):
    request = message((CHANGE_REQUEST, bytes(size)), identity=CLASSIC_ID)
    response = fate(request.raw)
    assert response.disposition is Disposition.BAD_REQUEST
    made = Message.decode(response.data)
    assert (made.transaction_id, made.get(ErrorCode).code) == (CLASSIC_ID, 400)


def test_fingerprint_means_nothing_when_the_client_is_classic():
    request = message((AttributeType.FINGERPRINT, bytes(4)), identity=CLASSIC_ID)
    assert fate(request.raw) == fate(message(identity=CLASSIC_ID).raw)


# 420


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (CHANGE_REQUEST, bytes(4)),  # no flag, and no other address either: RFC 5780 section 6
        (CHANGE_REQUEST, b"\0\0\0\6"),
        (CHANGE_REQUEST, b"broken"),
        (RESPONSE_ADDRESS, bytes.fromhex("0001 1234 c6336401")),
        (PRIORITY, bytes(4)),
        (USE_CANDIDATE, b""),
        (0x0000, b""),
        (0x7FFF, b"x"),
    ],
)
@pytest.mark.parametrize("site", [Site(), STREAM], ids=["datagrams", "stream"])
def test_refuses_what_it_does_not_understand(number: int, value: bytes, site: Site):
    check_unknown(fate(message((number, value)).raw, site=site), number)


@pytest.mark.parametrize(
    ("number", "value"), [(RESPONSE_PORT, b"\x12\x34\0\0"), (PADDING, bytes(40)), (PADDING, b"")]
)
def test_refuses_what_only_datagrams_can_do_when_on_a_stream(number: int, value: bytes):
    check_unknown(fate(message((number, value)).raw, site=STREAM), number)


def check_unknown(response: Response, number: int) -> None:
    assert response.disposition is Disposition.UNKNOWN_ATTRIBUTE
    assert (response.source, response.destination) == (SERVER, V4)
    made = Message.decode(response.data)
    assert (made.message_class, made.method) == (MessageClass.ERROR_RESPONSE, Method.BINDING)
    assert made.transaction_id == ID
    assert types_of(made) == [AttributeType.ERROR_CODE, AttributeType.UNKNOWN_ATTRIBUTES]
    assert made.get(ErrorCode).code == 420
    assert made.get(UnknownAttributes) == UnknownAttributes((number,))


@IDS
def test_refuses_with_every_unknown_type_once_in_their_order(identity: bytes):
    request = message(
        (USE_CANDIDATE, b""),
        (SOFTWARE, b"browser"),
        (0x7FFF, b""),
        (USERNAME, b"a:b"),
        (RESPONSE_PORT, bytes(4)),
        (USE_CANDIDATE, b""),
        (PRIORITY, bytes(4)),
        (0x7FFF, b""),
        identity=identity,
    )
    unknown = (USE_CANDIDATE, 0x7FFF, RESPONSE_PORT, PRIORITY)
    made = answer(request.raw, site=STREAM)
    assert made.get(UnknownAttributes) == UnknownAttributes(unknown)


def test_refuses_byte_for_byte():
    request = message((PRIORITY, bytes(4)), (SOFTWARE, bytes(13)))
    assert len(request.raw) == 48
    assert fate(request.raw).data.hex() == (
        "011100242112a442b7e7a701bc34d686fa87dfae"
        "0009001500000414" + b"Unknown Attribute\0\0\0".hex() + "000a000200240000"
    )


def test_refuses_an_ice_check():
    # RFC 5769's request: PRIORITY is for an ICE agent, which this server is not
    response = fate(bytes.fromhex(VECTORS["request"]["hex"]))
    assert response.disposition is Disposition.UNKNOWN_ATTRIBUTE
    made = Message.decode(response.data)
    assert made.get(UnknownAttributes) == UnknownAttributes((PRIORITY,))
    assert check_fingerprint(made) is True


def test_does_not_see_what_follows_message_integrity():
    request = add_integrity(message((USERNAME, b"a")), b"key")
    assert fate(request.append(PRIORITY, bytes(4)).raw) == fate(BLANK.raw)
    request = add_integrity_sha256(request, b"key")
    assert fate(request.append(CHANGE_REQUEST, b"\0\0\0\6").raw) == fate(BLANK.raw)


def test_sees_what_precedes_message_integrity():
    request = add_integrity(message((PRIORITY, bytes(4))), b"key").append(USE_CANDIDATE, b"")
    assert answer(request.raw).get(UnknownAttributes) == UnknownAttributes((PRIORITY,))


def test_answers_a_request_with_long_term_credentials():
    assert fate(bytes.fromhex(VECTORS["request_long_term"]["hex"])).disposition is (
        Disposition.ANSWERED
    )


# 400


@IDS
def test_calls_an_attribute_that_runs_past_the_end_a_bad_request(identity: bytes):
    request = message((SOFTWARE, b"fine"), identity=identity)
    response = fate(broken(request.raw))
    assert response.disposition is Disposition.BAD_REQUEST
    made = Message.decode(response.data)
    assert (made.message_class, made.method) == (MessageClass.ERROR_RESPONSE, Method.BINDING)
    assert made.transaction_id == identity
    assert made.get(ErrorCode) == ErrorCode(400, "Bad Request")
    assert types_of(made) == [AttributeType.ERROR_CODE]


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (MessageClass.INDICATION, Method.BINDING),
        (MessageClass.SUCCESS_RESPONSE, Method.BINDING),
        (MessageClass.ERROR_RESPONSE, Method.BINDING),
        (MessageClass.REQUEST, Method.ALLOCATE),
    ],
)
@IDS
def test_does_not_answer_broken_bytes_that_are_no_binding_request(
    kind: MessageClass, method: int, identity: bytes
):
    response = fate(broken(message(kind=kind, method=method, identity=identity).raw))
    assert response == Response(Disposition.MALFORMED, b"", SERVER, V4)


# The budget


def padded(request: Message, size: int) -> Message:
    """The request grown to ``size`` bytes by an attribute that is ignored."""
    missing = size - len(request.raw)
    return request.append(0x80FF, bytes(missing - 4)) if missing else request


@pytest.mark.parametrize(
    ("source", "size", "phrase"),
    [
        # "Unknown Attribute" makes 56 bytes; one may add 12 over IPv4 and 24 over IPv6
        (V4, 24, ""),
        (V4, 40, ""),
        (V4, 44, "Unknown Attribute"),
        (V6, 28, ""),
        (V6, 32, "Unknown Attribute"),
    ],
)
@pytest.mark.parametrize("site", [Site(), Site("stunkit")], ids=["bare", "software"])
@IDS
def test_leaves_out_the_phrase_of_a_420_exactly_where_it_breaks_the_budget(
    source: Endpoint, size: int, phrase: str, site: Site, identity: bytes
):
    request = padded(message((USE_CANDIDATE, b""), identity=identity), size)
    made = answer(request.raw, source, site)
    assert made.get(ErrorCode) == ErrorCode(420, phrase)
    assert made.get(UnknownAttributes).types[0] == USE_CANDIDATE
    assert len(made.raw) <= site.budget(size, source.family)


@pytest.mark.parametrize(
    ("source", "size", "phrase"),
    [
        # "Bad Request" makes 40 bytes
        (V4, 24, ""),
        (V4, 28, "Bad Request"),
        (V6, 24, "Bad Request"),
    ],
)
@pytest.mark.parametrize("site", [Site(), Site("stunkit")], ids=["bare", "software"])
def test_leaves_out_the_phrase_of_a_400_exactly_where_it_breaks_the_budget(
    source: Endpoint, size: int, phrase: str, site: Site
):
    data = broken(padded(BLANK, size - 4).raw)
    assert len(data) == size
    made = answer(data, source, site)
    assert made.get(ErrorCode) == ErrorCode(400, phrase)
    assert len(made.raw) <= site.budget(size, source.family)


def test_fingerprint_leaves_the_budget_as_it_was():
    assert answer(add_fingerprint(padded(message((PRIORITY, bytes(4))), 40)).raw).get(
        ErrorCode
    ) == ErrorCode(420)
    assert answer(add_fingerprint(padded(message((PRIORITY, bytes(4))), 44)).raw).get(
        ErrorCode
    ) == ErrorCode(420, "Unknown Attribute")


@IDS
def test_blank_request_gets_1_6_times_as_many_bytes_over_ipv4(identity: bytes):
    request = message(identity=identity)
    assert len(fate(request.raw, V4).data) == 32 == Site().budget(len(request.raw), Family.IPV4)


# No answer


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(BLANK.raw[:19], id="19 bytes"),
        pytest.param(BLANK.raw + b"\0", id="a byte too many"),
        pytest.param(BLANK.raw[:3] + b"\4" + BLANK.raw[4:], id="length over the end"),
        pytest.param(BLANK.raw[:3] + b"\2" + BLANK.raw[4:] + b"\0\0", id="length not of four"),
        pytest.param(b"\x40" + BLANK.raw[1:], id="bit 0x40 set"),
        pytest.param(b"\x80" + BLANK.raw[1:], id="bit 0x80 set"),
        pytest.param(b"\x16\xfe\xff" + bytes(60), id="DTLS"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="HTTP"),
    ],
)
def test_does_not_answer_what_is_not_stun(data: bytes):
    assert fate(data) == Response(Disposition.NOT_STUN, b"", SERVER, V4)


@pytest.mark.parametrize(
    ("kind", "disposition"),
    [
        (MessageClass.INDICATION, Disposition.INDICATION),
        (MessageClass.SUCCESS_RESPONSE, Disposition.RESPONSE),
        (MessageClass.ERROR_RESPONSE, Disposition.RESPONSE),
    ],
)
@pytest.mark.parametrize("method", [Method.BINDING, Method.ALLOCATE, 0xFFF])
@IDS
def test_does_not_answer_what_is_no_request(
    kind: MessageClass, disposition: Disposition, method: int, identity: bytes
):
    made = message((0x7FFF, b""), kind=kind, method=method, identity=identity)
    assert fate(made.raw) == Response(disposition, b"", SERVER, V4)


@pytest.mark.parametrize(
    "method", [0, Method.SHARED_SECRET, Method.ALLOCATE, Method.SEND, 0x101, 0xFFF]
)
@IDS
def test_does_not_answer_requests_of_other_methods(method: int, identity: bytes):
    response = fate(message((0x7FFF, b""), method=method, identity=identity).raw)
    assert response == Response(Disposition.UNSUPPORTED_METHOD, b"", SERVER, V4)


@pytest.mark.parametrize("name", ["response_ipv4", "response_ipv6"])
def test_does_not_answer_the_responses_of_rfc_5769(name: str):
    response = fate(bytes.fromhex(VECTORS[name]["hex"]))
    assert response == Response(Disposition.RESPONSE, b"", SERVER, V4)


@pytest.mark.parametrize("data", [BLANK.raw, message((0x7FFF, b"")).raw, broken(BLANK.raw)])
def test_does_not_answer_its_own_answers(data: bytes):
    assert fate(fate(data).data).disposition is Disposition.RESPONSE


# RFC 5780 as far as it changes what is above; the rest is in test_respond_behavior.py

OTHER = Endpoint(bytes((192, 0, 2, 201)), 3479)
FOUR = (SERVER, SERVER.with_port(3479), OTHER.with_port(3478), OTHER)
PROVEN = Site(quartet=Quartet(FOUR, FOUR, proven=True))


@pytest.mark.parametrize("size", [0, 3, 16, 100, 1201, 60000])
@pytest.mark.parametrize("site", [Site(), Site("stunkit")], ids=["bare", "software"])
def test_pads_its_answer_to_the_size_of_a_padded_request(size: int, site: Site):
    request = add_fingerprint(message((PADDING, bytes(size))))
    response = fate(request.raw, site=site)
    unpadded = len(fate(add_fingerprint(BLANK).raw, site=site).data) + 4
    assert len(response.data) == max(unpadded, len(request.raw))
    made = Message.decode(response.data)
    assert made.value(PADDING) == bytes(len(response.data) - unpadded)
    assert check_fingerprint(made) is True


def test_mapped_address_comes_first_when_there_are_two_addresses():
    modern = (XorMappedAddress, MappedAddress, ResponseOrigin, OtherAddress)
    assert types_of(answer(BLANK.raw, site=PROVEN)) == [kind.type for kind in modern]


@IDS
def test_says_the_same_without_change_request(identity: bytes):
    blank = message(identity=identity)
    unchanged = message((CHANGE_REQUEST, bytes(4)), identity=identity)
    assert fate(blank.raw, site=PROVEN) == fate(unchanged.raw, site=PROVEN)


@pytest.mark.parametrize("value", [b"", b"\0\0\6", bytes(8)])
def test_calls_malformed_change_request_a_bad_request(value: bytes):
    response = fate(message((CHANGE_REQUEST, value)).raw, site=PROVEN)
    assert (response.disposition, response.source) == (Disposition.BAD_REQUEST, SERVER)


@pytest.mark.parametrize("data", [message((PRIORITY, bytes(4))).raw, broken(BLANK.raw)])
def test_errors_leave_from_the_socket_asked_and_name_no_other(data: bytes):
    response = respond(Received(data, V4, FOUR[2]), PROVEN)
    assert (response.source, response.destination) == (FOUR[2], V4)
    made = Message.decode(response.data)
    assert made.get(OtherAddress) is made.get(ResponseOrigin) is None
