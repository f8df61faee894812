"""Packets and capture files, built byte by byte, so that nothing under test has a part in them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from stunkit.dissect.packet import ETHERNET, Frame
from stunkit.endpoint import Endpoint

ALICE = Endpoint.parse("10.0.0.2:40000")
BOB = Endpoint.parse("203.0.113.7:50000")
SERVER = Endpoint.parse("198.51.100.1:3478")
ALICE6 = Endpoint.parse("[2001:db8::2]:40000")
SERVER6 = Endpoint.parse("[2001:db8::1]:3478")

SYN, FIN, ACK = 2, 1, 16


def udp(source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    return struct.pack(">HHHH", source.port, destination.port, 8 + len(payload), 0) + payload


def tcp(
    source: Endpoint, destination: Endpoint, payload: bytes, sequence: int, flags: int = ACK
) -> bytes:
    ports = source.port, destination.port
    return struct.pack(">HHIIBBHHH", *ports, sequence, 0, 0x50, flags, 1024, 0, 0) + payload


def ip(
    source: Endpoint,
    destination: Endpoint,
    body: bytes,
    protocol: int = 17,
    *,
    hops: int = 64,
    place: int = 0,
) -> bytes:
    if len(source.packed) == 16:
        head = struct.pack(">IHBB", 6 << 28, len(body), protocol, hops)
        return head + source.packed + destination.packed + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, place, hops, protocol, 0)
    return head + source.packed + destination.packed + body


def ethernet(packet: bytes) -> bytes:
    kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    return b"\x02" * 6 + b"\x04" * 6 + kind + packet


def datagram(
    source: Endpoint, destination: Endpoint, payload: bytes, time: float = 0.0, hops: int = 64
) -> Frame:
    packet = ip(source, destination, udp(source, destination, payload), hops=hops)
    return Frame(time, ETHERNET, ethernet(packet))


def segment(
    source: Endpoint,
    destination: Endpoint,
    payload: bytes,
    sequence: int = 1,
    flags: int = ACK,
    time: float = 0.0,
) -> Frame:
    body = tcp(source, destination, payload, sequence, flags)
    return Frame(time, ETHERNET, ethernet(ip(source, destination, body, 6)))


def pcap(frames: Iterable[Frame], link: int = ETHERNET) -> bytes:
    """A capture of the old format, times in microseconds."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        seconds, fraction = divmod(frame.time or 0.0, 1)
        size = len(frame.data)
        data += struct.pack("<IIII", int(seconds), round(fraction * 1e6), size, size) + frame.data
    return data


def block(kind: int, body: bytes) -> bytes:
    """A block of pcapng."""
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def section(frames: Iterable[Frame]) -> bytes:
    """A section of pcapng with an interface for each link type, times in nanoseconds."""
    frames = list(frames)
    links = list(dict.fromkeys(frame.link for frame in frames))
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link in links:
        options = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)  # if_tsresol: 10^-9
        data += block(1, struct.pack("<HHI", link, 0, 0) + options)
    for frame in frames:
        size, number = len(frame.data), links.index(frame.link)
        if frame.time is None:
            data += block(3, struct.pack("<I", size) + frame.data)
            continue
        ticks = int(frame.time) * 10**9 + round(frame.time % 1 * 1e9)
        head = struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, size, size)
        data += block(6, head + frame.data)
    return data
