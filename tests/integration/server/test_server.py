import asyncio
import logging
import socket

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.protocol.client import mapped_endpoint
from stunkit.server import sockets as module
from stunkit.server.metrics.counters import BLOCK_SIZE, Counters
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from stunkit.server.sockets import Sockets
from stunkit.wire.message import Message
from stunkit.wire.uri import Transport
from tests.integration.loopback import (
    HOSTS,
    PATIENCE,
    blank,
    endpoint_of_server,
    exchange,
    serving,
    udp_socket,
)

each_family = pytest.mark.parametrize("host", HOSTS)


def on(host: str, port: int = 0) -> Server:
    return Server(Settings(listen=(Endpoint.of(host, port),)))


async def ask(plain: socket.socket, server: Endpoint, number: int = 0) -> Endpoint | None:
    """Ask over UDP; return where the server sees us."""
    data, source = await exchange(plain, blank(number), server)
    assert source == server
    message = Message.decode(data)
    assert message.transaction_id == number.to_bytes(12, "big")
    return mapped_endpoint(message)


def ask_over_tcp(server: Endpoint) -> Message:
    """Ask from a thread."""
    with socket.create_connection((server.host, server.port), timeout=PATIENCE) as plain:
        plain.sendall(blank())
        return Message.decode(plain.recv(4096))


@each_family
async def test_has_one_port_for_udp_and_tcp(host: str):
    async with on(host) as server:
        (udp, local), (tcp, same) = server.endpoints
        assert (udp, tcp) == (Transport.UDP, Transport.TCP)
        assert local == same
        assert local.port != 0


async def test_serves_every_socket_that_it_names():
    async with serving(*HOSTS) as server:
        assert [endpoint.host for _, endpoint in server.endpoints] == [
            "127.0.0.1",
            "127.0.0.1",
            "::1",
            "::1",
        ]
        for index, host in enumerate(HOSTS):
            with udp_socket(host) as plain:
                seen = await ask(plain, endpoint_of_server(server, index))
                assert seen == endpoint_of(plain.getsockname())


@each_family
async def test_answers_over_tcp(host: str):
    async with on(host) as server:
        answer = await asyncio.to_thread(ask_over_tcp, endpoint_of_server(server))
        assert mapped_endpoint(answer) is not None


async def test_serves_every_address_of_both_families_by_default(monkeypatch):
    # on a free port instead of 3478, which may be taken here
    for name in ("ANY_IPV4", "ANY_IPV6"):
        monkeypatch.setattr(module, name, getattr(module, name).with_port(0))
    async with Server() as server:
        ipv4, ipv6 = endpoint_of_server(server, 0), endpoint_of_server(server, 1)
        assert (ipv4.host, ipv6.host) == ("0.0.0.0", "::")
        with udp_socket("127.0.0.1") as plain:
            for address in ("127.0.0.1", "127.0.0.2"):
                asked = Endpoint.of(address, ipv4.port)
                assert await ask(plain, asked) == endpoint_of(plain.getsockname())
        with udp_socket("::1") as plain:
            asked = Endpoint.of("::1", ipv6.port)
            assert await ask(plain, asked) == endpoint_of(plain.getsockname())


async def test_closes_everything_when_one_socket_cannot_be_bound():
    with udp_socket("127.0.0.1") as taken:
        other = Endpoint.of("127.0.0.2", taken.getsockname()[1])
        listen = (other, endpoint_of(taken.getsockname()))
        with pytest.raises(StartError):
            await Server(Settings(listen=listen)).start()
        async with Server(Settings(listen=(other,))) as server:  # it is free again
            assert endpoint_of_server(server) == other


async def test_serves_sockets_that_others_have_bound():
    sockets = Sockets.bind(Settings(listen=(Endpoint.of("127.0.0.1", 0),)))
    with udp_socket("127.0.0.1") as plain:
        plain.sendto(blank(7), sockaddr_of(sockets.endpoints[0][1]))  # waits until one serves
        async with Server(sockets=sockets) as server:
            assert server.endpoints == sockets.endpoints
            answer, _ = await exchange(plain, blank(8), endpoint_of_server(server))
            assert Message.decode(answer).transaction_id == (7).to_bytes(12, "big")
            answer = await asyncio.to_thread(ask_over_tcp, endpoint_of_server(server))
            assert mapped_endpoint(answer) is not None


async def test_counts_where_it_is_told_to():
    memory = memoryview(bytearray(BLOCK_SIZE))
    settings = Settings(listen=(Endpoint.of("127.0.0.1", 0),))
    async with Server(settings, counters=Counters(memory)) as server:
        with udp_socket("127.0.0.1") as plain:
            await ask(plain, endpoint_of_server(server))
    assert Counters(memory).answered == 1


async def test_answers_what_lies_in_its_queue_when_it_drains():
    server = on("127.0.0.1")
    await server.start()
    with udp_socket("127.0.0.1") as plain:
        for number in range(150):
            plain.sendto(blank(number), sockaddr_of(endpoint_of_server(server)))
        await server.drain()
        ids = {plain.recv(100)[8:20] for _ in range(150)}
    assert ids == {number.to_bytes(12, "big") for number in range(150)}
    assert server.counters.received == server.counters.answered == 150


@each_family
async def test_starts_again_on_its_port_at_once(host: str):
    async with on(host) as server:
        local = endpoint_of_server(server)
        await asyncio.to_thread(ask_over_tcp, local)
    async with on(host, local.port) as server:
        assert endpoint_of_server(server) == local
        assert mapped_endpoint(await asyncio.to_thread(ask_over_tcp, local)) is not None


async def test_drains_more_than_once():
    async with on("127.0.0.1") as server:
        await server.drain()


async def test_counts_udp_and_tcp_together():
    async with on("127.0.0.1") as server:
        local = endpoint_of_server(server)
        with udp_socket("127.0.0.1") as plain:
            plain.sendto(b"garbage", sockaddr_of(local))
            await ask(plain, local)
        await asyncio.to_thread(ask_over_tcp, local)
        assert (server.counters.received, server.counters.answered) == (3, 2)
        assert (server.counters.unsent, server.counters.errors) == (0, 0)


async def test_sends_software_when_it_is_told_to():
    async with serving("127.0.0.1", software="stunkit") as server:
        with udp_socket("127.0.0.1") as plain:
            data, _ = await exchange(plain, blank(), endpoint_of_server(server))
        assert b"stunkit" in data


async def test_logs_nothing_while_all_is_well(caplog):
    caplog.set_level(logging.INFO)
    async with on("127.0.0.1") as server:
        with udp_socket("127.0.0.1") as plain:
            await ask(plain, endpoint_of_server(server))
    assert caplog.records == []
