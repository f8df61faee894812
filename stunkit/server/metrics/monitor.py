"""What a server shows over HTTP: /metrics, /healthz and /readyz; needs the extra ``metrics``.

- ``/metrics``: the figures of all processes, for Prometheus.
- ``/healthz``: 200 when every one of our own sockets has just answered a Binding request, else 503.
- ``/readyz``: 200 from when all of them serve until the server drains, else 503.

Of several workers one has this post. When it dies, who takes its place has it, and the figures lie
in memory that all share.

Rules of this file: whoever asks can hurt nothing but this. Connections are few and short-lived, a
request is small, and a round trip that is under way serves all who ask meanwhile.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.extra import installation
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from stunkit.server.metrics.figures import Facts, Figures
from stunkit.server.process.watchdog import Watchdog
from stunkit.server.runner import make_runner
from stunkit.server.settings.kinds import Written
from stunkit.server.settings.setting import setting
from stunkit.wire.uri import Transport

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

DEFAULT_PORT = 9478
PATIENCE = 5.0  # seconds, as of a service manager: a round trip fails after two of them
HEALTH_AGE = 1.0  # seconds that a round trip's outcome is good for
MOST_CONNECTIONS = 32  # at a time; one more ends the oldest
LONGEST_CONNECTION = 30.0  # seconds; a scraper simply opens another
DRAIN_TIMEOUT = 0.5  # seconds that answers under way get

http_log = logging.getLogger(f"{__name__}.http")

Asked = Sequence[tuple[Transport, Endpoint]]


def _parse(text: str) -> Endpoint | None:
    return Endpoint.parse(text, port=DEFAULT_PORT) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """What others can see of the server over HTTP."""

    listen: Endpoint | None = setting(
        Written(
            "an address and port",
            "ADDRESS[:PORT]",
            _parse,
            lambda one: "" if one is None else str(one),
        ),
        None,
        "Show figures for Prometheus at /metrics, and health at /healthz and /readyz, here; best "
        f"on loopback, since everybody may look. Without a port: {DEFAULT_PORT}. Empty: nowhere.",
        needs_restart=True,
    )


def require() -> None:
    """Import what is needed. Raises StartError where it is missing."""
    try:
        import aiohttp.web  # noqa: F401, PLC0415 (needs an extra)

        import stunkit.server.metrics.exposition  # noqa: F401, PLC0415 (needs an extra)
    except ModuleNotFoundError as error:
        raise StartError(
            f"metrics need {error.name}, which is not installed",
            f"{installation('metrics')}, or leave --metrics-listen out",
        ) from error


class Post(NamedTuple):
    """Where figures are shown, and which."""

    listening: socket.socket
    figures: Figures

    @classmethod
    def bind(cls, local: Endpoint, figures: Figures) -> Self:
        """Take an address and port. Raises StartError."""
        require()
        listening = socket.socket(ADDRESS_FAMILY[local.family], socket.SOCK_STREAM)
        try:
            listening.settimeout(0)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(sockaddr_of(local))
            listening.listen()
        except OSError as error:
            listening.close()
            taken = error.errno == errno.EADDRINUSE
            reason = "another program has it" if taken else (error.strerror or "").lower()
            raise StartError(
                f"cannot show metrics on {local}: {reason}",
                "choose another place with --metrics-listen ADDRESS:PORT",
            ) from error
        return cls(listening, figures)


class Monitor:
    """Answers HTTP requests from ``start`` to ``stop``.

    ``facts`` returns what is true now; ``endpoints`` are asked whether they answer.
    """

    def __init__(self, post: Post, facts: Callable[[], Facts], endpoints: Asked) -> None:
        self.endpoint = endpoint_of(post.listening.getsockname())
        self.is_draining = False
        self._listening, self._figures = post
        self._facts = facts
        workers = self._figures.crew.wanted
        self._watchdog = Watchdog(endpoints, lambda: None, PATIENCE, workers=workers)
        self._runner: web.AppRunner
        self._server: asyncio.Server | None = None
        self._asking: asyncio.Task[Asked] | None = None
        self._asked = float("-inf")

    async def start(self) -> None:
        """Answer from now on."""
        from aiohttp import web  # noqa: PLC0415 (needs an extra)

        app = web.Application()
        app.router.add_get("/metrics", self._show_metrics)
        app.router.add_get("/healthz", self._show_health)
        app.router.add_get("/readyz", self._show_readiness)
        self._runner = make_runner(
            app, http_log, keepalive_timeout=LONGEST_CONNECTION, shutdown_timeout=DRAIN_TIMEOUT
        )
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=self._listening)

    async def stop(self) -> None:
        """Answer no more."""
        if self._server is None:
            self._listening.close()
            return
        self._server.close()
        self._server = None
        if self._asking is not None:
            self._asking.cancel()
        await self._runner.cleanup()

    def _accept(self) -> RequestHandler:
        """Take a connection, at the price of the oldest, for a short time only."""
        server = self._runner.server
        assert server is not None  # noqa: S101 (from setup to cleanup)
        for oldest in server.connections[: 1 - MOST_CONNECTIONS]:
            oldest.force_close()
        handler = server()
        asyncio.get_running_loop().call_later(LONGEST_CONNECTION, handler.force_close)
        return handler

    async def _show_metrics(self, request: web.Request) -> web.Response:
        from aiohttp import web  # noqa: PLC0415 (see start)

        from stunkit.server.metrics.exposition import encode  # noqa: PLC0415 (needs an extra)

        text, kind = encode(self._figures, self._facts(), request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": kind})

    async def _show_health(self, request: web.Request) -> web.Response:
        del request
        loop = asyncio.get_running_loop()
        is_over = self._asking is None or self._asking.done()
        if self._asking is None or (is_over and loop.time() - self._asked > HEALTH_AGE):
            self._asking, self._asked = asyncio.create_task(self._ask()), loop.time()
        silent = await asyncio.shield(self._asking)
        sockets = [
            {
                "transport": transport,
                "endpoint": str(endpoint),
                "answers": (transport, endpoint) not in silent,
            }
            for transport, endpoint in self._watchdog.endpoints
        ]
        return _json({"healthy": not silent, "sockets": sockets}, is_good=not silent)

    async def _ask(self) -> Asked:
        return await self._watchdog.ask()

    async def _show_readiness(self, request: web.Request) -> web.Response:
        del request
        crew = self._figures.crew
        reason = None
        if self.is_draining:
            reason = "draining"
        elif not crew.is_complete:
            reason = "not every worker serves yet"
        return _json({"ready": reason is None, "reason": reason}, is_good=reason is None)


def _json(document: dict[str, object], *, is_good: bool) -> web.Response:
    from aiohttp import web  # noqa: PLC0415 (see Monitor.start)

    text = json.dumps(document) + "\n"
    headers = {"Cache-Control": "no-store"}
    status = 200 if is_good else 503
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
