"""What Linux says of its links and addresses: questions over rtnetlink (rtnetlink(7)).

A netlink socket belongs to the network namespace of the thread that opened it, so the answers are
about that one; files under /sys are about the one that they were mounted in.

Rules of this file: plain values, named as the kernel names them; what they mean is for others.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from sys import byteorder
from typing import NamedTuple

from stunkit.endpoint import Endpoint

PATIENCE = 2.0  # seconds for an answer, which the kernel has at once
TRIES = 4  # of a list that changed while it was read
_BUFFER = 1 << 16  # bytes; the kernel fills at most half of it at a time
_MESSAGES = 10_000  # parts of a list that are read; thousands of interfaces are a few hundred

# linux/netlink.h, linux/rtnetlink.h
NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
NLM_F_REQUEST, _NLM_F_DUMP_INTR, _NLM_F_DUMP = 0x1, 0x10, 0x300
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, sender
ATTRIBUTE = struct.Struct("=HH")  # length with this header, type
_LINK = struct.Struct("=BxHiII")  # family, ARPHRD type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index

# linux/if_link.h, linux/if_tun.h
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK = 1, 3, 4, 5
_IFLA_MASTER, _IFLA_LINKINFO, _IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_TUN_TYPE = 10, 18, 1, 2, 3
_TAP = 2
_TYPE_MASK = 0x3FFF  # the two top bits say how the value is to be read

# linux/if_addr.h
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFA_F_TEMPORARY, _IFA_F_DADFAILED, _IFA_F_DEPRECATED, _IFA_F_TENTATIVE = 0x01, 0x08, 0x20, 0x40
_IFA_F_OPTIMISTIC = 0x04  # tentative, and usable all the same
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


class Link(NamedTuple):
    """A link. ``hardware`` is an ARPHRD number, ``flags`` are IFF bits, ``kind`` is "" for none.

    ``lower`` is the number of the link that this one stands on, ``master`` of the one that it
    belongs to, 0 for none.
    """

    number: int
    name: str
    hardware: int
    flags: int
    mtu: int
    mac: bytes
    kind: str
    lower: int
    master: int
    is_tap: bool


class Address(NamedTuple):
    """An address of a link; the endpoint's port is 0."""

    number: int
    endpoint: Endpoint
    prefix_length: int
    is_deprecated: bool
    is_temporary: bool


def links() -> list[Link]:
    """Return this namespace's links. Raises OSError."""
    return [parse_link(body) for body in _dump(_RTM_GETLINK, _RTM_NEWLINK)]


def addresses() -> list[Address]:
    """Return the addresses that can be used: not those still being probed. Raises OSError."""
    found = (parse_address(body) for body in _dump(_RTM_GETADDR, _RTM_NEWADDR))
    return [address for address in found if address is not None]


def parse_link(body: bytes) -> Link:
    """Read an ifinfomsg with its attributes."""
    _, hardware, index, flags, _ = _LINK.unpack_from(body)
    values = dict(attributes(body[_LINK.size :]))
    info = dict(attributes(values.get(_IFLA_LINKINFO, b"")))
    kind = _text(info.get(_IFLA_INFO_KIND, b""))
    data = dict(attributes(info.get(_IFLA_INFO_DATA, b""))) if kind == "tun" else {}
    return Link(
        number=index,
        name=_text(values.get(_IFLA_IFNAME, b"")),
        hardware=hardware,
        flags=flags,
        mtu=int.from_bytes(values.get(_IFLA_MTU, b""), byteorder),
        mac=values.get(_IFLA_ADDRESS, b""),
        kind=kind,
        lower=int.from_bytes(values.get(_IFLA_LINK, b""), byteorder),
        master=int.from_bytes(values.get(_IFLA_MASTER, b""), byteorder),
        is_tap=data.get(_IFLA_TUN_TYPE) == bytes([_TAP]),
    )


def parse_address(body: bytes) -> Address | None:
    """Read an ifaddrmsg with its attributes; None for what no socket can be bound to."""
    family, prefix_length, flags, _, index = _ADDRESS.unpack_from(body)
    values = dict(attributes(body[_ADDRESS.size :]))
    # IFA_ADDRESS is the other end's where the link is point-to-point.
    packed = values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS)
    if family not in _FAMILIES or packed is None:
        return None
    flags = int.from_bytes(values.get(_IFA_FLAGS, b""), byteorder) or flags
    is_pending = flags & _IFA_F_TENTATIVE and not flags & _IFA_F_OPTIMISTIC
    if is_pending or flags & _IFA_F_DADFAILED:
        return None
    is_link_local = family == socket.AF_INET6 and packed[0] == 0xFE and packed[1] & 0xC0 == 0x80
    return Address(
        number=index,
        endpoint=Endpoint(packed, 0, index if is_link_local else 0),
        prefix_length=prefix_length,
        is_deprecated=bool(flags & _IFA_F_DEPRECATED),
        # IFA_F_SECONDARY, another of one network, has the same bit in IPv4
        is_temporary=family == socket.AF_INET6 and bool(flags & _IFA_F_TEMPORARY),
    )


def _dump(question: int, wanted: int) -> list[bytes]:
    """Ask for a list and return its parts, each without netlink's header. Raises OSError."""
    for _ in range(TRIES):
        parts, is_whole = _ask(question, wanted)
        if is_whole:
            break
    return parts  # after so many tries, the last one has to do


def _ask(question: int, wanted: int) -> tuple[list[bytes], bool]:
    parts: list[bytes] = []
    is_whole = True
    body = _LINK.pack(0, 0, 0, 0, 0)
    request = HEADER.pack(HEADER.size + len(body), question, NLM_F_REQUEST | _NLM_F_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        asked.settimeout(PATIENCE)
        asked.bind((0, 0))
        asked.send(request + body)
        while len(parts) < _MESSAGES:
            for kind, flags, part in _messages(asked.recv(_BUFFER)):
                is_whole = is_whole and not flags & _NLM_F_DUMP_INTR
                if kind == _NLMSG_DONE:
                    return parts, is_whole
                if kind == NLMSG_ERROR:
                    number = -int.from_bytes(part[:4], byteorder, signed=True)
                    raise OSError(number, "rtnetlink refused")
                if kind == wanted:
                    parts.append(part)
    return parts, is_whole


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, the flags and the body of each message."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, flags, _, _ = HEADER.unpack_from(data, offset)
        if length < HEADER.size:
            return
        yield kind, flags, data[offset + HEADER.size : offset + length]
        offset += _aligned(length)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the value of each attribute."""
    offset = 0
    while offset + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, offset)
        if length < ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, data[offset + ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="backslashreplace")
