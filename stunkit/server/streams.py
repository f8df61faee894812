"""STUN over TCP, bounded: connections, the time each may idle, the memory each may take.

A client keeps its connection for as long as it needs the mapping (RFC 8489 section 6.2.2), so an
idle connection is no fault; it is closed after ``idle_timeout`` all the same. Where there are too
many, one makes room for the new one: half-open and slow clients, which never completed a message,
are the first to go, the oldest of them first; then the one that has been idle longest.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import OrderedDict
from dataclasses import replace

from stunkit.endpoint import Endpoint
from stunkit.net.sockaddr import endpoint_of
from stunkit.net.stream import Connection
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server.counters import Counters
from stunkit.server.settings import TcpSettings
from stunkit.server.sockets import BACKLOG, bind_tcp
from stunkit.wire.uri import Transport

DRAIN_TIMEOUT = 2.0  # seconds that clients get to read their last answers
ACCEPT_LIMIT = 32  # connections accepted in a row before other sockets get their turn

log = logging.getLogger(__name__)


class Streams:
    """All TCP connections of a server, over any number of listening sockets."""

    def __init__(self, settings: TcpSettings, site: Site, counters: Counters) -> None:
        self._settings = settings
        self._site = site
        self.sites: dict[Endpoint, Site] = {}  # where a listening endpoint has its own
        self._counters = counters
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._connections: OrderedDict[Connection, float] = OrderedDict()  # by last message
        self._silent: OrderedDict[Connection, None] = OrderedDict()  # those without any, by age
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    def adopt(self, settings: TcpSettings, site: Site) -> None:
        """Serve under other settings from now on; connections stay, quartets too.

        ``max_message`` and ``max_unsent`` are those of new connections.
        """
        self._settings, self._site = settings, site
        for local, old in self.sites.items():
            self.sites[local] = replace(site, quartet=old.quartet)
        if self._timer is not None:  # what was idle for long enough may be so sooner
            self._timer.cancel()
            self._timer = None
        self._watch()

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def bind(self, local: Endpoint | socket.socket) -> Endpoint:
        """Take an address and port, or a socket that listens; ``start`` accepts. Raises OSError."""
        listening = bind_tcp(local) if isinstance(local, Endpoint) else local
        self._sockets.append(listening)
        return endpoint_of(listening.getsockname())

    async def start(self) -> None:
        """Accept connections on everything that is bound."""
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            server = await loop.create_server(self._accept, sock=listening, backlog=ACCEPT_LIMIT)
            listening.listen(BACKLOG)  # asyncio has just set it to its own
            self._servers.append(server)
        self._sockets.clear()

    async def drain(self) -> None:
        """Accept no more, let every client read what it was sent, and close."""
        self._stop_listening()
        for connection in list(self._connections):
            connection.close()
        if self._connections:
            self._empty.clear()
            try:
                await asyncio.wait_for(self._empty.wait(), DRAIN_TIMEOUT)
            except TimeoutError:
                self.close()

    def close(self) -> None:
        """Stop at once."""
        self._stop_listening()
        for connection in list(self._connections):
            connection.abort("the server stopped")

    def _stop_listening(self) -> None:
        for listening in self._sockets:
            listening.close()
        self._sockets.clear()
        for server in self._servers:
            server.close()
        self._servers.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _accept(self) -> Connection:
        return _Accepted(self)

    def opened(self, connection: Connection) -> None:
        """Count a new connection in, at the price of a silent one or the one idle longest."""
        if len(self._connections) >= self._settings.max_connections:
            idlest = next(iter(self._silent or self._connections))
            self._forget(idlest)
            idlest.abort("it made room for another")
        self._connections[connection] = asyncio.get_running_loop().time()
        self._silent[connection] = None
        self._watch()

    def closed(self, connection: Connection, reason: str) -> None:
        """Count a connection out."""
        self._forget(connection)
        if not self._connections:
            self._empty.set()
        log.debug("TCP connection from %s ended: %s", connection.remote, reason)

    def serve(self, connection: Connection, data: bytes) -> None:
        """Answer one message."""
        if connection in self._connections:
            self._connections[connection] = asyncio.get_running_loop().time()
            self._connections.move_to_end(connection)
            self._silent.pop(connection, None)
        received = Received(data, connection.remote, connection.local)
        tally = self._counters.of(Transport.TCP, connection.remote.family)
        try:
            response = respond(received, self.sites.get(connection.local, self._site), time.time())
        except Exception:  # the outermost loop: one message must not end a server
            tally.errors += 1
            log.exception("a message of %d bytes over TCP broke the server's code", len(data))
            connection.abort("an error of ours")
            return
        tally.add(response.disposition, len(data), len(response.data))
        if response.data:
            connection.send(response.data)

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        self._silent.pop(connection, None)

    def _watch(self) -> None:
        """Set the alarm for the connection that has been idle longest."""
        if self._timer is None and self._connections:
            oldest = next(iter(self._connections.values()))
            due = oldest + self._settings.idle_timeout
            self._timer = asyncio.get_running_loop().call_at(due, self._close_idle)

    def _close_idle(self) -> None:
        self._timer = None
        limit = asyncio.get_running_loop().time() - self._settings.idle_timeout
        for connection, since in list(self._connections.items()):
            if since > limit:
                break
            self._forget(connection)
            connection.abort("it was idle for too long")
        self._watch()

    @property
    def settings(self) -> TcpSettings:
        """The settings in force."""
        return self._settings


class _Accepted(Connection):
    """A connection that a client opened; it reports to its ``Streams``."""

    def __init__(self, streams: Streams) -> None:
        super().__init__(
            lambda data, _source, _local: streams.serve(self, data),
            streams.closed,
            max_message=streams.settings.max_message,
            max_unsent=streams.settings.max_unsent,
        )
        self._streams = streams

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._streams.opened(self)
