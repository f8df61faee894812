"""STUN over TCP and TLS: whole messages in and out of one connection (RFC 8489 section 6.2.2)."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

from stunkit.endpoint import Endpoint
from stunkit.errors import NotStun
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.net.transport.tls import TlsSession
from stunkit.net.transport.udp import Receiver, describe_errno
from stunkit.wire.message import HEADER_SIZE, MAX_BODY
from stunkit.wire.stream import StreamDecoder

CLOSED = "the connection was closed"
READ_SIZE = 4096  # bytes read at a time
TURN = 16  # messages of one connection before everybody else gets their turn


class Connection(asyncio.BufferedProtocol):
    """One connection. Whole messages go to ``on_message``; ``on_closed`` hears why it ended.

    A header that is not STUN's, or a message over ``max_message`` bytes, closes it: such a stream
    cannot be found again. While the peer leaves more than ``max_unsent`` bytes unread, nothing
    more is read from it.

    With a ``session`` it is TLS. Whoever began it waits for ``secured`` before the first message.
    """

    def __init__(
        self,
        on_message: Receiver,
        on_closed: Callable[[Connection, str], None],
        *,
        max_message: int = HEADER_SIZE + MAX_BODY,
        max_unsent: int | None = None,
        session: TlsSession | None = None,
    ) -> None:
        self._decoder = StreamDecoder(max_message)
        self._on_message = on_message
        self._on_closed = on_closed
        self._max_unsent = max_unsent
        self._buffer = bytearray(READ_SIZE)
        self._reason = CLOSED
        self._session = session
        self._securing: asyncio.Future[None] | None = None
        self._failure: Exception | None = None  # what kept it from a session
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque()  # messages that wait for our next turn
        self._may_write = True
        self.local: Endpoint
        self.remote: Endpoint

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._transport = cast("asyncio.Transport", transport)
        if self._max_unsent is not None:
            self._transport.set_write_buffer_limits(high=self._max_unsent)
        self.local = endpoint_of(transport.get_extra_info("sockname"))
        peername = transport.get_extra_info("peername")
        if peername:
            self.remote = endpoint_of(peername)
        else:  # a reset was faster than we
            self.remote = Endpoint(bytes(len(self.local.packed)), 0)
            self.abort(describe_errno(errno.ECONNRESET))
        if self._session is not None:
            self.secure(self._session)

    def secure(self, session: TlsSession) -> None:
        """Begin TLS; nothing may have been said before."""
        self._session = session
        session.start()
        self._flush()

    async def secured(self) -> TlsSession:
        """Wait until there is a TLS session, and return it.

        Raises ssl.SSLError, or OSError when the connection ended before.
        """
        session = self._session
        if session is None:
            raise ValueError("it is no TLS connection")
        if self._transport is None:
            raise self._failure or OSError(self._reason)
        if not session.is_secured:
            self._securing = asyncio.get_running_loop().create_future()
            await self._securing
        return session

    @property
    def is_open(self) -> bool:
        """Whether it has begun, and not ended or begun to end."""
        return self._transport is not None and not self._transport.is_closing()

    def get_buffer(self, sizehint: int) -> bytearray:
        """See ``asyncio.BufferedProtocol``."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See ``asyncio.BufferedProtocol``."""
        self.arrived(self._buffer[:nbytes])

    def arrived(self, data: bytes | bytearray) -> None:
        """Take what came over the wire."""
        if self._session is None:
            self._read(data)
            return
        was_secured = self._session.is_secured
        try:
            plain = self._session.receive(data)
        except ssl.SSLError as error:
            self._failure = error
            self._flush()
            self.abort(f"TLS: {error}")
            return
        self._flush()
        if self._session.is_secured and not was_secured:
            self.on_secured()
        if plain:
            self._read(plain)
        if self._session.is_over:
            self.close()

    def on_secured(self) -> None:
        """Do what is to be done once there is a TLS session."""
        if self._securing is not None and not self._securing.done():
            self._securing.set_result(None)

    def _read(self, data: bytes | bytearray) -> None:
        """Hand on the messages that plain bytes complete."""
        try:
            messages = self._decoder.receive(data)
        except NotStun as error:
            self.abort(f"not STUN: {error.reason}")
            return
        is_first = not self._waiting
        self._waiting.extend(messages)
        if is_first:
            self._take_turn()

    def _take_turn(self) -> None:
        """Hand on some of the messages that wait; while any are left, nothing more is read."""
        for _ in range(TURN):
            if not self._waiting:
                break
            if not self.is_open:  # what answered the last one broke it, or ended it
                self._waiting.clear()
                return
            self._on_message(self._waiting.popleft(), self.remote, self.local)
        if self._transport is None:
            return
        if self._waiting:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._take_turn)
        elif self._may_write and self.is_open:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.BaseProtocol``."""
        if isinstance(exc, OSError) and exc.errno is not None:
            self._reason = describe_errno(exc.errno)
        self._transport = None
        if self._securing is not None and not self._securing.done():
            self._securing.set_exception(self._failure or OSError(self._reason))
        self._on_closed(self, self._reason)

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not read its answers."""
        self._may_write = False
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again once the peer has read."""
        self._may_write = True
        if self._transport is not None and not self._waiting:
            self._transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Send one message; one that comes after the end is dropped."""
        if self._transport is None or not self.is_open:
            return
        if self._session is None:
            self._transport.write(data)
        else:
            self._session.send(data)
            self._flush()

    def close(self) -> None:
        """Close once what has come is dealt with, and what was sent has left."""
        waiting, self._waiting = self._waiting, deque()
        for message in waiting:
            if self.is_open:
                self._on_message(message, self.remote, self.local)
        if self._transport is not None and self.is_open:
            if self._session is not None:
                self._session.close()
                self._flush()
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        """Send what the TLS session wants sent."""
        if self._session is not None and self._transport is not None:
            data = self._session.take()
            if data:
                self._transport.write(data)
