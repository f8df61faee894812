"""Conversations over TCP, with ends that behave in ways known beforehand."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from stunkit.conformance.conversation import Ask
from stunkit.conformance.interview import Interview
from stunkit.conformance.subject import Subject
from stunkit.conformance.tally import Tally
from stunkit.endpoint import Endpoint
from stunkit.net.dialog import Dialer
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport
from tests.integration.loopback import HOSTS, success

REQUEST = Message.request(Method.BINDING, bytes(12))


@asynccontextmanager
async def listening(serve, host="127.0.0.1"):
    """Yield the subject that is served; every connection is closed in the end."""
    handlers = []

    async def handle(reader, writer):
        handlers.append(asyncio.current_task())
        try:
            await serve(reader, writer)
            await reader.read()  # until the client goes
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, 0)
    try:
        yield Subject(
            Endpoint.of(*server.sockets[0].getsockname()[:2]),
            Transport.TCP,
            (),
            lambda: bytes(range(12)),
        )
    finally:
        server.close()
        await asyncio.gather(*handlers)
        await asyncio.sleep(0)  # what is closed is closed in the loop's next turn


async def converse(subject, *asks):
    """Ask over one connection; return all that was heard, and how much was sent."""
    sends = []

    def procedure(met):
        heard = [met]
        for ask in asks:
            heard += [(yield ask)]
        return heard

    def make(met):
        now = asyncio.get_running_loop().time()
        return Interview(met, procedure(met), Tally(), 0.1, now)

    met, *heard = await Dialer("127.0.0.1", None, None).converse(subject, make, sends.append)
    return met, heard, sends


@pytest.mark.parametrize("host", HOSTS)
async def test_pieces_arrive_and_messages_come_back(host):
    read = []

    async def serve(reader, writer):
        read.append(await reader.readexactly(20))
        writer.write(success(REQUEST) * 2)

    async with listening(serve, host) as subject:
        ask = Ask(REQUEST.raw[:5], (REQUEST.raw[5:],), wants=2, is_repeated=False)
        met, (heard,), sends = await converse(subject, ask)
    assert read == [REQUEST.raw]
    assert [one.data for one in heard.arrivals] == [success(REQUEST)] * 2
    assert met.locals[0].host == host
    assert sends == [2]


async def test_the_end_of_what_is_sent_can_be_told():
    async def serve(reader, writer):
        await reader.read()  # to the end
        writer.write(success(REQUEST))

    async with listening(serve) as subject:
        _, (heard,), _ = await converse(subject, Ask(REQUEST.raw, finishes=True))
    assert heard.is_success


async def test_the_end_of_a_connection_ends_the_question():
    async def serve(reader, writer):
        await reader.readexactly(20)
        writer.close()

    async with listening(serve) as subject:
        _, heard, _ = await converse(subject, Ask(REQUEST.raw), Ask(REQUEST.raw))
    assert [one.closed for one in heard] == ["the connection was closed"] * 2


async def test_what_is_no_stun_is_heard_too():
    async def serve(reader, writer):
        await reader.readexactly(20)
        writer.write(b"\xffHTTP/1.1 400 Bad Request\r\n")

    async with listening(serve) as subject:
        _, (heard,), _ = await converse(subject, Ask(REQUEST.raw))
    assert heard.received == b"\xffHTTP/1.1 400 Bad Request\r\n"


async def test_a_refused_connection_is_told():
    async with listening(None) as subject:
        pass
    handshake = await Dialer("127.0.0.1", None, None).shake(subject)
    assert handshake.reason == "no connection: connection refused"
    assert handshake.is_refused
    with pytest.raises(ConnectionRefusedError):
        await converse(subject, Ask(REQUEST.raw))


async def test_a_connection_is_all_that_a_handshake_over_tcp_is():
    async def serve(reader, writer):
        await reader.read()

    async with listening(serve) as subject:
        handshake = await Dialer("127.0.0.1", None, None).shake(subject)
    assert handshake.reason is None
    assert handshake.version is None
