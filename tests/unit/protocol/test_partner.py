from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.partner import (
    LEAST_KEY,
    MOST_ANSWER,
    NOBODY,
    Codec,
    HandOver,
    Kind,
    LinkMessage,
    Outcome,
    Pair,
    decode_hand_over,
    decode_pair,
    encode_hand_over,
    encode_pair,
    judge,
    mismatch,
)
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.behavior import Padding
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

SECRET = bytes(range(LEAST_KEY))
CLIENT = Endpoint.parse("203.0.113.9:5000")
OURS = Endpoint.parse("198.51.100.1:3478")
MESSAGE = LinkMessage(Kind.BEAT, b"a" * 16, b"b" * 16, 7, 6, b"payload")


def pair(*texts: str) -> Pair:
    first, second = map(Endpoint.parse, texts)
    return Pair((first, second))


def answer(
    message_class: MessageClass = MessageClass.SUCCESS_RESPONSE, method: int = Method.BINDING
) -> bytes:
    return Message.build(message_class, method, bytes(12), [XorMappedAddress(CLIENT)]).raw


def handed(data: bytes | None = None, destination: str = str(CLIENT)) -> HandOver:
    return HandOver(0, Endpoint.parse(destination), answer() if data is None else data)


def test_message_comes_back_as_it_was():
    codec = Codec(SECRET)
    assert codec.decode(codec.encode(MESSAGE)) == MESSAGE


def test_message_has_the_layout_that_is_documented():
    raw = Codec(SECRET).encode(MESSAGE)
    assert raw[:5] == b"SKP\1\1"
    assert raw[5:37] == b"a" * 16 + b"b" * 16
    assert raw[37:53] == (7).to_bytes(8, "big") + (6).to_bytes(8, "big")
    assert raw[53:-16] == b"payload"


def test_message_under_another_secret_is_forged():
    raw = Codec(b"?" * LEAST_KEY).encode(MESSAGE)
    assert Codec(SECRET).decode(raw) is Outcome.FORGED


@pytest.mark.parametrize("data", [b"", b"SKP\1", b"SKP\2" + bytes(90), b"SKP\1" + bytes(64)])
def test_what_is_no_message_is_malformed(data: bytes):
    assert Codec(SECRET).decode(data) is Outcome.MALFORMED


def test_authentic_message_of_an_unknown_kind_is_malformed():
    codec = Codec(SECRET)
    assert codec.decode(codec.encode(MESSAGE._replace(kind=9))) is Outcome.MALFORMED  # type: ignore[arg-type]


def test_short_secret_is_refused():
    with pytest.raises(ValueError, match="32 bytes at least"):
        Codec(SECRET[1:])


@pytest.mark.parametrize("is_ready", [True, False])
@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]"])
def test_pair_comes_back_as_it_was(host: str, is_ready: bool):
    one = pair(f"{host}:3478", f"{host}:3479")._replace(is_ready=is_ready)
    assert decode_pair(encode_pair(one)) == one


def test_beats_are_of_one_length():
    lengths = {
        len(encode_pair(pair("192.0.2.1:1", "192.0.2.1:2"))),
        len(encode_pair(pair("[2001:db8::1]:3478", "[2001:db8::1]:3479"))),
    }
    assert len(lengths) == 1


def test_hand_over_comes_back_as_it_was():
    one = HandOver(1, CLIENT, b"answer")
    assert decode_hand_over(encode_hand_over(one)) == one


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        encode_hand_over(handed(b""))[:-1],
        b"\2" + encode_hand_over(handed())[1:],
        b"\0\5" + encode_hand_over(handed())[2:],
    ],
)
def test_what_is_no_hand_over_decodes_to_none(payload: bytes):
    assert decode_hand_over(payload) is None


def test_what_is_no_pair_decodes_to_none():
    whole = encode_pair(pair("192.0.2.1:1", "192.0.2.1:2"))
    assert decode_pair(whole[:-1]) is None
    assert decode_pair(whole + b"?") is None
    assert decode_pair(b"\0\7" + whole[2:]) is None


def test_success_to_a_binding_request_may_be_sent():
    assert judge(handed(), frozenset({53}), OURS) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"anything else than STUN, of more than twenty bytes",
        answer(MessageClass.REQUEST),
        answer(MessageClass.INDICATION),
        answer(MessageClass.ERROR_RESPONSE),
        answer(method=Method.ALLOCATE),
        Message.build(
            MessageClass.SUCCESS_RESPONSE,
            Method.BINDING,
            bytes(12),
            [Padding(bytes(MOST_ANSWER))],
        ).raw,
    ],
)
def test_anything_else_is_not_sent(data: bytes):
    assert judge(handed(data), frozenset(), OURS) is Outcome.NOT_AN_ANSWER


@pytest.mark.parametrize(
    "destination",
    [
        "203.0.113.9:0",
        "203.0.113.9:53",
        "[2001:db8::9]:5000",
        "224.0.0.1:5000",
        "0.0.0.0:5000",
        "255.255.255.255:5000",
    ],
)
def test_nothing_is_sent_to_where_no_answer_goes(destination: str):
    found = judge(handed(destination=destination), frozenset({53}), OURS)
    assert found is Outcome.REFUSED_DESTINATION


def test_two_machines_with_the_same_ports_match():
    ours = pair("192.0.2.1:3478", "192.0.2.1:3479")
    assert mismatch(ours, pair("192.0.2.2:3478", "192.0.2.2:3479")) is None


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (("[2001:db8::1]:3478", "[2001:db8::1]:3479"), "another family"),
        (("192.0.2.1:3478", "192.0.2.1:3479"), "both have the address 192.0.2.1"),
        (("192.0.2.2:3478", "192.0.2.2:3480"), "ports 3478 and 3480, and we 3478 and 3479"),
        (("192.0.2.2:3479", "192.0.2.2:3478"), "ports 3479 and 3478"),
        (("192.0.2.2:3478", "192.0.2.3:3479"), "at two addresses"),
    ],
)
def test_other_machines_do_not(other: tuple[str, str], reason: str):
    found = mismatch(pair("192.0.2.1:3478", "192.0.2.1:3479"), pair(*other))
    assert found is not None
    assert reason in found


def test_nobody_has_the_size_of_a_session():
    assert len(NOBODY) == 16
