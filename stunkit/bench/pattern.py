"""What a right answer looks like, so that many can be compared at once as columns.

Learned from one answer that was read with care: the header, the type and length of each attribute
and the mapped address have to be the same again; the other values (SOFTWARE, FINGERPRINT, a nonce)
may be anything. Over IPv6 XOR-MAPPED-ADDRESS is mixed with the transaction id (RFC 8489
section 14.2). Whatever is unlike the pattern may still be right: ``judge`` reads it by itself.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, WireError
from stunkit.net.transport.batch import HEAD
from stunkit.protocol.client import UNDERSTOOD, mapped_endpoint
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.registry import MessageClass, Method

_IPV6_VALUE = 20  # bytes of an IPv6 address attribute; RFC 8489 section 14.1


class Verdict(IntEnum):
    """What an answer is, whether or not anybody asked."""

    RIGHT = 0
    WRONG = 1  # it cannot be used, or says another address
    REFUSED = 2  # an error response
    STRANGE = 3  # no answer to a request of this socket


class Pattern:
    """The looks of the right answers to one socket."""

    def __init__(self, answer: Message, tail: bytes) -> None:
        """Learn from an answer that is right; ``tail`` is what all ids of the socket end in."""
        raw = answer.raw
        self._size = len(raw)
        is_xor = answer.value(XorMappedAddress.type) is not None
        kind = XorMappedAddress if is_xor else MappedAddress
        start = (answer.offset(kind.type) or 0) + 4
        value = answer.value(kind.type) or b""
        shape = np.zeros(HEAD, np.uint8)
        mask = np.zeros(HEAD, np.uint8)
        shape[: self._size] = np.frombuffer(raw, np.uint8)[:HEAD]
        shape[16:HEADER_SIZE] = np.frombuffer(tail, np.uint8)
        mask[:8] = mask[16:HEADER_SIZE] = 0xFF
        offset = HEADER_SIZE
        for _, other in answer.attributes:
            mask[offset : offset + 4] = 0xFF
            offset = offset + 4 + len(other) + 3 & ~3
        mask[start + 1 : start + len(value)] = 0xFF  # the first byte says nothing
        self._mixed: slice | None = None  # in words of four bytes
        if is_xor and len(value) == _IPV6_VALUE:
            mask[start + 8 : start + _IPV6_VALUE] = 0
            self._mixed = slice(start // 4 + 2, start // 4 + 5)
            identity = np.frombuffer(raw, np.uint8)[8:HEADER_SIZE]
            mixed = np.frombuffer(value, np.uint8)[8:]
            self._rest = (mixed ^ identity).view(np.uint32)
        words = (min(self._size, HEAD) + 7) // 8
        self._mask = mask.view(np.uint64)[:words]
        self._shape = shape.view(np.uint64)[:words] & self._mask

    def matches_all(self, heads: NDArray[np.uint8], lengths: NDArray[np.uint32]) -> bool:
        """Return whether all of the datagrams are like the pattern: sooner than ``matches``."""
        if self._size > HEAD or np.count_nonzero(lengths == self._size) < len(heads):
            return False
        words = heads.view(np.uint64)[:, : len(self._mask)]
        if np.count_nonzero(words & self._mask != self._shape):
            return False
        return self._mixed is None or not np.count_nonzero(self._unmixed(heads) != self._rest)

    def matches(self, heads: NDArray[np.uint8], lengths: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return which datagrams are like the pattern; ``heads`` are their first bytes."""
        if self._size > HEAD:
            return np.zeros(len(heads), np.bool_)  # longer ones are judged by themselves
        words = heads.view(np.uint64)[:, : len(self._mask)]
        is_like: NDArray[np.bool_] = (words & self._mask == self._shape).all(axis=1)
        is_like &= lengths == self._size
        if self._mixed is not None:
            is_like &= (self._unmixed(heads) == self._rest).all(axis=1)
        return is_like

    def _unmixed(self, heads: NDArray[np.uint8]) -> NDArray[np.uint32]:
        """Return what is mixed with the transaction id without it."""
        quarters = heads.view(np.uint32)
        unmixed: NDArray[np.uint32] = quarters[:, self._mixed] ^ quarters[:, 2:5]
        return unmixed


def judge(data: bytes, tail: bytes, mapped: Endpoint) -> Verdict:
    """Read one answer by itself, as the client does; ``mapped`` is where the socket is seen."""
    try:
        message = Message.decode(data)
    except WireError:
        # Broken inside, perhaps; with the id of a request it still is an answer to that.
        is_ours = len(data) >= HEADER_SIZE and data[16:HEADER_SIZE] == tail
        is_answer = len(data) >= 2 and data[:2] in _ANSWERS
        return Verdict.WRONG if is_ours and is_answer else Verdict.STRANGE
    if not message.is_response or message.is_classic or message.transaction_id[8:] != tail:
        return Verdict.STRANGE
    if message.method != Method.BINDING or check_fingerprint(message) is False:
        return Verdict.WRONG
    if message.message_class is MessageClass.ERROR_RESPONSE:
        return Verdict.REFUSED
    try:
        is_right = not message.unknown(UNDERSTOOD) and mapped_endpoint(message) == mapped
    except Malformed:
        return Verdict.WRONG
    return Verdict.RIGHT if is_right else Verdict.WRONG


_ANSWERS = (b"\x01\x01", b"\x01\x11")  # Binding success and error response
