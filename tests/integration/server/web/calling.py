"""Talking to a signalling server of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from stunkit.endpoint import Endpoint
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from stunkit.server.settings.web import WebSettings
from stunkit.signal.message import Join, format_join
from tests.signalling import candidate_of, sdp_of

ANY = Endpoint.parse("127.0.0.1:0")
PATIENCE = 10.0  # seconds


@asynccontextmanager
async def serving(**web: Any) -> AsyncIterator[Server]:
    settings = Settings(listen=(ANY,), web=WebSettings(listen=(ANY,), **web))
    async with Server(settings) as server:
        yield server


def place_of(server: Server) -> str:
    assert server.web is not None
    return server.web.entrance.places[0].partition("//")[2]


class Client:
    """A WebSocket that speaks the protocol by hand."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seq = 0
        self.joined: dict[str, Any] = {}

    async def say(self, **members: Any) -> None:
        await self.socket.send_str(json.dumps(members))

    async def hear(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(PATIENCE):
            found: dict[str, Any] = json.loads(await self.socket.receive_str())
        return found

    async def until(self, kind: str) -> dict[str, Any]:
        """Return the next message of a type."""
        while (message := await self.hear())["type"] != kind:
            pass
        if kind == "peer":
            self.joined["session"] = message["session"]
        return message

    async def end(self) -> tuple[int | None, str]:
        """Return with which code it was closed, and the last error before that."""
        last = ""
        async with asyncio.timeout(PATIENCE):
            async for message in self.socket:
                last = json.loads(message.data).get("code", last)
        return self.socket.close_code, last

    async def join(self, room: str, *anything: Any) -> dict[str, Any]:
        await self.socket.send_str(format_join(Join(room, *anything)))
        message = await self.hear()
        if message["type"] == "joined":
            self.joined = message
        return message

    async def relay(self, kind: str, **content: Any) -> None:
        self.seq += 1
        await self.say(type=kind, session=self.joined["session"], seq=self.seq, **content)

    async def offer(self) -> None:
        await self.relay("offer", sdp=sdp_of(1))

    async def answer(self) -> None:
        await self.relay("answer", sdp=sdp_of(2))

    async def candidate(self) -> None:
        await self.relay("candidate", candidate=candidate_of(1))


@asynccontextmanager
async def calling(*places: str, **options: Any) -> AsyncIterator[list[Client]]:
    """Yield a client at each place."""
    async with aiohttp.ClientSession() as session:
        yield [
            Client(await session.ws_connect(f"ws://{place}/signal", **options)) for place in places
        ]


async def make_room(place: str, **options: Any) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{place}/rooms", **options) as answer,
    ):
        assert answer.status == 201, await answer.text()
        room: str = (await answer.json())["room"]
        return room


async def meet(one: Client, other: Client, room: str) -> None:
    """Have two join a room, and know it."""
    await one.join(room)
    await other.join(room)
    await one.until("peer")


async def negotiate(one: Client, other: Client) -> None:
    """Have two exchange descriptions and candidates."""
    await one.offer()
    await one.candidate()
    await other.until("candidate")
    await other.answer()
    await other.candidate()
    await other.relay("end-of-candidates")
    await one.until("end-of-candidates")
