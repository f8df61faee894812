from stunkit.fuzz.seeds import attribute, good_messages, make_seeds, many_attributes, seeds
from stunkit.wire.attributes.table import ATTRIBUTES
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method


def test_every_seed_is_a_message():
    for message in good_messages():
        assert Message.decode(message.raw) == message


def test_seeds_hold_every_class_and_an_attribute_of_each_type():
    classes = {message.message_class for message in good_messages()}
    assert classes == set(MessageClass)
    types = {int.from_bytes(piece[:2], "big") for piece in seeds().pieces}
    assert types == set(ATTRIBUTES) | set(range(0x4000, 0x4020))


def test_seeds_take_more_messages():
    request = Message.request(Method.REFRESH, bytes(12))
    more = make_seeds([request])
    assert more.messages[0].head == request.raw[:2] + request.raw[4:]
    assert more.messages[1:] == seeds().messages


def test_an_attribute_is_padded():
    assert attribute(0x8022, b"abc") == b"\x80\x22\0\3abc\0"
    blank = Message.request(Method.BINDING, bytes(12))
    assert many_attributes(blank, [0x4000]).raw[20:] == attribute(0x4000, b"\0\1\2\3")
