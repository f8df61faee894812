import pytest

from stunkit.dissect.attributes import Attributes
from stunkit.dissect.field import Field
from stunkit.wire.message import MAGIC_COOKIE

HEAD = b"\x00\x01"


def message(body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return HEAD + size.to_bytes(2, "big") + MAGIC_COOKIE + bytes(12) + body


def read(body: bytes, length: int | None = None) -> list[Field]:
    return Attributes(message(body, length), lambda *_: None).read()


def attribute(number: int, value: bytes, size: int | None = None) -> bytes:
    length = len(value) if size is None else size
    head = number.to_bytes(2, "big") + length.to_bytes(2, "big")
    return head + value + bytes(-len(value) % 4)


def test_reads_type_length_value_and_padding():
    (software,) = read(attribute(0x8022, b"abc"))
    assert (software.offset, software.length, software.name) == (20, 8, "SOFTWARE")
    assert software.text == "abc"
    names = [(field.offset, field.length, field.name) for field in software.fields]
    assert names == [(20, 2, "type"), (22, 2, "length"), (24, 3, "value"), (27, 1, "padding")]


def test_remarks_padding_that_is_not_zero():
    (software,) = read(b"\x80\x22\x00\x03abc\x20")
    assert software.fields[-1].note == "not zero, which is ignored"


def test_finds_an_attribute_that_runs_past_the_end():
    whole, cut = read(attribute(0x8022, b"abcd") + attribute(0x0020, b"1234", 8))
    assert not any(field.fault for field in whole.walk())
    (length,) = (field for field in cut.walk() if field.fault)
    assert (length.offset, length.fault) == (30, "its length is 8 bytes, 4 are left")
    assert cut.fields[-1].name == "rest"


def test_finds_bytes_too_few_for_an_attribute():
    (rest,) = read(b"\x80\x22")
    assert rest.fault == "2 bytes are left, an attribute's header has 4"


def test_finds_bytes_beyond_the_length():
    one, beyond = read(attribute(0x8022, b"abcd") + b"more", 8)
    assert one.text == "abcd"
    assert (beyond.name, beyond.offset, beyond.length) == ("beyond the end", 28, 4)
    assert "ends before" in beyond.fault


@pytest.mark.parametrize(
    ("number", "value", "fault"),
    [
        (0x0020, b"\0\x03\0\0\0\0\0\0", "at byte 1 of the value: its family is 3"),
        (0x0020, b"1234", "its length is 4 bytes, not 8 or 20"),
        (0x8022, b"ab\xff", "at byte 2 of the value: no UTF-8"),
    ],
)
def test_finds_a_value_that_cannot_be_decoded_and_reads_on(number, value, fault):
    broken, after = read(attribute(number, value) + attribute(0x8022, b"abcd"))
    assert broken.fields[2].fault.startswith(fault)
    assert after.text == "abcd"


@pytest.mark.parametrize(
    ("number", "note"), [(0x7777, "has to be understood"), (0xF777, "is ignored")]
)
def test_remarks_a_type_that_is_not_decoded(number, note):
    (unknown,) = read(attribute(number, b"\1\2"))
    assert unknown.name == f"0x{number:04X}"
    assert unknown.text == "0102"
    assert unknown.note.endswith(note)


def test_remarks_what_does_not_count():
    body = b"".join(
        (
            attribute(0x8022, b"one"),
            attribute(0x8022, b"two"),
            attribute(0x0012, b"\0\x01" + bytes(6)),
            attribute(0x0012, b"\0\x01" + bytes(6)),  # may be repeated
            attribute(0x0016, b"\0\x01" + bytes(6)),
            attribute(0x0016, b"\0\x02" + bytes(18)),  # one of each family
            attribute(0x0008, bytes(20)),
            attribute(0x8022, b"three"),
            attribute(0x001C, bytes(32)),
            attribute(0x0008, bytes(20)),
            attribute(0x8028, bytes(4)),
            attribute(0x8028, bytes(4)),
        )
    )
    assert [field.note for field in read(body)] == [
        "",
        "ignored: only the first of its type counts",
        "",
        "",
        "",
        "",
        "",
        "ignored: it follows MESSAGE-INTEGRITY",
        "",
        "ignored: it follows MESSAGE-INTEGRITY-SHA256",
        "",
        "ignored: it follows FINGERPRINT",
    ]


def test_looks_inside_data():
    def look_inside(value: bytes, start: int) -> Field:
        return Field(start, len(value), "message", "a message")

    (data,) = Attributes(message(attribute(0x0013, b"abcd")), look_inside).read()
    assert data.text == "4 bytes: a message"
    assert data.fields[-1].name == "message"
