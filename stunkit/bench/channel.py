"""The sockets that the load leaves from: one connected UDP socket or TCP connection each.

A connected UDP socket hears its server alone: the kernel checks the source of every answer.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from stunkit.bench.conversation import Answers, Conversation
from stunkit.bench.ledger import Numbers
from stunkit.endpoint import Endpoint
from stunkit.errors import NotStun
from stunkit.net.transport.batch import BATCH, HEAD, Inbox, Outbox
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from stunkit.wire.message import HEADER_SIZE
from stunkit.wire.stream import StreamDecoder

BUFFER = 1 << 20  # bytes asked of the kernel for answers that wait; it may give less
_READ = 1 << 16  # bytes of a stream read at a time
_MAX_DATAGRAM = 65535  # bytes; the UDP length field
_CONNECT_TIMEOUT = 5.0  # seconds

# Linux numbers that the socket module does not name; socket(7), linux/sock_diag.h.
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_SO_TIMESTAMPNS = 35
_STAMP = slice(16, 32)  # of its control message, after struct cmsghdr: struct timespec
_OLDEST_NS = 60_000_000_000  # more than any time limit
_MEMINFO = struct.Struct("=9I")
_DROPS = 8  # SK_MEMINFO_DROPS


class Channel(ABC):
    """One socket.

    ``local`` is where it is bound, ``owed`` how many requests it is behind its timetable,
    ``errors`` how often the kernel told of one, mostly of an ICMP message.
    """

    def __init__(
        self, index: int, plain: socket.socket, conversation: Conversation, poller: select.epoll
    ) -> None:
        self.index = index
        self.conversation = conversation
        self.local = endpoint_of(plain.getsockname())
        self.owed = 0
        self.errors = 0
        self.is_open = True
        self._socket = plain
        self._poller = poller
        self.descriptor = plain.fileno()
        plain.setblocking(False)  # noqa: FBT003 (the socket module's)
        poller.register(self.descriptor, select.EPOLLIN)

    def launch(self, count: int) -> int:
        """Send new requests as far as the ledger and the kernel have room; return how many left.

        They have the last numbers of the ledger.
        """
        ledger = self.conversation.ledger
        done = 0
        while done < count and self.is_open and self._may_send:
            wanted = min(count - done, BATCH, ledger.room)
            if wanted <= 0:
                break
            self._prepare(ledger.upcoming(wanted))
            now = time.monotonic()  # as late as can be: what comes before is not the server's time
            try:
                left = self._push(wanted)
            except OSError:
                self.errors += 1
                break
            ledger.open(left, now)
            done += left
            if left < wanted:
                break
        return done

    def close(self) -> None:
        """Close the socket; more than once does no harm."""
        self.is_open = False
        self._socket.close()

    def flush(self) -> None:
        """Send what the kernel had no room for. Raises OSError."""
        return

    @property
    def dropped(self) -> int:
        """How many answers found the queue of the socket full."""
        return 0

    @property
    def _may_send(self) -> bool:
        return True

    @abstractmethod
    def _prepare(self, numbers: Numbers) -> None:
        """Write requests with these numbers."""

    @abstractmethod
    def _push(self, count: int) -> int:
        """Send the requests that were written; return how many left. Raises OSError."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send one message. Raises OSError."""

    @abstractmethod
    def read(self) -> list[bytes]:
        """Return the messages that are there. Raises OSError."""

    @abstractmethod
    def receive(self) -> Answers | None:
        """Return the next answers that are there, all together; None for none. Raises OSError."""


class Post:
    """What all UDP sockets of a run share: room for one batch each way."""

    def __init__(self, server: Endpoint) -> None:
        self.inbox = Inbox(server.family, tells_local=True)  # room for the time instead
        self.outbox = Outbox(server.family)
        self.outbox.connect()
        self.outbox.lengths[:] = HEADER_SIZE


class UdpChannel(Channel):
    """A connected UDP socket."""

    def __init__(
        self,
        index: int,
        plain: socket.socket,
        conversation: Conversation,
        poller: select.epoll,
        post: Post,
    ) -> None:
        super().__init__(index, plain, conversation, poller)
        self._inbox = post.inbox
        self._outbox = post.outbox
        conversation.identity.prepare(self._outbox.rows)

    def _prepare(self, numbers: Numbers) -> None:
        self.conversation.identity.number(self._outbox.rows, numbers)

    def _push(self, count: int) -> int:
        return self._outbox.push(self.descriptor, count)

    def write(self, data: bytes) -> None:
        """Send one datagram."""
        self._socket.send(data)

    def read(self) -> list[bytes]:
        """Return the datagrams that are there."""
        messages: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while len(messages) < BATCH:
                messages.append(self._socket.recv(_MAX_DATAGRAM))
        return messages

    def receive(self) -> Answers | None:
        """Return a batch of datagrams."""
        inbox = self._inbox
        count = inbox.receive(self.descriptor)
        if not count:
            return None
        arrived = _arrival(inbox.controls[:count], time.time_ns(), time.monotonic())
        return Answers(inbox.heads[:count], inbox.lengths[:count], arrived, inbox.datagram)

    @property
    def dropped(self) -> int:
        """How many answers found the queue of the socket full."""
        data = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(data)[_DROPS]) if len(data) == _MEMINFO.size else 0


class TcpChannel(Channel):
    """A TCP connection; what it does not take at once waits, and nothing new is sent meanwhile."""

    def __init__(
        self, index: int, plain: socket.socket, conversation: Conversation, poller: select.epoll
    ) -> None:
        super().__init__(index, plain, conversation, poller)
        self._decoder = StreamDecoder()
        self._unsent = b""
        self._rows = np.zeros((BATCH, HEAD), np.uint8)
        conversation.identity.prepare(self._rows)

    @property
    def _may_send(self) -> bool:
        return not self._unsent

    def _prepare(self, numbers: Numbers) -> None:
        self.conversation.identity.number(self._rows, numbers)

    def _push(self, count: int) -> int:
        self.write(self._rows[:count, :HEADER_SIZE].tobytes())
        return count  # the rest follows as soon as it can

    def write(self, data: bytes) -> None:
        """Send one message, or the rest of it later."""
        self._unsent += data
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the connection takes it. Raises OSError."""
        try:
            self._unsent = self._unsent[self._give(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            raise
        wanted = select.EPOLLIN | (select.EPOLLOUT if self._unsent else 0)
        self._poller.modify(self.descriptor, wanted)

    def read(self) -> list[bytes]:
        """Return the messages that are complete."""
        try:
            data = self._take(_READ)
        except BlockingIOError:
            return []
        except OSError:
            self.close()
            raise
        if not data:
            self.close()
            raise ConnectionResetError("the server closed the connection")
        try:
            return self._decoder.receive(data)
        except NotStun as error:
            self.close()
            raise ConnectionAbortedError(f"no STUN on the connection: {error}") from error

    def _take(self, size: int) -> bytes:
        """Return what has come, nothing at the end. Raises BlockingIOError when there is none."""
        return self._socket.recv(size)

    def _give(self, data: bytes) -> int:
        """Send some of it; return how much. Raises BlockingIOError when there is no room."""
        return self._socket.send(data)

    def receive(self) -> Answers | None:
        """Return the messages that are complete, as columns."""
        messages = self.read()
        if not messages:
            return None
        joined = b"".join([message[:HEAD].ljust(HEAD, b"\0") for message in messages])
        heads = np.frombuffer(joined, np.uint8).reshape(-1, HEAD)
        lengths = np.fromiter(map(len, messages), np.uint32, len(messages))
        arrived = np.full(len(messages), time.monotonic())
        return Answers(heads, lengths, arrived, messages.__getitem__)


def _arrival(controls: NDArray[np.uint8], real_now_ns: int, now: float) -> NDArray[np.float64]:
    """Return when datagrams arrived, on the clock of ``now``, from the kernel's own time stamps.

    So what they waited for us to read them is not the server's time. ``now`` is read last: held up
    between the two clocks, we make the server look slower and never faster.
    """
    stamps = controls[:, _STAMP].view(np.int64)
    ages_ns = real_now_ns - (stamps[:, 0] * 1_000_000_000 + stamps[:, 1])
    is_odd = ages_ns.view(np.uint64) > _OLDEST_NS  # a negative age is a very high one here
    if np.count_nonzero(is_odd):
        ages_ns[is_odd] = 0  # the clock was set
    return now - ages_ns.astype(np.float64) / 1e9


def open_udp(source: Endpoint | None, server: Endpoint) -> socket.socket:
    """Return a UDP socket that is connected to the server. Raises OSError."""
    plain = socket.socket(ADDRESS_FAMILY[server.family], socket.SOCK_DGRAM)
    try:
        try:
            plain.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
        except PermissionError:  # only root may go over the system's limit
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        plain.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if source is not None:
            plain.bind(sockaddr_of(source))
        plain.connect(sockaddr_of(server))
    except OSError:
        plain.close()
        raise
    return plain


def open_tcp(source: Endpoint | None, server: Endpoint) -> socket.socket:
    """Return a TCP connection to the server. Raises OSError."""
    plain = socket.socket(ADDRESS_FAMILY[server.family], socket.SOCK_STREAM)
    try:
        plain.settimeout(_CONNECT_TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            plain.bind(sockaddr_of(source))
        plain.connect(sockaddr_of(server))
    except OSError:
        plain.close()
        raise
    return plain
