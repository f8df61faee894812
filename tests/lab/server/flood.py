"""Datagrams with forged sources, as fast as one core can make them.

    python -m tests.lab.server.flood TO:PORT --sources N --count N --what garbage|requests

Each datagram comes from the next of N addresses of 10.0.0.0/8, in an order that visits each once
before any comes again. Needs root, for a raw socket; to be run in a namespace.
"""

from __future__ import annotations

import argparse
import random
import socket
from collections.abc import Callable

import numpy as np

from stunkit.endpoint import Endpoint, Family
from stunkit.net.transport.batch import BATCH, Outbox, write_name
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import MAGIC_COOKIE, Message
from stunkit.wire.registry import Method

FIRST = 10 << 24  # 10.0.0.0
STEP = 2_654_435_761  # a prime, so that all sources are visited; near 2^32 / the golden ratio
HEADERS = 28  # bytes of IPv4 and UDP
MOST = 96  # bytes of payload


def garbage(draw: random.Random) -> bytes:
    """Bytes that are no request: noise, and STUN that is broken in one place or another."""
    request = b"\0\1\0\0" + MAGIC_COOKIE + draw.randbytes(12)
    body = draw.randbytes(4 * draw.randrange(1, 18))
    shapes: list[Callable[[], bytes]] = [
        lambda: draw.randbytes(draw.randrange(MOST)),
        lambda: request[: draw.randrange(20)],
        lambda: request[:2] + len(body).to_bytes(2, "big") + request[4:] + body,
        lambda: b"\1\1" + request[2:],
        lambda: b"\0\x11" + request[2:],
        lambda: b"\0\3" + request[2:],
        lambda: request[:3] + b"\4" + request[4:],
        lambda: bytes((draw.randrange(128, 256),)) + request[1:],
        lambda: add_fingerprint(Message.decode(request)).raw[:-1] + b"?",
    ]
    return draw.choice(shapes)()[:MOST]


def blank_request(draw: random.Random) -> bytes:
    return Message.request(Method.BINDING, draw.randbytes(12)).raw


PAYLOADS = {"garbage": garbage, "requests": blank_request}


def flood(to: Endpoint, *, what: str, sources: int, count: int) -> None:
    """Send ``count`` datagrams."""
    draw = random.Random(1)
    outbox = Outbox(Family.IPV4)
    rows = outbox.rows
    for row in range(BATCH):
        payload = PAYLOADS[what](draw)
        size = HEADERS + len(payload)
        packet = b"\x45\0" + size.to_bytes(2, "big") + bytes(4) + b"\x40\x11\0\0" + bytes(4)
        packet += to.packed + draw.randrange(1024, 65536).to_bytes(2, "big")
        packet += to.port.to_bytes(2, "big") + (8 + len(payload)).to_bytes(2, "big") + b"\0\0"
        rows[row, :size] = np.frombuffer(packet + payload, np.uint8)
        outbox.lengths[row] = size
    outbox.names[:] = np.frombuffer(write_name(to), np.uint8)
    steps = np.arange(BATCH, dtype=np.uint64) * np.uint64(STEP)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for sent in range(0, count, BATCH):
            numbers = (steps + np.uint64(sent * STEP)) % np.uint64(sources) + np.uint64(FIRST)
            rows[:, 12:16] = numbers.astype(">u4").view(np.uint8).reshape(-1, 4)
            outbox.send(raw.fileno(), min(BATCH, count - sent))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("to", type=Endpoint.parse)
    parser.add_argument("--what", choices=PAYLOADS, required=True)
    parser.add_argument("--sources", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    options = vars(parser.parse_args())
    flood(options.pop("to"), **options)


if __name__ == "__main__":
    main()
