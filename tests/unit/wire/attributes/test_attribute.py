import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.attribute import Attribute, Flag, Number, Opaque
from stunkit.wire.registry import AttributeType

ID = bytes(12)


class Narrow(Number):
    __slots__ = ()
    type = AttributeType.LIFETIME
    width = 2
    size = 4


class Switch(Flag):
    __slots__ = ()
    type = AttributeType.DONT_FRAGMENT


class AnyBytes(Opaque):
    __slots__ = ()
    type = AttributeType.DATA


class SomeBytes(Opaque):
    __slots__ = ()
    type = AttributeType.USERHASH
    sizes = (2, 4)


def test_leaves_encoding_and_decoding_to_its_classes() -> None:
    with pytest.raises(NotImplementedError):
        Attribute().encode(ID)
    with pytest.raises(NotImplementedError):
        Attribute.decode(b"", ID)


def test_names_the_attribute_in_its_errors() -> None:
    malformed, unencodable = Narrow.malformed("why", 3), Narrow.unencodable("why")
    assert isinstance(malformed, Malformed)
    assert (malformed.reason, malformed.place, malformed.offset) == ("why", "LIFETIME", 3)
    assert isinstance(unencodable, Unencodable)
    assert (unencodable.reason, unencodable.place) == ("why", "LIFETIME")


def test_expects_one_of_some_sizes() -> None:
    Narrow.expect(b"12", 2, 4)
    with pytest.raises(Malformed, match="its length is 3 bytes, not 2 or 4") as caught:
        Narrow.expect(b"123", 2, 4)
    assert caught.value.offset == 0


def test_writes_a_number_with_zeros_in_the_reserved_bytes() -> None:
    assert Narrow(0x0102).encode(ID) == b"\1\2\0\0"


def test_reads_a_number_whatever_the_reserved_bytes_are() -> None:
    assert Narrow.decode(b"\1\2\xff\xff", ID) == Narrow(0x0102)


@pytest.mark.parametrize("number", [0, 65535])
def test_writes_the_ends_of_its_range(number: int) -> None:
    assert Narrow.decode(Narrow(number).encode(ID), ID).number == number


@pytest.mark.parametrize("number", [-1, 65536])
def test_refuses_a_number_that_does_not_fit(number: int) -> None:
    with pytest.raises(Unencodable, match=f"{number} does not fit into 2 bytes"):
        Narrow(number).encode(ID)


@pytest.mark.parametrize("size", [0, 2, 3, 5, 8])
def test_refuses_to_read_a_number_of_another_size(size: int) -> None:
    with pytest.raises(Malformed, match="not 4"):
        Narrow.decode(bytes(size), ID)


def test_writes_and_reads_a_flag_as_nothing() -> None:
    assert Switch().encode(ID) == b""
    assert Switch.decode(b"", ID) == Switch()


def test_refuses_a_flag_with_a_value() -> None:
    with pytest.raises(Malformed, match="its length is 1 bytes, not 0"):
        Switch.decode(b"\0", ID)


@pytest.mark.parametrize("value", [b"", b"a", bytes(300)])
def test_keeps_bytes_as_they_are(value: bytes) -> None:
    assert AnyBytes(value).encode(ID) == value
    assert AnyBytes.decode(value, ID) == AnyBytes(value)


@pytest.mark.parametrize("size", [0, 1, 3, 5])
def test_refuses_bytes_of_a_size_that_is_not_allowed(size: int) -> None:
    with pytest.raises(Malformed, match="not 2 or 4"):
        SomeBytes.decode(bytes(size), ID)
    with pytest.raises(Unencodable, match=rf"{size} bytes, where \(2, 4\) are allowed"):
        SomeBytes(bytes(size)).encode(ID)


def test_differs_by_class_also_when_the_bytes_are_equal() -> None:
    assert AnyBytes(b"ab") != SomeBytes(b"ab")
