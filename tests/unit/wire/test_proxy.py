import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.proxy import MAX_LINE, MAX_SIZE, ProxyHeader

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
V4 = bytes.fromhex("cb007101 c6336402 9c40 0d96")
V6 = bytes.fromhex("20010db8000000000000000000000001 20010db8000000000000000000000002 9c40 0d96")


def binary(command: int, protocol: int, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return SIGNATURE + bytes((command, protocol)) + size.to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("line", "source", "destination"),
    [
        (
            "PROXY TCP4 203.0.113.1 198.51.100.2 40000 3478",
            "203.0.113.1:40000",
            "198.51.100.2:3478",
        ),
        ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535", "0.0.0.0:0", "255.255.255.255:65535"),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 1 2", "[2001:db8::1]:1", "[2001:db8::2]:2"),
        ("PROXY TCP6 ::ffff:203.0.113.1 ::1 1 2", "203.0.113.1:1", "[::1]:2"),
    ],
)
def test_reads_the_two_ends_from_a_line(line: str, source: str, destination: str):
    data = line.encode() + b"\r\n"
    expected = ProxyHeader(len(data), Endpoint.parse(source), Endpoint.parse(destination))
    assert ProxyHeader.decode(data + b"\0\1") == expected


@pytest.mark.parametrize("line", [b"PROXY UNKNOWN", b"PROXY UNKNOWN ffff::1 what ever 1 99999"])
def test_ignores_what_follows_unknown(line: bytes):
    assert ProxyHeader.decode(line + b"\r\n") == ProxyHeader(len(line) + 2)


@pytest.mark.parametrize(
    ("data", "source", "destination"),
    [
        (binary(0x21, 0x11, V4), "203.0.113.1:40000", "198.51.100.2:3478"),
        (binary(0x21, 0x21, V6), "[2001:db8::1]:40000", "[2001:db8::2]:3478"),
        (binary(0x21, 0x11, V4 + b"\4\0\2xx"), "203.0.113.1:40000", "198.51.100.2:3478"),
    ],
)
def test_reads_the_two_ends_from_binary(data: bytes, source: str, destination: str):
    expected = ProxyHeader(len(data), Endpoint.parse(source), Endpoint.parse(destination))
    assert ProxyHeader.decode(data + b"\0\1") == expected


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(binary(0x20, 0x00, b""), id="local"),
        pytest.param(binary(0x20, 0x11, V4), id="local with addresses"),
        pytest.param(binary(0x20, 0xFF, b"xyz"), id="local with nonsense"),
        pytest.param(binary(0x21, 0x00, b""), id="unspecified"),
        pytest.param(binary(0x21, 0x12, V4), id="datagrams"),
        pytest.param(binary(0x21, 0x20, V6), id="unspecified transport"),
        pytest.param(binary(0x21, 0x31, bytes(216)), id="Unix"),
    ],
)
def test_names_nobody_where_no_address_of_ip_counts(data: bytes):
    assert ProxyHeader.decode(data + b"more") == ProxyHeader(len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\1\0\0", "not there"),
        (b"\x16\3\1", "not there"),
        (b"PROXX", "not there"),
        (b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "neither TCP4 nor TCP6"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "neither TCP4 nor TCP6"),
        (b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", "neither TCP4 nor TCP6"),
        (b"PROXY TCP6 fe80::1%2 fe80::2 1 2\r\n", "neither TCP4 nor TCP6"),
        (b"PROXY \r\n", "neither TCP4 nor TCP6"),
        (b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "4 octets"),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", "4 octets"),
        (b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n", "At least 3 parts"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.\xb2 1 2\r\n", "ascii"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "b'01' is no port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n", "b'-2' is no port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 123456\r\n", "b'123456' is no port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "65535"),
        (b"PROXY UNKNOWN" + bytes(MAX_LINE), "over 107 bytes"),
        (b"\r\n\r\n\1", "signature"),
        (binary(0x11, 0x11, V4), "version and command are 0x11"),
        (binary(0x22, 0x11, V4), "version and command are 0x22"),
        (binary(0x21, 0x41, V4), "family and transport are 0x41"),
        (binary(0x21, 0x13, V4), "family and transport are 0x13"),
        (binary(0x21, 0x11, V4[:-1]), "11 bytes hold no two addresses"),
        (binary(0x21, 0x11, b"", MAX_SIZE), "over 4096"),
    ],
)
def test_says_what_is_wrong(data: bytes, reason: str):
    with pytest.raises(Malformed, match=reason) as caught:
        ProxyHeader.decode(data)
    assert str(caught.value).startswith("PROXY header at byte ")


@pytest.mark.parametrize(
    "data",
    [b"PROXY TCP4 203.0.113.1 198.51.100.2 40000 3478\r\n", binary(0x21, 0x21, V6 + b"\4\0\0")],
)
def test_waits_for_the_rest(data: bytes):
    for size in range(len(data)):
        assert ProxyHeader.decode(data[:size]) is None
    assert ProxyHeader.decode(data) is not None


def test_takes_a_line_of_the_longest_kind():
    rest = b"x" * (MAX_LINE - len("PROXY UNKNOWN \r\n"))
    assert ProxyHeader.decode(b"PROXY UNKNOWN " + rest + b"\r\n") == ProxyHeader(MAX_LINE)
    with pytest.raises(Malformed):
        ProxyHeader.decode(b"PROXY UNKNOWN x" + rest + b"\r\n")
