"""One HTTP exchange with a device that nobody vouches for (RFC 9112).

Rules of this file: one request a connection; heads and bodies are bounded; no redirect is followed.
The caller bounds the time, and names an address: no name is ever resolved here.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from types import MappingProxyType
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, Unreachable
from stunkit.net.transport.udp import describe_errno

MAX_HEAD = 1 << 14  # bytes
MAX_BODY = 1 << 17  # bytes
_END_OF_HEAD = b"\r\n\r\n"


class Request(NamedTuple):
    """What to ask of whom: GET, or POST with a body. ``path`` begins with a slash."""

    server: Endpoint
    path: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes | None = None

    def encode(self) -> bytes:
        """Return the bytes. Raises InvalidAnswer for a path that would break out of its line."""
        lines = [f"{'GET' if self.body is None else 'POST'} {self.path} HTTP/1.1"]
        lines += [f"Host: {self.server}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        if not all(line.isprintable() and line.isascii() for line in lines) or " " in self.path:
            raise InvalidAnswer("the device names a place that cannot be asked for")
        return "\r\n".join(lines).encode() + _END_OF_HEAD + (self.body or b"")


class Page(NamedTuple):
    """What came: the status code and the body."""

    status: int
    body: bytes


async def fetch(request: Request, source: Endpoint | None = None) -> Page:
    """Ask, from the address ``source``. Raises Unreachable, InvalidAnswer."""
    data = request.encode()
    server = request.server
    local = None if source is None else (source.host, 0)
    writer = None
    try:
        reader, writer = await asyncio.open_connection(
            server.host, server.port, limit=MAX_HEAD, local_addr=local
        )
        writer.write(data)
        head = await reader.readuntil(_END_OF_HEAD)
        status, headers = _decode_head(head)
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Page(status, await _read_chunks(reader))
        return Page(status, await _read_body(reader, headers.get("content-length")))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise InvalidAnswer(f"{server} answers with something else than HTTP") from error
    except OSError as error:
        reason = describe_errno(error.errno) if error.errno else str(error).lower()
        raise Unreachable(reason) from error
    finally:
        if writer is not None:
            writer.transport.abort()  # who is not read from cannot hold it open
            with suppress(OSError):
                await writer.wait_closed()


def _decode_head(head: bytes) -> tuple[int, Mapping[str, str]]:
    """Read the status and the headers. Raises ValueError."""
    status, _, fields = head.partition(b"\r\n")
    version, code, *_ = *status.split(b" ", 2), b""
    if not version.startswith(b"HTTP/1.") or not code.isdigit():
        raise ValueError("no HTTP")
    try:
        headers = http.client.parse_headers(BytesIO(fields))
    except http.client.HTTPException as error:
        raise ValueError("too many headers") from error
    return int(code), {name.lower(): value for name, value in headers.items()}


async def _read_body(reader: asyncio.StreamReader, length: str | None) -> bytes:
    """Read to the length, or to the end. Raises ValueError when it is too long."""
    if length is not None:
        size = int(length)
        if not 0 <= size <= MAX_BODY:
            raise ValueError("too long")
        return await reader.readexactly(size)
    body = b""
    while data := await reader.read(MAX_HEAD):
        body += data
        if len(body) > MAX_BODY:
            raise ValueError("too long")
    return body


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a body in pieces (RFC 9112 section 7.1). Raises ValueError when it is too long."""
    body = b""
    while size := int((await reader.readline()).partition(b";")[0], 16):
        if not 0 < size <= MAX_BODY - len(body):
            raise ValueError("too long")
        body += (await reader.readexactly(size + 2))[:-2]
    return body
