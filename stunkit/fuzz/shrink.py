"""The smallest input that still does it: delta debugging, of sequences and of bytes.

After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), with one
step more: STUN's attributes go whole, and the header's length goes with them (RFC 8489 section 5).

Rules of this file: deterministic, no clock and no chance; ``fails`` is asked as rarely as can be,
and never twice for the same bytes. A question may answer False once its budget is used up: then
what was found so far is the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from stunkit.fuzz.mutator import split
from stunkit.wire.message import HEADER_SIZE

T = TypeVar("T")
Fails = Callable[[bytes], bool]


def shrink(data: bytes, fails: Fails) -> bytes:
    """Return a smaller input that fails too; ``data`` is known to."""
    known: dict[bytes, bool] = {data: True}

    def still_fails(candidate: bytes) -> bool:
        if candidate not in known:
            known[candidate] = fails(candidate)
        return known[candidate]

    while True:
        smaller = _shorter(data, still_fails)
        smaller = _without_attributes(smaller, still_fails)
        smaller = _without_bytes(smaller, still_fails)
        smaller = _plainer(smaller, still_fails)
        if smaller == data:
            return data
        data = smaller


def shrink_sequence(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a shorter sequence that fails too; ``items`` is known to.

    The first failing end is found by halves; what is needed before it, by delta debugging.
    """
    if fails(items[-1:]):
        return list(items[-1:])
    low, high = 0, len(items)  # no failure after ``low`` items, one after ``high``
    while high - low > 1:
        middle = (low + high) // 2
        if fails(items[:middle]):
            high = middle
        else:
            low = middle
    kept = list(items[:high])
    if len(kept) > 1 and fails(kept[-1:]):
        return kept[-1:]
    return _without_parts(kept, lambda part: bool(part) and fails(part))


def _without_parts(items: list[T], fails: Callable[[list[T]], bool]) -> list[T]:
    size = len(items) // 2
    while size:
        start = 0
        while start < len(items):
            candidate = items[:start] + items[start + size :]
            if fails(candidate):
                items = candidate
            else:
                start += size
        size //= 2
    return items


def _shorter(data: bytes, fails: Fails) -> bytes:
    """Cut the end off, by halves; the header as it was, or saying so."""
    while len(data) > 1:
        for candidate in _versions(data, data[: len(data) // 2]):
            if fails(candidate):
                data = candidate
                break
        else:
            break
    return data


def _without_attributes(data: bytes, fails: Fails) -> bytes:
    parts = split(data)
    if parts is None:
        return data
    head, pieces = parts

    def joined(kept: list[bytes]) -> bytes:
        return head[:2] + data[2:4] + head[2:] + b"".join(kept)

    def still_fails(kept: list[bytes]) -> bool:
        return any(fails(one) for one in _versions(data, joined(kept)))

    kept = _without_parts(list(pieces), still_fails)
    return next((one for one in _versions(data, joined(kept)) if fails(one)), data)


def _without_bytes(data: bytes, fails: Fails) -> bytes:
    size = max(1, len(data) // 2)
    while size:
        start = 0
        while start < len(data):
            for candidate in _versions(data, data[:start] + data[start + size :]):
                if fails(candidate):
                    data = candidate
                    break
            else:
                start += size
        size //= 2
    return data


def _plainer(data: bytes, fails: Fails) -> bytes:
    """Make bytes zero: many at once, then one by one."""
    size = len(data)
    while size:
        for start in range(0, len(data), size):
            end = min(len(data), start + size)
            if any(data[start:end]):
                candidate = data[:start] + bytes(end - start) + data[end:]
                if fails(candidate):
                    data = candidate
        size //= 2
    return data


def _versions(before: bytes, after: bytes) -> Iterator[bytes]:
    """Yield the bytes with a length in the header that is as wrong as before, then as they are."""
    if len(after) >= HEADER_SIZE:
        said = int.from_bytes(before[2:4], "big") + len(after) - len(before)
        if 0 <= said <= 0xFFFF:
            yield after[:2] + said.to_bytes(2, "big") + after[4:]
    yield after
