import asyncio
import socket
import struct
from contextlib import closing

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.drive import Driver
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.protocol.machine import Outgoing
from tests.integration.loopback import (
    HOSTS,
    PATIENCE,
    blank,
    endpoint_of_server,
    refusing,
    serving,
    silent,
    udp_socket,
)

each_family = pytest.mark.parametrize("host", HOSTS)


class Recorder:
    """A machine that says what it is told, and sends what the test wants sent."""

    def __init__(self) -> None:
        self.to_send: list[Outgoing] = []
        self.told: list[tuple] = []
        self.alarm: float | None = None

    def receive(self, data, source, local, now) -> None:  # noqa: ARG002
        self.told.append(("receive", data, source, local))

    def unreachable(self, remote, local, reason, now) -> None:  # noqa: ARG002
        self.told.append(("unreachable", remote, local, reason))

    def tick(self, now) -> None:
        self.told.append(("tick", now >= self.alarm))
        self.alarm = None

    def sends(self) -> list[Outgoing]:
        sends, self.to_send = self.to_send, []
        return sends

    def events(self) -> list[tuple]:
        told, self.told = self.told, []
        return told

    def deadline(self) -> float | None:
        return self.alarm


class Drive:
    def __init__(self) -> None:
        self.machine = Recorder()
        self.events: asyncio.Queue[tuple] = asyncio.Queue()
        self.driver = Driver(self.machine, self.events.put_nowait)

    def send(self, data: bytes, destination: Endpoint, local: Endpoint) -> None:
        self.machine.to_send.append(Outgoing(data, destination, local))
        self.driver.flush()

    async def event(self) -> tuple:
        async with asyncio.timeout(PATIENCE):
            return await self.events.get()

    def close(self) -> None:
        self.driver.close()


@pytest.fixture
async def drive():
    with closing(Drive()) as drive:
        yield drive


@each_family
async def test_carries_datagrams_from_each_socket(host: str, drive: Drive):
    locals_ = [drive.driver.open_udp(Endpoint.of(host, 0)) for _ in range(2)]
    with udp_socket(host) as peer:
        there = endpoint_of(peer.getsockname())
        for local in locals_:
            drive.send(b"question", there, local)
            assert peer.recvfrom(100) == (b"question", sockaddr_of(local))
            peer.sendto(b"answer", sockaddr_of(local))
            assert await drive.event() == ("receive", b"answer", there, local)


@each_family
async def test_carries_messages_over_tcp(host: str, drive: Drive):
    async with serving(host) as server:
        there = endpoint_of_server(server)
        local = await drive.driver.connect(there)
        drive.send(blank(), there, local)
        kind, data, source, here = await drive.event()
        assert (kind, source, here) == ("receive", there, local)
        assert data[:2] == b"\1\1"


@each_family
async def test_connects_from_the_address_that_it_is_told(host: str, drive: Drive):
    source = "127.0.0.5" if host == "127.0.0.1" else host
    async with serving(host) as server:
        local = await drive.driver.connect(endpoint_of_server(server), Endpoint.of(source, 0))
        assert local.host == source


@each_family
async def test_tells_of_a_port_that_is_unreachable(host: str, drive: Drive):
    local = drive.driver.open_udp(Endpoint.of(host, 0))
    with refusing(host) as dead:
        drive.send(b"x", dead, local)
        assert await drive.event() == ("unreachable", dead, local, "connection refused")


async def test_tells_when_there_is_no_way_to_a_destination(drive: Drive):
    local = drive.driver.open_udp(Endpoint.of("127.0.0.1", 0))
    nowhere = Endpoint.of("255.255.255.255", 9)
    drive.send(b"x", nowhere, local)
    kind, remote, here, reason = await drive.event()
    assert (kind, remote, here) == ("unreachable", nowhere, local)
    assert reason in {"permission denied", "network is unreachable", "invalid argument"}


async def test_tells_when_a_connection_is_closed(drive: Drive):
    async with serving("127.0.0.1") as server:
        there = endpoint_of_server(server)
        local = await drive.driver.connect(there)
        drive.send(blank(), there, local)
        await drive.event()
    lost = ("unreachable", there, local, "the connection was closed")
    assert await drive.event() == lost
    drive.send(blank(), there, local)  # goes nowhere, and does no harm


async def test_raises_when_nobody_listens(drive: Drive):
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await drive.driver.connect(endpoint_of(taken.getsockname()))


async def test_tells_or_raises_when_a_connection_is_reset_at_once(drive: Drive):
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen()
        there = endpoint_of(rude.getsockname())
        connecting = asyncio.create_task(drive.driver.connect(there))
        await asyncio.sleep(0)  # the connection waits to be accepted
        accepted, _ = rude.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        try:
            await connecting
        except ConnectionResetError:
            return
        assert (await drive.event())[0] == "unreachable"


async def test_wakes_the_machine_when_it_wants_to_be_woken(drive: Drive):
    drive.machine.alarm = drive.driver.now + 0.01
    drive.driver.flush()
    assert await drive.event() == ("tick", True)


async def test_wakes_nobody_after_it_is_closed(drive: Drive):
    local = drive.driver.open_udp(Endpoint.of("127.0.0.1", 0))
    with silent("127.0.0.1") as there, udp_socket("127.0.0.1") as peer:
        drive.machine.alarm = drive.driver.now
        drive.driver.flush()
        drive.close()
        drive.close()
        drive.send(b"x", there, local)  # goes nowhere, and does no harm
        drive.machine.alarm = None
        drive.driver.flush()
        peer.sendto(b"late", sockaddr_of(local))
        for _ in range(5):
            await asyncio.sleep(0)
    assert drive.events.empty()


async def test_raises_when_an_address_is_not_ours(drive: Drive):
    with pytest.raises(OSError, match="assign requested address"):
        drive.driver.open_udp(Endpoint.of("203.0.113.1", 0))
