"""Asking a server over HTTP how it is."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.net.scrape import Scrape, parse
from tests.integration.command import PATIENCE


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: str

    @property
    def document(self) -> Any:
        return json.loads(self.body)


async def get(server: Endpoint, path: str) -> Reply:
    request = f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n"
    raw = (await exchange(server, request.encode())).decode()
    head, _, body = raw.partition("\r\n\r\n")
    return Reply(int(head.split()[1]), body)


async def exchange(server: Endpoint, data: bytes) -> bytes:
    """Send bytes over TCP and return all that comes back until the end."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        try:
            writer.write(data)
            return await reader.read()
        finally:
            writer.close()


async def scrape(server: Endpoint) -> Scrape:
    reply = await get(server, "/metrics")
    assert reply.status == 200
    return Scrape(asyncio.get_running_loop().time(), parse(reply.body))
