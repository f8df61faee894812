"""What carries inputs to a server: UDP, TCP or TLS, one thread, and never blocked for long.

Rules of this file: a connection that the server closes is nothing strange, as broken bytes are
what it got; a port that nobody listens on is. Whoever asks plain questions reads the answers.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from contextlib import suppress
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.errors import NotStun
from stunkit.net.transport.certificate import client_context, explain
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from stunkit.wire.stream import StreamDecoder
from stunkit.wire.uri import Transport, Uri

CONNECT = 2.0  # seconds for a connection, and for its TLS session
MAX_DATAGRAM = 65_535  # bytes
WAIT = 0.2  # seconds that a full socket is waited for
SHARED = 16  # inputs that share a connection at the most: a broken stream ends at its first wrong
_BUFFER = 1 << 20  # bytes asked of the kernel
_NO_LINGER = struct.pack("ii", 1, 0)  # a close that leaves nothing behind in TIME-WAIT


class Road:
    """Where the server is, and how it is reached."""

    def __init__(self, server: Endpoint, uri: Uri, ca_file: str | None = None) -> None:
        self.server = server
        self.transport = uri.carrier
        self.name = uri.host
        self.context = client_context(ca_file) if uri.carrier is Transport.TLS else None

    def open(self) -> Carrier:
        """Return a new carrier. Raises OSError, or TransactionError where there is no TLS."""
        return UdpCarrier(self) if self.transport is Transport.UDP else StreamCarrier(self)


class Carrier:
    """One socket. ``gone`` counts how often nobody listened there."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self.gone = 0

    @property
    def local(self) -> Endpoint | None:
        """Where it is bound now, None without a connection."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Send an input, or drop it where it cannot be sent."""
        raise NotImplementedError

    def receive(self, timeout: float) -> list[bytes]:
        """Return what has come, after at most so many seconds."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class UdpCarrier(Carrier):
    """A connected UDP socket: it hears the server alone, and of an unreachable port."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self._socket = socket.socket(ADDRESS_FAMILY[road.server.family], socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.connect(sockaddr_of(road.server))
        self._local = endpoint_of(self._socket.getsockname())

    @property
    def local(self) -> Endpoint:
        """Where it is bound."""
        return self._local

    def send(self, data: bytes) -> None:
        """Send a datagram; an error of an earlier one shows here, and is counted."""
        self._socket.settimeout(WAIT)
        for _ in range(2):
            try:
                self._socket.send(data)
            except ConnectionRefusedError:
                self.gone += 1
            except OSError:  # too long for the way, or a full queue
                return
            else:
                return

    def receive(self, timeout: float) -> list[bytes]:
        """Return one datagram if one comes, and those that lie there."""
        found: list[bytes] = []
        while True:
            self._socket.settimeout(0 if found else timeout)
            try:
                found.append(self._socket.recv(MAX_DATAGRAM))
            except ConnectionRefusedError:
                self.gone += 1
                return found
            except OSError:  # nothing there
                return found

    def close(self) -> None:
        """Leave."""
        self._socket.close()


class StreamCarrier(Carrier):
    """A TCP or TLS connection, made again when it has ended. ``closed`` counts the ends."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self.closed = 0
        self._sent = 0
        self._early: list[bytes] = []  # what came while a connection ended
        self._decoder = StreamDecoder()
        self._socket: socket.socket | None = None
        self._connect()

    def _connect(self) -> None:
        road = self._road
        plain = socket.socket(ADDRESS_FAMILY[road.server.family], socket.SOCK_STREAM)
        plain.settimeout(CONNECT)
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.connect(sockaddr_of(road.server))
            self._socket = plain
            if road.context is not None:
                self._socket = road.context.wrap_socket(plain, server_hostname=road.name)
        except (OSError, ValueError) as error:
            plain.close()
            self._socket = None
            if road.context is not None and not isinstance(error, ConnectionRefusedError):
                raise explain(error, road.name) from error
            raise
        self._sent = 0
        self._decoder = StreamDecoder()

    @property
    def local(self) -> Endpoint | None:
        """Where it is bound now."""
        return None if self._socket is None else endpoint_of(self._socket.getsockname())

    def send(self, data: bytes) -> None:
        """Send bytes, over a new connection where the old one has ended."""
        if self._sent >= SHARED:
            self._finish()
        if self._socket is None and not self._again():
            return
        assert self._socket is not None  # noqa: S101 (for the type checker)
        self._socket.settimeout(WAIT)
        try:
            self._socket.sendall(data)
            self._sent += 1
        except OSError:
            while found := self._read(time.monotonic()):  # what it said before it left
                self._early += found
            if self._socket is not None:
                self._end()

    def _again(self) -> bool:
        try:
            self._connect()
        except ConnectionRefusedError:
            self.gone += 1
            return False
        except Exception:  # noqa: BLE001 (no session: the plain question will tell)
            return False
        return True

    def _finish(self) -> None:
        """End a connection once the server has read it all: a reset would throw that away."""
        if self._socket is None:
            return
        with suppress(OSError):  # not TLS's own shutdown, after which it would not decrypt any more
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
        end, closed = time.monotonic() + WAIT, self.closed
        while self._socket is not None and time.monotonic() < end:
            self._early += self._read(end)
        self.closed = closed  # it was ours to end
        self.close()

    def receive(self, timeout: float) -> list[bytes]:
        """Return the messages that come, or the bytes as they are where they are none."""
        early, self._early = self._early, []
        return early or self._read(time.monotonic() + timeout)

    def _read(self, end: float) -> list[bytes]:
        while self._socket is not None:
            self._socket.settimeout(max(0.0, end - time.monotonic()))
            try:
                data = self._socket.recv(1 << 16)
            except (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return []
            except OSError:
                data = b""
            if not data:
                self._end()
                return []
            try:
                found = self._decoder.receive(data)
            except NotStun:
                self._end()
                return [data]
            if found:
                return found
        return []

    def _end(self) -> None:
        self.closed += 1
        self.close()

    def close(self) -> None:
        """Leave; the next send connects again."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None
