"""STUN over TCP and TLS, bounded: connections, the time each may idle, the memory each may take.

A client keeps its connection for as long as it needs the mapping (RFC 8489 section 6.2.2), so an
idle connection is no fault; it is closed after ``idle_timeout`` all the same. Where there are too
many, one makes room for the new one: half-open and slow clients, which never completed a message,
are the first to go, the oldest of them first; then the one that has been idle longest. Handshakes
are bounded in the same way, in number and in time.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import OrderedDict
from dataclasses import replace
from functools import partial

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.net.transport.stream import Connection
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server.accepted import Accepted, Reception
from stunkit.server.metrics.counters import Counters
from stunkit.server.settings.tree import TcpSettings
from stunkit.server.sockets import BACKLOG, bind_tcp
from stunkit.server.waiting import Waiting
from stunkit.wire.uri import Transport

DRAIN_TIMEOUT = 2.0  # seconds that clients get to read their last answers
ACCEPT_LIMIT = 32  # connections accepted in a row before other sockets get their turn

log = logging.getLogger(__name__)


class Streams:
    """All TCP and TLS connections of a server, over any number of listening sockets."""

    def __init__(
        self,
        settings: TcpSettings,
        site: Site,
        counters: Counters,
        reception: Reception | None = None,
    ) -> None:
        self._settings = settings
        self._site = site
        self.reception = reception or Reception()
        self.sites: dict[Endpoint, Site] = {}  # where a listening endpoint has its own
        self._counters = counters
        counters.connections = 0  # whoever had these figures before has none any more
        self._sockets: list[tuple[socket.socket, Transport]] = []
        self._servers: list[asyncio.Server] = []
        self._connections = Waiting(settings.idle_timeout, self._end_idle)  # since the last message
        self._handshakes = Waiting(self.reception.timeout, self._end_slow)
        self._silent: OrderedDict[Connection, None] = OrderedDict()  # those without any, by age
        self._empty = asyncio.Event()

    def adopt(self, settings: TcpSettings, site: Site, reception: Reception | None = None) -> None:
        """Serve under other settings from now on; connections stay, quartets too.

        ``max_message``, ``max_unsent`` and what is in ``reception`` are for new connections: those
        that there are go on with the certificate that they were shown.
        """
        self._settings, self._site = settings, site
        self.reception = reception or self.reception
        for local, old in self.sites.items():
            self.sites[local] = replace(site, quartet=old.quartet)
        self._connections.change(settings.idle_timeout)
        self._handshakes.change(self.reception.timeout)

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def bind(
        self, local: Endpoint | socket.socket, transport: Transport = Transport.TCP
    ) -> Endpoint:
        """Take an address and port, or a socket that listens; ``start`` accepts. Raises OSError.

        With TLS, nothing else is spoken there.
        """
        listening = bind_tcp(local) if isinstance(local, Endpoint) else local
        self._sockets.append((listening, transport))
        return endpoint_of(listening.getsockname())

    async def start(self) -> None:
        """Accept connections on everything that is bound."""
        loop = asyncio.get_running_loop()
        for listening, transport in self._sockets:
            accept = partial(Accepted, self, transport)
            server = await loop.create_server(accept, sock=listening, backlog=ACCEPT_LIMIT)
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
        for listening, _ in self._sockets:
            listening.close()
        self._sockets.clear()
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._connections.stop()
        self._handshakes.stop()

    def opened(self, connection: Connection) -> None:
        """Count a new connection in, at the price of a silent one or the one idle longest."""
        if len(self._connections) >= self._settings.max_connections:
            idlest = next(iter(self._silent or self._connections))
            self._forget(idlest)
            idlest.abort("it made room for another")
        self._connections.add(connection)
        self._silent[connection] = None
        self._counters.connections = len(self._connections)

    def await_handshake(self, connection: Connection) -> None:
        """Let a connection take its time to begin, at the price of who has taken longest."""
        if connection in self._handshakes:
            return
        if len(self._handshakes) >= self.reception.max_handshakes:
            slowest = next(iter(self._handshakes))
            self._forget(slowest)
            slowest.abort("it made room for another handshake")
        self._handshakes.add(connection)

    def end_handshake(self, connection: Connection) -> None:
        """Take note that a connection has begun."""
        self._handshakes.remove(connection)

    def closed(self, connection: Connection, reason: str) -> None:
        """Count a connection out."""
        self._forget(connection)
        if not self._connections:
            self._empty.set()
        log.debug("connection from %s ended: %s", connection.remote, reason)

    def serve(self, connection: Accepted, data: bytes) -> None:
        """Answer one message."""
        if connection in self._connections:
            self._connections.add(connection)
            self._silent.pop(connection, None)
        received = Received(data, connection.remote, connection.local)
        tally = self._counters.of(connection.transport, connection.remote.family)
        try:
            response = respond(received, self.sites.get(connection.local, self._site), time.time())
        except Exception:  # the outermost loop: one message must not end a server
            tally.errors += 1
            over = connection.transport.upper()
            log.exception("a message of %d bytes over %s broke the server's code", len(data), over)
            connection.abort("an error of ours")
            return
        tally.add(response.disposition, len(data), len(response.data))
        if response.data:
            connection.send(response.data)

    def _forget(self, connection: Connection) -> None:
        self._connections.remove(connection)
        self._handshakes.remove(connection)
        self._silent.pop(connection, None)
        self._counters.connections = len(self._connections)

    def _end_idle(self, connection: Connection) -> None:
        self._forget(connection)
        connection.abort("it was idle for too long")

    def _end_slow(self, connection: Connection) -> None:
        self._forget(connection)
        connection.abort("it took too long to begin")

    @property
    def settings(self) -> TcpSettings:
        """The settings in force."""
        return self._settings
