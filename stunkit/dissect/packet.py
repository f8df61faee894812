"""A captured frame, down to the UDP datagram or the TCP segment in it.

Ethernet (with VLAN tags and PPPoE), Linux cooked frames of both versions, raw IP and the loopback
of BSD and macOS; IPv4 and IPv6 with their extension headers (RFC 791, RFC 8200). Fragments are
named as such and not put together. A frame that is none of these is None: nothing is guessed.

Rules of this file: any bytes are a packet or None, and lengths are taken from the headers, so that
padding of the link is no payload and what a capture has cut off is known to be missing.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from stunkit.endpoint import Endpoint

# Link types; https://www.tcpdump.org/linktypes.html
NULL, ETHERNET, LOOP, RAW = 0, 1, 108, 101
COOKED, COOKED_V2 = 113, 276
IPV4, IPV6 = 228, 229
_HEADERS = {NULL: 4, LOOP: 4, RAW: 0, 12: 0, 14: 0, IPV4: 0, IPV6: 0}  # bytes before IP
LINK_TYPES = frozenset({ETHERNET, COOKED, COOKED_V2, *_HEADERS})

_TYPE_IPV4, _TYPE_IPV6, _TYPE_PPPOE = 0x0800, 0x86DD, 0x8864  # EtherTypes
_TAGS = (0x8100, 0x88A8, 0x9100)  # IEEE 802.1Q, 802.1ad, and what came before it
_PPP = {0x0021: _TYPE_IPV4, 0x0057: _TYPE_IPV6}
_TCP, _UDP = 6, 17  # IANA "Protocol Numbers"
_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = (0, 43, 60, 135, 139, 140)  # IPv6: next header, length in units of 8 bytes
_SYN, _FIN, _RST, _ACK = 2, 1, 4, 16

_half = Struct(">H")
_tcp = Struct(">HHIIBB")
_udp = Struct(">HHH")


class Frame(NamedTuple):
    """What a capture holds of one frame. ``time`` is Unix time, None where it has none."""

    time: float | None
    link: int
    data: bytes


class Datagram(NamedTuple):
    """UDP. ``offset`` is where its payload starts in the frame; ``is_cut``: the end is missing.

    ``hops`` is what the IP header leaves: every router on the way takes one.
    """

    source: Endpoint
    destination: Endpoint
    payload: bytes
    offset: int
    is_cut: bool
    hops: int


class Segment(NamedTuple):
    """TCP. ``is_start`` is SYN, ``is_end`` FIN or RST; ``received`` is the acknowledged number."""

    source: Endpoint
    destination: Endpoint
    payload: bytes
    offset: int
    is_cut: bool
    hops: int
    sequence: int
    is_start: bool
    is_end: bool
    received: int | None = None


class Fragment(NamedTuple):
    """A part of a packet, which alone says too little."""

    protocol: int
    is_first: bool


def read_packet(frame: Frame) -> Datagram | Segment | Fragment | None:
    """Return what a frame carries over IP, None for anything else."""
    data, link = frame.data, frame.link
    if link in _HEADERS:
        return _internet(data, _HEADERS[link])
    if link == ETHERNET:
        return _by_type(data, 12)
    if link == COOKED:
        return _by_type(data, 14)
    if link == COOKED_V2 and len(data) >= 20:
        return _internet(data, 20) if _is_internet(_half.unpack_from(data)[0]) else None
    return None


def _is_internet(kind: int) -> bool:
    return kind in (_TYPE_IPV4, _TYPE_IPV6)


def _by_type(data: bytes, offset: int) -> Datagram | Segment | Fragment | None:
    """Read what follows the EtherType at ``offset``."""
    size = len(data)
    while offset + 2 <= size:
        kind = _half.unpack_from(data, offset)[0]
        offset += 2
        if _is_internet(kind):
            return _internet(data, offset)
        if kind in _TAGS:
            offset += 2
            continue
        if kind == _TYPE_PPPOE and offset + 8 <= size:
            protocol = _half.unpack_from(data, offset + 6)[0]
            return _internet(data, offset + 8) if protocol in _PPP else None
        return None
    return None


def _internet(data: bytes, offset: int) -> Datagram | Segment | Fragment | None:
    version = data[offset] >> 4 if offset < len(data) else 0
    if version == 4:
        return _ipv4(data, offset)
    return _ipv6(data, offset) if version == 6 else None


def _ipv4(data: bytes, offset: int) -> Datagram | Segment | Fragment | None:
    size = (data[offset] & 15) * 4
    if size < 20 or offset + size > len(data):
        return None
    # a length of 0 is what a capture before segmentation by the network card shows
    total = _half.unpack_from(data, offset + 2)[0] or len(data) - offset
    place = _half.unpack_from(data, offset + 6)[0]
    protocol = data[offset + 9]
    if place & 0x3FFF:  # more fragments, or not the first
        return Fragment(protocol, not place & 0x1FFF)
    ends = data[offset + 12 : offset + 16], data[offset + 16 : offset + 20]
    packet = _Packet(protocol, *ends, data[offset + 8])
    return _transport(data, offset + size, offset + total, packet)


def _ipv6(data: bytes, offset: int) -> Datagram | Segment | Fragment | None:
    start = offset + 40
    size = len(data)
    if start > size:
        return None
    end = start + (_half.unpack_from(data, offset + 4)[0] or size - start)
    protocol = data[offset + 6]
    ends = data[offset + 8 : offset + 24], data[offset + 24 : start]
    while start + 8 <= size:
        if protocol == _FRAGMENT:
            place = _half.unpack_from(data, start + 2)[0]
            if place & 0xFFF9:  # else it is whole, though it says that it is a fragment
                return Fragment(data[start], not place & 0xFFF8)
            protocol, start = data[start], start + 8
        elif protocol == _AUTHENTICATION:
            protocol, start = data[start], start + 4 * (data[start + 1] + 2)
        elif protocol in _EXTENSIONS:
            protocol, start = data[start], start + 8 * (data[start + 1] + 1)
        else:
            break
    return _transport(data, start, end, _Packet(protocol, *ends, data[offset + 7]))


class _Packet(NamedTuple):
    """What the IP header says of what follows it."""

    protocol: int
    source: bytes
    destination: bytes
    hops: int


def _transport(data: bytes, start: int, end: int, packet: _Packet) -> Datagram | Segment | None:
    """Read UDP or TCP from ``start`` on; the packet ends at ``end``, in the capture or beyond."""
    present = min(end, len(data))
    if packet.protocol == _UDP and start + 8 <= present:
        source, destination, length = _udp.unpack_from(data, start)
        if length:  # 0: as for IPv4 above
            end = min(end, start + length)
        return Datagram(
            Endpoint(packet.source, source),
            Endpoint(packet.destination, destination),
            data[start + 8 : end],
            start + 8,
            end > len(data),
            packet.hops,
        )
    if packet.protocol == _TCP and start + 20 <= present:
        source, destination, sequence, received, size, flags = _tcp.unpack_from(data, start)
        offset = start + (size >> 4) * 4
        if offset < start + 20 or offset > end:
            return None
        return Segment(
            Endpoint(packet.source, source),
            Endpoint(packet.destination, destination),
            data[offset:end],
            offset,
            end > len(data),
            packet.hops,
            sequence=sequence,
            is_start=bool(flags & _SYN),
            is_end=bool(flags & (_FIN | _RST)),
            received=received if flags & _ACK else None,
        )
    return None
