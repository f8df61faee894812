import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import (
    Address,
    AlternateServer,
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    ReflectedFrom,
    ResponseAddress,
    ResponseOrigin,
    SourceAddress,
    XorAddress,
    XorMappedAddress,
    XorPeerAddress,
    XorRelayedAddress,
)

V4 = Endpoint.parse("192.0.2.1:32853")
V6 = Endpoint.parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853")
ID = bytes.fromhex("b7e7a701bc34d686fa87dfae")  # of RFC 5769
CLASSIC_ID = bytes.fromhex("000102030405060708090a0b0c0d0e0f")

PLAIN = {
    MappedAddress: 0x0001,
    ResponseAddress: 0x0002,
    SourceAddress: 0x0004,
    ChangedAddress: 0x0005,
    ReflectedFrom: 0x000B,
    AlternateServer: 0x8023,
    ResponseOrigin: 0x802B,
    OtherAddress: 0x802C,
}
XORED = {XorPeerAddress: 0x0012, XorRelayedAddress: 0x0016, XorMappedAddress: 0x0020}


@pytest.mark.parametrize(("kind", "number"), [*PLAIN.items(), *XORED.items()])
def test_has_its_number(kind: type[Address | XorAddress], number: int) -> None:
    assert kind.type == number


@pytest.mark.parametrize("identity", [ID, CLASSIC_ID])
@pytest.mark.parametrize(
    ("endpoint", "value"),
    [
        (V4, "0001 8055 c0000201"),
        (V6, "0002 8055 20010db8123456780011223344556677"),
        (Endpoint.parse("0.0.0.0:0"), "0001 0000 00000000"),
        (Endpoint.parse("255.255.255.255:65535"), "0001 ffff ffffffff"),
    ],
)
@pytest.mark.parametrize("kind", PLAIN)
def test_writes_and_reads_plain(
    kind: type[Address], endpoint: Endpoint, value: str, identity: bytes
) -> None:
    assert kind(endpoint).encode(identity) == bytes.fromhex(value)
    assert kind.decode(bytes.fromhex(value), identity) == kind(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "value"),
    [
        # RFC 5769 sections 2.2 and 2.3
        (V4, "0001 a147 e112a643"),
        (V6, "0002 a147 0113a9faa5d3f179bc25f4b5bed2b9d9"),
    ],
)
@pytest.mark.parametrize("kind", XORED)
def test_writes_and_reads_xored(kind: type[XorAddress], endpoint: Endpoint, value: str) -> None:
    assert kind(endpoint).encode(ID) == bytes.fromhex(value)
    assert kind.decode(bytes.fromhex(value), ID) == kind(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "value"),
    [
        (V4, "0001 8054 c0010002"),
        (V6, "0002 8055 20010db8123456780011223344556677"),
    ],
)
def test_xors_with_the_long_id_in_a_classic_message(endpoint: Endpoint, value: str) -> None:
    identity = CLASSIC_ID if endpoint is V4 else bytes(16)
    assert XorMappedAddress(endpoint).encode(identity) == bytes.fromhex(value)
    assert XorMappedAddress.decode(bytes.fromhex(value), identity).endpoint == endpoint


def test_xors_all_of_an_ipv6_address_with_the_long_id() -> None:
    written = XorMappedAddress(Endpoint(b"\x20" + bytes(15), 0)).encode(CLASSIC_ID)
    assert written.hex() == "0002" + "0001" + "200102030405060708090a0b0c0d0e0f"


def test_ignores_the_reserved_byte() -> None:
    # RFC 8489 section 14.1
    assert MappedAddress.decode(bytes.fromhex("ff018055c0000201"), ID).endpoint == V4
    assert XorMappedAddress.decode(bytes.fromhex("ff01a147e112a643"), ID).endpoint == V4


@pytest.mark.parametrize("kind", [MappedAddress, XorMappedAddress])
@pytest.mark.parametrize(
    ("value", "reason", "offset"),
    [
        ("", "its length is 0 bytes, not 8 or 20", 0),
        ("00", "its length is 1 bytes, not 8 or 20", 0),
        ("0001", "its length is 2 bytes, not 8$", 0),
        ("00018055c00002", "its length is 7 bytes, not 8$", 0),
        ("00018055c000020100", "its length is 9 bytes, not 8$", 0),
        ("0001" + "00" * 18, "its length is 20 bytes, not 8$", 0),
        ("0002" + "00" * 6, "its length is 8 bytes, not 20$", 0),
        ("0002" + "00" * 17, "its length is 19 bytes, not 20$", 0),
        ("0000" + "00" * 6, "its family is 0", 1),
        ("0003" + "00" * 6, "its family is 3", 1),
        ("00ff" + "00" * 18, "its family is 255", 1),
        ("0003" + "00" * 7, "its length is 9 bytes, not 8 or 20", 0),
    ],
)
def test_refuses_other_families_and_sizes(
    kind: type[Address | XorAddress], value: str, reason: str, offset: int
) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        kind.decode(bytes.fromhex(value), ID)
    assert caught.value.offset == offset


def test_reads_an_ipv4_address_when_it_is_mapped_into_ipv6() -> None:
    # RFC 4291 section 2.5.5.2: a server with one socket for both families may send that
    plain = MappedAddress.decode(bytes.fromhex("00028055" + "00" * 10 + "ffffc0000201"), ID)
    assert plain.endpoint == V4
    xored = bytes.fromhex("0002a147 2112a442b7e7a701bc34 2979 3a87ddaf")
    assert XorMappedAddress.decode(xored, ID).endpoint == V4
    assert V4.family is Family.IPV4


def test_leaves_the_scope_off_the_wire() -> None:
    scoped = Endpoint.parse("[fe80::1%2]:1")
    read = MappedAddress.decode(MappedAddress(scoped).encode(ID), ID)
    assert read.endpoint == Endpoint.parse("[fe80::1]:1")
