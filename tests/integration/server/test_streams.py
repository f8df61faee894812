import asyncio
import itertools
import logging
import socket
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest
import uvloop

from stunkit.endpoint import Endpoint, Family
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.net.transport.stream import READ_SIZE, TURN, Connection
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.respond import Disposition, respond
from stunkit.protocol.site import Site
from stunkit.server import streams as module
from stunkit.server.metrics.counters import Counters
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings, TcpSettings
from stunkit.server.streams import Streams
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport
from tests.integration.loopback import HOSTS, PATIENCE, blank, family_of

HALF = blank()[:10]
SOON = 3.0  # seconds in which a client is served whom nobody makes wait

each_family = pytest.mark.parametrize("host", HOSTS)


class Bound:
    """Streams on one host, with what the tests ask about."""

    def __init__(self, host: str, **settings) -> None:
        self.counters = Counters()
        self.streams = Streams(TcpSettings(**settings), Site(), self.counters)
        self.local = self.streams.bind(Endpoint.of(host, 0))
        for listening, _ in self.streams._sockets:  # small, so that a test fills it soon
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


@asynccontextmanager
async def serving(host: str = "127.0.0.1", **settings):
    site = Bound(host, **settings)
    await site.streams.start()
    try:
        yield site
    finally:
        await site.streams.drain()


class Client:
    """A TCP client that can be slow, half-open or rude."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def local(self) -> Endpoint:
        return endpoint_of(self.writer.get_extra_info("sockname"))

    async def ask(self, number: int = 0) -> Message:
        self.writer.write(blank(number))
        return await self.answer()

    async def answer(self) -> Message:
        async with asyncio.timeout(PATIENCE):
            header = await self.reader.readexactly(20)
            rest = await self.reader.readexactly(int.from_bytes(header[2:4], "big"))
        return Message.decode(header + rest)

    async def is_closed(self) -> bool:
        """Wait until the server closes; False when it does not, or says something."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True


@asynccontextmanager
async def client(local: Endpoint):
    plain = socket.socket(family_of(local.host))
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)  # noqa: FBT003
    await asyncio.get_running_loop().sock_connect(plain, sockaddr_of(local))
    reader, writer = await asyncio.open_connection(sock=plain)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def number_of(message: Message) -> int:
    return int.from_bytes(message.transaction_id, "big")


@contextmanager
def half_open(local: Endpoint, count: int):
    """Yield connections that sent half a header each, and never say more."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            plain = stack.enter_context(socket.socket(family_of(local.host)))
            plain.setblocking(False)  # noqa: FBT003
            plain.connect_ex(sockaddr_of(local))
            sockets.append(plain)
        yield sockets


async def send_half(sockets: list[socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        for plain in sockets:
            try:
                await loop.sock_sendall(plain, HALF)
            except ConnectionError:
                continue  # it made room for another


@each_family
async def test_answers_on_the_connection_that_asked(host: str):
    async with serving(host) as site, client(site.local) as one, client(site.local) as two:
        for asking in (one, two, one):
            assert mapped_endpoint(await asking.ask()) == asking.local
        assert site.counters.dispositions == {Disposition.ANSWERED: 3}
        assert site.streams.count == 2


@each_family
async def test_answers_each_message_of_a_stream_in_order(host: str):
    async with serving(host) as site, client(site.local) as asking:
        asking.writer.write(b"".join(blank(number) for number in range(50)))
        assert [number_of(await asking.answer()) for _ in range(50)] == list(range(50))


@each_family
async def test_answers_a_request_that_comes_byte_by_byte(host: str):
    async with serving(host) as site, client(site.local) as asking:
        asking.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, byte in enumerate(blank(9)):
            asking.writer.write(bytes((byte,)))
            if number % 3 == 0:
                await asking.writer.drain()
                await asyncio.sleep(0)  # lets the server read what there is
        assert number_of(await asking.answer()) == 9


async def test_answers_with_an_error_and_goes_on():
    unknown = Message.request(Method.BINDING, bytes(12)).append(0x7FFF, b"").raw
    async with serving() as site, client(site.local) as asking:
        asking.writer.write(unknown)
        assert (await asking.answer()).message_class.name == "ERROR_RESPONSE"
        assert number_of(await asking.ask(3)) == 3


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\1" * 9])
async def test_closes_at_garbage(garbage: bytes):
    async with serving() as site, client(site.local) as asking:
        asking.writer.write(garbage)
        assert await asking.is_closed()
        assert site.streams.count == 0


async def test_closes_at_a_message_that_is_too_long():
    longer = Message.request(Method.BINDING, bytes(12), [Software("x" * 40)]).raw
    async with serving(max_message=len(longer)) as site:
        async with client(site.local) as asking:
            asking.writer.write(longer)
            assert number_of(await asking.answer()) == 0
        async with client(site.local) as asking:
            asking.writer.write(b"\0\1\0" + bytes((len(longer) - 20 + 4,)) + longer[4:20])
            assert await asking.is_closed()


@pytest.mark.parametrize("said", [b"", HALF])
async def test_closes_who_never_says_a_whole_message(said: bytes):
    async with serving(idle_timeout=0.1) as site, client(site.local) as idle:
        idle.writer.write(said)
        started = asyncio.get_running_loop().time()
        assert await idle.is_closed()
        assert 0.05 < asyncio.get_running_loop().time() - started < SOON
        assert site.streams.count == 0


async def test_closes_who_says_one_byte_at_a_time():
    async with serving(idle_timeout=0.3) as site, client(site.local) as slow:
        closing = asyncio.create_task(slow.is_closed())
        for byte in HALF:
            slow.writer.write(bytes((byte,)))
            await asyncio.wait([closing], timeout=0.1)  # the time between two bytes
        assert await closing


async def test_keeps_who_asks_often_enough():
    async with serving(idle_timeout=1.0) as site, client(site.local) as asking:
        for number in range(4):  # 1.2 seconds in all, which is more than may be idle
            assert number_of(await asking.ask(number)) == number
            await asyncio.sleep(0.3)
        assert number_of(await asking.ask(9)) == 9
        assert await asking.is_closed()


async def test_ends_the_one_that_has_been_idle_longest_for_a_new_one():
    async with (
        serving(max_connections=2) as site,
        client(site.local) as first,
        client(site.local) as second,
    ):
        await first.ask()
        await second.ask()
        await first.ask()
        async with client(site.local) as third:
            assert number_of(await third.ask(3)) == 3
            assert await second.is_closed()
            assert number_of(await first.ask(4)) == 4
            assert site.streams.count == 2


async def test_ends_one_that_never_asked_before_one_that_did():
    async with serving(max_connections=3) as site, client(site.local) as good:
        await good.ask()
        async with client(site.local) as silent, client(site.local) as half:
            half.writer.write(HALF)
            async with client(site.local) as new:
                assert number_of(await new.ask(1)) == 1
                assert await silent.is_closed()
            assert number_of(await good.ask(2)) == 2


@pytest.fixture
def many_files():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@each_family
@pytest.mark.usefixtures("many_files")
async def test_keeps_nobody_waiting_in_a_flood_of_half_open_connections(host: str):
    loop = asyncio.get_running_loop()
    async with serving(host, max_connections=100) as site, client(site.local) as old:
        await old.ask()
        with half_open(site.local, 500) as flood:
            await send_half(flood)
            started = loop.time()
            async with client(site.local) as new:
                assert number_of(await new.ask(1)) == 1
                assert number_of(await old.ask(2)) == 2
            assert loop.time() - started < SOON
            assert site.streams.count <= 100
            assert all(c._decoder.pending <= len(HALF) for c in site.streams._connections)


@pytest.mark.usefixtures("many_files")
async def test_keeps_nobody_waiting_among_500_half_open_connections_that_it_holds():
    loop = asyncio.get_running_loop()
    async with serving(max_connections=1000, idle_timeout=1.5) as site:
        with half_open(site.local, 500) as flood:
            await send_half(flood)
            async with client(site.local) as good:
                for number in range(20):
                    started = loop.time()
                    assert number_of(await good.ask(number)) == number
                    assert loop.time() - started < SOON
                assert site.streams.count == 501
                assert await good.is_closed()  # idle, as all others were before it
                assert site.streams.count == 0


async def test_bounds_the_answers_that_a_client_leaves_unread(monkeypatch):
    paused = asyncio.Event()
    pause = Connection.pause_writing

    def pausing(connection: Connection) -> None:
        pause(connection)
        paused.set()

    monkeypatch.setattr(Connection, "pause_writing", pausing)
    unsent = 1000
    requests = b"".join(blank(number) for number in range(20_000))
    async with serving(max_unsent=unsent) as site, client(site.local) as slow:
        slow.writer.transport.pause_reading()
        slow.writer.write(requests)
        async with asyncio.timeout(PATIENCE):
            await paused.wait()
        (connection,) = site.streams._connections
        async with client(site.local) as good:
            for number in range(50):
                assert number_of(await good.ask(number)) == number
        transport = connection._transport
        assert transport is not None
        assert not transport.is_reading()
        of_one_read = (19 + READ_SIZE) // 20 * 32  # most of a request may have been there before it
        assert transport.get_write_buffer_size() <= unsent + of_one_read
        answered = site.counters.answered
        assert answered < 20_000
        slow.writer.transport.resume_reading()  # and once it reads, all are answered
        async with asyncio.timeout(4 * PATIENCE):
            for number in range(0, 20_000, 1000):
                block = await slow.reader.readexactly(32 * 1000)
                assert int.from_bytes(block[8:20], "big") == number


async def test_lets_clients_read_their_last_answers():
    site = Bound("127.0.0.1")
    await site.streams.start()
    async with client(site.local) as asking:
        asking.writer.write(b"".join(blank(number) for number in range(100)))
        await asking.answer()
        draining = asyncio.create_task(site.streams.drain())
        for number in range(1, 100):
            assert number_of(await asking.answer()) == number
        assert await asking.is_closed()
        await draining
        assert site.streams.count == 0


async def test_waits_for_no_client_for_ever(monkeypatch):
    monkeypatch.setattr(module, "DRAIN_TIMEOUT", 0.1)
    paused = asyncio.Event()
    monkeypatch.setattr(Connection, "pause_writing", lambda _: paused.set())
    site = Bound("127.0.0.1")
    await site.streams.start()
    async with client(site.local) as slow:
        slow.writer.transport.pause_reading()
        slow.writer.write(blank() * 20_000)
        async with asyncio.timeout(PATIENCE):
            await paused.wait()
            await site.streams.drain()
            while site.streams.count:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)


async def test_accepts_nobody_while_it_drains():
    site = Bound("127.0.0.1")
    await site.streams.start()
    await site.streams.drain()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(site.local.host, site.local.port)


async def test_closes_what_it_never_started():
    site = Bound("127.0.0.1")
    await site.streams.drain()
    again = Streams(TcpSettings(), Site(), Counters())
    assert again.bind(site.local) == site.local
    await again.drain()


async def test_survives_its_own_bugs(monkeypatch, caplog):
    def stumble(received, site, now):
        if received.data == blank(1):
            raise ZeroDivisionError
        return respond(received, site)

    monkeypatch.setattr(module, "respond", stumble)
    caplog.set_level(logging.INFO)
    async with serving() as site:
        async with client(site.local) as unlucky:
            unlucky.writer.write(blank(1))
            assert await unlucky.is_closed()
        async with client(site.local) as next_one:
            assert number_of(await next_one.ask(2)) == 2
        assert site.counters.errors == 1
    (record,) = caplog.records
    assert record.getMessage() == "a message of 20 bytes over TCP broke the server's code"
    assert record.exc_info[0] is ZeroDivisionError
    assert repr(blank(1)) not in caplog.text


@pytest.mark.parametrize("rude", ["reset", "close"])
async def test_forgets_who_leaves(rude: str):
    async with serving() as site, client(site.local) as other:
        await other.ask()
        async with client(site.local) as leaving:
            await leaving.ask()
            assert site.streams.count == 2
            if rude == "close":
                leaving.writer.close()
        async with asyncio.timeout(PATIENCE):
            while site.streams.count > 1:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)
        assert number_of(await other.ask(5)) == 5


def test_raises_when_its_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        streams = Streams(TcpSettings(), Site(), Counters())
        with pytest.raises(OSError, match="in use"):
            streams.bind(endpoint_of(taken.getsockname()))


@pytest.mark.parametrize("loop_factory", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_leaves_others_their_turn_while_many_pipeline(loop_factory):
    """One client's many requests are answered in turns, between which others get theirs."""

    async def run() -> tuple[int, list[int]]:
        async with Server(Settings(listen=(Endpoint.parse("127.0.0.1:0"),))) as server:
            endpoint = server.endpoints[0][1]
            tally = server.counters.of(Transport.TCP, Family.IPV4)
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            turns = []
            writer.write(b"".join(blank(number) for number in range(200)))
            while tally.answered < 200:
                await asyncio.sleep(0)  # a turn of the loop
                turns.append(tally.answered)
            answers = await reader.readexactly(200 * 32)
            writer.close()
            return len(answers), turns

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        size, turns = runner.run(asyncio.wait_for(run(), 20))
    assert size == 200 * 32
    steps = [after - before for before, after in itertools.pairwise([0, *turns])]
    assert max(steps) <= 2 * TURN  # the first of what is read at once, and the first of our turns
