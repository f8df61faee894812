import asyncio
from contextlib import asynccontextmanager

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server.process.watchdog import PATIENCE, PORTS_PER_WORKER, Watchdog
from stunkit.server.sockets import bind_tcp
from stunkit.wire.uri import Transport
from tests.integration.loopback import (
    HOSTS,
    fake,
    refusing,
    refusing_with,
    serving,
    silent,
)
from tests.integration.loopback import (
    PATIENCE as TEST_PATIENCE,
)

each_family = pytest.mark.parametrize("host", HOSTS)


def watchdog(*endpoints, feed=lambda: None, patience: float = 1.0, workers: int = 1) -> Watchdog:
    return Watchdog(endpoints, feed, patience, workers=workers)


@pytest.mark.parametrize("hosts", [HOSTS, ("0.0.0.0", "::")], ids=["loopback", "everywhere"])
async def test_server_that_answers_is_alive(hosts: tuple[str, ...]):
    async with serving(*hosts) as server:
        assert await watchdog(*server.endpoints).ask() == []


@each_family
@pytest.mark.parametrize("make", [silent, refusing])
async def test_names_a_udp_socket_that_does_not_answer(host: str, make):
    with make(host) as closed:
        async with serving(host) as server:
            asked = [*server.endpoints, (Transport.UDP, closed)]
            assert await watchdog(*asked).ask() == [(Transport.UDP, closed)]


@each_family
@pytest.mark.parametrize("accepts", [True, False])
async def test_names_a_tcp_socket_that_does_not_answer(host: str, accepts: bool):
    with bind_tcp(Endpoint.of(host, 0)) as listening:
        closed = endpoint_of(listening.getsockname())
        if not accepts:
            listening.close()
        async with serving(host) as server:
            asked = [*server.endpoints, (Transport.TCP, closed)]
            assert await watchdog(*asked).ask() == [(Transport.TCP, closed)]


async def test_link_local_sockets_are_not_asked():
    assert watchdog((Transport.UDP, Endpoint.parse("[fe80::1%1]:3478"))).endpoints == []


async def test_takes_an_error_response_for_an_answer():
    async with fake("127.0.0.1", refusing_with(401, "Unauthorized")) as server:
        assert await watchdog((Transport.UDP, server)).ask() == []


async def test_asks_again_what_was_lost():
    left = 6  # requests that are lost: more than one try sends

    def lossy(request, source):
        nonlocal left
        left -= 1
        return None if left >= 0 else respond(Received(request.raw, source, source), Site()).data

    async with fake("127.0.0.1", lossy) as server:
        assert await watchdog((Transport.UDP, server), patience=10.0).ask() == []
    assert left == -1


async def test_asks_from_enough_ports_to_reach_every_worker():
    ports = set()

    def note(request, source):
        ports.add(source.port)
        return respond(Received(request.raw, source, source), Site()).data

    async with fake("127.0.0.1", note) as server:
        assert await watchdog((Transport.UDP, server), workers=3).ask() == []
    assert len(ports) == 3 * PORTS_PER_WORKER


async def test_one_silent_port_of_many_is_enough():
    ports = []

    def all_but_the_fourth(request, source):
        if source.port not in ports:
            ports.append(source.port)
        if source.port in ports[3:4]:
            return None
        return respond(Received(request.raw, source, source), Site()).data

    async with fake("127.0.0.1", all_but_the_fourth) as server:
        assert await watchdog((Transport.UDP, server), workers=2).ask() == [(Transport.UDP, server)]


@asynccontextmanager
async def running(dog: Watchdog):
    dog.start()
    try:
        yield
    finally:
        dog.stop()


async def test_feeds_twice_within_the_managers_patience():
    loop = asyncio.get_running_loop()
    fed = asyncio.Queue()
    async with serving("127.0.0.1") as server:
        dog = watchdog(*server.endpoints, feed=lambda: fed.put_nowait(loop.time()), patience=0.5)
        async with running(dog), asyncio.timeout(TEST_PATIENCE):
            first, second, third = [await fed.get() for _ in range(3)]
    assert second - first > 0.2
    assert third - second > 0.2


async def test_does_not_feed_while_a_socket_is_silent(caplog):
    fed = []
    with silent("127.0.0.1") as closed:
        dog = watchdog((Transport.UDP, closed), feed=lambda: fed.append(1), patience=0.2)
        async with running(dog), asyncio.timeout(TEST_PATIENCE):
            while len(caplog.records) < 2:  # noqa: ASYNC110 (a log has no event)
                await asyncio.sleep(0.01)
    assert not fed
    assert caplog.records[0].getMessage() == (
        f"no answer from our own udp {closed}: the watchdog is not fed"
    )


async def test_asks_no_more_once_stopped():
    fed = []
    async with serving("127.0.0.1") as server:
        dog = watchdog(*server.endpoints, feed=lambda: fed.append(1), patience=0.01)
        dog.start()
        dog.stop()
        dog.stop()
        received = server.counters.received
        await asyncio.sleep(0.05)
        assert (fed, server.counters.received) == ([], received)


def test_a_round_ends_before_the_manager_loses_patience():
    assert 0.5 + PATIENCE < 1
