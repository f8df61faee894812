import struct

import pytest

from stunkit.dissect.packet import (
    COOKED,
    COOKED_V2,
    ETHERNET,
    IPV4,
    IPV6,
    LOOP,
    NULL,
    RAW,
    Datagram,
    Fragment,
    Frame,
    Segment,
    read_packet,
)
from tests.packets import ALICE, ALICE6, FIN, SERVER, SERVER6, SYN, ethernet, ip, tcp, udp

PAYLOAD = b"some payload"
PLAIN = ip(ALICE, SERVER, udp(ALICE, SERVER, PAYLOAD))
PLAIN6 = ip(ALICE6, SERVER6, udp(ALICE6, SERVER6, PAYLOAD))
MACS = bytes(12)


def read(data: bytes, link: int = ETHERNET):
    return read_packet(Frame(0.0, link, data))


@pytest.mark.parametrize(
    ("link", "before"),
    [
        (ETHERNET, MACS + b"\x08\x00"),
        (ETHERNET, MACS + b"\x81\x00\x00\x07\x08\x00"),
        (ETHERNET, MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x07\x08\x00"),
        (ETHERNET, MACS + b"\x88\x64\x11\x00\x00\x07\x00\x2e\x00\x21"),
        (COOKED, bytes(14) + b"\x08\x00"),
        (COOKED_V2, b"\x08\x00" + bytes(18)),
        (RAW, b""),
        (12, b""),
        (IPV4, b""),
        (NULL, b"\x02\0\0\0"),
        (LOOP, b"\0\0\0\x02"),
    ],
)
def test_reads_udp_under_each_link(link, before):
    packet = read(before + PLAIN + b"padding of the link", link)
    start = len(before) + 28
    assert packet == Datagram(ALICE, SERVER, PAYLOAD, start, is_cut=False, hops=64)


@pytest.mark.parametrize(("link", "before"), [(IPV6, b""), (ETHERNET, MACS + b"\x86\xdd")])
def test_reads_udp_over_ipv6(link, before):
    packet = read(before + PLAIN6, link)
    assert isinstance(packet, Datagram)
    assert (packet.source, packet.destination, packet.payload) == (ALICE6, SERVER6, PAYLOAD)


@pytest.mark.parametrize(
    ("protocol", "header"),
    [
        (0, b"\x11\x00" + bytes(6)),
        (60, b"\x11\x01" + bytes(14)),
        (43, b"\x3c\x00" + bytes(6) + b"\x11\x00" + bytes(6)),
        (51, b"\x11\x04" + bytes(22)),
        (44, b"\x11\x00" + bytes(6)),  # an atomic fragment is whole
    ],
)
def test_passes_over_extension_headers(protocol, header):
    body = header + udp(ALICE6, SERVER6, PAYLOAD)
    packet = read(ip(ALICE6, SERVER6, body, protocol), RAW)
    assert isinstance(packet, Datagram)
    assert packet.payload == PAYLOAD


@pytest.mark.parametrize(
    ("packet", "fragment"),
    [
        (ip(ALICE, SERVER, PAYLOAD, place=0x2000), Fragment(17, is_first=True)),
        (ip(ALICE, SERVER, PAYLOAD, place=0x0005), Fragment(17, is_first=False)),
        (ip(ALICE6, SERVER6, b"\x11\0\0\x01" + PAYLOAD, 44), Fragment(17, is_first=True)),
        (ip(ALICE6, SERVER6, b"\x11\0\0\x08" + PAYLOAD, 44), Fragment(17, is_first=False)),
    ],
)
def test_names_fragments(packet, fragment):
    assert read(packet, RAW) == fragment


@pytest.mark.parametrize(
    ("flags", "is_start", "is_end"),
    [(16, False, False), (SYN, True, False), (FIN, False, True), (4, False, True)],
)
def test_reads_tcp(flags, is_start, is_end):
    body = tcp(ALICE, SERVER, PAYLOAD, 7, flags)
    packet = read(ethernet(ip(ALICE, SERVER, body, 6)))
    assert isinstance(packet, Segment)
    assert (packet.source, packet.payload, packet.sequence) == (ALICE, PAYLOAD, 7)
    assert (packet.is_start, packet.is_end, packet.is_cut) == (is_start, is_end, False)


def test_knows_what_a_capture_has_cut_off():
    packet = read(PLAIN[:-3], RAW)
    assert isinstance(packet, Datagram)
    assert (packet.payload, packet.is_cut) == (PAYLOAD[:-3], True)
    body = tcp(ALICE, SERVER, PAYLOAD, 7)
    cut = read(ip(ALICE, SERVER, body, 6)[:-3], RAW)
    assert isinstance(cut, Segment)
    assert cut.is_cut


def test_takes_lengths_of_zero_for_the_rest():
    raw = bytearray(PLAIN)
    raw[2:4] = raw[24:26] = b"\0\0"
    packet = read(bytes(raw), RAW)
    assert isinstance(packet, Datagram)
    assert packet.payload == PAYLOAD


@pytest.mark.parametrize(
    ("data", "link"),
    [
        (b"", ETHERNET),
        (b"", RAW),
        (PLAIN, 147),
        (PLAIN[:19], RAW),
        (PLAIN6[:39], RAW),
        (PLAIN[:26], RAW),
        (b"\x41" + PLAIN[1:], RAW),
        (b"\x55" + PLAIN[1:], RAW),
        (ip(ALICE, SERVER, PAYLOAD, 1), RAW),
        (ip(ALICE, SERVER, tcp(ALICE, SERVER, b"", 1)[:12] + b"\x10" + bytes(9), 6), RAW),
        (MACS + b"\x08\x06" + PLAIN, ETHERNET),
        (MACS + b"\x88\x64\x11\x00\x00\x07\x00\x2e\xc0\x21" + PLAIN, ETHERNET),
        (b"\x08\x06" + bytes(18) + PLAIN, COOKED_V2),
        (bytes(10), COOKED_V2),
    ],
)
def test_knows_nothing_of_anything_else(data, link):
    assert read(data, link) is None


def test_udp_ends_where_it_says():
    long = udp(ALICE, SERVER, PAYLOAD) + b"more"
    packet = read(ip(ALICE, SERVER, long), RAW)
    assert isinstance(packet, Datagram)
    assert packet.payload == PAYLOAD
    assert struct.unpack(">H", long[4:6])[0] == 8 + len(PAYLOAD)
