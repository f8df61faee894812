"""A UDP socket that knows both ends of every datagram.

On a wildcard socket the kernel is asked which address a datagram was sent to, and told which one
the answer leaves from (RFC 8489 section 6.3.1.2; IP_PKTINFO of ip(7), RFC 3542). Where the
platform cannot say (Windows, and macOS for IPv4), the routing table chooses, which is right on a
host with one address per family.

Reading drains the socket: at every wake-up as many datagrams as there are, up to a bound, so that
other sockets get their turn.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable

from stunkit.endpoint import Endpoint, Family
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of

MAX_DATAGRAM = 65535  # bytes; the UDP length field
DRAIN_LIMIT = 128  # datagrams read in a row before other sockets get their turn
RECEIVE_BUFFER = 1 << 20  # bytes asked of the kernel; it may give less

# Linux numbers that the socket module does not name; ip(7), ipv6(7), linux/errqueue.h.
_IP_PKTINFO = 8
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO_DROPS = 8  # its place in SK_MEMINFO_VARS; linux/sock_diag.h
_EXTENDED_ERROR = struct.Struct("=IBBBxII")  # errno, origin, type, code, info, data
_ICMP_ORIGINS = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
_PKTINFO4 = struct.Struct("=I4s4s")  # interface index, source to use, destination seen
_PKTINFO6 = struct.Struct("=16sI")  # address, interface index
_ANCILLARY_SIZE = 256  # bytes; room for the control messages asked for here

_IS_LINUX = sys.platform == "linux"

Receiver = Callable[[bytes, Endpoint, Endpoint], None]  # data, source, local
Express = Callable[[bytes, bytes, int], bytes | None]  # data, packed source address, port
ErrorReceiver = Callable[[Endpoint, str], None]  # remote, reason


def bind_udp(local: Endpoint, *, shares_port: bool = False) -> socket.socket:
    """Return a UDP socket that is bound to ``local``, for a ``UdpSocket``. Raises OSError.

    With ``shares_port``, it joins the sockets that let others have their port (SO_REUSEPORT).
    """
    made = socket.socket(ADDRESS_FAMILY[local.family], socket.SOCK_DGRAM)
    try:
        if local.family is Family.IPV6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shares_port:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _prepare(made, local)  # before a datagram can come
        made.bind(sockaddr_of(local))
    except OSError:
        made.close()
        raise
    return made


class UdpSocket:
    """One bound UDP socket: a given one, or a new one for an endpoint.

    ``local`` is where it is bound. ``tells_errors`` asks for ICMP errors (Linux). Raises OSError
    when it cannot be bound.
    """

    def __init__(self, local: Endpoint | socket.socket, *, tells_errors: bool = False) -> None:
        self._socket = bind_udp(local) if isinstance(local, Endpoint) else local
        self._tells_errors = tells_errors and _IS_LINUX
        self.local = endpoint_of(self._socket.getsockname())
        self._pktinfo = _prepare(self._socket, self.local)
        if self._tells_errors:
            is_ipv4 = self.local.family is Family.IPV4
            level = socket.IPPROTO_IP if is_ipv4 else socket.IPPROTO_IPV6
            self._socket.setsockopt(level, _IP_RECVERR if is_ipv4 else _IPV6_RECVERR, 1)
        self._on_error: ErrorReceiver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader: asyncio.Task[None] | None = None

    def start(self, on_datagram: Receiver, on_error: ErrorReceiver | None = None) -> None:
        """Hand every datagram to ``on_datagram`` from the running loop until ``close``."""
        self._on_error = on_error
        self._loop = asyncio.get_running_loop()
        try:
            self._loop.add_reader(self._socket, self.drain, on_datagram)
        except NotImplementedError:  # Windows' default loop
            self._reader = self._loop.create_task(self._read_one_by_one(on_datagram))

    def watch(self, on_readable: Callable[[], object]) -> None:
        """Call ``on_readable`` from the running loop whenever there is something to read.

        Raises NotImplementedError on a loop that cannot watch a socket (Windows' default).
        """
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, on_readable)

    def exchange(
        self, express: Express, on_datagram: Receiver, limit: int = DRAIN_LIMIT
    ) -> tuple[int, int]:
        """Answer what the socket holds, at most ``limit`` datagrams, to where each came from.

        ``express`` says what to send back, at once and from the address that was asked; b"" for
        nothing, None to have ``on_datagram`` take the datagram over. Returns how many datagrams
        there were, and how many answers the kernel refused.
        """
        udp, tells_local, pack = self._socket, self._pktinfo, socket.inet_pton
        family, receive, send = udp.family, udp.recvfrom, udp.sendto  # found once, not each time
        received = unsent = 0
        ancillary: list[tuple[int, int, bytes]] = []
        while received < limit:
            try:
                if tells_local:
                    data, ancillary, _flags, source = udp.recvmsg(MAX_DATAGRAM, _ANCILLARY_SIZE)
                else:
                    data, source = receive(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                received += 1  # "connection reset" on Windows: the socket itself lives
                if udp.fileno() < 0:
                    break
                continue
            received += 1
            host = source[0]
            packed = pack(family, host.partition("%")[0] if "%" in host else host)
            answer = express(data, packed, source[1])
            if answer is None:
                on_datagram(data, endpoint_of(source), self._asked(ancillary))
            elif answer:
                try:
                    if tells_local:
                        udp.sendmsg([answer], [_pktinfo(self._asked(ancillary))], 0, source)
                    else:
                        send(answer, source)
                except OSError:
                    unsent += 1
        return received, unsent

    def drain(self, on_datagram: Receiver, limit: int = DRAIN_LIMIT) -> None:
        """Hand over what the socket holds, at most ``limit`` datagrams."""
        receive = self._receive_anywhere if self._pktinfo else self._receive
        for _ in range(limit):
            try:
                received = receive()
            except (BlockingIOError, InterruptedError):
                self._read_errors()  # a send may have taken the alarm, and not the error
                return
            except OSError:
                if self._socket.fileno() < 0:  # whoever got the last datagram closed us
                    return
                # An ICMP error on Linux, "connection reset" on Windows: the socket itself lives.
                self._read_errors()
                continue
            on_datagram(*received)

    def send(self, data: bytes, destination: Endpoint, source: Endpoint | None = None) -> bool:
        """Send a datagram; on a wildcard socket from the address of ``source``.

        Returns False when the kernel has no room for it: datagrams may be lost. Raises OSError
        when there is no route.
        """
        address = sockaddr_of(destination)
        if self._tells_errors:
            # Linux gives an ICMP error to whichever call comes next, though it be about another
            # destination. Taken here, it is still in the queue from which `drain` reports it.
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        try:
            if self._pktinfo and source is not None and not source.is_wildcard:
                self._socket.sendmsg([data], [_pktinfo(source)], 0, address)
            else:
                self._socket.sendto(data, address)
        except (BlockingIOError, InterruptedError):
            return False
        return True

    @property
    def tells_local(self) -> bool:
        """Whether the kernel says which of our addresses each datagram was sent to."""
        return self._pktinfo

    def fileno(self) -> int:
        """Return the descriptor, -1 after ``close``."""
        return self._socket.fileno()

    def kernel_drops(self) -> int | None:
        """Return how many datagrams the kernel dropped for want of room, None where it is mute."""
        if not _IS_LINUX:
            return None
        size = 4 * (_MEMINFO_DROPS + 1)  # bytes
        try:
            figures = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, size)
        except OSError:  # a kernel before 4.12, something that plays a kernel, or after `close`
            return None
        return int.from_bytes(figures[4 * _MEMINFO_DROPS :], sys.byteorder)

    def close(self) -> None:
        """Stop reading and close; more than once does no harm."""
        if self._reader is not None:
            self._reader.cancel()
        elif self._loop is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> tuple[bytes, Endpoint, Endpoint]:
        data, source = self._socket.recvfrom(MAX_DATAGRAM)
        return data, endpoint_of(source), self.local

    def _receive_anywhere(self) -> tuple[bytes, Endpoint, Endpoint]:
        data, ancillary, _, source = self._socket.recvmsg(MAX_DATAGRAM, _ANCILLARY_SIZE)
        return data, endpoint_of(source), self._asked(ancillary)

    def _asked(self, ancillary: list[tuple[int, int, bytes]]) -> Endpoint:
        """Return the endpoint of ours that a datagram was sent to."""
        port = self.local.port
        for level, kind, value in ancillary:
            if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
                return Endpoint(_PKTINFO4.unpack(value)[1], port)
            if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                packed, index = _PKTINFO6.unpack(value)
                return Endpoint(packed, port, _scope(packed, index))
        return self.local

    def _read_errors(self) -> None:
        """Read the queue of ICMP errors, each with the destination that it is about."""
        if not self._tells_errors:
            return
        for _ in range(DRAIN_LIMIT):
            try:
                _, ancillary, _, remote = self._socket.recvmsg(
                    0, _ANCILLARY_SIZE, socket.MSG_ERRQUEUE
                )
            except OSError:
                return
            for level, kind, value in ancillary:
                if (level, kind) not in (
                    (socket.IPPROTO_IP, _IP_RECVERR),
                    (socket.IPPROTO_IPV6, _IPV6_RECVERR),
                ):
                    continue
                number, origin, *_ = _EXTENDED_ERROR.unpack_from(value)
                if origin in _ICMP_ORIGINS and self._on_error is not None:
                    self._on_error(endpoint_of(remote), describe_errno(number))

    async def _read_one_by_one(self, on_datagram: Receiver) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                data, source = await loop.sock_recvfrom(self._socket, MAX_DATAGRAM)
            except OSError:
                if self._socket.fileno() < 0:
                    return
                continue
            on_datagram(data, endpoint_of(source), self.local)


def source_address(destination: Endpoint) -> Endpoint:
    """Return the local address (port 0) that datagrams to ``destination`` leave from.

    Asks the routing table and sends nothing. Raises OSError when there is no route.
    """
    with socket.socket(ADDRESS_FAMILY[destination.family], socket.SOCK_DGRAM) as probe:
        probe.connect(sockaddr_of(destination))
        return endpoint_of(probe.getsockname()).with_port(0)


def describe_errno(number: int) -> str:
    """Return the operating system's words for an error number, in lower case."""
    return os.strerror(number).lower()


def _prepare(made: socket.socket, local: Endpoint) -> bool:
    """Set what reading needs; return whether the kernel tells where datagrams were sent to."""
    made.settimeout(0)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    is_ipv4 = local.family is Family.IPV4
    if not local.is_wildcard or not hasattr(made, "recvmsg") or (is_ipv4 and not _IS_LINUX):
        return False
    if is_ipv4:
        made.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    return True


def _scope(packed: bytes, index: int) -> int:
    """Return the interface index for link-local addresses, which need one, else 0."""
    return index if packed[0] == 0xFE and packed[1] & 0xC0 == 0x80 else 0


def _pktinfo(source: Endpoint) -> tuple[int, int, bytes]:
    if source.family is Family.IPV4:
        return socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO4.pack(0, source.packed, bytes(4))
    return (
        socket.IPPROTO_IPV6,
        socket.IPV6_PKTINFO,
        _PKTINFO6.pack(source.packed, source.scope),
    )
