"""Which gateway datagrams to a destination go through, as the kernel's routing table has it.

Linux is asked over rtnetlink (rtnetlink(7)): for the very destination, so that policy routing and
VPNs count, and in the network namespace of the calling thread. Nothing is sent anywhere.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.net.host.netlink import ATTRIBUTE, HEADER, NLM_F_REQUEST, NLMSG_ERROR, attributes
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY
from stunkit.net.transport.udp import describe_errno

ANSWER_SIZE = 8192  # bytes; one route has some 150
PATIENCE = 1.0  # seconds; the kernel answers at once

# linux/rtnetlink.h
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, prefix lengths, tos, table, protocol, ...
_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC = 1, 4, 5, 7


class Route(NamedTuple):
    """The way to a destination; ``gateway`` is None where there is none, or none known (``why``).

    ``source`` is the address of ours that datagrams leave from, ``interface`` the name of where.
    """

    gateway: Endpoint | None
    source: Endpoint | None = None
    interface: str = ""
    why: str = ""


def find_route(destination: Endpoint) -> Route:
    """Return the way to a destination."""
    if sys.platform != "linux":
        return Route(None, why="which gateway is in use is not known on this system")
    return _ask_kernel(destination)


def _ask_kernel(destination: Endpoint) -> Route:
    bits = 8 * len(destination.packed)
    family = ADDRESS_FAMILY[destination.family]
    body = _ROUTE.pack(family, bits, 0, 0, 0, 0, 0, 0, 0)
    body += ATTRIBUTE.pack(ATTRIBUTE.size + len(destination.packed), _RTA_DST)
    body += destination.packed
    head = HEADER.pack(HEADER.size + len(body), _RTM_GETROUTE, NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(PATIENCE)
            kernel.bind((0, 0))
            kernel.send(head + body)
            return decode_route(kernel.recv(ANSWER_SIZE), destination.family)
    except OSError as error:
        return Route(None, why=describe_errno(error.errno or errno.ETIMEDOUT))


def decode_route(answer: bytes, family: Family) -> Route:
    """Read the kernel's answer. Raises OSError with what the kernel says against it."""
    size, kind, *_ = HEADER.unpack_from(answer)
    if kind == NLMSG_ERROR:
        (number,) = struct.unpack_from("=i", answer, HEADER.size)
        raise OSError(-number, os.strerror(-number))
    if kind != _RTM_NEWROUTE:
        raise OSError(errno.EPROTO, "the kernel answers something else")
    found = dict(attributes(answer[HEADER.size + _ROUTE.size : size]))
    source = found.get(_RTA_PREFSRC)
    index = int.from_bytes(found.get(_RTA_OIF, b""), sys.byteorder)
    scope = index if source and family is Family.IPV6 and source[:2] == b"\xfe\x80" else 0
    leaves = Endpoint(source, 0, scope) if source else None
    try:
        interface = socket.if_indextoname(index) if index else ""
    except OSError:  # gone since
        interface = ""
    gateway = found.get(_RTA_GATEWAY)
    if not gateway:
        why = f"{interface or 'the route'} leads there without a gateway: a VPN, or one's own link"
        return Route(None, leaves, interface, why)
    is_link_local = len(gateway) == 16 and gateway[0] == 0xFE and gateway[1] & 0xC0 == 0x80
    return Route(Endpoint(gateway, 0, index if is_link_local else 0), leaves, interface)
