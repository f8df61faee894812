"""Netlink's bytes, as the kernel sends them; its own answers are read in tests/lab."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Self

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.host import netlink
from stunkit.net.host.netlink import parse_address, parse_link

TEMPORARY, OPTIMISTIC, DADFAILED, DEPRECATED, TENTATIVE = 0x01, 0x04, 0x08, 0x20, 0x40
V4, V6 = Endpoint.of("10.0.0.2", 0), Endpoint.of("2001:db8::2", 0)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def number(value: int) -> bytes:
    return value.to_bytes(4, sys.byteorder)


def address(
    family: int, packed: bytes, *, flags: int = 0, index: int = 2, other: bytes | None = None
) -> bytes:
    body = struct.pack("=BBBBI", family, 24, flags & 0xFF, 0, index)
    if other is not None:
        body += attribute(1, other)
    return body + attribute(2 if other is not None else 1, packed) + attribute(8, number(flags))


def link(name: str, kind: str = "", data: bytes = b"", *, flags: int = 0x43) -> bytes:
    body = struct.pack("=BxHiII", 0, 1, 7, flags, 0)
    body += attribute(3, name.encode() + b"\0") + attribute(4, number(1400))
    body += attribute(1, bytes(range(6))) + attribute(5, number(3)) + attribute(10, number(4))
    if kind:
        info = attribute(1, kind.encode() + b"\0") + (attribute(2, data) if data else b"")
        body += attribute(18 | 0x8000, info)  # NLA_F_NESTED
    return body


def test_link_says_all_that_is_asked_of_it():
    found = parse_link(link("wg0", "wireguard"))
    assert found == netlink.Link(
        number=7,
        name="wg0",
        hardware=1,
        flags=0x43,
        mtu=1400,
        mac=bytes(range(6)),
        kind="wireguard",
        lower=3,
        master=4,
        is_tap=False,
    )


@pytest.mark.parametrize(("mode", "is_tap"), [(1, False), (2, True)])
def test_link_tells_tap_from_tun(mode: int, is_tap: bool):
    assert parse_link(link("t0", "tun", attribute(3, bytes([mode])))).is_tap is is_tap


def test_link_without_a_kind_has_none():
    assert parse_link(link("eth0")).kind == ""


def test_name_that_is_no_utf8_is_read():
    assert parse_link(link("eth0").replace(b"eth0", b"e\xffh0")).name == r"e\xffh0"


def test_address_is_the_near_end_of_a_point_to_point_link():
    far = Endpoint.of("10.0.0.1", 0).packed
    found = parse_address(address(socket.AF_INET, V4.packed, other=far))
    assert found is not None
    assert (found.endpoint, found.prefix_length, found.number) == (V4, 24, 2)


def test_link_local_address_has_its_link_as_scope():
    found = parse_address(address(socket.AF_INET6, Endpoint.of("fe80::1", 0).packed, index=9))
    assert found is not None
    assert found.endpoint == Endpoint.of("fe80::1%9", 0)


@pytest.mark.parametrize(
    ("flags", "is_deprecated", "is_temporary"),
    [(0, False, False), (DEPRECATED, True, False), (TEMPORARY, False, True)],
)
def test_address_says_how_long_it_lasts(flags: int, is_deprecated: bool, is_temporary: bool):
    found = parse_address(address(socket.AF_INET6, V6.packed, flags=flags))
    assert found is not None
    assert (found.is_deprecated, found.is_temporary) == (is_deprecated, is_temporary)


def test_second_ipv4_address_of_a_network_is_not_temporary():
    found = parse_address(address(socket.AF_INET, V4.packed, flags=TEMPORARY))
    assert found is not None
    assert not found.is_temporary


@pytest.mark.parametrize("flags", [TENTATIVE, DADFAILED, DADFAILED | OPTIMISTIC])
def test_address_that_cannot_be_used_is_none(flags: int):
    assert parse_address(address(socket.AF_INET6, V6.packed, flags=flags)) is None


def test_optimistic_address_can_be_used():
    found = parse_address(address(socket.AF_INET6, V6.packed, flags=TENTATIVE | OPTIMISTIC))
    assert found is not None


def test_address_of_another_family_is_none():
    assert parse_address(address(socket.AF_UNIX, V4.packed)) is None


def test_attributes_that_are_broken_end_the_reading():
    assert parse_link(link("eth0") + struct.pack("=HH", 0, 3)).name == "eth0"


class Kernel:
    """A netlink socket that says what it is told to."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)

    def __call__(self, *_: object) -> Kernel:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def settimeout(self, _: float) -> None:
        pass

    bind = send = settimeout

    def recv(self, _: int) -> bytes:
        return self.answers.pop(0)


def message(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


DONE, ERROR, LINK, INTERRUPTED = 3, 2, 16, 0x10


def test_list_ends_where_the_kernel_says(monkeypatch):
    pair = message(LINK, link("a0")) + message(99) + message(LINK, link("b0"))
    monkeypatch.setattr(
        netlink.socket, "socket", Kernel(pair, message(LINK, link("c0")) + message(DONE))
    )
    assert [one.name for one in netlink.links()] == ["a0", "b0", "c0"]


def test_list_that_changed_is_read_again(monkeypatch):
    torn = message(LINK, link("a0"), INTERRUPTED) + message(DONE)
    whole = message(LINK, link("b0")) + message(DONE)
    monkeypatch.setattr(netlink.socket, "socket", Kernel(torn, torn, whole))
    assert [one.name for one in netlink.links()] == ["b0"]


def test_list_that_never_rests_is_taken_as_it_is(monkeypatch):
    torn = message(LINK, link("a0"), INTERRUPTED) + message(DONE)
    monkeypatch.setattr(netlink.socket, "socket", Kernel(*[torn] * netlink.TRIES))
    assert [one.name for one in netlink.links()] == ["a0"]


def test_refusal_is_an_error(monkeypatch):
    refusal = message(ERROR, (-13).to_bytes(4, sys.byteorder, signed=True))
    monkeypatch.setattr(netlink.socket, "socket", Kernel(refusal))
    with pytest.raises(PermissionError):
        netlink.addresses()
