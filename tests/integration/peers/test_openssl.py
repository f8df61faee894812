"""openssl s_client: TLS as somebody else speaks it, asking our server."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.certificate import client_context
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.message import Message
from tests.integration.certificates import NAMES, Authority
from tests.integration.command import serve
from tests.integration.loopback import blank
from tests.integration.peers.program import PATIENCE, path_of, run


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def options(authority: Authority) -> list[str]:
    pair = authority.issue()
    return [
        f"--tls-certificate={pair.certificate}",
        f"--tls-key={pair.key}",
        "--tls-listen=127.0.0.1:0",
    ]


def arguments(server: Endpoint, authority: Authority) -> list[object]:
    trust = ["-CAfile", authority.file, "-verify_return_error", "-verify_ip", server.host]
    return ["s_client", "-connect", server, *trust, "-alpn", "stun.nat-discovery"]


async def ask(server: Endpoint, authority: Authority, *more: str) -> Message:
    """Send a Binding request through s_client, and return the answer."""
    process = await asyncio.create_subprocess_exec(
        path_of("openssl"),
        *map(str, arguments(server, authority)),
        "-quiet",
        *more,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(blank(5))
        async with asyncio.timeout(PATIENCE):
            header = await process.stdout.readexactly(20)
            rest = await process.stdout.readexactly(int.from_bytes(header[2:4], "big"))
    finally:
        process.kill()
        await process.communicate()
    return Message.decode(header + rest)


def tls_of(running) -> Endpoint:
    return next(local for transport, local in running.endpoints if transport == "tls")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_s_client_asks_our_server(version: str, authority: Authority):
    async with serve("127.0.0.1:0", options=options(authority)) as running:
        answer = await ask(tls_of(running), authority, version)
        mapped = mapped_endpoint(answer)
        assert mapped is not None
        assert mapped.host == "127.0.0.1"
        assert answer.transaction_id == blank(5)[8:]


async def test_s_client_asks_every_worker(authority: Authority):
    async with serve(
        "127.0.0.1:0", options=[*options(authority), "--workers=2", "--tls-shared"]
    ) as running:
        shared = [local for transport, local in running.endpoints if transport == "tls"]
        assert len(shared) == 2
        for server in shared * 2:
            assert mapped_endpoint(await ask(server, authority)) is not None


async def test_s_client_agrees_on_alpn_and_verifies_our_certificate(authority: Authority):
    async with serve("127.0.0.1:0", options=options(authority)) as running:
        printed = await run("openssl", *arguments(tls_of(running), authority))
        assert "ALPN protocol: stun.nat-discovery" in printed.text
        assert "Verification: OK" in printed.text
        assert "TLSv1.3" in printed.text
        old = await run("openssl", *arguments(tls_of(running), authority), "-tls1_1")
        assert old.status != 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_s_client_sees_a_new_certificate_once_the_server_has_reloaded(
    workers: int, authority: Authority
):
    old, new = authority.issue(), authority.issue(*NAMES, "new.example")
    where = [f"--tls-certificate={old.certificate}", f"--tls-key={old.key}"]
    where += ["--tls-listen=127.0.0.1:0", f"--workers={workers}"]
    if os.geteuid() == 0:
        where.append("--user=root")  # others may not read what is in the tests' folders
    async with serve("127.0.0.1:0", options=where) as running:
        server = tls_of(running)
        asking = [*arguments(server, authority), "-verify_hostname", "new.example"]
        for _ in range(2):
            assert "hostname mismatch" in (await run("openssl", *asking)).text
        context = client_context(authority.file)
        reader, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
        for file, made in zip(old, new, strict=True):
            file.write_bytes(made.read_bytes())
        running.process.send_signal(signal.SIGHUP)
        while not (line := await running.line()).startswith("INFO reloaded"):
            assert line
        for _ in range(4):  # whichever worker takes it
            assert "Verification: OK" in (await run("openssl", *asking)).text
        writer.write(blank())  # who was there before goes on
        async with asyncio.timeout(PATIENCE):
            assert len(await reader.readexactly(32)) == 32
        writer.transport.abort()
        old.key.write_text("no key")
        running.process.send_signal(signal.SIGHUP)
        while "not reloaded" not in (line := await running.line()):
            assert line
        assert "Verification: OK" in (await run("openssl", *asking)).text
