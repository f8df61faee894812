import asyncio
import sys

import aiohttp
import pytest

from stunkit.errors import StartError
from stunkit.net.transport.certificate import client_context
from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.server.settings.web import WebSettings
from stunkit.server.web import site
from tests.integration.certificates import Authority
from tests.integration.command import serve, stunkit
from tests.integration.server.web.calling import (
    ANY,
    calling,
    make_room,
    meet,
    negotiate,
    place_of,
    serving,
)


async def test_two_exchange_a_negotiation():
    async with serving() as server:
        place = place_of(server)
        room = await make_room(place)
        assert len(room) == 22
        async with calling(place, place) as (one, other):
            await meet(one, other, room)
            assert (one.joined["polite"], other.joined["polite"]) == (False, True)
            await negotiate(one, other)


async def test_says_what_is_wrong_and_ends():
    async with serving() as server:
        place = place_of(server)
        room = await make_room(place)
        async with calling(*[place] * 6) as (one, other, third, guesser, early, mute):
            await meet(one, other, room)
            await third.join(room)
            assert await third.end() == (4000, "")
            assert (await guesser.join("no such name"))["code"] == "no-such-room"
            await early.say(type="bye")
            assert await early.end() == (4000, "not-joined")
            await mute.socket.send_bytes(b"\0")
            assert (await mute.end())[0] == 1003
            await negotiate(one, other)


async def test_a_flood_hurts_only_who_sends_it():
    async with serving() as server:
        place = place_of(server)
        room, quiet = await make_room(place), await make_room(place)
        async with calling(*[place] * 5) as (one, other, bad, big, victim):
            await meet(one, other, quiet)
            await meet(victim, bad, room)
            for _ in range(2_000):
                try:
                    await bad.candidate()
                except (ConnectionError, aiohttp.ClientError):
                    break
            assert await bad.end() == (4000, "too-many")
            assert (await victim.until("peer"))["state"] == "lost"
            await big.join(room, bad.joined["token"])
            await big.socket.send_str("x" * 200_000)
            assert (await big.end())[0] == 1009
            await negotiate(one, other)


async def test_goes_on_after_a_connection_broke():
    async with serving() as server:
        place = place_of(server)
        room = await make_room(place)
        async with calling(*[place] * 3) as (one, other, again):
            await meet(one, other, room)
            await one.offer()
            await other.until("offer")
            other.socket._response.connection.transport.abort()
            await one.candidate()
            assert (await one.until("peer"))["state"] == "lost"
            token, session = other.joined["token"], other.joined["session"]
            assert (await again.join(room, token, session, 1))["resumed"] is True
            assert (await again.hear())["type"] == "candidate"
            assert (await one.until("peer"))["state"] == "resumed"


async def test_lets_in_pages_of_its_own_and_of_friends_only():
    friend = "https://app.example.org"
    async with serving(origins=(friend,)) as server:
        place = place_of(server)
        for origin in (friend, f"http://{place}"):
            await make_room(place, headers={"Origin": origin})
            async with calling(place, headers={"Origin": origin}):
                pass
        stranger = {"Origin": "https://evil.example"}
        with pytest.raises(AssertionError, match="pages of this origin may not ask"):
            await make_room(place, headers=stranger)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with calling(place, headers=stranger):
                pass


async def test_bounds_rooms_and_connections(monkeypatch):
    async with serving(max_rooms=2, max_callers=3) as server:
        place = place_of(server)
        rooms = [await make_room(place) for _ in range(2)]
        with pytest.raises(AssertionError, match="there are too many rooms"):
            await make_room(place)
        async with calling(place, place, place) as (one, other, _):
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await make_room(place)
            await meet(one, other, rooms[0])
            await negotiate(one, other)


async def test_a_source_can_have_only_so_much():
    settings = Settings(
        listen=(ANY,), web=WebSettings(listen=(ANY,), max_per_source=2)
    ).with_values({"limit.allow": (), "limit.rate": 10.0, "limit.burst": 20})
    async with Server(settings) as server:
        place = place_of(server)
        await make_room(place)
        await make_room(place)
        with pytest.raises(AssertionError, match="too many rooms"):
            await make_room(place)
        async with calling(place, place) as held:
            assert len(held) == 2  # who is forgotten is closed
            with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
                async with calling(place):
                    pass
        for _ in range(300):
            async with aiohttp.ClientSession() as session:
                answer = await session.post(f"http://{place}/rooms")
                if await answer.text() == "too many requests\n":
                    break
        else:
            pytest.fail("nobody was limited")


async def test_no_state_survives_its_room(monkeypatch):
    async with serving() as server:
        place = place_of(server)
        board = server.web.switchboard
        offset = 0.0
        clock = board._clock
        monkeypatch.setattr(board, "_clock", lambda: clock() + offset)
        room = await make_room(place)
        async with calling(place, place) as (one, other):
            await meet(one, other, room)
            await one.say(type="bye")
            await other.until("peer")
            await other.say(type="bye")
        offset = 601.0
        await board.store.sweep(board.now())
        assert board.store.rooms == {}
        async with calling(place) as (late,):
            assert (await late.join(room))["code"] == "no-such-room"
        while board.callers:  # noqa: ASYNC110 (aiohttp's doing)
            await asyncio.sleep(0.01)
        assert not server.web._present


async def test_tells_those_who_are_there_that_it_ends():
    async with serving() as server:
        place = place_of(server)
        room = await make_room(place)
        async with calling(place, place) as (one, other):
            await meet(one, other, room)
            ends = asyncio.gather(one.end(), other.end())
            await server.drain()
            assert await ends == [(4000, "going-away")] * 2


async def test_speaks_tls_with_the_servers_certificate_and_with_a_new_one(tmp_path):
    authority = Authority(tmp_path)
    pair = authority.issue()
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=(ANY,))
    settings = Settings(listen=(ANY,), tls=tls, web=WebSettings(listen=(ANY,)))
    async with Server(settings) as server, aiohttp.ClientSession() as session:
        place = place_of(server)
        assert server.web.entrance.places == [f"https://{place}"]
        trust = client_context(authority.file)
        async with session.ws_connect(f"wss://{place}/signal", ssl=trust) as before:
            new = authority.issue()
            renewed = settings.with_values({"tls.certificate": new.certificate, "tls.key": new.key})
            from stunkit.server.settings.material import Material

            server.adopt(renewed, Material.load(renewed, bytes(32)))
            await server.web.entrance.adopted()
            async with session.post(f"https://{place}/rooms", ssl=trust) as answer:
                assert answer.status == 201
                assert answer.headers["Strict-Transport-Security"] == "max-age=15552000"
            await before.ping()  # who was here stays
    with pytest.raises(StartError, match="rooms in one process"):
        site.require(settings.with_values({"workers": 2}))


async def test_the_command_says_where_it_is():
    async with serve("127.0.0.1:0", options=("--web", "127.0.0.1:0")) as server:
        (line,) = [one for one in server.lines if one.startswith("signalling on ws://")]
        place = line.split("/")[2]
        assert f"page on http://{place}/" in server.lines
        room = await make_room(place)
        async with calling(place, place) as (one, other):
            await meet(one, other, room)
            await negotiate(one, other)
        assert (await server.stop()).status == 0


async def test_several_workers_need_a_store():
    ended = await stunkit("serve", "--listen", ANY, "--web", ANY, "--workers", 2)
    assert ended.status == 3
    assert "give --signal-store redis://HOST:PORT, or --workers 1" in ended.stderr


def test_names_the_extra_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp.web", None)
    with pytest.raises(StartError, match="stunkit\\[web\\]"):
        site.require(Settings(web=WebSettings(listen=(ANY,))))
    site.require(Settings())
