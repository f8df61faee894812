import asyncio
from contextlib import asynccontextmanager

import pytest

from stunkit.net.transport.stream import Connection
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from tests.integration.loopback import HOSTS, PATIENCE, blank

each_family = pytest.mark.parametrize("host", HOSTS)


class End:
    """One end of a connection, and what it reports."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.connection = Connection(
            lambda data, *_: self.messages.put_nowait(data),
            lambda _, reason: self.closed.set_result(reason),
        )

    async def message(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.messages.get()

    async def reason(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self.closed


@asynccontextmanager
async def pair(host: str):
    """Yield both ends of a connection."""
    loop = asyncio.get_running_loop()
    here, there = End(), End()
    server = await loop.create_server(lambda: there.connection, host, 0)
    local = server.sockets[0].getsockname()
    await loop.create_connection(lambda: here.connection, *local[:2])
    try:
        await exchange(here, there, blank())
        yield here, there
    finally:
        server.close()
        for end in (here, there):
            end.connection.abort("the test is over")
            await end.reason()


async def exchange(here: End, there: End, data: bytes) -> None:
    here.connection.send(data)
    assert await there.message() == data


@each_family
async def test_knows_both_ends_of_its_path(host: str):
    async with pair(host) as (here, there):
        assert here.connection.local == there.connection.remote
        assert there.connection.local == here.connection.remote
        assert here.connection.local.host == host


@each_family
async def test_carries_messages_both_ways(host: str):
    largest = b"\0\1\xff\xfc" + blank()[4:] + bytes(0xFFFC)
    async with pair(host) as (here, there):
        await exchange(here, there, largest)
        await exchange(there, here, largest)


async def test_cuts_what_comes_in_one_piece():
    longer = Message.request(Method.BINDING, bytes(12), [Software("x" * 100)]).raw
    async with pair("127.0.0.1") as (here, there):
        here.connection.send(blank(1) + longer + blank(2))
        assert [await there.message() for _ in range(3)] == [blank(1), longer, blank(2)]


async def test_sends_what_it_has_before_it_closes():
    async with pair("127.0.0.1") as (here, there):
        here.connection.send(b"".join(blank(number) for number in range(5000)))
        here.connection.close()
        for number in range(5000):
            assert await there.message() == blank(number)
        assert await there.reason() == "the connection was closed"
        assert await here.reason() == "the connection was closed"
        assert not here.connection.is_open


async def test_hears_of_a_reset():
    async with pair("127.0.0.1") as (here, there):
        here.connection.send(b"garbage" * 3)
        assert (await there.reason()).startswith("not STUN: ")
        assert await here.reason() in {"connection reset by peer", "the connection was closed"}


async def test_is_open_from_the_beginning_to_the_end():
    assert not End().connection.is_open
    async with pair("127.0.0.1") as (here, _):
        assert here.connection.is_open
        here.connection.abort("enough")
        assert not here.connection.is_open
        assert await here.reason() == "enough"
