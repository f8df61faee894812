"""What is served over HTTP, pages and signalling; needs the extra ``web``.

- ``POST /rooms`` makes a room, and returns its name, which nobody can guess.
- ``/signal`` is a WebSocket on which the protocol of the manual is spoken.
- ``/`` and ``/rehearse`` are pages (see ``pages``); ``/config.json`` tells them whom to ask, and
  ``/qr.svg?link=URL`` draws a link to one of them.

Rules of this file: whoever asks can hurt nobody else. Requests are small and counted, and a page
from elsewhere is refused unless it is allowed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from socket import socket
from typing import TYPE_CHECKING

from stunkit import __version__
from stunkit.errors import SignalError, StartError
from stunkit.extra import installation
from stunkit.net.transport.certificate import ServerCertificate
from stunkit.protocol.throttle import Limit, Throttle
from stunkit.server.metrics.signal_tally import SignalTally
from stunkit.server.runner import MOST_LINE, make_runner
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings
from stunkit.server.web import pages, qr
from stunkit.server.web.caller import JOIN_TIMEOUT, Caller
from stunkit.server.web.directory import Directory, Own, parse_host
from stunkit.server.web.entrance import Entrance
from stunkit.server.web.origin import is_allowed
from stunkit.server.web.quota import Quota
from stunkit.server.web.store import LocalStore, Store
from stunkit.server.web.switchboard import Switchboard
from stunkit.signal.message import MOST_CHARACTERS

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

MOST_BYTES = 2 * MOST_CHARACTERS  # of a message; hardly any character takes more than one
ROOMS_WINDOW = 300.0  # seconds; see Quota, which counts two of them
CLOSE_TIMEOUT = 2.0  # seconds that the other side of a WebSocket has to close it, too

http_log = logging.getLogger(f"{__name__}.http")


def require(settings: Settings) -> None:
    """Import and read what is needed. Raises StartError where it is missing, or cannot work."""
    if not settings.web.listen:
        return
    try:
        import aiohttp.web  # noqa: F401, PLC0415 (needs an extra)
        import segno  # noqa: F401, PLC0415 (needs an extra)

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
    pages.load()


def make_store(settings: Settings, password: str | None) -> Store:
    """Return where rooms are to be."""
    most, limits = settings.web.max_rooms, settings.web.limits
    if settings.web.store is None:
        return LocalStore(limits, most)
    from stunkit.server.web.redis_store import RedisStore  # noqa: PLC0415 (needs an extra)

    return RedisStore(settings.web.store, password, limits, most)


class Site:
    """Answers from ``start`` to ``stop`` on sockets that listen already.

    ``own`` returns our STUN servers as they are now; what it did is counted in ``tally``.
    """

    def __init__(
        self,
        listening: Sequence[socket],
        settings: Settings,
        material: Material,
        own: Callable[[], Sequence[Own]],
        tally: SignalTally,
    ) -> None:
        require(settings)
        store = make_store(settings, material.store_password)
        self.switchboard = Switchboard(store, tally=tally)
        self._own = own
        certificate = _certificate(settings, material)
        self.entrance = Entrance(listening, certificate, settings.web.max_callers)
        self._throttle = Throttle(settings.limit.limit or Limit(), secrets.token_bytes(32))
        self._made = Quota(ROOMS_WINDOW)
        self._present: Counter[bytes] = Counter()
        self._runner: web.AppRunner
        self._take(settings, material)

    def _take(self, settings: Settings, material: Material) -> None:
        self._settings = settings
        self._directory = Directory(self._own, settings.web.stun, material.relays)
        store = self.switchboard.store
        store.limits, store.most = settings.web.limits, settings.web.max_rooms
        self._throttle = self._throttle.under(settings.limit.limit or Limit())

    async def start(self) -> None:
        """Answer from now on."""
        from aiohttp import web  # noqa: PLC0415 (needs an extra)

        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._admit(request)
            self.entrance.extend(request.protocol)
            return await handler(request)

        app = web.Application(client_max_size=MOST_LINE, middlewares=[admit])
        app.on_response_prepare.append(self._say_policy)
        app.router.add_post("/rooms", self._make_room)
        app.router.add_get("/signal", self._signal, allow_head=False)
        app.router.add_get("/config.json", self._show_config)
        app.router.add_get("/qr.svg", self._show_qr)
        for path in pages.load():
            app.router.add_get(path, pages.show)
        self._runner = make_runner(
            app, http_log, keepalive_timeout=JOIN_TIMEOUT, shutdown_timeout=CLOSE_TIMEOUT
        )
        await self._runner.setup()
        await self.switchboard.start()
        await self.entrance.open(self._runner)

    def adopt(self, settings: Settings, material: Material) -> None:
        """Answer under other settings from now on; who is here stays."""
        self._take(settings, material)
        self.entrance.adopt(_certificate(settings, material), settings.web.max_callers)

    async def stop(self) -> None:
        """Answer no more, and tell those who are here."""
        await self.entrance.close()
        if self.entrance.is_open:
            await self.switchboard.stop()
            await self._runner.cleanup()

    def _admit(self, request: web.Request) -> None:
        """Charge a request to who asks. Raises an HTTP error for who may not ask."""
        from aiohttp import web  # noqa: PLC0415 (see start)

        headers = request.headers
        if not is_allowed(headers.get("Origin"), headers.get("Host"), self._settings.web.origins):
            raise web.HTTPForbidden(text="pages of this origin may not ask; see web.origins\n")
        if self._settings.limit.limit is not None and not self._throttle.admit(
            _source(request), time.monotonic_ns()
        ):
            raise web.HTTPTooManyRequests(text="too many requests\n")

    def _prefix(self, request: web.Request) -> bytes | None:
        """Return whose share a request is of, None where there is no limit."""
        source = _source(request)
        if self._settings.limit.limit is None or self._throttle.is_allowed(source):
            return None
        limit = self._throttle.limit
        bits = limit.prefix4 if len(source) == 4 else limit.prefix6
        shift = 8 * len(source) - bits
        return (int.from_bytes(source, "big") >> shift << shift).to_bytes(len(source), "big")

    async def _say_policy(self, request: web.Request, response: web.StreamResponse) -> None:
        is_secure = self.entrance.is_secure
        response.headers.update(pages.headers(request.headers.get("Host"), is_secure=is_secure))

    async def _show_config(self, request: web.Request) -> web.Response:
        """Say what a page has to know of this server."""
        from aiohttp import web  # noqa: PLC0415 (see start)

        host, directory = parse_host(request.headers.get("Host")), self._directory
        document = {
            "version": __version__,
            "ice_servers": [one.members() for one in directory.for_everybody(host)],
            "mapping_servers": directory.mapping_uris(host),
        }
        return web.json_response(document, headers=_sharing(request))

    async def _show_qr(self, request: web.Request) -> web.Response:
        """Draw a link to ourselves."""
        from aiohttp import web  # noqa: PLC0415 (see start)

        link = request.query.get("link", "")
        if not qr.is_own(link, request.headers.get("Host", "")):
            raise web.HTTPBadRequest(
                text=f"link has to lead to this host, in {qr.LONGEST} characters\n"
            )
        headers = {"Cache-Control": "no-store"}  # it may open a room
        return web.Response(body=qr.draw(link), content_type="image/svg+xml", headers=headers)

    async def _make_room(self, request: web.Request) -> web.Response:
        from aiohttp import web  # noqa: PLC0415 (see start)

        source, now = self._prefix(request), self.switchboard.now()
        if source is not None and not self._made.admit(
            source, self._settings.web.max_per_source, now
        ):
            raise web.HTTPTooManyRequests(text="too many rooms; try again later\n")
        headers = _sharing(request)
        try:
            name = await self.switchboard.make()
        except SignalError as error:
            document = {"error": {"code": error.code, "reason": error.reason}}
            return web.json_response(document, status=503, headers=headers)
        lifetime = self._settings.web.room_lifetime
        return web.json_response({"room": name, "expires": lifetime}, status=201, headers=headers)

    async def _signal(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web  # noqa: PLC0415 (see start)

        source = self._prefix(request)
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
        self.entrance.keep(request.protocol)
        transport = request.transport
        if transport is None:
            return socket  # it has gone already
        board = self.switchboard
        host = parse_host(request.headers.get("Host"))
        caller = Caller(
            board.name(),
            socket,
            transport,
            board.now(),
            lambda lifetime: self._directory.for_seat(host, board.now(), lifetime),
        )
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


def _source(request: web.Request) -> bytes:
    """Return the address from which a request came."""
    return ip_address((request.remote or "::").partition("%")[0]).packed


def _sharing(request: web.Request) -> dict[str, str]:
    """Return what lets pages of those origins read an answer that may ask at all."""
    headers = {"Cache-Control": "no-store", "Vary": "Origin"}
    if origin := request.headers.get("Origin"):
        headers["Access-Control-Allow-Origin"] = origin
    return headers


def _certificate(settings: Settings, material: Material) -> ServerCertificate | None:
    """Return what to show over TLS, None where it is to be HTTP."""
    return None if settings.web.plain else material.certificate
