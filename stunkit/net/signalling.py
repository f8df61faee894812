"""Signalling over WebSocket, from the client's end; needs the extra ``rtc``.

    room = await make_room(Website.parse("stun.example.org"))
    async with Signalling(room.link) as line:
        async for event in line:
            ...
            line.say(session.number, "offer", {"sdp": sdp})

The machine in ``signal.client`` says what is to be said; this moves it, and comes back when the
connection breaks (RFC 6455).

Rules of this file: an answer is bounded in time and size, and nothing that a server does raises out
of the loop over events. Certificates are believed as everywhere (``certificate``).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from stunkit.errors import (
    InvalidAnswer,
    Refused,
    ResolutionError,
    StartError,
    StunkitError,
    TransactionError,
    Unreachable,
    UsageError,
)
from stunkit.extra import installation
from stunkit.net.transport.certificate import client_context, explain
from stunkit.net.transport.udp import describe_errno
from stunkit.signal.client import Client, Event, Over
from stunkit.signal.fault import Fault
from stunkit.signal.link import PAGE, RoomLink, Website
from stunkit.signal.message import MOST_CHARACTERS, Problem

if TYPE_CHECKING:
    import aiohttp

TIMEOUT = 10.0  # seconds for a connection to come about, and for an answer over HTTP
HEARTBEAT = 20.0  # seconds between two pings; a server of ours pings more often
CLOSE_TIMEOUT = 2.0  # seconds that the server has to close it, too
MOST_BYTES = 2 * MOST_CHARACTERS  # of a message
MOST_ANSWER = 1 << 14  # bytes of an answer over HTTP
TOKEN_SIZE = 16  # bytes of randomness in the name of our seat
CREATED, UNAVAILABLE = 201, 503  # RFC 9110 sections 15.3.2 and 15.6.4

Certificates = str | os.PathLike[str] | None

_ODD = (KeyError, TypeError, ValueError, RecursionError)  # of a document that is not what we asked


class Room(NamedTuple):
    """A room that was made; it is there for ``expires`` seconds at most."""

    link: RoomLink
    expires: float


async def make_room(site: Website, *, ca_file: Certificates = None) -> Room:
    """Make a room. Raises TransactionError, ResolutionError, StartError."""
    async with _open_session(site, ca_file) as session:
        with _explained(site):
            async with session.post(site.url("/rooms")) as answer:
                body = await _read_body(answer)
    if answer.status != CREATED:
        raise _refused(site, answer.status, body)
    try:
        document = json.loads(body)
        room = RoomLink.parse(f"{site.url(PAGE)}#{document['room']}").room
        return Room(RoomLink(site, room), float(document["expires"]))
    except (*_ODD, OverflowError, UsageError):
        raise _no_site(site) from None


async def _read_body(answer: aiohttp.ClientResponse) -> bytes:
    """Return what an answer says, in however many pieces it comes; of too much the beginning."""
    body = b""
    while len(body) < MOST_ANSWER and (piece := await answer.content.read(MOST_ANSWER - len(body))):
        body += piece
    return body


class Signalling:
    """A seat in a room; use it with ``async with``, and loop over its events.

    Entering connects once and raises TransactionError, ResolutionError or StartError when that
    fails; after that, it comes back by itself. The last event is ``Over``. Leaving the block leaves
    the room.
    """

    def __init__(self, link: RoomLink, *, ca_file: Certificates = None) -> None:
        self.link = link
        self._client = Client(link.room, secrets.token_urlsafe(TOKEN_SIZE), random.random)
        self._ca_file = ca_file
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._poked = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = _open_session(self.link.site, self._ca_file)
        try:
            socket = await self._connect()
        except BaseException:
            await self._session.close()
            raise
        self._running = asyncio.create_task(self._run(socket))
        self._running.add_done_callback(self._end)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()
        try:
            if self._running is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._running, 2 * CLOSE_TIMEOUT)
        finally:
            await self._session.close()

    def say(self, session: int, kind: str, content: dict[str, Any] | None = None) -> None:
        """Say something to the other peer: an "offer" with {"sdp": ...}, and so on (see ``Heard``).

        What is said of an earlier session reaches nobody. Raises SignalError for what no server
        takes.
        """
        self._client.say(session, kind, content or {})
        self._poked.set()

    def renew(self) -> None:
        """Begin a new session, at both ends."""
        self._client.renew(time.monotonic())
        self._poked.set()

    def leave(self) -> None:
        """Leave for good."""
        self._client.leave()
        self._poked.set()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Over):
                return

    def _end(self, running: asyncio.Task[None]) -> None:
        """Have the loop over events end, whatever ended what moves them."""
        del running
        self._client.leave()
        self._publish()

    async def _run(self, socket: aiohttp.ClientWebSocketResponse | None) -> None:
        client = self._client
        while True:
            if socket is not None:
                await self._converse(socket)
                socket = None
            self._publish()
            if client.is_over:
                return
            if client.wants_connection(time.monotonic()):
                socket = await self._try()
            else:
                await self._wait()

    async def _try(self) -> aiohttp.ClientWebSocketResponse | None:
        """Connect again, or say why not."""
        try:
            return await self._connect()
        except StunkitError as error:
            self._client.lose(time.monotonic())
            self._events.put_nowait(Problem(Fault.UNAVAILABLE, str(error)))
            return None

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        site = self.link.site
        with _explained(site):
            async with asyncio.timeout(TIMEOUT):
                return await self._session.ws_connect(
                    site.url("/signal", is_socket=True),
                    heartbeat=HEARTBEAT,
                    max_msg_size=MOST_BYTES,
                )

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Have a connection until its end."""
        client = self._client
        client.open(time.monotonic())
        reading = asyncio.create_task(self._read(socket))
        try:
            while True:
                is_last = not client.is_connected
                for text in client.sends():
                    with suppress(ConnectionError):  # the reader learns of it, too
                        await socket.send_str(text)
                if is_last:
                    return
                self._publish()
                await self._wait()
                client.tick(time.monotonic())
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await socket.close()
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        from aiohttp import WSMsgType  # noqa: PLC0415 (needs an extra)

        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._client.receive(message.data, time.monotonic())
                self._poked.set()
        self._client.lose(time.monotonic())
        self._poked.set()

    async def _wait(self) -> None:
        """Wait until something happens, or is due."""
        deadline = self._client.deadline()
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._poked.wait()
        self._poked.clear()

    def _publish(self) -> None:
        for event in self._client.events():
            self._events.put_nowait(event)


def _open_session(site: Website, ca_file: Certificates) -> aiohttp.ClientSession:
    """Return what asks a site over HTTP. Raises UsageError, StartError."""
    import_aiohttp()
    import aiohttp  # noqa: PLC0415 (needs an extra)

    context: ssl.SSLContext | bool = True
    if site.is_secure:
        context = client_context(ca_file)
        context.set_alpn_protocols(["http/1.1"])
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@contextmanager
def _explained(site: Website) -> Iterator[None]:
    """Turn what can go wrong into errors of ours."""
    import aiohttp  # noqa: PLC0415 (needs an extra)

    try:
        yield
    except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
        raise _explain(site, error) from error


def _explain(site: Website, error: Exception) -> StunkitError:
    import aiohttp  # noqa: PLC0415 (needs an extra)

    if isinstance(error, TimeoutError):
        return Unreachable(f"{site}: no answer in {TIMEOUT:.0f} s")
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return _refused(site, error.status, b"")
    if isinstance(error, aiohttp.ClientConnectorDNSError | UnicodeError):  # what IDNA refuses
        return ResolutionError(site.host, "there is no such name")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return explain(error.certificate_error, site.host)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return explain(error.os_error, site.host)
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return Unreachable(f"{site}: {describe_errno(number) if number else error.os_error}")
    return _no_site(site)


def import_aiohttp() -> None:
    """Import what is needed, before anything is opened. Raises StartError."""
    try:
        import aiohttp  # noqa: F401, PLC0415 (needs an extra)
    except ModuleNotFoundError as error:
        raise StartError(
            f"signalling needs {error.name}, which is not installed", installation("rtc")
        ) from error


def _refused(site: Website, status: int, body: bytes) -> TransactionError:
    """Return what an answer means that is none."""
    if status == UNAVAILABLE:
        with suppress(*_ODD):
            return Refused(status, str(json.loads(body)["error"]["reason"]))
    words = body.decode(errors="replace").strip()
    if status in (403, 429) and words and len(words) < 200:
        return Refused(status, words)
    if status in (403, 429, UNAVAILABLE):
        return Refused(status, "at this site for now")
    return _no_site(site)


def _no_site(site: Website) -> TransactionError:
    return InvalidAnswer(f"{site} has no rooms: `stunkit serve --web` is to be there")
