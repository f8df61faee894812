"""STUN over TCP: whole messages in and out of one connection (RFC 8489 section 6.2.2)."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import cast

from stunkit.endpoint import Endpoint
from stunkit.errors import NotStun
from stunkit.net.sockaddr import endpoint_of
from stunkit.net.udp import Receiver, describe_errno
from stunkit.wire.message import HEADER_SIZE, MAX_BODY
from stunkit.wire.stream import StreamDecoder

READ_SIZE = 4096  # bytes read at a time, so that one read leads to a bounded number of answers


class Connection(asyncio.BufferedProtocol):
    """One connection. Whole messages go to ``on_message``; ``on_closed`` hears why it ended.

    A header that is not STUN's, or a message over ``max_message`` bytes, closes it: such a stream
    cannot be found again. While the peer leaves more than ``max_unsent`` bytes unread, nothing
    more is read from it.
    """

    def __init__(
        self,
        on_message: Receiver,
        on_closed: Callable[[Connection, str], None],
        *,
        max_message: int = HEADER_SIZE + MAX_BODY,
        max_unsent: int | None = None,
    ) -> None:
        self._decoder = StreamDecoder(max_message)
        self._on_message = on_message
        self._on_closed = on_closed
        self._max_unsent = max_unsent
        self._buffer = bytearray(READ_SIZE)
        self._reason = "the connection was closed"
        self._transport: asyncio.Transport | None = None
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
        try:
            messages = self._decoder.receive(self._buffer[:nbytes])
        except NotStun as error:
            self.abort(f"not STUN: {error.reason}")
            return
        for message in messages:
            if not self.is_open:  # what answered the last one broke it, or ended it
                return
            self._on_message(message, self.remote, self.local)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.BaseProtocol``."""
        if isinstance(exc, OSError) and exc.errno is not None:
            self._reason = describe_errno(exc.errno)
        self._transport = None
        self._on_closed(self, self._reason)

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not read its answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again once the peer has read."""
        if self._transport is not None:
            self._transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Send one message; one that comes after the end is dropped."""
        if self._transport is not None and self.is_open:
            self._transport.write(data)

    def close(self) -> None:
        """Close once what was sent has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()
