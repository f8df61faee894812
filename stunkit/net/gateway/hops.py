"""Who stands behind the gateway: the second hop on the way to a server, by its ICMP error.

A datagram that may pass two routers ends at the second, which says so with its own address
(RFC 1812 section 5.3.1). Linux hands that on to who sent the datagram, without privilege (ip(7),
IP_RECVERR); elsewhere it is unknown.

Rules of this file: few datagrams, to a server that is asked anyway; what nobody answers is unknown.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from ipaddress import IPv4Address

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import sockaddr_of
from stunkit.net.transport.udp import bind_udp

HOP = 2  # routers that a datagram reaches: the gateway and the next
INTERVAL = 0.25  # seconds between datagrams; routers answer few of them a second
TRIES = 3

# linux/in.h, linux/errqueue.h; the socket module does not name them
_IP_RECVERR = 11
_EXTENDED_ERROR = struct.Struct("=IBBBxII")  # errno, origin, type, code, info, data
_OFFENDER = struct.Struct("=H2x4s")  # sockaddr_in: family, port, address
_ORIGIN_ICMP = 2
_TIME_EXCEEDED = 11  # ICMP type; RFC 792
_ANCILLARY_SIZE = 256  # bytes


async def find_second_hop(server: Endpoint, source: Endpoint, payload: bytes) -> IPv4Address | None:
    """Return the address of the second router on the way to a server, None for unknown.

    ``payload`` reaches the server itself where it is nearer. Raises OSError when no socket can be
    bound.
    """
    if sys.platform != "linux":
        return None
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[IPv4Address | None] = loop.create_future()

    def listen() -> None:
        found, is_news = _read(udp)
        if is_news and not heard.done():
            heard.set_result(found)

    with bind_udp(source.with_port(0)) as udp:
        udp.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, HOP)
        loop.add_reader(udp, listen)
        try:
            for _ in range(TRIES):
                with suppress(OSError):  # no route, no room, or the news of an earlier datagram
                    udp.sendto(payload, sockaddr_of(server))
                await asyncio.wait({heard}, timeout=INTERVAL)
                if heard.done():
                    return heard.result()
        finally:
            loop.remove_reader(udp)
    return None


def _read(udp: socket.socket) -> tuple[IPv4Address | None, bool]:
    """Return who says that a datagram's time is over, and whether there was any news."""
    with suppress(OSError):
        _, ancillary, _, _ = udp.recvmsg(0, _ANCILLARY_SIZE, socket.MSG_ERRQUEUE)
        for level, kind, value in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR):
                return decode_offender(value), True
    with suppress(OSError):  # that of the error which has just been read
        udp.recv(1)
        return None, True  # the server itself: it stands before the second router
    return None, False


def decode_offender(error: bytes) -> IPv4Address | None:
    """Return who sent an ICMP "time exceeded" (RFC 792); None for any other error."""
    if len(error) < _EXTENDED_ERROR.size + _OFFENDER.size:
        return None
    _, origin, kind, *_ = _EXTENDED_ERROR.unpack_from(error)
    family, address = _OFFENDER.unpack_from(error, _EXTENDED_ERROR.size)
    if (origin, kind, family) != (_ORIGIN_ICMP, _TIME_EXCEEDED, socket.AF_INET):
        return None
    return IPv4Address(address)
