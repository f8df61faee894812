"""Signalling from the client's end, through a real server of ours."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from aiohttp import web

from stunkit.errors import (
    InvalidAnswer,
    Refused,
    ResolutionError,
    SignalError,
    StartError,
    TransactionError,
    Unreachable,
    Untrusted,
)
from stunkit.net import signalling
from stunkit.net.signalling import Signalling, make_room
from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.server.settings.web import WebSettings
from stunkit.signal.client import Event, Heard, Over, PeerChanged, Session
from stunkit.signal.fault import Fault
from stunkit.signal.link import RoomLink, Website
from stunkit.signal.message import PeerState, Problem
from tests.integration.certificates import Authority
from tests.integration.server.web.calling import ANY, place_of, serving
from tests.signalling import candidate_of, sdp_of

PATIENCE = 15.0  # seconds


def plain(host: str, port: int) -> Website:
    return Website(is_secure=False, host=host, port=port)


def site_of(server: Server) -> Website:
    return Website.parse(place_of(server))


async def until(events, kind: type) -> Event:
    """Return the next event of a kind."""
    async with asyncio.timeout(PATIENCE):
        while not isinstance(event := await anext(events), kind):
            pass
    return event


@asynccontextmanager
async def answering(status: int, body: str = ""):
    """Have a site that is none of ours; yield where it is."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield plain(*runner.addresses[0])
    finally:
        await runner.cleanup()


async def test_two_meet_and_talk():
    async with serving() as server:
        room = await make_room(site_of(server))
        assert room.expires > 1_000
        async with Signalling(room.link) as one, Signalling(room.link) as other:
            ones, others = aiter(one), aiter(other)
            sessions = [await until(events, Session) for events in (ones, others)]
            while not sessions[0].has_peer:
                sessions[0] = await until(ones, Session)
            assert sessions[0].number == sessions[1].number
            assert {session.polite for session in sessions} == {True, False}
            number = sessions[0].number
            one.say(number, "offer", {"sdp": sdp_of(1)})
            one.say(number, "end-of-candidates")
            assert await until(others, Heard) == Heard(number, "offer", {"sdp": sdp_of(1)})
            assert await until(others, Heard) == Heard(number, "end-of-candidates", {})
            with pytest.raises(SignalError):
                other.say(number, "answer", {"sdp": "none"})
            one.leave()
            assert await until(ones, Over) == Over(None, "left")
            assert await until(others, PeerChanged) == PeerChanged(PeerState.LEFT)


async def test_nothing_is_lost_when_the_server_loses_everybody():
    async with serving() as server:
        room = await make_room(site_of(server))
        async with Signalling(room.link) as one, Signalling(room.link) as other:
            ones, others = aiter(one), aiter(other)
            number = (await until(others, Session)).number
            await until(ones, Session)
            if number == 2:
                await until(ones, Session)
            said = []
            for count in range(12):
                said.append(candidate_of(count))
                one.say(number, "candidate", {"candidate": said[-1]})
                if count % 4 == 3:
                    for caller in list(server.web.switchboard.callers.values()):
                        caller.abort()
                    await asyncio.sleep(0)
            heard = [(await until(others, Heard)).content["candidate"] for _ in said]
            assert heard == said


async def test_renewing_begins_a_session_at_both_ends():
    async with serving() as server:
        room = await make_room(site_of(server))
        async with Signalling(room.link) as one, Signalling(room.link) as other:
            ones, others = aiter(one), aiter(other)
            session = await until(others, Session)
            while not session.has_peer:
                session = await until(others, Session)
            one.renew()
            after = await until(others, Session)
            assert after.number == session.number + 1
            while (mine := await until(ones, Session)).number != after.number:
                pass
            assert mine.has_peer


async def test_a_room_that_never_was_is_over_at_once():
    async with serving() as server, Signalling(RoomLink(site_of(server), "none")) as line:
        over = await until(aiter(line), Over)
        assert over.fault is Fault.NO_SUCH_ROOM


async def test_tells_that_a_server_is_away_and_comes_back(monkeypatch):
    monkeypatch.setattr("stunkit.signal.client.LEAST_WAIT", 0.01)
    async with serving() as server:
        room = await make_room(site_of(server))
        line = Signalling(room.link)
        await line.__aenter__()
        events = aiter(line)
        await until(events, Session)
    problem = await until(events, Problem)
    assert problem.fault is Fault.GOING_AWAY
    problem = await until(events, Problem)
    assert "refused" in problem.reason
    begin = time.monotonic()
    await line.__aexit__(None, None, None)
    assert time.monotonic() - begin < 5
    assert await until(events, Over) == Over(None, "left")


async def test_nobody_there():
    async with serving() as server:
        site = site_of(server)
    link = RoomLink(site, "room")
    with pytest.raises(Unreachable, match="refused"):
        await make_room(site)
    with pytest.raises(Unreachable, match="refused"):
        async with Signalling(link):
            pass


async def test_no_such_name(monkeypatch):
    async def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    with pytest.raises(ResolutionError):
        await make_room(plain("nothing.invalid", 80))


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (404, "", InvalidAnswer, "has no rooms"),
        (200, "{}", InvalidAnswer, "has no rooms"),
        (201, "[]", InvalidAnswer, "has no rooms"),
        (201, "{", InvalidAnswer, "has no rooms"),
        (201, '{"room": "r", "expires": "x"}', InvalidAnswer, "has no rooms"),
        (201, f'{{"room": "r", "expires": 1{"0" * 400}}}', InvalidAnswer, "has no rooms"),
        (201, '{"room": "\\u001b[2J", "expires": 1}', InvalidAnswer, "has no rooms"),
        (201, "[" * 9_000, InvalidAnswer, "has no rooms"),
        (429, "too many rooms\n", Refused, "429 too many rooms"),
        (403, "x" * 500, Refused, "403 at this site"),
        (503, '{"error": {"code": "unavailable", "reason": "no store"}}', Refused, "no store"),
        (503, "<html>", Refused, "503 <html>|503 at this site"),
    ],
)
async def test_a_site_without_rooms(status, body, error, words):
    async with answering(status, body) as site:
        with pytest.raises(error, match=words):
            await make_room(site)


async def test_an_answer_that_comes_in_pieces():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b'{"room": "r', b'oom", "exp', b'ires": 60}'):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.05)  # so that each is read by itself
        writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        room = await make_room(plain(*server.sockets[0].getsockname()))
    assert (room.link.room, room.expires) == ("room", 60.0)


@pytest.mark.parametrize("host", ["a..b.invalid", f"{'a' * 64}.invalid"])
async def test_a_host_that_can_have_no_address(host):
    link = RoomLink.parse(f"http://{host}/rehearse#room")
    with pytest.raises(ResolutionError, match="no such name"):
        await make_room(link.site)
    with pytest.raises(ResolutionError, match="no such name"):
        async with Signalling(link):
            pass


async def test_a_site_without_signalling():
    async with answering(HTTPStatus.NOT_FOUND) as site:
        with pytest.raises(InvalidAnswer, match="has no rooms"):
            async with Signalling(RoomLink(site, "room")):
                pass
    async with answering(HTTPStatus.TOO_MANY_REQUESTS) as site:
        with pytest.raises(Refused):
            async with Signalling(RoomLink(site, "room")):
                pass


async def test_a_server_that_is_silent(monkeypatch):
    monkeypatch.setattr(signalling, "TIMEOUT", 0.2)

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    closed = asyncio.Event()
    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        site = plain(*server.sockets[0].getsockname())
        with pytest.raises(Unreachable, match="no answer"):
            async with Signalling(RoomLink(site, "room")):
                pass
        await closed.wait()


async def test_believes_the_certificates_that_it_is_told_to(tmp_path):
    authority = Authority(tmp_path)
    pair = authority.issue()
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=(ANY,))
    settings = Settings(listen=(ANY,), tls=tls, web=WebSettings(listen=(ANY,)))
    async with Server(settings) as server:
        site = site_of(server)._replace(is_secure=True)
        room = await make_room(site, ca_file=authority.file)
        assert str(room.link).startswith("https://")
        async with Signalling(room.link, ca_file=authority.file) as line:
            assert isinstance(await until(aiter(line), Session), Session)
        with pytest.raises(Untrusted, match="issuer of its certificate is unknown"):
            await make_room(site)
        with pytest.raises(TransactionError):
            await make_room(site._replace(is_secure=False))


async def test_says_which_extra_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)
    with pytest.raises(StartError, match=r"stunkit\[rtc\]"):
        await make_room(Website.parse("localhost"))
