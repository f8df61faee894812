"""TLS between our client and our server, and what the client says when it does not come about."""

import asyncio
import socket
import ssl
import warnings
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import HandshakeFailed, NoAnswer, Unreachable, Untrusted, UsageError
from stunkit.net.query import Asker
from stunkit.net.transport.tls import ALPN
from stunkit.net.whoami import whoami
from stunkit.protocol.client import mapped_endpoint
from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.wire.uri import Transport
from tests.integration.certificates import Authority, Pair
from tests.integration.loopback import HOSTS, silent


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def serving(pair: Pair, host: str = "127.0.0.1"):
    """Yield where a server of ours speaks TLS."""
    anywhere = (Endpoint.of(host, 0),)
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=anywhere)
    async with Server(Settings(listen=anywhere, tls=tls)) as server:
        yield next(local for transport, local in server.endpoints if transport is Transport.TLS)


async def failure(server: Endpoint, ca_file, **choices) -> Exception:
    """Return what asking over TLS comes to."""
    async with Asker(ca_file=ca_file) as asker:
        with pytest.raises((Untrusted, HandshakeFailed, Unreachable)) as caught:
            await asker.open(server, Transport.TLS, **choices)
    return caught.value


@pytest.mark.parametrize("host", HOSTS)
async def test_asks_over_tls(host: str, authority: Authority):
    async with serving(authority.issue(), host) as server, Asker(ca_file=authority.file) as asker:
        local = await asker.open(server, Transport.TLS)
        for _ in range(2):
            answered = await asker.ask(server, local, Transport.TLS)
            assert mapped_endpoint(answered.response) == local
            assert answered.local.host == host


async def test_agrees_on_the_protocol_of_rfc_7443(authority: Authority):
    async with serving(authority.issue()) as server:
        context = ssl.create_default_context(cafile=authority.file)
        context.set_alpn_protocols(["h2", ALPN])
        _, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
        with closing(writer):
            shown = writer.get_extra_info("ssl_object")
            assert shown.selected_alpn_protocol() == "stun.nat-discovery"
            assert shown.version() == "TLSv1.3"


async def test_speaks_nothing_older_than_tls_1_2(authority: Authority):
    async with serving(authority.issue()) as server:
        context = ssl.create_default_context(cafile=authority.file)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        _, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
        writer.transport.abort()
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match="protocol version"):
            await asyncio.open_connection(server.host, server.port, ssl=context)


async def test_names_an_unknown_issuer(authority: Authority, tmp_path):
    other = Authority(tmp_path)
    async with serving(authority.issue()) as server:
        error = await failure(server, other.file)
    assert isinstance(error, Untrusted)
    assert str(error) == "the issuer of its certificate is unknown here"


async def test_believes_the_roots_of_the_system_without_a_file(authority: Authority):
    async with serving(authority.issue()) as server:
        assert isinstance(await failure(server, None), Untrusted)


async def test_names_an_expired_certificate_and_its_date(authority: Authority):
    async with serving(authority.issue(days=(-9, -2.5))) as server:
        error = await failure(server, authority.file)
    assert isinstance(error, Untrusted)
    said = str(error).removeprefix("its certificate expired on ")
    date = datetime.strptime(said, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert 2.4 < (datetime.now(UTC) - date).total_seconds() / 86400 < 2.6


async def test_names_a_certificate_that_is_not_valid_yet(authority: Authority):
    async with serving(authority.issue(days=(2, 9))) as server:
        error = await failure(server, authority.file)
    assert isinstance(error, Untrusted)
    assert str(error).startswith("its certificate is not valid before 20")


async def test_names_the_names_of_a_certificate_for_another(authority: Authority):
    pair = authority.issue("a.example", "*.b.example", "192.0.2.7")
    async with serving(pair) as server:
        by_name = await failure(server, authority.file, name="stun.example.org")
        by_address = await failure(server, authority.file)
    names = "a.example, *.b.example, 192.0.2.7"
    assert isinstance(by_name, Untrusted)
    assert str(by_name) == f"its certificate is for {names} and not for stun.example.org"
    assert str(by_address) == f"its certificate is for {names} and not for 127.0.0.1"


async def test_names_few_of_many_names(authority: Authority):
    async with serving(authority.issue(*(f"{n}.example" for n in range(9)))) as server:
        error = await failure(server, authority.file)
    assert "4.example, 4 more and not for 127.0.0.1" in str(error)


async def test_names_a_certificate_that_is_signed_by_itself(authority: Authority, tmp_path):
    from tests.integration.peers.program import run

    pair = Pair(tmp_path / "own.pem", tmp_path / "own.key")
    made = await run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1",
        "-out", pair.certificate, "-keyout", pair.key,
    )  # fmt: skip
    assert made.status == 0, made.text
    async with serving(pair) as server:
        error = await failure(server, authority.file)
        assert str(error) == "its certificate is signed by itself alone, and unknown here"
        async with Asker(ca_file=pair.certificate) as asker:  # unless its user trusts it
            await asker.open(server, Transport.TLS)


async def answering(said: bytes):
    """Return a server over TCP that says one thing to everybody, and closes."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    return await asyncio.start_server(say, "127.0.0.1", 0)


def place_of(server: asyncio.Server) -> Endpoint:
    return Endpoint.of("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"HTTP/1.0 400 Bad Request\r\n\r\n", "what answers there is not TLS"),
        (b"\1\1\0\0" + bytes(16), "what answers there is not TLS"),
        (
            b"\x15\3\3\0\2\2\x28",
            "the server refused the TLS handshake: handshake failure",
        ),
        (b"\x15\3\3\0\2\2\x78", "the server refused the TLS handshake: no application protocol"),
        (
            b"",
            "the connection was closed during the TLS handshake; it may not speak TLS there",
        ),
    ],
)
async def test_names_what_is_no_tls(said: bytes, sentence: str, authority: Authority):
    async with await answering(said) as server:
        error = await failure(place_of(server), authority.file)
    assert isinstance(error, HandshakeFailed)
    assert str(error) == sentence


async def test_names_a_plain_server_of_ours(authority: Authority):
    async with Server(Settings(listen=(Endpoint.of("127.0.0.1", 0),))) as server:
        error = await failure(server.endpoints[1][1], authority.file)
    assert isinstance(error, HandshakeFailed)
    assert "during the TLS handshake; it may not speak TLS there" in str(error)


async def test_names_a_port_where_nobody_listens(authority: Authority):
    with silent("127.0.0.1") as nobody:
        error = await failure(nobody, authority.file)
    assert isinstance(error, Unreachable)
    assert str(error) == "connection refused"


async def test_whoami_asks_over_tls(authority: Authority):
    async with serving(authority.issue()) as server:
        result = await whoami([f"stuns:localhost:{server.port}"], ca_file=authority.file)
        by_address = await whoami([f"stuns:{server}?transport=tcp"], ca_file=authority.file)
    answer = next(answer for answer in result.answers if answer.mapped)
    assert (answer.transport, answer.server, answer.mapped) == ("tls", server, answer.local)
    assert by_address.answers[0].mapped is not None


async def test_whoami_gives_the_certificate_error_of_a_server(authority: Authority):
    async with serving(authority.issue(days=(-9, -2))) as server:
        (answer,) = (await whoami([f"stuns:{server}"], ca_file=authority.file)).answers
    assert isinstance(answer.error, Untrusted)
    assert str(answer.error).startswith("its certificate expired on ")


async def test_whoami_ends_in_time_where_a_handshake_never_does(authority: Authority):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uri = f"stuns:127.0.0.1:{mute.getsockname()[1]}"
        (answer,) = (await whoami([uri], ca_file=authority.file, timeout=0.2)).answers
    assert isinstance(answer.error, Unreachable | NoAnswer)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file"), ("x", "no certificate in PEM form")]
)
async def test_refuses_a_file_without_certificates(content, reason: str, tmp_path):
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=reason):
        await whoami(["stuns:127.0.0.1"], ca_file=path)


async def test_refuses_dtls_by_name():
    with pytest.raises(UsageError, match="DTLS, TLS over UDP, is not supported"):
        await whoami(["stuns:127.0.0.1?transport=udp"])
