from stunkit.dissect.channel import channel_fields
from stunkit.dissect.field import Field


def fields_of(data: bytes):
    return channel_fields(data, lambda *_: None)


def test_reads_channel_data_with_the_padding_of_a_stream():
    fields, error = fields_of(b"\x40\x01\x00\x03abc\0")
    assert error is None
    assert [(field.name, field.text) for field in fields] == [
        ("channel number", "0x4001"),
        ("length", "3"),
        ("data", "616263"),
        ("padding", "00"),
    ]


def test_finds_data_that_is_missing():
    fields, error = fields_of(b"\x40\x01\x00\x08abc")
    assert error is not None
    assert (error.offset, fields[1].fault) == (2, "the length says 8 bytes, there are 3")


def test_finds_more_than_padding_behind_it():
    assert fields_of(b"\x40\x01\x00\x01a1234")[1] is not None


def test_finds_a_header_that_is_cut():
    fields, error = fields_of(b"\x40\x01")
    assert error is not None
    assert fields[0].fault == "2 bytes, fewer than a header's 4"


def test_holds_nothing_when_it_is_empty():
    fields, error = fields_of(b"\x40\x01\x00\x00")
    assert (len(fields), error) == (2, None)


def test_looks_inside():
    inner = Field(4, 3, "message", "a message")
    fields, _ = channel_fields(b"\x40\x01\x00\x03abc", lambda *_: inner)
    assert fields[2] is inner
