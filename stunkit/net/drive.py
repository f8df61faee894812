"""Drives a protocol machine on real sockets and the real clock.

One driver holds one machine and any number of UDP sockets and TCP connections, each known to the
machine by its local endpoint.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Generic, TypeVar

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, sockaddr_of
from stunkit.net.transport.stream import Connection
from stunkit.net.transport.tls import TlsSession
from stunkit.net.transport.udp import UdpSocket, describe_errno
from stunkit.protocol.machine import Machine

E = TypeVar("E")


class Driver(Generic[E]):
    """Carries bytes and time to a machine, and its sends and events away.

    Every event goes to ``on_event``. After telling the machine anything, call ``flush``. To be
    closed with ``close``.
    """

    def __init__(self, machine: Machine[E], on_event: Callable[[E], None]) -> None:
        self._machine = machine
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sockets: dict[Endpoint, UdpSocket] = {}
        self._connections: dict[Endpoint, Connection] = {}

    @property
    def now(self) -> float:
        """The time that the machine is told: the loop's clock, in seconds."""
        return self._loop.time()

    def open_udp(self, local: Endpoint, *, tells_errors: bool = True) -> Endpoint:
        """Open a socket bound to ``local`` (port 0: any) and return where it is bound.

        ``tells_errors``: the machine hears of ICMP errors; uvloop cannot watch such a socket (it
        gives up the first that has an error). Raises OSError.
        """
        udp = UdpSocket(local, tells_errors=tells_errors)
        self._sockets[udp.local] = udp
        udp.start(
            self._receive, lambda remote, reason: self._unreachable(remote, udp.local, reason)
        )
        return udp.local

    async def connect(
        self, remote: Endpoint, local: Endpoint | None = None, session: TlsSession | None = None
    ) -> Endpoint:
        """Open a connection, TCP or with a ``session`` TLS; return its local endpoint.

        Raises OSError, of which ssl.SSLError is one.
        """
        host, port = sockaddr_of(remote)[:2]
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._receive, self._lost, session=session),
            f"{host}%{remote.scope}" if remote.scope else host,
            port,
            family=ADDRESS_FAMILY[remote.family],
            local_addr=None if local is None else (local.host, local.port),
        )
        if session is None and not connection.is_open:
            raise OSError(errno.ECONNRESET, "the connection was reset at once")
        if session is not None:
            try:
                await connection.secured()
            except BaseException:
                connection.abort("it is not wanted any more")
                raise
        self._connections[connection.local] = connection
        return connection.local

    def flush(self) -> None:
        """Send what the machine wants sent, report its events, and set its alarm."""
        for outgoing in self._machine.sends():
            connection = self._connections.get(outgoing.local)
            if connection is not None:
                connection.send(outgoing.data)
            elif outgoing.local in self._sockets:
                try:
                    self._sockets[outgoing.local].send(outgoing.data, outgoing.destination)
                except OSError as error:
                    reason = describe_errno(error.errno or 0)
                    self._machine.unreachable(
                        outgoing.destination, outgoing.local, reason, self.now
                    )
        for event in self._machine.events():
            self._on_event(event)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._machine.deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._tick)

    def close(self) -> None:
        """Close every socket and connection; the machine is told nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        for udp in self._sockets.values():
            udp.close()
        self._sockets.clear()
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            connection.abort("closed by us")

    def _receive(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        self._machine.receive(data, source, local, self.now)
        self.flush()

    def _tick(self) -> None:
        self._timer = None
        self._machine.tick(self.now)
        self.flush()

    def _lost(self, connection: Connection, reason: str) -> None:
        if self._connections.pop(connection.local, None) is not None:
            self._unreachable(connection.remote, connection.local, reason)

    def _unreachable(self, remote: Endpoint, local: Endpoint, reason: str) -> None:
        self._machine.unreachable(remote, local, reason, self.now)
        self.flush()
