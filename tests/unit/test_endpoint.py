from ipaddress import IPv4Address, IPv6Address

import pytest

from stunkit.endpoint import Endpoint, Family, split_host_port
from stunkit.errors import UsageError

V4 = Endpoint(bytes((192, 0, 2, 1)), 3478)
V6 = Endpoint(bytes.fromhex("20010db8000000000000000000000001"), 3478)
LINK_LOCAL = Endpoint(bytes.fromhex("fe800000000000000000000000000001"), 3478, 2)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("192.0.2.1:3478", V4),
        ("[192.0.2.1]:3478", V4),
        ("[2001:db8::1]:3478", V6),
        ("[2001:DB8:0:0::1]:3478", V6),
        ("[fe80::1%2]:3478", LINK_LOCAL),
        ("[::ffff:192.0.2.1]:3478", V4),
        ("[::ffff:192.0.2.1%7]:3478", V4),
    ],
)
def test_parses(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("192.0.2.1", V4),
        ("2001:db8::1", V6),
        ("[2001:db8::1]", V6),
        ("192.0.2.1:53", V4.with_port(53)),
        ("[2001:db8::1]:53", V6.with_port(53)),
    ],
)
def test_parses_without_a_port_when_one_is_given(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text, port=3478) == endpoint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("192.0.2.1", "no port"),
        ("2001:db8::1", "no port"),
        ("stun.example:3478", "does not appear to be"),
        ("192.0.2.1:65536", "'65536' is not a port"),
        ("192.0.2.1:", "'' is not a port"),
        ("192.0.2.1:+1", "is not a port"),
        ("192.0.2.1:٣", "is not a port"),
        ("192.0.2.1:000001", "is not a port"),
        (":3478", "no host"),
        ("[]:3478", "no host"),
        ("", "no host"),
        ("[::1:3478", "bracket"),
        ("[::1]3478", "bracket"),
        ("[fe80::1%eth0]:1", "'eth0' is not the number of an interface"),
        ("[fe80::1%-1]:1", "'-1' is not the number of an interface"),
        ("[fe80::1%1_0]:1", "'1_0' is not the number of an interface"),
        ("[fe80::1%٣]:1", "is not the number of an interface"),
        ("[fe80::1%4294967296]:1", "a scope has 32 bits"),
    ],
)
def test_refuses_text_that_names_no_endpoint(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Endpoint.parse(text)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (V4, "192.0.2.1:3478"),
        (V6, "[2001:db8::1]:3478"),
        (LINK_LOCAL, "[fe80::1%2]:3478"),
    ],
)
def test_formats(endpoint: Endpoint, text: str) -> None:
    assert str(endpoint) == text


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [(V4, "192.0.2.1"), (V6, "2001:db8::1"), (LINK_LOCAL, "fe80::1%2")],
)
def test_names_its_host_without_brackets(endpoint: Endpoint, host: str) -> None:
    assert endpoint.host == host


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        (V4, IPv4Address("192.0.2.1")),
        (V6, IPv6Address("2001:db8::1")),
        (LINK_LOCAL, IPv6Address("fe80::1%2")),
    ],
)
def test_gives_its_address(endpoint: Endpoint, address: IPv4Address | IPv6Address) -> None:
    assert endpoint.address == address
    assert Endpoint.of(address, 3478) == endpoint


def test_knows_its_family() -> None:
    assert (V4.family, V6.family) == (Family.IPV4, Family.IPV6)
    assert (str(V4.family), str(V6.family)) == ("ipv4", "ipv6")


def test_is_ipv4_when_the_address_is_mapped_into_ipv6() -> None:
    mapped = Endpoint(bytes(10) + b"\xff\xff" + V4.packed, 3478, 3)
    assert mapped == V4
    assert hash(mapped) == hash(V4)
    assert mapped.family is Family.IPV4


def test_stays_ipv6_when_only_nearly_mapped() -> None:
    compatible = Endpoint(bytes(12) + V4.packed, 3478)
    assert compatible.family is Family.IPV6
    assert compatible.packed == bytes(12) + V4.packed


def test_has_no_scope_when_ipv4() -> None:
    endpoint = Endpoint(V4.packed, 3478, 3)
    assert endpoint == V4
    assert endpoint.address == IPv4Address("192.0.2.1")


def test_differs_by_scope() -> None:
    assert Endpoint(LINK_LOCAL.packed, 3478) != LINK_LOCAL


def test_takes_a_scope_of_32_bits() -> None:
    assert str(Endpoint(LINK_LOCAL.packed, 1, 0xFFFFFFFF)) == "[fe80::1%4294967295]:1"


@pytest.mark.parametrize(
    ("text", "is_wildcard"),
    [("0.0.0.0:1", True), ("[::]:1", True), ("0.0.0.1:1", False), ("[::1]:0", False)],
)
def test_knows_the_wildcard(*, text: str, is_wildcard: bool) -> None:
    assert Endpoint.parse(text).is_wildcard is is_wildcard


def test_keeps_address_and_scope_with_another_port() -> None:
    assert LINK_LOCAL.with_port(1) == Endpoint(LINK_LOCAL.packed, 1, 2)


def test_sorts_by_address_then_port() -> None:
    low, high = Endpoint.parse("10.0.0.1:9"), Endpoint.parse("10.0.0.2:1")
    assert sorted([high, low, low.with_port(1)]) == [low.with_port(1), low, high]


@pytest.mark.parametrize("size", [0, 3, 5, 15, 17])
def test_refuses_a_packed_address_of_another_size(size: int) -> None:
    with pytest.raises(ValueError, match="4 or 16 bytes"):
        Endpoint(bytes(size), 1)


@pytest.mark.parametrize("port", [-1, 65536])
def test_refuses_a_port_out_of_range(port: int) -> None:
    with pytest.raises(ValueError, match="0 to 65535"):
        Endpoint(V4.packed, port)
    with pytest.raises(UsageError, match="0 to 65535"):
        Endpoint.of("192.0.2.1", port)


@pytest.mark.parametrize("scope", [-1, 1 << 32])
def test_refuses_a_scope_out_of_range(scope: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        Endpoint(V6.packed, 1, scope)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("stun.example", ("stun.example", None)),
        ("stun.example:3478", ("stun.example", 3478)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("[2001:db8::1]:0", ("2001:db8::1", 0)),
        ("h:65535", ("h", 65535)),
        ("h:00053", ("h", 53)),
    ],
)
def test_splits_host_and_port(text: str, parts: tuple[str, int | None]) -> None:
    assert split_host_port(text) == parts
