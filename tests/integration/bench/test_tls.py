"""The load generator over TLS, with certificates of an authority of our own."""

import asyncio

import pytest

from stunkit.bench.options import Options
from stunkit.bench.run import run
from stunkit.endpoint import Endpoint
from stunkit.errors import HandshakeFailed, Untrusted
from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.wire.uri import Transport, Uri
from tests.integration.certificates import Authority
from tests.integration.loopback import HOSTS

each_family = pytest.mark.parametrize("host", HOSTS)


def serving(host: str, authority: Authority, *names: str) -> Server:
    pair = authority.issue(*names)
    anywhere = (Endpoint.of(host, 0),)
    tls = TlsSettings(listen=anywhere, certificate=pair.certificate, key=pair.key)
    return Server(Settings(listen=anywhere, tls=tls))


def options(server: Server, ca_file: object, transport: Transport, **more) -> Options:
    endpoint = next(one for kind, one in server.endpoints if kind is transport)
    quick = {"duration": 0.3, "warmup": 0.0, "sockets": 2, "ca_file": str(ca_file)}
    return Options(server=Uri.parse(f"stuns:{endpoint}"), **(quick | more))


@pytest.mark.parametrize("loop", [{"window": 40}, {"rate": 1000.0}], ids=["closed", "open"])
@each_family
async def test_agrees_with_what_our_server_counted(host, loop, tmp_path):
    authority = Authority(tmp_path)
    async with serving(host, authority) as server:
        result = await asyncio.to_thread(
            run, options(server, authority.file, Transport.TLS, **loop)
        )
        introductions = result.sockets
        tally = server.counters.of(Transport.TLS, Endpoint.of(host, 0).family)
        assert tally.received == result.tally.sent + introductions
        assert tally.answered == result.tally.answered + introductions
    assert result.tally.answered >= 100
    assert (result.tally.wrong, result.tally.lost, result.tally.errors) == (0, 0, 0)


async def test_sends_nothing_to_whom_it_does_not_trust(tmp_path):
    authority = Authority(tmp_path)
    async with serving("127.0.0.1", authority, "elsewhere.example") as server:
        with pytest.raises(Untrusted, match=r"not for 127\.0\.0\.1"):
            await asyncio.to_thread(run, options(server, authority.file, Transport.TLS))
        assert server.counters.received == 0


async def test_says_that_there_is_no_tls(tmp_path):
    authority = Authority(tmp_path)
    async with serving("127.0.0.1", authority) as server:
        with pytest.raises(HandshakeFailed, match="TLS"):
            await asyncio.to_thread(run, options(server, authority.file, Transport.TCP))
