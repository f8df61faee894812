"""One connection to a real relay, and the codes that coturn gives to what is asked over it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aioice.turn import create_turn_endpoint

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, NoAnswer, Refused, Unreachable
from stunkit.net.relay.connection import Relay, Site
from stunkit.net.relay.report import RelayOutcome
from stunkit.net.relay.verdict import judge_rejection
from stunkit.protocol.allocation_event import Allocated, Permitted, Rejected
from stunkit.protocol.login import Login
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.registry import Method
from stunkit.wire.uri import NAMED, Transport
from tests.integration.loopback import PATIENCE, refusing, silent, udp_socket
from tests.integration.turnserver import PASSWORD, PEERS, USERNAME, USERS, scripted, turnserver
from tests.relaying import PASSWORD as SCRIPTED_PASSWORD
from tests.relaying import ScriptedRelay

ANN = TurnCredentials(USERNAME, PASSWORD)
TCP = 6  # the protocol number of RFC 6062's allocations
ANYWHERE = Endpoint.parse("127.0.0.1:0")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("coturn")
    more = ("--user=bob:b", "--no-tcp-relay", "--stale-nonce=1")
    with turnserver(folder, *USERS, *PEERS, *more) as server:
        yield server


def relay(server: Endpoint, transport: Transport = Transport.UDP, **choices) -> Relay:
    return Relay(Site(server, transport, server.host), ANN, **choices)


def code_of(rejected: object) -> int:
    assert isinstance(rejected, Rejected)
    assert isinstance(rejected.error, Refused)
    return rejected.error.code


@pytest.mark.parametrize("transport", NAMED)
async def test_carries_data_both_ways(transport: Transport, server: Endpoint):
    arrived: asyncio.Queue[tuple[bytes, Endpoint]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    with udp_socket("127.0.0.1") as peer:
        peer.settimeout(0)
        where = Endpoint.of(*peer.getsockname())
        async with relay(
            server, transport, on_data=lambda data, source, _: arrived.put_nowait((data, source))
        ) as one:
            await one.open()
            allocated = await one.allocate()
            assert isinstance(allocated, Allocated)
            assert one.relayed == allocated.relayed[0]
            assert one.mapped == one.local
            assert isinstance(await one.permit(where), Permitted)
            one.send(b"hello", where)
            async with asyncio.timeout(PATIENCE):
                data, source = await loop.sock_recvfrom(peer, 100)
                assert (data, Endpoint.of(*source)) == (b"hello", one.relayed)
                peer.sendto(b"good day", source)
                assert await arrived.get() == (b"good day", where)


async def test_a_5_tuple_that_the_server_knows_is_a_mismatch(server: Endpoint):
    first = relay(server)
    await first.open()
    await first.allocate()
    first._driver.close()  # as a program that crashes
    second = relay(server, bind=first.local)
    await second.open()
    assert code_of(await second.allocate()) == 437
    assert not second._machine.may_exist
    await second.close()


async def test_what_another_user_asks_of_an_allocation_is_refused(server: Endpoint):
    async with relay(server) as one:
        await one.open()
        await one.allocate()
        mine, one._machine._login = one._machine._login, Login("bob", "b")
        rejected = await one.permit(Endpoint.parse("127.0.0.1:1"))
        one._machine._login = mine
    # coturn does not sign it, so that it does not count
    assert isinstance(rejected.error, InvalidAnswer)
    assert rejected.unsigned.get(ErrorCode).code == 441
    judged = judge_rejection(rejected, ANN, 0.0)
    assert judged.outcome is RelayOutcome.OTHER_CREDENTIALS
    assert "not signed" in judged.why


async def test_a_transport_towards_peers_that_the_relay_lacks_is_refused(server: Endpoint):
    async with relay(server, Transport.TCP) as one:
        await one.open()
        waiting = one._expect(Method.ALLOCATE)
        one._machine.allocate(one.now, protocol=TCP)
        rejected = await one._outcome(waiting)
    assert code_of(rejected) == 442
    judged = judge_rejection(rejected, ANN, 0.0)
    assert judged.outcome is RelayOutcome.TRANSPORT_UNSUPPORTED
    assert '"TCP Transport is not allowed by the TURN Server configuration"' in judged.why


async def test_a_peer_of_another_family_is_refused(server: Endpoint):
    async with relay(server) as one:
        await one.open()
        await one.allocate()
        assert code_of(await one.permit(Endpoint.parse("[2001:db8::1]:1"))) == 443


async def test_a_stale_nonce_goes_unnoticed(server: Endpoint):
    async with relay(server) as one:
        await one.open()
        await one.allocate()
        await asyncio.sleep(2.1)  # coturn counts whole seconds
        assert isinstance(await one.permit(Endpoint.parse("127.0.0.1:1")), Permitted)


async def test_relays_that_are_not_there_are_told_apart():
    with refusing("127.0.0.1") as refuser:
        async with relay(refuser, Transport.TCP) as one:
            with pytest.raises(Unreachable, match="refused"):
                await one.open()
        async with relay(refuser) as one:
            await one.open()
            rejected = await one.allocate()
            assert isinstance(rejected.error, Unreachable)


async def test_a_bind_address_is_kept(server: Endpoint):
    for bind in (ANYWHERE, Endpoint.parse("0.0.0.0:0")):
        async with relay(server, bind=bind) as one:
            await one.open()
            assert one.local.host == "127.0.0.1"
            assert one.has_fixed_port is False
    with udp_socket("127.0.0.1") as taken:
        bind = Endpoint.of(*taken.getsockname())
        one = relay(server, bind=bind)
        assert one.has_fixed_port
        with pytest.raises(Unreachable):
            await one.open()
        await one.close()


async def test_nothing_is_relayed_before_it_is_allocated():
    one = relay(ANYWHERE)
    with pytest.raises(ValueError, match="nothing is allocated"):
        _ = one.relayed
    assert one.mapped is None
    await one.close()


async def test_a_connection_that_ends_ends_what_waits():
    async def hang_up(reader, writer):
        await reader.read(100)
        writer.close()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with listener:
        where = Endpoint.of(*listener.sockets[0].getsockname())
        async with relay(where, Transport.TCP) as one:
            await one.open()
            rejected = await one.allocate()
    assert isinstance(rejected.error, Unreachable)


async def test_closing_waits_a_moment_for_a_server_that_is_silent(monkeypatch):
    monkeypatch.setattr("stunkit.net.relay.connection.RELEASE_TIMEOUT", 0.05)
    scripted_relay = ScriptedRelay()
    async with scripted(scripted_relay) as where:
        credentials = TurnCredentials(USERNAME, SCRIPTED_PASSWORD)
        one = Relay(Site(where, Transport.UDP, where.host), credentials)
        await one.open()
        await one.allocate()
        scripted_relay.silent = frozenset(scripted_relay.methods()) | {4}
        await one.close()
    assert scripted_relay.methods()[-1] == 4


async def test_silence_on_the_way_to_a_connection_is_no_answer(monkeypatch):
    monkeypatch.setattr("stunkit.net.relay.connection.CONNECT_TIMEOUT", 0.05)

    async def never(*_arguments):
        await asyncio.Event().wait()

    with silent("127.0.0.1") as where:
        one = relay(where, Transport.TCP)
        monkeypatch.setattr(one._driver, "connect", never)
        with pytest.raises(NoAnswer):
            await one.open()
        await one.close()


class Peer(asyncio.DatagramProtocol):
    """What aioice tells of its allocation."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.is_over = asyncio.Event()

    def connection_made(self, transport: object) -> None:
        pass

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.is_over.set()

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self.arrived.put_nowait((data, source))


async def test_talks_to_an_allocation_of_aioices(server: Endpoint):
    arrived: asyncio.Queue[tuple[bytes, Endpoint]] = asyncio.Queue()
    theirs, peer = await create_turn_endpoint(
        Peer, server_addr=(server.host, server.port), username=USERNAME, password=PASSWORD
    )
    where = Endpoint.of(*theirs.get_extra_info("sockname"))
    async with relay(
        server, on_data=lambda data, source, _: arrived.put_nowait((data, source))
    ) as ours:
        await ours.open()
        await ours.allocate()
        await ours.permit(where)
        async with asyncio.timeout(PATIENCE):
            theirs.sendto(b"first", (ours.relayed.host, ours.relayed.port))  # binds a channel
            assert await arrived.get() == (b"first", where)
            ours.send(b"second", where)
            assert await peer.arrived.get() == (b"second", (ours.relayed.host, ours.relayed.port))
    theirs.close()
    async with asyncio.timeout(PATIENCE):
        await peer.is_over.wait()
