"""The kernel's report of an ICMP error; real routers are in tests/lab/net/gateway/test_hops.py."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address

import pytest

from stunkit.net.gateway.hops import decode_offender

LOCAL_ORIGIN, ICMP, ICMP6 = 1, 2, 3
UNREACHABLE, TIME_EXCEEDED = 3, 11


def error(origin: int = ICMP, kind: int = TIME_EXCEEDED, family: int = socket.AF_INET) -> bytes:
    head = struct.pack("=IBBBxII", 113, origin, kind, 0, 0, 0)
    return head + struct.pack("=H2x4s8x", family, bytes((100, 64, 0, 1)))


def test_who_says_that_the_time_is_over_is_named():
    assert decode_offender(error()) == IPv4Address("100.64.0.1")


@pytest.mark.parametrize(
    "other",
    [
        error(kind=UNREACHABLE),
        error(origin=LOCAL_ORIGIN),
        error(origin=ICMP6),
        error(family=socket.AF_UNSPEC),
        error()[:20],
        b"",
    ],
)
def test_any_other_error_names_nobody(other: bytes):
    assert decode_offender(other) is None
