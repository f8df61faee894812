"""Cutting messages out of a byte stream (RFC 8489 section 6.2.2).

Over TCP and TLS, STUN messages follow each other without further framing: each says its length in
its header. A stream that once held something else cannot be found again, so the first header that
is not STUN's ends it.
"""

from __future__ import annotations

from stunkit.errors import NotStun
from stunkit.wire.message import HEADER_SIZE, MAX_BODY


class StreamDecoder:
    """Collects bytes and gives out whole messages, still undecoded.

    Holds at most ``max_size`` bytes of an unfinished message. Takes time linear in the bytes
    received, also when they come one at a time.
    """

    def __init__(self, max_size: int = HEADER_SIZE + MAX_BODY) -> None:
        self._max_size = max_size
        self._buffer = bytearray()
        self._wanted = HEADER_SIZE

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished message are held."""
        return len(self._buffer)

    def receive(self, data: bytes | bytearray) -> list[bytes]:
        """Take what arrived; return the messages that it completes, in order.

        Raises NotStun at the first header that is not STUN's or is longer than ``max_size``; the
        stream is then of no more use. Messages before it in the same ``data`` are lost with it:
        a connection in that state is to be closed.
        """
        buffer = self._buffer
        buffer += data
        messages = []
        start = 0
        while len(buffer) - start >= self._wanted:
            if self._wanted == HEADER_SIZE:
                self._wanted = self._whole_size(buffer, start)
                if len(buffer) - start < self._wanted:
                    break
            end = start + self._wanted
            messages.append(bytes(buffer[start:end]))
            start = end
            self._wanted = HEADER_SIZE
        del buffer[:start]
        return messages

    def _whole_size(self, buffer: bytearray, start: int) -> int:
        if buffer[start] > 0x3F:
            if buffer.startswith(b"HTTP/", start):  # a web server, or a portal that took our way
                raise NotStun("it is HTTP", place="header")
            raise NotStun("the two most significant bits are not zero", place="header")
        length = buffer[start + 2] << 8 | buffer[start + 3]
        if length & 3:
            raise NotStun("the length is no multiple of four", place="header", offset=2)
        size = HEADER_SIZE + length
        if size > self._max_size:
            reason = f"a message of {size} bytes is over {self._max_size}"
            raise NotStun(reason, place="header", offset=2)
        return size
