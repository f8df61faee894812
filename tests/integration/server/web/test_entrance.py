import asyncio

import pytest

from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.server.settings.web import WebSettings
from stunkit.server.web import entrance
from tests.integration.certificates import Authority
from tests.integration.server.web.calling import (
    ANY,
    calling,
    make_room,
    meet,
    negotiate,
    place_of,
    serving,
)


async def read_all(place: str, text: bytes) -> bytes:
    host, _, port = place.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(text)
    async with asyncio.timeout(10):
        found = await reader.read()
    writer.close()
    return found


@pytest.mark.parametrize("text", [b"", b"GET /sig"])
async def test_closes_who_asks_for_nothing(text: bytes, monkeypatch):
    monkeypatch.setattr(entrance, "JOIN_TIMEOUT", 0.2)
    async with serving() as server:
        assert await read_all(place_of(server), text) == b""
        assert not server.web.entrance._idle


async def test_closes_who_does_not_finish_the_handshake(tmp_path, monkeypatch):
    assert entrance.HANDSHAKE_TIMEOUT < entrance.JOIN_TIMEOUT
    monkeypatch.setattr(entrance, "HANDSHAKE_TIMEOUT", 0.2)
    pair = Authority(tmp_path).issue()
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=(ANY,))
    settings = Settings(listen=(ANY,), tls=tls, web=WebSettings(listen=(ANY,)))
    async with Server(settings) as server:
        assert await read_all(place_of(server), b"") == b""


async def test_closes_who_has_had_time_to_take_an_answer(monkeypatch):
    monkeypatch.setattr(entrance, "JOIN_TIMEOUT", 0.2)
    monkeypatch.setattr(entrance, "ANSWER_TIMEOUT", 0.5)
    async with serving() as server:
        before = asyncio.get_running_loop().time()
        found = await read_all(place_of(server), b"GET /config.json HTTP/1.1\r\nHost: a\r\n\r\n")
        assert found.startswith(b"HTTP/1.1 200 OK")
        assert asyncio.get_running_loop().time() - before > 0.45


async def test_lets_websockets_stay(monkeypatch):
    monkeypatch.setattr(entrance, "JOIN_TIMEOUT", 0.1)
    monkeypatch.setattr(entrance, "ANSWER_TIMEOUT", 0.1)
    async with serving() as server:
        place = place_of(server)
        async with calling(place, place) as (one, other):
            await meet(one, other, await make_room(place))
            assert await read_all(place, b"") == b""  # what came later has been closed
            await negotiate(one, other)
