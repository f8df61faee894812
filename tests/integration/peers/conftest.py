"""Our server, for the clients of others to ask, and what it saw of them."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.protocol.respond import Received, Response, respond
from stunkit.server import streams
from stunkit.server.lanes import lane
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from tests.integration.loopback import HOSTS

PORT_ATTEMPTS = 20


class Ours:
    """Our server: where it listens, and all that it received and answered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.exchanges: list[tuple[Received, Response]] = []

    def endpoint(self, host: str) -> Endpoint:
        return next(local for _, local in self.server.endpoints if local.host == host)

    @property
    def sources(self) -> list[Endpoint]:
        return [received.source for received, _ in self.exchanges]


@pytest.fixture
async def start(monkeypatch):
    """Start our server on a free port."""
    async with AsyncExitStack() as stack:

        async def start(*hosts: str, alternate: str | None = None) -> Ours:
            settings = Settings(
                listen=tuple(Endpoint.of(host, 0) for host in hosts),
                alternate=() if alternate is None else (Endpoint.of(alternate, 0),),
            )
            monkeypatch.setattr(lane, "make_templates", lambda *_: {})  # respond sees all
            server = await started(settings)
            stack.push_async_callback(server.drain)
            ours = Ours(server)

            def recording(received, site, now):
                response = respond(received, site, now)
                ours.exchanges.append((received, response))
                return response

            monkeypatch.setattr(lane, "respond", recording)
            monkeypatch.setattr(streams, "respond", recording)
            return ours

        yield start


async def started(settings: Settings) -> Server:
    for attempt in range(PORT_ATTEMPTS):
        server = Server(settings)
        try:
            await server.start()
        except StartError:  # an alternate's port is the next one, and may be taken
            if attempt + 1 == PORT_ATTEMPTS:
                raise
            continue
        return server
    raise AssertionError("the last attempt returns or raises")


@pytest.fixture
async def ours(start) -> Ours:
    """Our server on both families."""
    return await start(*HOSTS)


@pytest.fixture
async def ours_of_two_addresses(start) -> Ours:
    """Our server with the four sockets of RFC 5780."""
    return await start("127.0.0.1", alternate="127.0.0.2")
