import pytest

from stunkit.endpoint import Family
from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.turn import (
    AdditionalAddressFamily,
    AddressErrorCode,
    ChannelNumber,
    Data,
    DontFragment,
    EvenPort,
    Icmp,
    Lifetime,
    RequestedAddressFamily,
    RequestedTransport,
    ReservationToken,
)

ID = bytes(12)


@pytest.mark.parametrize(
    ("attribute", "number", "value"),
    [
        # RFC 8656 section 18
        (ChannelNumber(0x4001), 0x000C, "40010000"),
        (Lifetime(600), 0x000D, "00000258"),
        (Data(b"hello"), 0x0013, "68656c6c6f"),
        (Data(b""), 0x0013, ""),
        (RequestedAddressFamily(Family.IPV4), 0x0017, "01000000"),
        (RequestedAddressFamily(Family.IPV6), 0x0017, "02000000"),
        (EvenPort(reserve_next=False), 0x0018, "00"),
        (EvenPort(reserve_next=True), 0x0018, "80"),
        (RequestedTransport(17), 0x0019, "11000000"),
        (DontFragment(), 0x001A, ""),
        (ReservationToken(b"12345678"), 0x0022, "3132333435363738"),
        (AdditionalAddressFamily(Family.IPV6), 0x8000, "02000000"),
        (AddressErrorCode(Family.IPV6, 440, "no"), 0x8001, "020004286e6f"),
        (AddressErrorCode(Family.IPV4, 508), 0x8001, "01000508"),
        (Icmp(3, 4, 1400), 0x8004, "0000 0604 00000578"),
        (Icmp(0x7F, 0x1FF, 0xFFFFFFFF), 0x8004, "0000 ffff ffffffff"),
        (Icmp(1, 0), 0x8004, "0000 0200 00000000"),
    ],
)
def test_writes_and_reads(attribute: Attribute, number: int, value: str) -> None:
    assert attribute.type == number
    assert attribute.encode(ID) == bytes.fromhex(value)
    assert type(attribute).decode(bytes.fromhex(value), ID) == attribute


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (ChannelNumber(0x4001), "4001ffff"),
        (RequestedAddressFamily(Family.IPV4), "01ffffff"),
        (EvenPort(reserve_next=False), "7f"),
        (EvenPort(reserve_next=True), "ff"),
        (RequestedTransport(17), "11ffffff"),
        (AddressErrorCode(Family.IPV6, 440), "02fffc28"),
        (Icmp(3, 4, 5), "ffff060400000005"),
    ],
)
def test_ignores_reserved_bits(attribute: Attribute, value: str) -> None:
    assert type(attribute).decode(bytes.fromhex(value), ID) == attribute


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ChannelNumber, "4001"),
        (Lifetime, "0258"),
        (RequestedAddressFamily, "01"),
        (RequestedAddressFamily, ""),
        (RequestedAddressFamily, "00000000"),
        (RequestedAddressFamily, "03000000"),
        (AdditionalAddressFamily, "ff000000"),
        (EvenPort, ""),
        (EvenPort, "8000"),
        (RequestedTransport, "11"),
        (DontFragment, "00"),
        (ReservationToken, "31323334353637"),
        (AddressErrorCode, ""),
        (AddressErrorCode, "020004"),
        (AddressErrorCode, "02000700"),
        (AddressErrorCode, "00000428"),
        (AddressErrorCode, "02000428ff"),
        (Icmp, "00000604"),
        (Icmp, "000006040000057800"),
    ],
)
def test_refuses_to_read(kind: type[Attribute], value: str) -> None:
    with pytest.raises(Malformed) as caught:
        kind.decode(bytes.fromhex(value), ID)
    names = {
        ChannelNumber: "CHANNEL-NUMBER",
        Lifetime: "LIFETIME",
        RequestedAddressFamily: "REQUESTED-ADDRESS-FAMILY",
        AdditionalAddressFamily: "ADDITIONAL-ADDRESS-FAMILY",
        EvenPort: "EVEN-PORT",
        RequestedTransport: "REQUESTED-TRANSPORT",
        DontFragment: "DONT-FRAGMENT",
        ReservationToken: "RESERVATION-TOKEN",
        AddressErrorCode: "ADDRESS-ERROR-CODE",
        Icmp: "ICMP",
    }
    assert caught.value.place == names[kind]


@pytest.mark.parametrize(
    "attribute",
    [
        ChannelNumber(0x10000),
        Lifetime(-1),
        RequestedTransport(256),
        ReservationToken(b"1234567"),
        AddressErrorCode(Family.IPV6, 299),
        AddressErrorCode(Family.IPV6, 440, "a" * 128),
        Icmp(0x80, 0),
        Icmp(-1, 0),
        Icmp(0, 0x200),
        Icmp(0, -1),
        Icmp(0, 0, -1),
        Icmp(0, 0, 1 << 32),
    ],
)
def test_refuses_to_write(attribute: Attribute) -> None:
    with pytest.raises(Unencodable):
        attribute.encode(ID)


def test_names_itself_when_the_error_within_does_not_fit() -> None:
    with pytest.raises(Unencodable, match="ADDRESS-ERROR-CODE: 299"):
        AddressErrorCode(Family.IPV6, 299).encode(ID)
