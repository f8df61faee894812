"""Parsers that fail in every way that there is; run in a child process."""

import ctypes
import os
import sys
import time

COOKIE = bytes.fromhex("2112a442")


def length_of(data: bytes) -> int:
    """Return the length in the header, -1 where there is no header of STUN."""
    if len(data) < 20 or data[4:8] != COOKIE:
        return -1
    return int.from_bytes(data[2:4], "big")


def fine(data: bytes) -> int:
    return len(data)


def strict(data: bytes) -> int:
    if length_of(data) != len(data) - 20:
        raise ValueError("it is no STUN message")
    return len(data)


def raises(data: bytes) -> None:
    if length_of(data) == 12:
        raise KeyError(data[0])


def hangs(data: bytes) -> None:
    while length_of(data) == 12:
        pass


def sleeps(data: bytes) -> None:
    if length_of(data) == 12:
        time.sleep(600)  # what no timer of processor time ends


def eats(data: bytes) -> object:
    return bytearray(1 << 32) if length_of(data) == 12 else None


def falls(data: bytes) -> None:
    if length_of(data) == 12:
        falls(data)


def exits(data: bytes) -> None:
    if length_of(data) == 12:
        os._exit(3)


def exits_or_raises(data: bytes) -> None:
    if data == b"a exits":
        os._exit(3)
    if data == b"b raises":
        raise KeyError(data)


def crashes(data: bytes) -> None:
    if length_of(data) == 12:
        ctypes.string_at(0)


def prints(data: bytes) -> None:
    sys.stdout.write(f"noise {data!r}")
    sys.stdout.flush()


async def waits(data: bytes) -> None:
    del data


def measured(data: bytes) -> None:
    if data.startswith(b"own"):
        raise KeyError("own")


measured.mutate = lambda data, source: b"own" + data + source.randbytes(1)  # type: ignore[attr-defined]

number = 7
