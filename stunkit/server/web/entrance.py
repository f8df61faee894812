"""Where connections come in over HTTP and HTTPS, and those leave that ask for nothing.

Rules of this file: connections are counted, and each has a time by which it has asked for
something, and one by which it has what it asked for. Only a WebSocket stays longer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from socket import socket
from typing import TYPE_CHECKING

from stunkit.net.transport.certificate import ServerCertificate
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.server.web.caller import JOIN_TIMEOUT

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

ANSWER_TIMEOUT = 30.0  # seconds that a request and its answer may take
# Seconds; less than there are to ask for something, since only who is through can be closed then.
HANDSHAKE_TIMEOUT = 7.0


class Entrance:
    """Accepts on sockets that listen already; ``most`` connections at a time.

    ``certificate`` is shown over TLS; None for HTTP.
    """

    def __init__(
        self, listening: Sequence[socket], certificate: ServerCertificate | None, most: int
    ) -> None:
        self.most = most
        self._listening = listening
        self._context = None if certificate is None else _context(certificate)
        self._runner: web.AppRunner
        self._idle: dict[RequestHandler, float] = {}  # those without a WebSocket: when they end
        self._servers: list[asyncio.Server] = []
        self._opening: asyncio.Future[None] | None = None

    @property
    def is_secure(self) -> bool:
        """Whether it speaks HTTPS."""
        return self._context is not None

    @property
    def places(self) -> list[str]:
        """Where it is, as addresses of the web."""
        scheme = "https" if self.is_secure else "http"
        return [f"{scheme}://{endpoint_of(one.getsockname())}" for one in self._listening]

    @property
    def is_open(self) -> bool:
        """Whether it was opened."""
        return bool(self._servers)

    async def open(self, runner: web.AppRunner) -> None:
        """Accept for a runner from now on."""
        self._runner = runner
        await self._open()

    def adopt(self, certificate: ServerCertificate | None, most: int) -> None:
        """Accept under other settings from now on; who is here stays."""
        self.most = most
        self._context = None if certificate is None else _context(certificate)
        for server in self._servers:
            server.close()
        self._opening = asyncio.ensure_future(self._open())

    async def adopted(self) -> None:
        """Wait until what ``adopt`` began is done."""
        if self._opening is not None:
            await self._opening

    async def close(self) -> None:
        """Accept no more."""
        await self.adopted()
        for server in self._servers:
            server.close()
        for one in self._listening:
            one.close()

    def extend(self, handler: RequestHandler) -> None:
        """Give a connection that has asked for something time to take it."""
        if handler in self._idle:
            self._idle[handler] = asyncio.get_running_loop().time() + ANSWER_TIMEOUT

    def keep(self, handler: RequestHandler) -> None:
        """Let a connection stay as long as it likes."""
        self._idle.pop(handler, None)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        # A copy of each socket, since a server that is closed closes what it has.
        patience = None if self._context is None else HANDSHAKE_TIMEOUT
        self._servers = [
            await loop.create_server(
                self._accept, sock=one.dup(), ssl=self._context, ssl_handshake_timeout=patience
            )
            for one in self._listening
        ]

    def _accept(self) -> RequestHandler:
        """Take a connection; one too many is closed at once."""
        server = self._runner.server
        assert server is not None  # noqa: S101 (from its setup to its cleanup)
        timeout = 0.0 if len(server.connections) >= self.most else JOIN_TIMEOUT
        handler = server()
        loop = asyncio.get_running_loop()
        self._idle[handler] = loop.time() + timeout
        loop.call_later(timeout, self._close_idle, handler)
        return handler

    def _close_idle(self, handler: RequestHandler) -> None:
        """Close a connection when its time is over."""
        end = self._idle.get(handler)
        if end is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < end:
            loop.call_at(end, self._close_idle, handler)
        else:
            del self._idle[handler]
            handler.force_close()


def _context(certificate: ServerCertificate) -> ssl.SSLContext:
    context = certificate.context()
    context.set_alpn_protocols(["http/1.1"])
    return context
