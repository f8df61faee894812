"""How connections begin: TLS, plain TCP on the same port, and the PROXY protocol in front."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import SettingsError
from stunkit.net.transport.certificate import ServerCertificate
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.respond import Disposition
from stunkit.protocol.site import Site
from stunkit.server.accepted import Reception
from stunkit.server.metrics.counters import Counters
from stunkit.server.settings.tree import TcpSettings
from stunkit.server.streams import Streams
from stunkit.wire.message import Message
from stunkit.wire.uri import Transport
from tests.integration.certificates import Authority, Pair
from tests.integration.loopback import HOSTS, PATIENCE, blank, family_of

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LINE = b"PROXY TCP4 203.0.113.9 198.51.100.2 40000 3478\r\n"
BINARY = bytes.fromhex(
    "0d0a0d0a000d0a515549540a 21 11 0013 cb007109 c6336402 9c40 0d96 0400040a0b0c0d"
)
CLIENT = Endpoint.parse("203.0.113.9:40000")
HELLO = b"\x16\3\1\2\0\1\0\1\xfc\3\3"  # how a handshake begins


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue()


def reception(pair: Pair, **choices) -> Reception:
    return Reception(ServerCertificate.load(*pair).context(), **choices)


class Serving:
    """Streams that speak plain TCP at one port and TLS at another."""

    def __init__(self, how: Reception, host: str, **settings) -> None:
        self.counters = Counters()
        self.streams = Streams(TcpSettings(**settings), Site(), self.counters, how)
        self.plain = self.streams.bind(Endpoint.of(host, 0))
        self.tls = self.streams.bind(Endpoint.of(host, 0), Transport.TLS)

    def adopt(self, how: Reception) -> None:
        self.streams.adopt(self.streams.settings, Site(), how)


@asynccontextmanager
async def serving(how: Reception, host: str = "127.0.0.1", *, small: bool = False, **settings):
    site = Serving(how, host, **settings)
    for listening, _ in site.streams._sockets:
        if small:  # so that a test fills it soon
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    await site.streams.start()
    try:
        yield site
    finally:
        await site.streams.drain()


class Client:
    """A client that can say anything before it speaks STUN."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def local(self) -> Endpoint:
        return endpoint_of(self.writer.get_extra_info("sockname"))

    async def ask(self, number: int = 0) -> Endpoint | None:
        self.writer.write(blank(number))
        async with asyncio.timeout(PATIENCE):
            header = await self.reader.readexactly(20)
            rest = await self.reader.readexactly(int.from_bytes(header[2:4], "big"))
        return mapped_endpoint(Message.decode(header + rest))

    async def is_closed(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            try:
                while await self.reader.read(4096):
                    pass
            except (ConnectionError, ssl.SSLError):
                pass
        return True


@asynccontextmanager
async def client(server: Endpoint, authority: Authority | None = None, first: bytes = b""):
    """Yield a client that has said something first, and begun TLS where it has an authority."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(
            server.host, server.port, family=family_of(server.host)
        )
        writer.write(first)
        if authority is not None:
            context = ssl.create_default_context(cafile=authority.file)
            await writer.start_tls(context, server_hostname=server.host)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("host", HOSTS)
async def test_answers_over_tls_and_counts_it_apart(host, authority, pair):
    async with serving(reception(pair), host) as site, client(site.tls, authority) as asking:
        for number in range(3):
            assert await asking.ask(number) == asking.local
        tally = site.counters.of(Transport.TLS, asking.local.family)
        assert tally[Disposition.ANSWERED] == site.counters.received == 3
        assert (tally.bytes_in, tally.bytes_out) == (60, 3 * (32 if host == "127.0.0.1" else 44))


async def test_answers_many_requests_in_one_record_and_one_in_many(authority, pair):
    async with serving(reception(pair)) as site, client(site.tls, authority) as asking:
        asking.writer.write(b"".join(map(blank, range(100))))
        async with asyncio.timeout(PATIENCE):
            said = await asking.reader.readexactly(3200)
        assert [int.from_bytes(said[n + 8 : n + 20], "big") for n in range(0, 3200, 32)] == [
            *range(100)
        ]
        for byte in blank(7)[:-1]:
            asking.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        asking.writer.write(blank(7)[-1:])
        async with asyncio.timeout(PATIENCE):
            assert (await asking.reader.readexactly(32))[19] == 7


async def test_speaks_both_on_one_port_on_request(authority, pair):
    async with serving(reception(pair, is_shared=True)) as site:
        for how in (authority, None, authority):
            async with client(site.plain, how) as asking:
                assert await asking.ask() == asking.local
        assert site.counters.of(Transport.TLS, asking.local.family).received == 2
        assert site.counters.of(Transport.TCP, asking.local.family).received == 1


async def test_speaks_plain_tcp_alone_unless_asked(authority, pair):
    async with serving(reception(pair)) as site:
        with pytest.raises((ConnectionError, ssl.SSLError)):
            async with client(site.plain, authority):
                pass
        async with client(site.plain) as asking:
            assert await asking.ask() == asking.local


async def test_speaks_tls_alone_on_a_port_of_its_own(pair):
    how = reception(pair, is_shared=True)
    async with serving(how) as site, client(site.tls, first=blank()) as asking:
        assert await asking.is_closed()
        assert site.counters.received == 0


async def test_ends_tls_as_its_client_does(authority, pair):
    async with serving(reception(pair)) as site, client(site.tls, authority) as asking:
        await asking.ask()
        asking.writer.close()
        async with asyncio.timeout(PATIENCE):
            while site.streams.count:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)


async def test_lets_tls_clients_read_their_last_answers(authority, pair):
    async with serving(reception(pair)) as site, client(site.tls, authority) as asking:
        await asking.ask()
        asking.writer.write(b"".join(map(blank, range(50))))
        async with asyncio.timeout(PATIENCE):
            await asking.reader.readexactly(32)
            await site.streams.drain()
            assert len(await asking.reader.read()) == 49 * 32


async def test_closes_tls_that_carries_something_else(authority, pair):
    async with serving(reception(pair)) as site, client(site.tls, authority) as asking:
        asking.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await asking.is_closed()
        assert site.streams.count == 0


@pytest.mark.parametrize("first", [b"", HELLO])
async def test_bounds_the_time_of_a_handshake(first, pair):
    async with (
        serving(reception(pair, timeout=0.1)) as site,
        client(site.tls, first=first) as slow,
    ):
        began = asyncio.get_running_loop().time()
        assert await slow.is_closed()
        assert 0.05 < asyncio.get_running_loop().time() - began < 1
        assert site.streams.count == 0


async def test_bounds_the_time_of_a_handshake_on_a_shared_port(pair):
    how = reception(pair, timeout=0.1, is_shared=True)
    async with (
        serving(how) as site,
        client(site.plain) as silent,
        client(site.plain, first=HELLO) as slow,
    ):
        assert await slow.is_closed()
        assert await silent.ask() == silent.local  # it may have been plain TCP all the time


async def test_forgets_the_time_of_a_handshake_that_is_done(authority, pair):
    how = reception(pair, timeout=0.2)
    async with serving(how) as site, client(site.tls, authority) as good:
        assert await good.ask() == good.local
        assert not site.streams._handshakes
        async with client(site.tls) as slow:
            assert await slow.is_closed()
        assert await good.ask() == good.local


async def test_ends_the_oldest_handshake_for_a_new_one(authority, pair):
    how = reception(pair, max_handshakes=2)
    async with (
        serving(how) as site,
        client(site.tls, authority) as done,
        client(site.tls, first=HELLO) as first,
        client(site.tls) as second,
        client(site.tls, authority) as third,
    ):
        assert await first.is_closed()
        for asking in (done, third):
            assert await asking.ask() == asking.local
        second.writer.write(HELLO)
        assert len(site.streams._handshakes) == 1


async def test_bounds_the_memory_of_a_handshake(pair):
    record = b"\x16\3\1\x40\0" + b"\1\1\xf0\0" + bytes(0x4000 - 4)  # of a hello of 124 KiB
    more = b"\x16\3\1\x40\0" + bytes(0x4000)
    how = reception(pair, timeout=60)
    async with serving(how) as site, client(site.tls, first=record) as greedy:
        greedy.writer.write(more * 4)
        assert await greedy.is_closed()
        assert site.streams.count == 0


async def test_shows_a_new_certificate_to_new_connections_alone(authority, pair):
    new = authority.issue(*HOSTS, "new.example")

    def names(asking: Client) -> list[str]:
        shown = asking.writer.get_extra_info("ssl_object").getpeercert()
        return [name for _, name in shown["subjectAltName"]]

    async with serving(reception(pair)) as site, client(site.tls, authority) as old:
        assert await old.ask(1) == old.local
        site.adopt(reception(new))
        async with client(site.tls, authority) as later:
            assert "new.example" in names(later)
            assert await later.ask(2) == later.local
        assert "new.example" not in names(old)
        assert await old.ask(3) == old.local


@pytest.mark.parametrize("header", [LINE, BINARY])
@pytest.mark.parametrize("is_tls", [False, True])
async def test_believes_a_trusted_proxy(header, authority, pair, *, is_tls):
    how = reception(pair, proxies=LOOPBACK)
    async with serving(how) as site:
        server = site.tls if is_tls else site.plain
        async with client(server, authority if is_tls else None, header) as asking:
            assert await asking.ask() == CLIENT
            assert await asking.ask() == CLIENT


@pytest.mark.parametrize("header", [LINE, BINARY])
async def test_reads_a_header_that_comes_byte_by_byte(header, pair):
    how = reception(pair, proxies=LOOPBACK)
    async with serving(how) as site, client(site.plain) as asking:
        for byte in header:
            asking.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert await asking.ask() == CLIENT


@pytest.mark.parametrize(
    "header", [b"PROXY UNKNOWN\r\n", bytes.fromhex("0d0a0d0a000d0a515549540a 20 00 0000")]
)
async def test_takes_who_is_there_where_the_proxy_names_nobody(header, pair):
    how = reception(pair, proxies=LOOPBACK)
    async with serving(how) as site, client(site.plain, first=header) as asking:
        assert await asking.ask() == asking.local


@pytest.mark.parametrize("first", [blank(), HELLO, b"PROXY TCP9 a b c d\r\n", b"GET / HTTP/1.1"])
async def test_closes_a_trusted_proxy_without_a_header(first, pair):
    how = reception(pair, proxies=LOOPBACK, is_shared=True)
    async with serving(how) as site, client(site.plain, first=first) as asking:
        assert await asking.is_closed()
        assert site.counters.received == 0


@pytest.mark.parametrize("header", [LINE, BINARY])
async def test_believes_no_header_from_elsewhere(header, pair):
    how = reception(pair, proxies=(ip_network("192.0.2.0/24"),), is_shared=True)
    async with serving(how) as site:
        async with client(site.plain, first=header + blank()) as lying:
            assert await lying.is_closed()
        async with client(site.plain) as asking:
            assert await asking.ask() == asking.local
        assert site.counters.received == 1


async def test_bounds_the_time_of_a_header(pair):
    how = reception(pair, proxies=LOOPBACK, timeout=0.1)
    async with serving(how) as site, client(site.plain, first=LINE[:9]) as slow:
        assert await slow.is_closed()
        assert site.streams.count == 0


async def test_refuses_files_that_it_cannot_use_by_name(authority, pair, tmp_path):
    other = authority.issue()
    for certificate, key, reason in (
        (tmp_path / "none.pem", pair.key, "none.pem: no such file"),
        (pair.certificate, tmp_path / "none.key", "none.key: no such file"),
        (pair.key, pair.key, "no certificate and key"),
        (pair.certificate, other.key, "the key is not that of"),
    ):
        with pytest.raises(SettingsError, match=reason):
            ServerCertificate.load(certificate, key)
    both = tmp_path / "both.pem"
    both.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    loaded = ServerCertificate.load(both)
    assert "PRIVATE" not in repr(ServerCertificate.load(*pair))
    assert loaded.context()
