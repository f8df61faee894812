"""Decisions about many datagrams at once, a column of bytes at a time.

Each function here has a counterpart that decides about one datagram, and says the same:
``sort_out`` is ``template.plain_kind`` and what ``Message.decode`` calls NotStun, ``Filler`` is
``Template.fill``, ``ThrottleColumns`` is ``Throttle``.

Rules of this file: rows are datagrams; what lies in a row beyond the length of its datagram is
older data and decides nothing. Sockets are not touched.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stunkit.endpoint import Family
from stunkit.net.transport.batch import ADDRESS, HEAD, PORT, Inbox, Outbox
from stunkit.protocol.template import (
    BLANK,
    FINGERPRINT,
    LONGEST,
    REQUEST,
    SOFTWARE,
    Plain,
    Template,
)
from stunkit.protocol.throttle import BUCKETS_BITS, MASK, Throttle
from stunkit.wire.fingerprint import XOR
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE

Bytes = NDArray[np.uint8]

# What a row can be besides a kind of plain request; see ``sort_out``.
OTHER = 0
NOT_STUN = max(Plain) + 1

_BLANK_MODERN = np.frombuffer(BLANK + MAGIC_COOKIE, np.uint64)[0]
_BLANK = np.frombuffer(BLANK, np.uint32)[0]
_COOKIE = np.frombuffer(MAGIC_COOKIE, np.uint32)[0]
_REQUEST = np.frombuffer(REQUEST, np.uint16)[0]
_SOFTWARE = np.frombuffer(SOFTWARE, np.uint16)[0]
_UNUSED_BITS = np.uint64(64 - BUCKETS_BITS)  # of the hash that chooses a bucket
_FINGERPRINT = np.frombuffer(FINGERPRINT, np.uint32)[0]


def are_all_modern(heads: Bytes, lengths: NDArray[np.uint32]) -> bool:
    """Return whether every row is a blank request with the magic cookie: the usual case."""
    is_modern = (heads.view(np.uint64)[:, 0] == _BLANK_MODERN) & (lengths == HEADER_SIZE)
    return bool(np.count_nonzero(is_modern) == len(heads))  # twenty times as fast as ``all``


def sort_out(heads: Bytes, lengths: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return what each row is: a plain request of some kind, not STUN, or something else."""
    is_short = lengths == HEADER_SIZE
    is_modern: NDArray[np.bool_] = (heads.view(np.uint64)[:, 0] == _BLANK_MODERN) & is_short
    kinds = is_modern.view(np.uint8)  # Plain.MODERN is 1
    words = heads.view(np.uint32)
    bodies = heads.view(">u2")[:, 1]
    is_broken = (lengths < HEADER_SIZE) | (heads[:, 0] > 0x3F)
    is_broken |= (bodies & 3 != 0) | (bodies + np.uint32(HEADER_SIZE) != lengths)
    kinds[is_broken] = NOT_STUN
    kinds[(words[:, 0] == _BLANK) & (words[:, 1] != _COOKIE) & is_short] = Plain.CLASSIC
    is_longer = (heads.view(np.uint16)[:, 0] == _REQUEST) & (words[:, 1] == _COOKIE)
    is_longer &= ~is_broken & (lengths > HEADER_SIZE) & (lengths <= LONGEST)
    if is_longer.any():
        for length in np.unique(lengths[is_longer]):
            rows = np.flatnonzero(is_longer & (lengths == length))
            kinds[rows] = _sort_out_longer(heads[rows, :length])
    return kinds


def _sort_out_longer(rows: Bytes) -> NDArray[np.uint8]:
    """Return what requests of one length with attributes are: MODERN, MARKED or OTHER."""
    size = rows.shape[1]
    kinds = np.zeros(len(rows), np.uint8)
    halves = rows.view(">u2")
    ends = np.full(len(rows), HEADER_SIZE, np.uint32)  # where SOFTWARE, if any, ends
    has_software = rows.view(np.uint16)[:, HEADER_SIZE // 2] == _SOFTWARE
    sizes = 4 + (halves[:, HEADER_SIZE // 2 + 1] + np.uint32(3) & ~np.uint32(3))
    ends[has_software] += sizes[has_software]
    kinds[ends == size] = Plain.MODERN
    marks = rows.view(np.uint32)[:, -2]
    marked = np.flatnonzero((ends == size - 8) & (marks == _FINGERPRINT))
    if len(marked):
        found = rows[marked].view(">u4")[:, -1]
        kinds[marked[crc32_rows(rows[marked, : size - 8]) ^ XOR == found]] = Plain.MARKED
    return kinds


class _Move(NamedTuple):
    """One word of each row: its column in the inbox, the one in the outbox, and what is XORed in.

    Without a ``number``, that is what stands in the outbox.
    """

    column: NDArray[Any]
    place: NDArray[Any]
    number: np.unsignedinteger[Any] | None


class Filler:
    """Fills a ``Template``, see there, for what lies in an inbox, into an outbox.

    Words are moved one column at a time: a few long loops instead of many short ones.
    """

    def __init__(self, template: Template, inbox: Inbox, outbox: Outbox) -> None:
        self.template = template
        self._outbox = outbox
        self._raw = np.frombuffer(template.raw, np.uint8)
        self._size = len(template.raw)
        self._moves: list[_Move] = []
        address = ADDRESS[inbox.family]
        for offset in template.source_offsets:
            self._move(inbox.names, PORT, offset)
            self._move(inbox.names, address, offset + 2)
        identity = slice(template.id_start, template.id_start + template.id_size)
        for offset in template.id_offsets:
            self._move(inbox.heads, identity, offset, adds=offset != template.id_start)

    def _move(self, rows: Bytes, columns: slice, end: int, *, adds: bool = False) -> None:
        """Move some bytes of each row, in words as long as their places allow."""
        start, stop = columns.start, columns.stop
        while start < stop:
            for word in (np.uint64, np.uint32, np.uint16):
                width = np.dtype(word).itemsize
                is_even = not (rows.shape[1] % width or start % width or end % width)
                if is_even and width <= stop - start:
                    break
            number = None if adds else self._raw[end : end + width].view(word)[0]
            column = rows.view(word)[:, start // width]
            place = self._outbox.rows.view(word)[:, end // width]
            self._moves.append(_Move(column, place, number))
            start, end = start + width, end + width

    def lay(self, at: int, end: int) -> None:
        """Write what all answers have in common, once for many times ``fill``."""
        self._outbox.rows[at:end, : self._size] = self._raw
        self._outbox.lengths[at:end] = self.template.size

    def fill(self, rows: NDArray[np.intp] | slice, at: int, end: int) -> None:
        """Write the answers to some rows of the inbox into some of the outbox, laid before."""
        for column, place, number in self._moves:
            target = place[at:end]
            np.bitwise_xor(column[rows], target if number is None else number, out=target)
        if self.template.has_fingerprint:
            filled = self._outbox.rows[at:end]
            value = crc32_rows(filled[:, : self._size - 4]) ^ XOR
            digits = value.astype(">u4").view(np.uint8).reshape(-1, 4)
            filled[:, self._size : self._size + 4] = digits


class ThrottleColumns:
    """Judges many sources at once, exactly as a ``Throttle`` would one after the other."""

    def __init__(self, throttle: Throttle, family: Family) -> None:
        self._throttle = throttle
        self._cells = np.frombuffer(throttle.cells, np.int64)
        self._is_ipv4 = family is Family.IPV4
        self._mask4 = None if throttle.limit.prefix4 == 32 else np.uint32(throttle.mask4)
        self._mask_high = np.uint64(throttle.mask6 >> 64)
        self._mask_low = np.uint64(throttle.mask6 & MASK)
        self._factors_before = (0, 0, 0)
        self._factors: tuple[np.uint64, ...] = ()
        version = 4 if self._is_ipv4 else 6
        self._allow = [
            (_words(network.netmask.packed), _words(network.network_address.packed))
            for network in throttle.limit.allow
            if network.version == version
        ]

    def admit(self, addresses: Bytes, now_ns: int) -> NDArray[np.bool_]:
        """Return which of these addresses, in this order, are each admitted one answer."""
        buckets = self._buckets(addresses, now_ns)
        if not self._allow:
            return self._charge(buckets, now_ns)
        words = addresses.view(np.uint32)
        admitted = np.zeros(len(addresses), np.bool_)
        for mask, network in self._allow:
            admitted |= (words & mask == network).all(axis=1)
        rest = ~admitted
        admitted[rest] = self._charge(buckets[rest], now_ns)
        return admitted

    def _buckets(self, addresses: Bytes, now_ns: int) -> NDArray[np.uint64]:
        """Return the bucket of each address; see ``Throttle.admit``."""
        factors = self._throttle.factors(now_ns)
        if factors is not self._factors_before:
            self._factors_before = factors
            self._factors = tuple(map(np.uint64, factors))
        factor4, factor_high, factor_low = self._factors
        if self._is_ipv4:
            words = addresses.view(np.uint32)[:, 0]
            product = (words if self._mask4 is None else words & self._mask4) * factor4
        else:
            halves = np.ascontiguousarray(addresses).view(np.uint64)
            high, low = halves[:, 1] & self._mask_high, halves[:, 0] & self._mask_low
            product = high * factor_high + low * factor_low
        buckets: NDArray[np.uint64] = product >> _UNUSED_BITS
        return buckets

    def _charge(self, buckets: NDArray[np.uint64], now_ns: int) -> NDArray[np.bool_]:
        """Charge each bucket one answer, in this order; return which could be charged."""
        count = len(buckets)
        interval, depth = self._throttle.interval_ns, self._throttle.depth_ns
        if count and np.count_nonzero(buckets == buckets[0]) == count:
            bucket, cells = int(buckets[0]), self._throttle.cells
            full = max(cells[bucket], now_ns)
            admitted = min(count, max(0, (depth - (full - now_ns)) // interval + 1))
            if admitted:
                cells[bucket] = full + admitted * interval
            is_admitted: NDArray[np.bool_] = np.arange(count) < admitted
            return is_admitted
        order = np.argsort(buckets, kind="stable")
        ordered = buckets[order].astype(np.intp)
        places = np.arange(count)
        is_first = np.ones(count, np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        before = places - np.maximum.accumulate(np.where(is_first, places, 0))  # in one's bucket
        full_at = np.maximum(self._cells[ordered], now_ns) + before * interval
        can = full_at - now_ns <= depth
        # The last of a bucket's rows is the one that counts, and those refused come after it.
        self._cells[ordered[can]] = full_at[can] + interval
        admitted_rows = np.empty(count, np.bool_)
        admitted_rows[order] = can
        return admitted_rows


def crc32_rows(rows: Bytes) -> NDArray[np.uint32]:
    """Return the CRC-32 of each row, as ``zlib.crc32`` has it.

    A CRC is linear: that of a row is the exclusive or of what each byte, by its distance from the
    end, adds to that of as many zeros.
    """
    size = rows.shape[1]
    distances = np.arange(size - 1, -1, -1)
    parts: NDArray[np.uint32] = _crc_parts()[distances, rows]
    crcs: NDArray[np.uint32] = np.bitwise_xor.reduce(parts, axis=1) ^ np.uint32(crc32(bytes(size)))
    return crcs


@cache
def _crc_parts() -> NDArray[np.uint32]:
    """Return what a byte adds to a CRC-32, by its distance from the end and its value."""
    table = np.array([crc32(bytes([value])) ^ crc32(b"\0") for value in range(256)], np.uint32)
    parts = np.empty((HEAD, 256), np.uint32)
    parts[0] = table
    for distance in range(1, HEAD):
        last = parts[distance - 1]
        parts[distance] = last >> np.uint32(8) ^ table[last & np.uint32(0xFF)]
    return parts


def _words(packed: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(packed, np.uint32)
