import asyncio
import json
import os
import pty
import sys
from contextlib import asynccontextmanager

import pytest

from stunkit.endpoint import Endpoint
from tests.integration.command import PATIENCE, STUNKIT, end, environment, serve, stunkit
from tests.integration.loopback import free_port


@asynccontextmanager
async def shown():
    place = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    async with serve("127.0.0.1:0", options=("--metrics-listen", str(place))) as server:
        yield server, str(place)


async def answer(text: bytes):
    """Return a server that answers every connection with this."""

    async def reply(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(reply, "127.0.0.1", 0)


async def test_prints_one_table():
    async with shown() as (server, place):
        await stunkit("whoami", server.endpoints[0][1])
        told = await stunkit("top", place, "--interval", "0.1")
    assert told.said == (0, "")
    assert told.stdout.startswith("Nobody asks.\n\nserver")
    assert "answered               0         1" in told.stdout
    assert "\x1b" not in told.stdout


async def test_gives_json():
    async with shown() as (_, place):
        told = await stunkit("top", f"http://{place}/metrics", "--json", "--interval", "0.1")
    document = json.loads(told.stdout)
    assert (told.status, document["schema"]) == (0, "stunkit/top/1")
    assert document["source"] == f"http://{place}/metrics"


async def test_says_who_shows_no_figures():
    place = f"127.0.0.1:{free_port('127.0.0.1')}"
    told = await stunkit("top", place)
    sentence = (
        f"stunkit: no figures at http://{place}/metrics: connection refused;"
        " `stunkit serve --metrics-listen ADDRESS:PORT` shows them\n"
    )
    assert told.said == (4, sentence)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nup 1\n", "shows figures, but none of a STUN server of ours"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>\x1b[2J", "not in the text format of Prometheus"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP status 404"),
        (b"\x1b[2J\r\n\r\n", r"\x1b[2j"),
        (b"", "no figures at"),
    ],
)
async def test_says_who_shows_something_else(text: bytes, reason: str):
    async with await answer(text) as other:
        port = other.sockets[0].getsockname()[1]
        told = await stunkit("top", f"127.0.0.1:{port}")
    assert told.status == 4
    assert reason in told.stderr
    assert told.stderr.rstrip("\n").isprintable()


async def test_names_what_is_no_place():
    told = await stunkit("top", "ftp://x")
    assert told.said == (
        2,
        "stunkit: 'ftp://x' is not a URL, or HOST[:PORT]: it is neither http: nor https:\n",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a pty needs POSIX")
async def test_draws_in_a_terminal_until_q():
    async with shown() as (_, place):
        ours, theirs = pty.openpty()
        env = environment({"TERM": "xterm", "COLUMNS": "100", "LINES": "40"})
        process = await asyncio.create_subprocess_exec(
            *STUNKIT, "top", place, stdin=theirs, stdout=theirs, stderr=theirs, env=env
        )
        os.close(theirs)
        screen = b""
        try:
            async with asyncio.timeout(PATIENCE):
                while b"q ends it" not in screen:
                    screen += await asyncio.to_thread(os.read, ours, 65536)
                os.write(ours, b"q")
                while True:
                    try:
                        screen += await asyncio.to_thread(os.read, ours, 65536)
                    except OSError:  # nobody has the other end any more
                        break
                status = await process.wait()
        finally:
            await end(process)
            os.close(ours)
    assert status == 0
    assert b"Nobody asks." in screen
    assert screen.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?1049l" in screen  # as it was before
