"""TLS connections, and what a server over TLS has shown; see also test_tls and test_query."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, closing, suppress

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import HandshakeFailed, NoAnswer, Untrusted
from stunkit.net.drive import Driver
from stunkit.net.transport.secure import ALPN_TURN, Fault, Secure, fault_of
from stunkit.protocol.client import Client
from tests.integration.certificates import Authority
from tests.integration.loopback import refusing


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def listening(authority: Authority, *names: str, alpn: str = ALPN_TURN):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(*names))
    context.set_alpn_protocols([alpn])

    async def wait(reader, writer):
        with closing(writer), suppress(OSError):
            await reader.read()

    server = await asyncio.start_server(wait, "127.0.0.1", 0, ssl=context)
    async with server:
        yield Endpoint.of(*server.sockets[0].getsockname())


@pytest.fixture
async def driver():
    made = Driver(Client(), lambda _: None)
    yield made
    made.close()


async def test_says_what_was_shown_and_when_it_began(authority: Authority, driver):
    secure = Secure(authority.file, ALPN_TURN)
    session = secure.session("127.0.0.1")
    assert session.begun is None
    async with listening(authority) as server:
        local = await secure.connect(driver, server, session)
    assert local.host == "127.0.0.1"
    assert session.begun <= asyncio.get_running_loop().time()
    assert session.alpn == "stun.turn"
    shown = session.shown
    assert shown.version == "TLSv1.3"
    assert {"127.0.0.1", "localhost"} <= set(shown.names)
    assert "trustme" in shown.issuer
    assert shown.expires is not None


async def test_a_wrong_name_is_a_fault(authority: Authority, driver):
    secure = Secure(authority.file, ALPN_TURN)
    async with listening(authority, "relay.example") as server:
        with pytest.raises(Untrusted, match=r"for relay\.example and not for") as caught:
            await secure.connect(driver, server, secure.session("127.0.0.1"))
    assert fault_of(caught.value) is Fault.WRONG_NAME


async def test_an_unknown_issuer_is_a_fault(authority: Authority, driver):
    secure = Secure(None, ALPN_TURN)
    async with listening(authority) as server:
        with pytest.raises(Untrusted) as caught:
            await secure.connect(driver, server, secure.session("127.0.0.1"))
    assert fault_of(caught.value) is Fault.UNKNOWN_ISSUER


async def test_what_is_no_connection_is_no_fault(driver):
    secure = Secure(None, ALPN_TURN)
    with refusing("127.0.0.1") as server, pytest.raises(ConnectionRefusedError):
        await secure.connect(driver, server, secure.session("127.0.0.1"))


async def test_a_server_without_tls_is_told(driver):
    async def answer(_reader, writer):
        writer.write(b"SSH-2.0-x\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    secure = Secure(None, ALPN_TURN)
    async with listener:
        where = Endpoint.of(*listener.sockets[0].getsockname())
        with pytest.raises(HandshakeFailed):
            await secure.connect(driver, where, secure.session("127.0.0.1"))


def test_other_errors_have_no_fault():
    assert fault_of(NoAnswer(1, 1.0)) is None
    assert fault_of(Untrusted("somehow")) is Fault.OTHER
