"""Measuring a path over real sockets: what the server does is what is found."""

from __future__ import annotations

import asyncio
from typing import Self

import pytest

from stunkit.call.quality import Quality
from stunkit.endpoint import Endpoint
from stunkit.net.quality import measure
from stunkit.net.transport.udp import UdpSocket
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.message import Message
from tests.integration.loopback import HOSTS, endpoint_of_server, refusing, serving, success

DELAY = 0.03


class SlowServer:
    """Answers after a while; every fourth question not at all, every third a little later."""

    def __init__(self) -> None:
        self._udp = UdpSocket(Endpoint.of("127.0.0.1", 0))
        self._count = 0
        self.endpoint = self._udp.local

    def __enter__(self) -> Self:
        self._udp.start(self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._udp.close()

    def _receive(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        del local
        self._count += 1
        if self._count % 4 == 0:
            return
        request = Message.decode(data)
        answer = success(request, XorMappedAddress(source))
        delay = DELAY * (3 if self._count % 3 == 0 else 1)
        asyncio.get_running_loop().call_later(delay, self._udp.send, answer, source)


@pytest.mark.alone
async def test_finds_what_the_server_does():
    with SlowServer() as server:
        quality = await measure(server.endpoint)
    assert quality.loss == 0.25
    assert quality.rtt is not None
    assert DELAY <= quality.rtt < 2 * DELAY  # two of three answers take that long
    assert quality.rtt_max is not None
    assert quality.rtt_max >= 3 * DELAY
    assert quality.jitter is not None
    assert quality.jitter > 0.01
    assert quality.reordered > 0
    assert quality.voice is not None
    assert quality.voice.grade == "poor"


@pytest.mark.parametrize("host", HOSTS)
async def test_tells_how_far_it_is(host: str):
    told: list[tuple[float, Quality]] = []
    async with serving(host) as server:
        quality = await measure(
            endpoint_of_server(server), count=40, on_progress=lambda *news: told.append(news)
        )
    assert quality.loss == 0.0
    shares = [share for share, _ in told]
    assert shares == sorted(set(shares))
    assert shares[-1] == 1.0
    assert len(shares) > 20
    assert told[len(told) // 2][1].voice is None  # too early to tell


async def test_nobody_there_ends_at_once():
    with refusing("127.0.0.1") as server:
        quality = await measure(server)
    assert quality.answered == 0
    assert quality.why == "none of 1 questions was answered: connection refused"


async def test_no_route_raises():
    with pytest.raises(OSError, match="assign"):
        await measure(Endpoint.of("127.0.0.1", 3478), bind=Endpoint.of("192.0.2.99", 0))
