import asyncio
import socket

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, NoAnswer, Refused, Unreachable
from stunkit.net.query import Asker
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.schedule import Schedule
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.error import UnknownAttributes
from stunkit.wire.uri import NAMED, Transport
from tests.integration.loopback import (
    HOSTS,
    PATIENCE,
    endpoint_of_server,
    fake,
    family_of,
    refusing,
    refusing_with,
    saying,
    serving,
    silent,
    success,
    udp_socket,
)

QUICK = Schedule(rto=0.05, rc=3, rm=2, ti=0.2, rto_min=0.05)

each_family = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture
async def asker():
    async with Asker(schedule=QUICK) as asker:
        yield asker


async def ask(asker: Asker, server: Endpoint, transport: Transport = Transport.UDP):
    async with asyncio.timeout(PATIENCE):
        return await asker.ask(server, await asker.open(server, transport), transport)


@pytest.mark.parametrize("transport", NAMED)
@each_family
async def test_learns_where_a_server_sees_us(host: str, transport: Transport, asker: Asker):
    async with serving(host) as server:
        answered = await ask(asker, endpoint_of_server(server), transport)
    assert mapped_endpoint(answered.response) == answered.local
    assert answered.local.host == host
    assert answered.sends == 1
    assert 0 < answered.rtt < PATIENCE


@each_family
async def test_asks_all_servers_of_a_family_from_one_socket(host: str, asker: Asker):
    async with serving(host) as one, serving(host) as two:
        answers = [await ask(asker, endpoint_of_server(server)) for server in (one, two)]
    assert answers[0].local == answers[1].local
    assert mapped_endpoint(answers[0].response) == mapped_endpoint(answers[1].response)


async def test_asks_over_a_connection_of_its_own_for_each_question(asker: Asker):
    async with serving("127.0.0.1") as server:
        answers = [await ask(asker, endpoint_of_server(server), Transport.TCP) for _ in range(2)]
    assert answers[0].local != answers[1].local


async def test_carries_many_questions_at_a_time(asker: Asker):
    async with serving("127.0.0.1") as server:
        questions = (ask(asker, endpoint_of_server(server)) for _ in range(50))
        answers = await asyncio.gather(*questions)
    assert len({answer.request.transaction_id for answer in answers}) == 50


@each_family
async def test_asks_from_where_it_is_bound(host: str):
    with udp_socket(host) as free:
        bind = endpoint_of(free.getsockname())
    async with Asker(bind=bind) as asker, serving(host) as server:
        answered = await ask(asker, endpoint_of_server(server))
    assert mapped_endpoint(answered.response) == answered.local == bind


async def test_asks_from_the_port_of_a_wildcard_and_the_address_of_the_route():
    with udp_socket("127.0.0.1") as free:
        port = free.getsockname()[1]
    async with Asker(bind=Endpoint.of("0.0.0.0", port)) as asker, serving("127.0.0.1") as server:
        answered = await ask(asker, endpoint_of_server(server))
    assert answered.local == Endpoint.of("127.0.0.1", port)


@pytest.mark.parametrize("transport", NAMED)
async def test_says_when_its_address_is_not_ours(transport: Transport):
    async with Asker(bind=Endpoint.of("203.0.113.1", 0)) as asker:
        with pytest.raises(Unreachable, match="assign requested address"):
            await asker.open(Endpoint.of("127.0.0.1", 9), transport)


async def test_says_when_its_port_is_taken():
    with udp_socket("127.0.0.1") as taken:
        async with Asker(bind=endpoint_of(taken.getsockname())) as asker:
            with pytest.raises(Unreachable, match="address already in use"):
                await asker.open(Endpoint.of("127.0.0.1", 9))


async def test_says_when_there_is_no_route(asker: Asker):
    with pytest.raises(Unreachable):
        await asker.open(Endpoint.of("255.255.255.255", 9))


async def test_asks_again_and_says_how_often(asker: Asker):
    with silent("127.0.0.1") as server, pytest.raises(NoAnswer) as caught:
        await ask(asker, server)
    assert caught.value.sends == 3
    assert 0.2 < caught.value.waited < 1  # 0.05 and 0.1 between the sends, 0.1 after the last


async def test_has_no_round_trip_when_it_asked_twice(asker: Asker):
    asked = []

    def reply(request, source):
        asked.append(request.transaction_id)
        return saying("192.0.2.1")(request, source) if len(asked) == 2 else None

    async with fake("127.0.0.1", reply) as server:
        answered = await ask(asker, server)
    assert (answered.sends, answered.rtt) == (2, None)
    assert asked[0] == asked[1]


@pytest.mark.parametrize("code", [400, 420, 500, 699])
async def test_says_what_the_server_refused_with(code: int, asker: Asker):
    reply = refusing_with(code, "because", UnknownAttributes((0x8FFE,)))
    async with fake("127.0.0.1", reply) as server:
        with pytest.raises(Refused) as caught:
            await ask(asker, server)
    assert (caught.value.code, caught.value.reason) == (code, "because")


async def test_says_when_the_answer_has_no_address(asker: Asker):
    async with fake("127.0.0.1", lambda request, _: success(request)) as server:
        with pytest.raises(InvalidAnswer, match="no mapped address"):
            await ask(asker, server)


@each_family
async def test_says_when_the_port_is_unreachable_and_does_not_wait(host: str):
    async with Asker() as asker:  # which would wait 39.5 seconds
        with refusing(host) as server, pytest.raises(Unreachable, match="connection refused"):
            await ask(asker, server)


async def test_does_not_blame_a_live_server_for_a_dead_one():
    async with Asker() as asker, serving("127.0.0.1") as server:
        with refusing("127.0.0.1") as dead:
            asking = [dead, endpoint_of_server(server), dead, endpoint_of_server(server)]
            answers = await asyncio.gather(
                *(ask(asker, one) for one in asking), return_exceptions=True
            )
    assert [type(answer).__name__ for answer in answers] == [
        "Unreachable",
        "Answered",
        "Unreachable",
        "Answered",
    ]


async def test_believes_nobody_but_the_server_that_was_asked(asker: Asker):
    # the right transaction id, from another port
    with socket.socket(family_of("127.0.0.1"), socket.SOCK_DGRAM) as forger:
        forger.bind(("127.0.0.1", 0))

        def reply(request, source):
            forged = success(request, XorMappedAddress(Endpoint.of("192.0.2.66", 1)))
            forger.sendto(forged, (source.host, source.port))

        async with fake("127.0.0.1", reply) as server:
            with pytest.raises(NoAnswer) as caught:
                await ask(asker, server)
        forged_by = str(endpoint_of(forger.getsockname()))
    assert caught.value.forged_by == forged_by
    assert str(caught.value).endswith(f"; {forged_by} answered, which was not asked")


async def test_believes_the_server_after_a_forgery(asker: Asker):
    with socket.socket(family_of("127.0.0.1"), socket.SOCK_DGRAM) as forger:

        def reply(request, source):
            forged = success(request, XorMappedAddress(Endpoint.of("192.0.2.66", 1)))
            forger.sendto(forged, (source.host, source.port))
            return success(request, XorMappedAddress(source))

        async with fake("127.0.0.1", reply) as server:
            answered = await ask(asker, server)
    assert mapped_endpoint(answered.response) == answered.local


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", bytes(20), b"\1\1\0\4" + bytes(16)])
async def test_waits_on_when_rubbish_comes(rubbish: bytes, asker: Asker):
    with udp_socket("127.0.0.1") as other:

        def reply(request, source):
            other.sendto(rubbish, (source.host, source.port))
            return success(request, XorMappedAddress(source))

        async with fake("127.0.0.1", reply) as server:
            answered = await ask(asker, server)
    assert mapped_endpoint(answered.response) == answered.local


async def test_gives_up_when_it_is_told_to():
    async with Asker() as asker:
        with silent("127.0.0.1") as server:
            asking = asyncio.create_task(ask(asker, server))
            await asyncio.sleep(0)
            asker.give_up()
            with pytest.raises(NoAnswer):
                await asking
            asker.give_up()


async def test_forgets_a_question_that_is_cancelled():
    async with Asker() as asker:
        with silent("127.0.0.1") as server:
            asking = asyncio.create_task(ask(asker, server))
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert asker._waiting == {}
        assert asker._client.deadline() is None


async def test_says_when_nobody_listens_for_connections(asker: Asker):
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="connection refused"):
            await asker.open(endpoint_of(taken.getsockname()), Transport.TCP)


async def test_says_when_a_connection_is_closed_before_the_answer(asker: Asker):
    async def close(_reader, writer):
        await _reader.read(1)
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    there = endpoint_of(server.sockets[0].getsockname())
    with pytest.raises(Unreachable, match=r"the connection was closed|reset by peer"):
        await ask(asker, there, Transport.TCP)
    server.close()
    await server.wait_closed()


async def test_asks_once_over_tcp_and_waits(asker: Asker):
    with socket.socket() as quiet:
        quiet.bind(("127.0.0.1", 0))
        quiet.listen()
        with pytest.raises(NoAnswer) as caught:
            await ask(asker, endpoint_of(quiet.getsockname()), Transport.TCP)
    assert caught.value.sends == 1
    assert 0.15 < caught.value.waited < 1
