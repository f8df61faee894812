"""One HTTP exchange, with servers that say what tests want."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, Unreachable
from stunkit.net.gateway.hypertext import MAX_BODY, Page, Request, fetch

LOCAL = Endpoint.of("127.0.0.1", 0)
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def saying(answer: bytes, heard: list[bytes] | None = None) -> AsyncIterator[Endpoint]:
    """Yield a server that hears a request, says something and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(request)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, LOCAL.host, 0)
    async with server:
        yield LOCAL.with_port(server.sockets[0].getsockname()[1])


async def ask(answer: bytes) -> Page:
    async with saying(answer) as server:
        return await fetch(Request(server, "/"), LOCAL)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"content-length: 5\r\n\r\nhello, and what does not belong to it",
        OK + b"\r\nhello",
        b"HTTP/1.0 200\r\n\r\nhello",
        OK + b"Transfer-Encoding: Chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ],
)
async def test_takes_each_form_of_a_body(answer: bytes):
    assert await ask(answer) == Page(200, b"hello")


async def test_asks_as_it_is_told_to():
    heard: list[bytes] = []
    async with saying(OK + b"\r\n", heard) as server:
        await fetch(Request(server, "/a?b", {"SOAPAction": '"x"'}, b"body"))
    head = heard[0].decode().split("\r\n")
    assert head[:3] == ["POST /a?b HTTP/1.1", f"Host: {server}", "Connection: close"]
    assert head[3:5] == ['SOAPAction: "x"', "Content-Length: 4"]


async def test_a_redirect_is_not_followed():
    page = await ask(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n\r\n")
    assert page == Page(302, b"")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 fine\r\n\r\n",
        OK + b"Content-Length: 9\r\n\r\ncut off",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: many\r\n\r\n",
        OK + f"Content-Length: {MAX_BODY + 1}\r\n\r\n".encode(),
        OK + b"\r\n" + bytes(MAX_BODY + 1),
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        OK + b"A: b\r\n" * 200 + b"\r\n",
        OK + b"A: " + b"b" * (1 << 15) + b"\r\n\r\n",
    ],
)
async def test_refuses_what_is_no_answer_or_too_long(answer: bytes):
    with pytest.raises(InvalidAnswer, match="something else than HTTP"):
        await ask(answer)


async def test_says_when_nobody_is_there():
    async with saying(b"") as server:
        pass
    with pytest.raises(Unreachable, match="refused"):
        await fetch(Request(server, "/"))
