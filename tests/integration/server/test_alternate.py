import asyncio
from contextlib import asynccontextmanager

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net import query
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server import alternate as module
from stunkit.server.alternate import find_listen, silent_sockets
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from stunkit.wire.attributes.address import OtherAddress, ResponseOrigin
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.integration.loopback import PATIENCE, exchange, udp_socket

HERE, OTHER = "127.0.0.1", "127.0.0.2"


@asynccontextmanager
async def serving(**settings):
    """Yield a server with two addresses, and its four sockets in the order of their roles."""
    listen, alternate = Endpoint.of(HERE, 0), Endpoint.of(OTHER, 0)
    for attempt in range(20):
        server = Server(Settings(listen=(listen,), alternate=(alternate,), **settings))
        try:
            await server.start()
        except StartError:  # the next port, or the same of the other address, is taken
            if attempt == 19:
                raise
            continue
        break
    try:
        yield server, [endpoint for _, endpoint in server.endpoints[::2]]
    finally:
        await server.drain()


async def ask(plain, server: Endpoint, change: ChangeRequest | None = None):
    """Return the answer, and where it came from."""
    request = Message.request(Method.BINDING, bytes(12), [change] if change else [])
    data, source = await exchange(plain, request.raw, server)
    return Message.decode(data), source


async def test_serves_four_sockets():
    async with serving() as (_, sockets):
        primary, other_port, other_address, both = sockets
        assert (primary.host, other_port.host) == (HERE, HERE)
        assert (other_address.host, both.host) == (OTHER, OTHER)
        assert primary.port == other_address.port
        assert other_port.port == both.port == primary.port + 1


@pytest.mark.parametrize("asked", range(4))
async def test_names_where_it_answers_from_and_what_else_it_has(asked: int):
    async with serving() as (_, sockets):
        with udp_socket("127.0.0.1") as plain:
            answer, source = await ask(plain, sockets[asked])
            assert source == sockets[asked]
            assert answer.get(ResponseOrigin).endpoint == sockets[asked]
            assert answer.get(OtherAddress).endpoint == sockets[asked ^ 3]
            assert mapped_endpoint(answer) == endpoint_of(plain.getsockname())


@pytest.mark.parametrize("asked", range(4))
@pytest.mark.parametrize(
    ("change", "flip"),
    [
        (ChangeRequest(), 0),
        (ChangeRequest(change_port=True), 1),
        (ChangeRequest(change_ip=True), 2),
        (ChangeRequest(change_ip=True, change_port=True), 3),
    ],
    ids=["neither", "port", "address", "both"],
)
async def test_answers_from_the_socket_that_is_asked_for(asked: int, change, flip: int):
    async with serving() as (_, sockets):
        with udp_socket("127.0.0.1") as plain:
            answer, source = await ask(plain, sockets[asked], change)
            assert source == sockets[asked ^ flip]
            assert answer.get(ResponseOrigin).endpoint == source


async def test_names_its_public_addresses_behind_a_nat():
    advertise = ((HERE, "203.0.113.1"), (OTHER, "203.0.113.2"))
    async with serving(advertise=advertise) as (_, sockets):
        with udp_socket("127.0.0.1") as plain:
            answer, _ = await ask(plain, sockets[0])
        assert answer.get(ResponseOrigin).endpoint == Endpoint.of("203.0.113.1", sockets[0].port)
        assert answer.get(OtherAddress).endpoint == Endpoint.of("203.0.113.2", sockets[3].port)


async def test_withdraws_the_other_address_when_it_does_not_answer(monkeypatch, caplog):
    monkeypatch.setattr(module, "INTERVAL", 0.05)
    monkeypatch.setattr(module, "RETRY", 0.05)
    monkeypatch.setattr(module, "SCHEDULE", module.Schedule(rto=0.05, rc=2, rm=1, rto_min=0.05))
    async with serving() as (server, sockets):
        checked = asyncio.Queue()
        adopt = server._adopt

        def adopting(quartet) -> None:
            adopt(quartet)
            checked.put_nowait(quartet.proven)

        (alternate,) = server._alternates
        alternate._adopt = adopting
        lane = server._lanes[sockets[3]]
        lane._udp.close()
        lane._udp = lane._siblings[sockets[3]] = UdpSocket(sockets[3])  # bound, and silent
        async with asyncio.timeout(PATIENCE):
            assert await checked.get() is False
        with udp_socket("127.0.0.1") as plain:
            answer, _ = await ask(plain, sockets[0])
            assert answer.get(OtherAddress) is None
            answer, _ = await ask(plain, sockets[0], ChangeRequest(change_ip=True))
            assert answer.message_class is MessageClass.ERROR_RESPONSE
        assert f"no answer from our own {sockets[3]}: OTHER-ADDRESS is withdrawn" in caplog.text
        lane.start()  # it answers again
        async with asyncio.timeout(PATIENCE):
            assert await checked.get() is True
        with udp_socket("127.0.0.1") as plain:
            answer, _ = await ask(plain, sockets[0])
            assert answer.get(OtherAddress) is not None


@asynccontextmanager
async def answering(only: str):
    """Yield a socket that answers whoever asks from this address."""

    def answer(data: bytes, source: Endpoint, local: Endpoint) -> None:
        if source.host == only:
            udp.send(respond(Received(data, source, local), Site()).data, source)

    udp = UdpSocket(Endpoint.of("127.0.0.3", 0))
    udp.start(answer)
    try:
        yield udp.local
    finally:
        udp.close()


@pytest.mark.parametrize("only", [HERE, OTHER])
async def test_asks_from_loopback_and_where_that_is_not_answered_by_the_routes(
    monkeypatch, only: str
):
    monkeypatch.setattr(query, "source_address", lambda _: Endpoint.of(OTHER, 0))
    async with answering(only) as local:
        assert await silent_sockets([local]) == []


async def test_names_a_socket_that_answers_nobody(monkeypatch):
    monkeypatch.setattr(module, "SCHEDULE", module.Schedule(rto=0.05, rc=2, rm=1, rto_min=0.05))
    async with answering("127.0.0.4") as local:
        assert await silent_sockets([local]) == [local]


async def test_checks_no_more_once_it_is_stopped():
    before = asyncio.all_tasks()
    async with serving():
        assert len(asyncio.all_tasks()) == len(before) + 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("alternate", "listen"),
    [
        ("127.0.0.2:0", []),
        ("127.0.0.2:0", ["0.0.0.0:3478"]),
        ("0.0.0.0:0", ["127.0.0.1:3478"]),
        ("127.0.0.2:0", ["[::1]:3478"]),
        ("127.0.0.2:0", ["127.0.0.1:3478", "127.0.0.3:3478"]),
        ("127.0.0.1:3479", ["127.0.0.1:3478"]),
        ("127.0.0.2:3478", ["127.0.0.1:3478"]),
    ],
)
def test_refuses_an_alternate_that_makes_no_quartet(alternate: str, listen: list[str]):
    with pytest.raises(StartError, match="give --listen A:3478 --alternate B:3479"):
        find_listen(Endpoint.parse(alternate), [Endpoint.parse(one) for one in listen])


def test_finds_the_address_that_an_alternate_goes_with():
    listen = [Endpoint.parse("[::1]:3478"), Endpoint.parse("127.0.0.1:3478")]
    assert find_listen(Endpoint.parse("127.0.0.2:3479"), listen) == listen[1]
    assert find_listen(Endpoint.parse("127.0.0.2:0"), listen) == listen[1]
