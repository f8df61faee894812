"""The transaction ids of one socket's requests: a number each, under a secret of the socket.

The first eight bytes of an id are the request's number mixed with the secret, the other four are
secret alone (RFC 8489 section 5: an id is not to be guessed). So an answer leads to its request
without a search, and what nobody sent leads nowhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.registry import Method

ID_SIZE = 12  # bytes; RFC 8489 section 5

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.uint64]


class Identity:
    """The ids of one socket; ``secret`` is 12 random bytes."""

    def __init__(self, secret: bytes) -> None:
        self._key = np.frombuffer(secret[:8], np.uint64)[0]
        self.tail = secret[8:ID_SIZE]
        self._tail = np.frombuffer(self.tail, np.uint32)[0]
        self._blank = np.frombuffer(Message.request(Method.BINDING, secret[:ID_SIZE]).raw, np.uint8)

    def prepare(self, rows: Bytes) -> None:
        """Write a Binding request into each row, with any number."""
        rows[:, :HEADER_SIZE] = self._blank

    def number(self, rows: Bytes, numbers: Numbers) -> None:
        """Give these numbers to the requests in the first rows, of any socket."""
        count = len(numbers)
        rows.view(np.uint64)[:count, 1] = numbers ^ self._key
        rows.view(np.uint32)[:count, 4] = self._tail

    def numbers(self, heads: Bytes) -> Numbers:
        """Return the number in each message, if it is one of this socket."""
        numbers: Numbers = heads.view(np.uint64)[:, 1] ^ self._key
        return numbers
