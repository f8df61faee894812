"""Servers for the discovery of NAT behavior: one with two addresses, and some that lack UDP."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from stunkit.wire.message import HEADER_SIZE
from tests.integration.loopback import PORT_ATTEMPTS, free_port, udp_socket


@asynccontextmanager
async def quartet(first: str = "127.0.0.1", second: str = "127.0.0.2") -> AsyncIterator[Endpoint]:
    """Yield the first of the four endpoints of a server of ours (RFC 5780 section 6)."""
    settings = Settings(listen=(Endpoint.of(first, 0),), alternate=(Endpoint.of(second, 0),))
    for attempt in range(PORT_ATTEMPTS):
        server = Server(settings)
        try:
            await server.start()
        except StartError:  # the port after a free one is not always free
            if attempt + 1 == PORT_ATTEMPTS:
                raise
            continue
        try:
            yield server.endpoints[0][1]
        finally:
            await server.drain()
        return


@asynccontextmanager
async def without_udp(
    host: str = "127.0.0.1", *, is_silent: bool = True, answers: bool = True
) -> AsyncIterator[Endpoint]:
    """Yield a server over TCP; over UDP it is silent, or else its port is closed."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        data = await reader.readexactly(HEADER_SIZE)
        remote, local = (Endpoint.of(*writer.get_extra_info(n)) for n in ("peername", "sockname"))
        if answers:
            writer.write(respond(Received(data, remote, local), Site(is_stream=True)).data)
            await reader.read()
        writer.close()

    port = free_port("127.0.0.1", host)
    with ExitStack() as stack:
        if is_silent:
            stack.enter_context(udp_socket(host, port))
        server = await asyncio.start_server(serve, host, port)
        try:
            yield Endpoint.of(host, port)
        finally:
            server.close()
