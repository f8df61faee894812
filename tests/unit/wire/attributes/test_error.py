import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes

ID = bytes(12)
CLASSIC_ID = bytes(16)


def test_have_their_numbers() -> None:
    assert (ErrorCode.type, UnknownAttributes.type) == (0x0009, 0x000A)


@pytest.mark.parametrize(
    ("error", "value"),
    [
        (ErrorCode(300), "00000300"),
        (ErrorCode(420, "Unknown Attribute"), "00000414" + b"Unknown Attribute".hex()),
        (ErrorCode(438, "é"), "00000426c3a9"),
        (ErrorCode(699), "00000663"),
    ],
)
def test_writes_and_reads_an_error(error: ErrorCode, value: str) -> None:
    # RFC 8489 section 14.8
    assert error.encode(ID) == bytes.fromhex(value)
    assert ErrorCode.decode(bytes.fromhex(value), ID) == error


def test_ignores_the_reserved_bits_of_an_error() -> None:
    assert ErrorCode.decode(bytes.fromhex("fffffc14"), ID) == ErrorCode(420)


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        ("", 0),
        ("000004", 0),
        ("00000000", 2),
        ("00000200", 2),
        ("00000700", 2),
        ("00000464", 2),
        ("000004ff", 2),
        ("00000400ff", 4),
        ("000004006161c3", 6),
        ("00000400" + "61" * 764, 4),
    ],
)
def test_refuses_to_read_an_error_without_code_or_phrase(value: str, offset: int) -> None:
    with pytest.raises(Malformed) as caught:
        ErrorCode.decode(bytes.fromhex(value), ID)
    assert (caught.value.place, caught.value.offset) == ("ERROR-CODE", offset)


def test_reads_a_phrase_of_763_bytes() -> None:
    assert ErrorCode.decode(b"\0\0\4\0" + b"a" * 763, ID).reason == "a" * 763


@pytest.mark.parametrize("code", [-1, 0, 299, 700])
def test_refuses_to_write_a_code_out_of_range(code: int) -> None:
    with pytest.raises(Unencodable, match="not from 300 to 699"):
        ErrorCode(code).encode(ID)


def test_writes_a_phrase_of_127_characters_and_no_more() -> None:
    assert len(ErrorCode(400, "\U0001f600" * 127).encode(ID)) == 4 + 508
    with pytest.raises(Unencodable, match="128 characters are over 127"):
        ErrorCode(400, "a" * 128).encode(ID)


@pytest.mark.parametrize(
    ("types", "value"),
    [((), ""), ((3,), "0003"), ((0x0000, 0xFFFF), "0000ffff"), ((1, 2, 3), "000100020003")],
)
def test_writes_and_reads_unknown_types(types: tuple[int, ...], value: str) -> None:
    # RFC 8489 section 14.13: padded like any attribute
    assert UnknownAttributes(types).encode(ID) == bytes.fromhex(value)
    assert UnknownAttributes.decode(bytes.fromhex(value), ID) == UnknownAttributes(types)


@pytest.mark.parametrize(
    ("types", "value"),
    [((), ""), ((3,), "00030003"), ((1, 2), "00010002"), ((1, 2, 3), "0001000200030003")],
)
def test_repeats_the_last_unknown_type_when_classic_and_odd(
    types: tuple[int, ...], value: str
) -> None:
    # RFC 3489 section 11.2.10
    assert UnknownAttributes(types).encode(CLASSIC_ID) == bytes.fromhex(value)


def test_keeps_the_repeated_type_when_reading() -> None:
    read = UnknownAttributes.decode(bytes.fromhex("00030003"), CLASSIC_ID)
    assert read == UnknownAttributes((3, 3))


def test_refuses_half_an_unknown_type() -> None:
    with pytest.raises(Malformed, match="odd number"):
        UnknownAttributes.decode(bytes(3), ID)


@pytest.mark.parametrize("number", [-1, 0x10000])
def test_refuses_to_write_an_unknown_type_over_16_bits(number: int) -> None:
    with pytest.raises(Unencodable, match="16 bits"):
        UnknownAttributes((1, number)).encode(ID)
