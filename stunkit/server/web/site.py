"""What is served over HTTP for signalling; needs the extra ``web``.

- ``POST /rooms`` makes a room, and returns its name, which nobody can guess.
- ``/signal`` is a WebSocket on which the protocol of the manual is spoken.

Rules of this file: whoever asks can hurt nobody else. Connections are counted, those that ask for
nothing are closed, requests are small, and a page from elsewhere is refused unless it is allowed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address
from socket import socket
from typing import TYPE_CHECKING

from stunkit.errors import SignalError, StartError
from stunkit.extra import installation
from stunkit.net.certificate import ServerCertificate
from stunkit.net.sockaddr import endpoint_of
from stunkit.protocol.throttle import Limit, Throttle
from stunkit.server.settings import Settings
from stunkit.server.web.caller import JOIN_TIMEOUT, Caller
from stunkit.server.web.origin import is_allowed
from stunkit.server.web.quota import Quota
from stunkit.server.web.store import LocalStore, Store
from stunkit.server.web.switchboard import Switchboard
from stunkit.signal.message import MOST_CHARACTERS

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

MOST_BYTES = 2 * MOST_CHARACTERS  # of a message; hardly any character takes more than one
MOST_LINE = 4096  # bytes of a request's line, and of each header
ROOMS_WINDOW = 300.0  # seconds; see Quota, which counts two of them
CLOSE_TIMEOUT = 2.0  # seconds that the other side of a WebSocket has to close it, too

http_log = logging.getLogger(f"{__name__}.http")
http_log.addFilter(lambda record: not record.exc_info)  # aiohttp shows bytes of strangers


def require(settings: Settings) -> None:
    """Import what is needed. Raises StartError where it is missing, or cannot work."""
    if not settings.web.listen:
        return
    try:
        import aiohttp.web  # noqa: F401, PLC0415 (needs an extra)

        if settings.web.store is not None:
            import stunkit.server.web.redis_store  # noqa: F401, PLC0415 (needs an extra)
    except ModuleNotFoundError as error:
        raise StartError(
            f"signalling needs {error.name}, which is not installed",
            f"{installation('web')}, or leave --web out",
        ) from error
    if settings.workers > 1 and settings.web.store is None:
        raise StartError(
            "rooms in one process cannot be carried by several workers",
            "give --signal-store redis://HOST:PORT, or --workers 1",
        )


def make_store(settings: Settings) -> Store:
    """Return where rooms are to be."""
    most, limits = settings.web.max_rooms, settings.web.limits
    if settings.web.store is None:
        return LocalStore(limits, most)
    from stunkit.server.web.redis_store import RedisStore  # noqa: PLC0415 (needs an extra)

    return RedisStore(settings.web.store, limits, most)


class Site:
    """Answers from ``start`` to ``stop`` on sockets that listen already."""

    def __init__(
        self,
        listening: Sequence[socket],
        settings: Settings,
        certificate: ServerCertificate | None = None,
    ) -> None:
        require(settings)
        self.switchboard = Switchboard(make_store(settings))
        self._listening = listening
        self._throttle = Throttle(settings.limit.limit or Limit(), secrets.token_bytes(32))
        self._made = Quota(ROOMS_WINDOW)
        self._present: Counter[bytes] = Counter()
        self._idle: set[RequestHandler] = set()  # that have not asked for a WebSocket
        self._servers: list[asyncio.Server] = []
        self._opening: asyncio.Future[None] | None = None
        self._runner: web.AppRunner
        self._take(settings, certificate)

    def _take(self, settings: Settings, certificate: ServerCertificate | None) -> None:
        self._settings = settings
        store = self.switchboard.store
        store.limits, store.most = settings.web.limits, settings.web.max_rooms
        self._throttle = self._throttle.under(settings.limit.limit or Limit())
        is_plain = settings.web.plain or certificate is None
        self._context = None if is_plain or certificate is None else _context(certificate)

    @property
    def places(self) -> list[str]:
        """Where it is, as addresses of the web."""
        scheme = "http" if self._context is None else "https"
        return [f"{scheme}://{endpoint_of(one.getsockname())}" for one in self._listening]

    async def start(self) -> None:
        """Answer from now on."""
        from aiohttp import web  # noqa: PLC0415 (needs an extra)

        app = web.Application(client_max_size=MOST_LINE)
        app.router.add_post("/rooms", self._make_room)
        app.router.add_get("/signal", self._signal)
        self._runner = web.AppRunner(
            app,
            handle_signals=False,
            access_log=None,
            logger=http_log,
            keepalive_timeout=JOIN_TIMEOUT,
            lingering_time=0,
            max_line_size=MOST_LINE,
            max_field_size=MOST_LINE,
            shutdown_timeout=CLOSE_TIMEOUT,
        )
        await self._runner.setup()
        await self.switchboard.start()
        await self._open()

    def adopt(self, settings: Settings, certificate: ServerCertificate | None) -> None:
        """Answer under other settings from now on; who is here stays."""
        self._take(settings, certificate)
        for server in self._servers:
            server.close()
        self._opening = asyncio.ensure_future(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        # A copy of each socket, since a server that is closed closes what it has.
        self._servers = [
            await loop.create_server(self._accept, sock=one.dup(), ssl=self._context)
            for one in self._listening
        ]

    async def stop(self) -> None:
        """Answer no more, and tell those who are here."""
        if self._opening is not None:
            await self._opening
        for server in self._servers:
            server.close()
        for one in self._listening:
            one.close()
        if self._servers:
            await self.switchboard.stop()
            await self._runner.cleanup()

    def _accept(self) -> RequestHandler:
        """Take a connection; one that asks for nothing, or is one too many, is closed."""
        server = self._runner.server
        assert server is not None  # noqa: S101 (from setup to cleanup)
        is_full = len(server.connections) >= self._settings.web.max_callers
        handler = server()
        self._idle.add(handler)
        loop = asyncio.get_running_loop()
        loop.call_later(0.0 if is_full else JOIN_TIMEOUT, self._close_idle, handler)
        return handler

    def _close_idle(self, handler: RequestHandler) -> None:
        if handler in self._idle:
            self._idle.discard(handler)
            handler.force_close()

    def _admit(self, request: web.Request) -> bytes | None:
        """Return who asks, None where it has no limit. Raises an HTTP error for who may not ask."""
        from aiohttp import web  # noqa: PLC0415 (see start)

        headers = request.headers
        if not is_allowed(headers.get("Origin"), headers.get("Host"), self._settings.web.origins):
            raise web.HTTPForbidden(text="pages of this origin may not ask; see web.origins\n")
        source = ip_address((request.remote or "::").partition("%")[0]).packed
        if self._settings.limit.limit is None or self._throttle.is_allowed(source):
            return None
        if not self._throttle.admit(source, int(self.switchboard.now() * 1e9)):
            raise web.HTTPTooManyRequests(text="too many requests\n")
        limit = self._throttle.limit
        bits = limit.prefix4 if len(source) == 4 else limit.prefix6
        shift = 8 * len(source) - bits
        return (int.from_bytes(source, "big") >> shift << shift).to_bytes(len(source), "big")

    async def _make_room(self, request: web.Request) -> web.Response:
        from aiohttp import web  # noqa: PLC0415 (see start)

        source, now = self._admit(request), self.switchboard.now()
        if source is not None and not self._made.admit(
            source, self._settings.web.max_per_source, now
        ):
            raise web.HTTPTooManyRequests(text="too many rooms; try again later\n")
        headers = {"Cache-Control": "no-store", "Vary": "Origin"}
        if origin := request.headers.get("Origin"):
            headers["Access-Control-Allow-Origin"] = origin
        try:
            name = await self.switchboard.make()
        except SignalError as error:
            document = {"error": {"code": error.code, "reason": error.reason}}
            return web.json_response(document, status=503, headers=headers)
        lifetime = self._settings.web.room_lifetime
        return web.json_response({"room": name, "expires": lifetime}, status=201, headers=headers)

    async def _signal(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web  # noqa: PLC0415 (see start)

        source = self._admit(request)
        if source is not None and self._present[source] >= self._settings.web.max_per_source:
            raise web.HTTPTooManyRequests(text="too many connections\n")
        if source is not None:
            self._present[source] += 1
        try:
            return await self._serve(request)
        finally:
            if source is not None:
                self._present[source] -= 1
                if not self._present[source]:
                    del self._present[source]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Have a WebSocket with a caller until its end."""
        from aiohttp import web  # noqa: PLC0415 (see start)

        socket = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT, autoping=False, compress=False, max_msg_size=MOST_BYTES
        )
        await socket.prepare(request)
        self._idle.discard(request.protocol)
        transport = request.transport
        if transport is None:
            return socket  # it has gone already
        board = self.switchboard
        caller = Caller(board.name(), socket, transport, board.now())
        board.callers[caller.name] = caller
        try:
            await self._listen(caller, socket)
        finally:
            await asyncio.shield(board.leave(caller))
            await caller.ended()
        return socket

    async def _listen(self, caller: Caller, socket: web.WebSocketResponse) -> None:
        """Hear a caller until its end."""
        from aiohttp import WSCloseCode, WSMsgType  # noqa: PLC0415 (see start)

        while True:
            message = await socket.receive()
            if message.type is WSMsgType.TEXT:
                if not caller.is_ending:
                    await self.switchboard.hear(caller, message.data)
            elif message.type is WSMsgType.PONG:
                await self.switchboard.pong(caller, bytes(message.data))
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text only")
            else:
                return


def _context(certificate: ServerCertificate) -> ssl.SSLContext:
    context = certificate.context()
    context.set_alpn_protocols(["http/1.1"])
    return context
