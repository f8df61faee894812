"""A thousand handshakes that nobody ends, and readers that do not read: nobody else waits."""

import asyncio
import socket
import ssl
from contextlib import ExitStack, asynccontextmanager

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.loop import new_event_loop
from stunkit.net.transport.certificate import client_context
from stunkit.net.transport.sockaddr import sockaddr_of
from stunkit.net.transport.stream import READ_SIZE
from stunkit.net.transport.tls import TlsSession
from tests.integration.certificates import Authority
from tests.integration.loopback import PATIENCE, blank
from tests.integration.server.test_accepted import HELLO, client, reception, serving

SOON = 3.0  # seconds in which a client is served whom nobody makes wait, on a busy machine
FLOOD = 1000
MOST = 200  # handshakes at a time

each_loop = pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, new_event_loop])


@pytest.fixture(autouse=True)
def many_files():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def hello() -> bytes:
    """Return a whole ClientHello, which costs the server a signature."""
    outgoing = ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1"
    )
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


@asynccontextmanager
async def flood(server: Endpoint, count: int):
    """Hold connections that said nothing, half a hello or a whole one, and will say no more."""
    loop = asyncio.get_running_loop()
    sayings = (b"", HELLO, hello())
    with ExitStack() as stack:
        for number in range(count):
            plain = stack.enter_context(socket.socket())
            plain.setblocking(False)  # noqa: FBT003
            async with asyncio.timeout(PATIENCE):
                await loop.sock_connect(plain, sockaddr_of(server))
                try:
                    await loop.sock_sendall(plain, sayings[number % 3])
                except ConnectionError:  # it made room for another
                    continue
        yield


async def ask_soon(server: Endpoint, authority: Authority | None) -> None:
    began = asyncio.get_running_loop().time()
    async with client(server, authority) as good:
        assert await good.ask() == good.local
    assert asyncio.get_running_loop().time() - began < SOON


@pytest.mark.alone
@each_loop
def test_keeps_nobody_waiting_in_a_flood_of_handshakes(loop, authority):
    async def run() -> None:
        how = reception(authority.issue(), max_handshakes=MOST)
        async with (
            serving(how, max_connections=2 * FLOOD) as site,
            client(site.tls, authority) as old,
        ):
            assert await old.ask() == old.local
            flooding = asyncio.create_task(hold(site.tls))
            for _ in range(5):
                await ask_soon(site.tls, authority)
                await ask_soon(site.plain, None)
                assert await old.ask() == old.local
            stop = await flooding
            assert len(site.streams._handshakes) <= MOST
            await ask_soon(site.tls, authority)
            await ask_soon(site.plain, None)
            await stop.aclose()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


async def hold(server: Endpoint):
    """Begin a flood, and return what ends it."""

    async def holding():
        async with flood(server, FLOOD):
            yield

    generator = holding()
    await anext(generator)
    return generator


async def deaf(server: Endpoint, authority: Authority, requests: bytes) -> socket.socket:
    """Return a TLS client that sends requests, and reads no answer."""
    loop = asyncio.get_running_loop()
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)  # noqa: FBT003
    await loop.sock_connect(plain, sockaddr_of(server))
    session = TlsSession(client_context(authority.file), server.host)
    session.start()
    await loop.sock_sendall(plain, session.take())
    while not session.is_secured:
        session.receive(await loop.sock_recv(plain, 65536))
    session.send(requests)
    async with asyncio.timeout(PATIENCE):
        await loop.sock_sendall(plain, session.take())
    return plain


@pytest.mark.alone
@each_loop
def test_keeps_nobody_waiting_for_slow_readers(loop, authority):
    unsent = 1000
    requests = b"".join(map(blank, range(20_000)))

    async def run() -> None:
        how = reception(authority.issue())
        async with serving(how, max_unsent=unsent, small=True) as site:
            slow = [await deaf(site.tls, authority, requests) for _ in range(10)]
            for _ in range(5):
                await ask_soon(site.tls, authority)
                await ask_soon(site.plain, None)
            assert site.counters.answered < 10 * 20_000
            for connection in site.streams._connections:
                transport = connection._transport
                assert transport is not None
                # Beyond what may be unsent: the answers of one read, each in a record of its own.
                of_one_read = READ_SIZE // 20 * (32 + 22)
                of_one_record = (1 << 14) // 20 * (32 + 22)
                assert transport.get_write_buffer_size() <= unsent + of_one_read + of_one_record
            for one in slow:
                one.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())
