"""The kernel's answers, as it writes them; real tables are in tests/lab/net/host/test_route.py."""

from __future__ import annotations

import errno
import struct
import sys

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.net.host.route import Route, decode_route, find_route

NEWROUTE, ERROR = 24, 2
DST, OIF, GATEWAY, PREFSRC = 1, 4, 5, 7
NOWHERE = 0x7FFFFFFF  # an interface that there is not


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def route(*attributes: tuple[int, bytes]) -> bytes:
    body = bytes(12)
    for kind, value in attributes:
        body += struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
    return message(NEWROUTE, body)


def index(number: int) -> tuple[int, bytes]:
    return OIF, number.to_bytes(4, sys.byteorder)


def test_reads_the_gateway_and_the_source():
    answer = route(
        (DST, bytes((192, 0, 2, 1))),
        index(NOWHERE),
        (GATEWAY, bytes((10, 0, 0, 1))),
        (PREFSRC, bytes((10, 0, 0, 2))),
    )
    found = decode_route(answer, Family.IPV4)
    assert found == Route(Endpoint.of("10.0.0.1", 0), Endpoint.of("10.0.0.2", 0))


def test_a_link_local_gateway_has_a_scope():
    address = Endpoint.of("fe80::1", 0).packed
    found = decode_route(route(index(NOWHERE), (GATEWAY, address)), Family.IPV6)
    assert found.gateway == Endpoint(address, 0, NOWHERE)


def test_says_that_there_is_no_gateway():
    found = decode_route(route((PREFSRC, bytes((10, 0, 0, 2)))), Family.IPV4)
    assert found.gateway is None
    assert "without a gateway" in found.why


def test_raises_what_the_kernel_says():
    with pytest.raises(OSError, match="unreachable") as caught:
        decode_route(message(ERROR, struct.pack("=i", -errno.ENETUNREACH)), Family.IPV4)
    assert caught.value.errno == errno.ENETUNREACH
    with pytest.raises(OSError, match="something else"):
        decode_route(message(3, b""), Family.IPV4)


@pytest.mark.parametrize("size", [0, 3])
def test_broken_attributes_end_the_reading(size: int):
    broken = message(NEWROUTE, bytes(12) + struct.pack("=HH", size, GATEWAY) + bytes(8))
    assert decode_route(broken, Family.IPV4).gateway is None


def test_elsewhere_it_is_unknown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    found = find_route(Endpoint.of("127.0.0.1", 0))
    assert (found.gateway, found.why) == (
        None,
        "which gateway is in use is not known on this system",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked on Linux alone")
def test_loopback_has_no_gateway():
    found = find_route(Endpoint.of("127.0.0.1", 0))
    assert (found.gateway, found.interface) == (None, "lo")
    assert found.source == Endpoint.of("127.0.0.1", 0)
