import ctypes
import errno
import socket
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport import batch
from stunkit.net.transport.batch import (
    BATCH,
    HEAD,
    Inbox,
    Outbox,
    is_link_local,
    read_name,
    write_name,
)
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.net.transport.udp import UdpSocket
from tests.integration.loopback import HOSTS, udp_socket

WILDCARDS = {"127.0.0.1": "0.0.0.0", "::1": "::"}
SIZES = (0, 1, HEAD - 1, HEAD, HEAD + 1, 1500, 65507)  # bytes

each_family = pytest.mark.parametrize("host", HOSTS)


def datagram(size: int) -> bytes:
    """Bytes that differ with their place, and with the size."""
    return bytes((place * 7 + size) & 0xFF for place in range(size))


@contextmanager
def bound(host: str):
    udp = UdpSocket(Endpoint.of(host, 0))
    try:
        yield udp
    finally:
        udp.close()


@pytest.fixture
def udp(host: str):
    with bound(host) as made:
        yield made


def inbox_of(udp: UdpSocket, size: int = BATCH) -> Inbox:
    return Inbox(udp.local.family, size, tells_local=udp.tells_local)


def outbox_of(udp: UdpSocket, size: int = BATCH) -> Outbox:
    return Outbox(udp.local.family, size, tells_local=udp.tells_local)


@each_family
def test_takes_datagrams_of_every_size_in_their_order(host: str, udp: UdpSocket):
    inbox = inbox_of(udp)
    with udp_socket(host) as peer:
        for size in SIZES:
            peer.sendto(datagram(size), sockaddr_of(udp.local))
        count = inbox.receive(udp.fileno())
        assert count == len(SIZES)
        assert inbox.lengths[:count].tolist() == list(SIZES)
        for row, size in enumerate(SIZES):
            assert inbox.datagram(row) == datagram(size)
            assert inbox.heads[row, : min(size, HEAD)].tobytes() == datagram(size)[:HEAD]
            assert inbox.source(row) == endpoint_of(peer.getsockname())
            assert inbox.local(row, udp.local) == udp.local


@each_family
def test_shows_nothing_of_longer_datagrams_that_came_before(host: str, udp: UdpSocket):
    inbox = inbox_of(udp, 2)
    with udp_socket(host) as peer:
        for size in (65507, 0, HEAD + 1, HEAD, HEAD - 1, 1, 65507, HEAD + 2):
            peer.sendto(datagram(size), sockaddr_of(udp.local))
            assert inbox.receive(udp.fileno()) == 1
            assert inbox.datagram(0) == datagram(size)


@each_family
def test_takes_more_than_a_batch_in_several(host: str, udp: UdpSocket):
    inbox = inbox_of(udp, 8)
    with udp_socket(host) as peer:
        for number in range(20):
            peer.sendto(b"%d" % number, sockaddr_of(udp.local))
        got = []
        for count in (8, 8, 4, 0):
            assert inbox.receive(udp.fileno()) == count
            got += [inbox.datagram(row) for row in range(count)]
    assert got == [b"%d" % number for number in range(20)]


@each_family
def test_tells_sources_apart(host: str, udp: UdpSocket):
    inbox = inbox_of(udp)
    with udp_socket(host) as one, udp_socket(host) as other:
        for peer in (one, other, other, one):
            peer.sendto(b"x", sockaddr_of(udp.local))
        count = inbox.receive(udp.fileno())
        sources = [inbox.source(row) for row in range(count)]
        ends = [endpoint_of(peer.getsockname()) for peer in (one, other, other, one)]
        assert sources == ends


def test_says_which_address_was_asked():
    with bound("0.0.0.0") as udp:
        inbox = inbox_of(udp)
        asked = [Endpoint.of(f"127.0.0.{last}", udp.local.port) for last in (1, 2, 77, 1)]
        with udp_socket("127.0.0.1") as peer:
            for local in asked:
                peer.sendto(b"x", sockaddr_of(local))
            for _ in range(2):  # the room for control messages does not shrink
                assert inbox.receive(udp.fileno()) == 4
                assert [inbox.local(row, udp.local) for row in range(4)] == asked
                for local in asked:
                    peer.sendto(b"x", sockaddr_of(local))


def test_says_which_address_was_asked_over_ipv6():
    with bound("::") as udp:
        inbox = inbox_of(udp)
        asked = Endpoint.of("::1", udp.local.port)
        with udp_socket("::1") as peer:
            for _ in range(3):
                peer.sendto(b"x", sockaddr_of(asked))
                assert inbox.receive(udp.fileno()) == 1
                assert inbox.local(0, udp.local) == asked


@each_family
@pytest.mark.parametrize("is_wildcard", [False, True])
def test_sends_back_to_where_each_came_from(host: str, is_wildcard: bool):
    with bound(WILDCARDS[host] if is_wildcard else host) as udp:
        inbox, outbox = inbox_of(udp), outbox_of(udp)
        asked = Endpoint.of(host, udp.local.port)
        with udp_socket(host) as one, udp_socket(host) as other:
            for peer in (one, other, one):
                peer.sendto(b"x", sockaddr_of(asked))
            assert inbox.receive(udp.fileno()) == 3
            for row, data in ((2, b"third"), (1, b"second" * 20), (0, b"")):
                outbox.put(2 - row, data, inbox.name(row), inbox.reply_control(row))
            assert outbox.send(udp.fileno(), 3) == 0
            assert one.recvfrom(200) == (b"third", sockaddr_of(asked))
            assert one.recvfrom(200) == (b"", sockaddr_of(asked))
            assert other.recvfrom(200) == (b"second" * 20, sockaddr_of(asked))


@pytest.mark.parametrize("by_columns", [False, True])
def test_sends_from_the_address_that_was_asked(by_columns: bool):
    with bound("0.0.0.0") as udp:
        inbox, outbox = inbox_of(udp), outbox_of(udp)
        asked = [Endpoint.of(f"127.0.0.{last}", udp.local.port) for last in (3, 1, 2)]
        with udp_socket("127.0.0.1") as peer:
            for local in asked:
                peer.sendto(b"x", sockaddr_of(local))
            assert inbox.receive(udp.fileno()) == 3
            if by_columns:
                outbox.address(inbox, slice(0, 1), 0, 1)
                outbox.address(inbox, np.array([1, 2]), 1, 2)
                outbox.rows[:3, 0] = np.frombuffer(b"012", np.uint8)
                outbox.lengths[:3] = 1
            else:
                for row in range(3):
                    outbox.put(row, b"%d" % row, inbox.name(row), inbox.reply_control(row))
            assert outbox.send(udp.fileno(), 3) == 0
            got = [peer.recvfrom(100) for _ in range(3)]
        assert got == [(b"%d" % row, sockaddr_of(local)) for row, local in enumerate(asked)]


@each_family
def test_goes_on_after_what_the_kernel_refuses(host: str, udp: UdpSocket):
    outbox = outbox_of(udp)
    with udp_socket(host) as peer:
        end = endpoint_of(peer.getsockname())
        nowhere = end.with_port(0)  # which no datagram can be sent to
        for row, destination in enumerate((nowhere, end, nowhere, nowhere, end, nowhere)):
            outbox.put(row, b"%d" % row, write_name(destination), b"")
        assert outbox.send(udp.fileno(), 6) == 4
        assert [peer.recv(10), peer.recv(10)] == [b"1", b"4"]


@each_family
def test_sends_nothing(host: str, udp: UdpSocket):
    outbox = outbox_of(udp)
    assert outbox.send(udp.fileno(), 0) == 0


@each_family
def test_counts_what_a_full_socket_takes_no_more(host: str, udp: UdpSocket, monkeypatch):
    # Loopback delivers at once and is never full, so the system call is played: it takes three,
    # then one, then says that there is no room, and then takes what is left.
    outbox = outbox_of(udp)
    taken = iter((3, 1, -1, 4))
    asked = []

    def send(_descriptor: int, at: int, count: int, _flags: int) -> int:
        asked.append(((at - outbox._pointer) // 64, count))
        return next(taken)

    monkeypatch.setattr(outbox, "_send", send)
    assert outbox.send(udp.fileno(), 9) == 1
    assert asked == [(0, 9), (3, 6), (4, 5), (5, 4)]


@pytest.mark.parametrize(
    ("address", "keeps"), [("fe80::1%3", True), ("2001:db8::1", False), ("192.0.2.1", False)]
)
def test_names_the_interface_of_link_local_addresses_alone(address: str, keeps: bool):
    asked = Endpoint.of(address, 3478)
    family = asked.family
    inbox, outbox = Inbox(family, 2, tells_local=True), Outbox(family, 2, tells_local=True)
    place = batch._INTERFACE[family]
    inbox.controls[1, batch._OWN_ADDRESS[family]] = np.frombuffer(asked.packed, np.uint8)
    inbox.controls[1, place] = (3, 0, 0, 0)
    assert inbox.local(1, Endpoint.of("::", 3478)) == asked
    outbox.address(inbox, slice(1, 2), 0, 1)
    assert outbox.controls[0].tobytes() == inbox.reply_control(1)
    assert outbox.controls[0, place].tolist() == ([3, 0, 0, 0] if keeps else [0] * 4)


@each_family
def test_pushes_over_a_connected_socket_until_there_is_no_room(host: str, udp: UdpSocket):
    outbox = outbox_of(udp)
    outbox.connect()
    with udp_socket(host) as peer, udp_socket(host) as other:
        peer.connect(other.getsockname())
        for row in range(3):
            outbox.put(row, b"%d" % row, b"", b"")
        assert outbox.push(peer.fileno(), 3) == 3
        assert [other.recv(10) for _ in range(3)] == [b"0", b"1", b"2"]
        with pytest.raises(OSError, match="Bad file descriptor"):
            outbox.push(-1, 1)


@each_family
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EINTR, errno.ENOBUFS])
def test_pushes_nothing_when_there_is_no_room(host: str, udp: UdpSocket, number, monkeypatch):
    outbox = outbox_of(udp)

    def refuse(*_) -> int:
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(outbox, "_send", refuse)
    assert outbox.push(udp.fileno(), 3) == 0


def test_raises_when_the_socket_is_closed():
    inbox = Inbox(Endpoint.of("127.0.0.1", 0).family, 4)
    with pytest.raises(OSError, match="Bad file descriptor"):
        inbox.receive(-1)


@each_family
def test_refuses_everything_on_a_closed_socket(host: str, udp: UdpSocket):
    outbox = outbox_of(udp)
    udp.close()
    assert outbox.send(udp.fileno(), 3) == 3


@each_family
def test_forgets_long_datagrams(host: str, udp: UdpSocket):
    inbox = inbox_of(udp, 64)
    with udp_socket(host) as peer:
        before = resident_bytes()
        for _ in range(64):
            peer.sendto(datagram(65507), sockaddr_of(udp.local))
            inbox.receive(udp.fileno())
        for _ in range(20):  # at once, as far as the socket's queue holds them
            peer.sendto(datagram(65507), sockaddr_of(udp.local))
        count = inbox.receive(udp.fileno())
        held = resident_bytes()
        assert held - before > count * 50_000
        assert inbox.datagram(count - 1) == datagram(65507)
        inbox.forget()
        assert not any(inbox.datagram(count - 1)[HEAD:])
        assert held - resident_bytes() > count * 50_000
        peer.sendto(datagram(3000), sockaddr_of(udp.local))
        assert inbox.receive(udp.fileno()) == 1
        assert inbox.datagram(0) == datagram(3000)


def resident_bytes() -> int:
    """How much memory this process has in pages that nobody else sees."""
    with open("/proc/self/smaps_rollup") as rollup:  # noqa: PTH123 (short)
        fields = dict(line.split(":", 1) for line in list(rollup)[1:])
    return 1024 * int(fields["Rss"].split()[0])


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint.parse("192.0.2.1:3478"),
        Endpoint.parse("0.0.0.0:0"),
        Endpoint.parse("[2001:db8::1]:65535"),
        Endpoint.parse("[fe80::1%70000]:1"),
    ],
    ids=str,
)
def test_writes_names_as_it_reads_them(endpoint: Endpoint):
    name = write_name(endpoint)
    assert len(name) == batch.NAME_SIZE[endpoint.family]
    assert read_name(name, endpoint.family) == endpoint


@each_family
def test_writes_names_as_the_kernel_does(host: str, udp: UdpSocket):
    inbox = inbox_of(udp)
    with udp_socket(host) as peer:
        peer.sendto(b"", sockaddr_of(udp.local))
        inbox.receive(udp.fileno())
        assert inbox.name(0) == write_name(endpoint_of(peer.getsockname()))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("fe80::1", True),
        ("febf::1", True),
        ("fec0::1", False),
        ("fe7f::1", False),
        ("ff02::1", False),
        ("254.128.0.1", False),
    ],
)
def test_knows_link_local_addresses(address: str, expected: bool):
    assert is_link_local(Endpoint.of(address, 0).packed) is expected


def test_is_available_here():
    assert batch.is_available()
    batch.require()


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({(sys, "platform"): "darwin"}, "need Linux"),
        ({(sys, "maxsize"): (1 << 31) - 1}, "64-bit"),
        ({(sys, "byteorder"): "big"}, "64-bit"),
        ({(batch, "is_available"): lambda: False}, "need NumPy"),
    ],
)
def test_says_what_is_missing(attributes, what: str, monkeypatch):
    for (place, name), value in attributes.items():
        monkeypatch.setattr(place, name, value)
    assert not batch.is_available()
    with pytest.raises(StartError, match=what):
        batch.require()


def test_knows_no_more_of_the_platform_than_it_says():
    # the numbers that this file has from the manual
    assert socket.AF_INET.to_bytes(2, sys.byteorder) == batch._AF_INET
    assert socket.AF_INET6.to_bytes(2, sys.byteorder) == batch._AF_INET6
    assert socket.MSG_DONTWAIT == batch._MSG_DONTWAIT
    assert socket.CMSG_SPACE(12) == batch.CONTROL_SIZE["ipv4"]
    assert socket.CMSG_SPACE(20) == batch.CONTROL_SIZE["ipv6"]
