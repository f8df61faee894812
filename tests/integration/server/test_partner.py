"""Two servers, one address each, that are one RFC 5780 server: 127.0.0.1 and 127.0.0.2."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.partner import Codec, Kind, LinkMessage, Outcome
from stunkit.server import alternate
from stunkit.server.partner import find_listen
from stunkit.server.server import Server
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import PartnerSettings, Settings
from stunkit.server.sockets import Sockets
from stunkit.wire.attributes.address import OtherAddress, ResponseOrigin, XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest, Padding
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.integration.command import serve
from tests.integration.loopback import exchange, udp_socket

HERE, THERE = "127.0.0.1", "127.0.0.2"
PATIENCE = 10.0  # seconds until a test fails
WITHDRAWN_WITHIN = 2.0  # seconds, at the most
DIGITS = "00112233445566778899aabbccddeeff" * 2
SECRET = bytes.fromhex(DIGITS)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(DIGITS + "\n")
    path.chmod(0o600)
    return path


class Ports:
    """Where two machines listen: four ports in a row, the same at both addresses."""

    def __init__(self) -> None:
        # below those that the system gives to whoever asks for any; ip_local_port_range of ip(7)
        self.first = next(
            port
            for port in iter(lambda: random.randrange(20_000, 32_000), 0)
            if all(is_free(host, port + more) for host in (HERE, THERE) for more in range(4))
        )

    @property
    def link(self) -> int:
        return self.first + 2

    def endpoint(self, host: str, *, is_other: bool = False) -> Endpoint:
        return Endpoint.of(host, self.first + is_other)


def is_free(host: str, port: int) -> bool:
    try:
        with udp_socket(host, port), socket.socket() as stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind((host, port))
    except OSError:
        return False
    return True


def settings(ports: Ports, host: str, key_file: Path, **more: object) -> Settings:
    other = THERE if host == HERE else HERE
    partner = PartnerSettings(address=Endpoint.of(other, ports.link), key_file=key_file)
    return Settings(listen=(ports.endpoint(host),), partner=partner, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def two(key_file: Path, **more: object) -> AsyncIterator[tuple[Server, Server, Ports]]:
    """Yield both machines, joined."""
    ports = Ports()
    one, other = (settings(ports, host, key_file, **more) for host in (HERE, THERE))
    async with Server(one) as a, Server(other) as b:
        await until(lambda: is_complete(a) and is_complete(b))
        yield a, b, ports


def is_complete(server: Server) -> bool:
    assert server.partner is not None
    return server.partner.other is not None


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_true():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.005)


async def ask(server: Endpoint, *attributes: Attribute) -> tuple[Message, Endpoint]:
    """Return the answer, and where it came from."""
    with udp_socket("127.0.0.1") as plain:
        request = Message.request(Method.BINDING, bytes(12), attributes)
        data, source = await exchange(plain, request.raw, server)
        return Message.decode(data), source


@pytest.mark.parametrize("lane", ["portable", "auto"])
@pytest.mark.parametrize("asked", range(4))
async def test_two_machines_answer_as_one(key_file: Path, lane: str, asked: int):
    async with two(key_file, lane=lane) as (*_, ports):
        four = [ports.endpoint(h, is_other=other) for h in (HERE, THERE) for other in (False, True)]
        for change_ip in (False, True):
            for change_port in (False, True):
                change = ChangeRequest(change_ip=change_ip, change_port=change_port)
                answer, source = await ask(four[asked], change)
                expected = four[asked ^ change.flags >> 1]
                assert source == expected
                assert answer.get(ResponseOrigin) == ResponseOrigin(expected)
                assert answer.get(OtherAddress) == OtherAddress(four[asked ^ 3])
                assert answer.get(XorMappedAddress) is not None


async def test_answers_that_were_handed_over_are_counted(key_file: Path):
    async with two(key_file) as (a, b, ports):
        await ask(ports.endpoint(HERE), ChangeRequest(change_ip=True))
        assert a.partner is not None
        assert b.partner is not None
        assert a.partner.counts[Outcome.HANDED_OVER] == 1
        assert b.partner.counts[Outcome.SENT] == 1


async def assert_withdrawn(endpoint: Endpoint) -> None:
    answer, source = await ask(endpoint)
    assert answer.get(OtherAddress) is None
    assert source == endpoint
    for change in (ChangeRequest(change_ip=True), ChangeRequest(change_port=True)):
        answer, _ = await ask(endpoint, change)
        error = answer.get(ErrorCode)
        assert error is not None
        assert error.code == 420


async def test_there_is_no_other_address_before_the_partner_is_there(key_file: Path):
    ports = Ports()
    async with Server(settings(ports, HERE, key_file)) as a:
        assert a.partner is not None
        assert not a.partner.is_up
        await assert_withdrawn(ports.endpoint(HERE))


@pytest.mark.alone
async def test_other_address_goes_at_once_when_the_partner_ends(key_file: Path):
    ports = Ports()
    async with Server(settings(ports, HERE, key_file)) as a:
        for _ in range(2):  # and comes back
            async with Server(settings(ports, THERE, key_file)):
                await until(lambda: is_complete(a))
            start = time.monotonic()
            await until(lambda: not is_complete(a))
            assert time.monotonic() - start < WITHDRAWN_WITHIN / 2
            await assert_withdrawn(ports.endpoint(HERE))


@pytest.mark.alone
async def test_other_address_goes_in_time_when_the_link_is_cut(key_file: Path):
    async with two(key_file) as (a, b, ports):
        assert b.partner is not None
        link_socket(b).close()
        start = time.monotonic()
        await until(lambda: not is_complete(a))
        assert time.monotonic() - start < WITHDRAWN_WITHIN
        await assert_withdrawn(ports.endpoint(HERE))


@pytest.mark.alone
async def test_other_address_goes_when_the_partners_socket_is_silent(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("stunkit.server.partner.INTERVAL", 0.05)
    monkeypatch.setattr(
        alternate, "SCHEDULE", alternate.SCHEDULE._replace(rto=0.05, rc=2, rm=1, rto_min=0.05)
    )
    async with two(key_file) as (a, b, ports):
        lane = b._lanes[ports.endpoint(THERE, is_other=True)]
        lane._udp.close()
        lane._udp = UdpSocket(lane.local)  # bound, and silent
        await until(lambda: not is_complete(a))
        assert a.partner is not None
        assert a.partner.is_up
        await assert_withdrawn(ports.endpoint(HERE))
        assert f"no answer from our own {lane.local}" in caplog.text


async def test_machines_that_do_not_match_are_told_so(
    key_file: Path, caplog: pytest.LogCaptureFixture
):
    ports = Ports()
    one = settings(ports, HERE, key_file)
    other = settings(ports, THERE, key_file, advertise=((THERE, HERE),))
    async with Server(one) as a, Server(other):
        assert a.partner is not None
        await until(lambda: a.partner is not None and a.partner.is_up)
        assert a.partner.other is None
        assert "both have the address 127.0.0.1" in caplog.text


async def test_names_the_partners_public_address(key_file: Path):
    ports = Ports()
    one = settings(ports, HERE, key_file)
    other = settings(ports, THERE, key_file, advertise=((THERE, "198.51.100.2"),))
    async with Server(one) as a, Server(other):
        await until(lambda: is_complete(a))
        answer, _ = await ask(ports.endpoint(HERE))
        assert answer.get(OtherAddress) == OtherAddress(
            Endpoint.of("198.51.100.2", ports.first + 1)
        )
        answer, source = await ask(ports.endpoint(HERE), ChangeRequest(change_ip=True))
        assert source == ports.endpoint(THERE)
        assert answer.get(ResponseOrigin) == ResponseOrigin(
            Endpoint.of("198.51.100.2", ports.first)
        )


async def test_our_end_of_the_link_may_be_elsewhere(key_file: Path):
    ports = Ports()
    one, other = (settings(ports, host, key_file) for host in (HERE, THERE))
    anywhere = replace(one.partner, listen=Endpoint.of("0.0.0.0", ports.first + 3))
    there = replace(other.partner, address=Endpoint.of(HERE, ports.first + 3))
    there = replace(there, listen=Endpoint.of(THERE, ports.link))
    one, other = replace(one, partner=anywhere), replace(other, partner=there)
    async with Server(one) as a, Server(other) as b:
        await until(lambda: is_complete(a) and is_complete(b))
        _, source = await ask(ports.endpoint(HERE), ChangeRequest(change_ip=True))
        assert source == ports.endpoint(THERE)


async def test_other_port_may_be_any(key_file: Path):
    ports = Ports()
    one, other = (settings(ports, host, key_file) for host in (HERE, THERE))
    one, other = (
        replace(each, partner=replace(each.partner, other_port=ports.first + 3))
        for each in (one, other)
    )
    async with Server(one) as a, Server(other) as b:
        await until(lambda: is_complete(a) and is_complete(b))
        _, source = await ask(ports.endpoint(HERE), ChangeRequest(change_port=True))
        assert source == Endpoint.of(HERE, ports.first + 3)


async def test_names_the_other_address_over_tcp_too(key_file: Path):
    async with two(key_file) as (*_, ports):
        reader, writer = await asyncio.open_connection(HERE, ports.first)
        writer.write(Message.request(Method.BINDING, bytes(12)).raw)
        async with asyncio.timeout(PATIENCE):
            head = await reader.readexactly(20)
            answer = Message.decode(head + await reader.readexactly(head[3]))
        writer.close()
        await writer.wait_closed()
        assert answer.get(OtherAddress) == OtherAddress(ports.endpoint(THERE, is_other=True))


async def test_serves_on_under_other_settings(key_file: Path):
    async with two(key_file) as (a, _, ports):
        changed = replace(a.settings, software="changed")
        a.adopt(changed, Material.load(changed, bytes(32)))
        answer, source = await ask(ports.endpoint(HERE), ChangeRequest(change_ip=True))
        assert answer.get(Software) == Software("changed")
        assert source == ports.endpoint(THERE)


async def attack(server: Server, data: bytes, by: UdpSocket) -> Outcome:
    """Send a datagram to a server's link, and return what becomes of it."""
    assert server.partner is not None
    counts = server.partner.counts
    before = counts.copy()

    def found() -> list[Outcome]:
        return [one for one in counts - before if one is not Outcome.HEARD]

    by.send(data, server.partner.ends.listen)
    await until(lambda: bool(found()))
    (outcome,) = found()
    return outcome


def link_socket(server: Server) -> UdpSocket:
    """The socket from which a partner's messages come."""
    assert server.partner is not None
    assert server.partner._driver is not None
    return server.partner._driver._sockets[server.partner.ends.listen]


def answer_to(
    client: Endpoint, message_class: MessageClass = MessageClass.SUCCESS_RESPONSE
) -> bytes:
    attributes = [XorMappedAddress(client)]
    return Message.build(message_class, Method.BINDING, bytes(12), attributes).raw


async def test_what_is_not_the_partners_is_refused_and_counted(key_file: Path):
    async with two(key_file) as (a, b, ports):
        assert a.partner is not None
        assert b.partner is not None
        by = link_socket(a)  # so that the source is right
        with udp_socket("127.0.0.1") as plain:
            client = Endpoint.of(*plain.getsockname())
            link = a.partner._link
            link.hand_over(0, client, answer_to(client))
            (fresh,) = (one for one in link.sends() if len(one.data) > 108)
            elsewhere = UdpSocket(Endpoint.of("127.0.0.3", 0))
            forged = fresh.data[:-1] + bytes((fresh.data[-1] ^ 1,))
            assert await attack(b, forged, by) is Outcome.FORGED
            assert await attack(b, b"SKP\1", by) is Outcome.MALFORMED
            assert await attack(b, fresh.data, elsewhere) is Outcome.STRANGER
            assert await attack(a, fresh.data, link_socket(b)) is Outcome.REFLECTED
            assert await attack(b, fresh.data, by) is Outcome.SENT
            assert await attack(b, fresh.data, by) is Outcome.REPLAYED
            old = Codec(SECRET).encode(
                LinkMessage(Kind.HAND_OVER, link._session, bytes(16), 999, 0, b"")
            )
            assert await attack(b, old, by) is Outcome.STALE
            elsewhere.close()
            data, source = plain.recvfrom(2048)
            assert (data, source) == (answer_to(client), (THERE, ports.first))
            plain.settimeout(0)
            with pytest.raises(BlockingIOError):
                plain.recvfrom(2048)


async def test_what_attackers_send_over_the_wire_gets_no_answer(key_file: Path):
    async with two(key_file) as (_, b, _ports):
        assert b.partner is not None
        with udp_socket("127.0.0.1") as plain:
            for data in (b"", b"SKP\1" + bytes(100), answer_to(b.partner.ends.listen)):
                plain.sendto(data, (THERE, b.partner.ends.listen.port))
            await until(lambda: b.partner is not None and b.partner.counts[Outcome.STRANGER] == 3)
            plain.settimeout(0)
            with pytest.raises(BlockingIOError):
                plain.recvfrom(2048)


@pytest.mark.parametrize(
    ("destination", "message_class", "outcome"),
    [
        ("127.0.0.1:53", MessageClass.SUCCESS_RESPONSE, Outcome.REFUSED_DESTINATION),
        ("[::1]:5000", MessageClass.SUCCESS_RESPONSE, Outcome.REFUSED_DESTINATION),
        ("127.0.0.1:5000", MessageClass.REQUEST, Outcome.NOT_AN_ANSWER),
    ],
)
async def test_a_partner_has_nothing_sent_but_answers(
    key_file: Path, destination: str, message_class: MessageClass, outcome: Outcome
):
    async with two(key_file) as (a, b, _):
        assert a.partner is not None
        assert b.partner is not None
        there = Endpoint.parse(destination)
        data = answer_to(there, message_class)
        a.partner.hand_over(0, there, data)
        await until(lambda: b.partner is not None and b.partner.counts[outcome] == 1)
        assert not b.partner.counts[Outcome.SENT]


async def test_a_partner_has_no_more_sent_than_our_own_limit(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async with two(key_file) as (a, b, _):
        assert a.partner is not None
        assert b.partner is not None
        assert b._throttle is not None
        monkeypatch.setattr(b._throttle, "admit", lambda *_: False)
        client = Endpoint.of("127.0.0.1", 5000)
        a.partner.hand_over(0, client, answer_to(client))
        await until(lambda: b.partner is not None and b.partner.counts[Outcome.LIMITED] == 1)
        assert not b.partner.counts[Outcome.SENT]


async def test_an_answer_that_cannot_be_sent_is_counted(key_file: Path):
    async with two(key_file) as (a, b, ports):
        assert a.partner is not None
        assert b.partner is not None

        class Deaf:
            def send(self, *_: object) -> bool:
                raise OSError

        b.partner._siblings[ports.endpoint(THERE)] = Deaf()
        client = Endpoint.of("127.0.0.1", 5000)
        a.partner.hand_over(0, client, answer_to(client))
        await until(lambda: b.partner is not None and b.partner.counts[Outcome.UNSENT] == 1)


async def test_an_answer_longer_than_the_link_carries_is_counted_as_unsent(key_file: Path):
    async with two(key_file) as (a, _, ports):
        assert a.partner is not None
        with udp_socket("127.0.0.1") as plain:
            attributes = [ChangeRequest(change_ip=True), Padding(bytes(4000))]
            request = Message.request(Method.BINDING, bytes(12), attributes)
            plain.sendto(request.raw, (HERE, ports.first))
            await until(lambda: a.partner is not None and a.partner.counts[Outcome.WITHHELD] == 1)
            assert a.counters.unsent == 1


async def test_link_that_is_taken_is_named(key_file: Path):
    ports = Ports()
    with udp_socket(HERE, ports.link):
        server = Server(settings(ports, HERE, key_file))
        with pytest.raises(StartError, match=f"for the partner on udp {HERE}:{ports.link}"):
            await server.start()
    with udp_socket(HERE, ports.first):
        pass  # everything is closed again


async def test_passed_sockets_make_no_pair(key_file: Path):
    ports = Ports()
    made = settings(ports, HERE, key_file)
    sockets = Sockets.bind(replace(made, partner=PartnerSettings()))
    with pytest.raises(StartError, match="binds its own sockets"):
        await Server(made, sockets=sockets).start()
    with udp_socket(HERE, ports.first):
        pass  # everything is closed again


async def test_ends_of_the_link_are_of_one_family(key_file: Path):
    ports = Ports()
    made = settings(ports, HERE, key_file)
    made = replace(made, partner=replace(made.partner, listen=Endpoint.parse("[::1]:3480")))
    with pytest.raises(StartError, match="of different families"):
        await Server(made).start()
    with udp_socket(HERE, ports.first):
        pass  # everything is closed again


@pytest.mark.parametrize(
    ("listen", "more", "workers", "reason"),
    [
        ((), {}, 1, "exactly one --listen"),
        (("0.0.0.0:3478",), {}, 1, "exactly one --listen"),
        (("[::1]:3478",), {}, 1, "exactly one --listen"),
        (("127.0.0.1:3478", "127.0.0.3:3478"), {}, 1, "exactly one --listen"),
        (("127.0.0.1:3478",), {}, 2, "use --workers 1"),
        (("127.0.0.1:3478",), {"alternate": ("127.0.0.3:3479",)}, 1, "leave one of them out"),
    ],
)
def test_refuses_settings_that_make_no_pair(
    listen: tuple[str, ...], more: dict[str, tuple[str, ...]], workers: int, reason: str
):
    made = Settings(
        listen=tuple(map(Endpoint.parse, listen)),
        alternate=tuple(map(Endpoint.parse, more.get("alternate", ()))),
        partner=PartnerSettings(address=Endpoint.parse("127.0.0.2:3480")),
    )
    with pytest.raises(StartError, match=reason):
        find_listen(made, workers)


def test_refuses_the_same_port_twice():
    listen = Endpoint.parse("127.0.0.1:3478")
    partner = PartnerSettings(address=Endpoint.parse("127.0.0.2:3480"), other_port=3478)
    with pytest.raises(StartError, match="has to differ"):
        find_listen(Settings(listen=(listen,), partner=partner), 1)


async def test_two_processes_are_one_server(key_file: Path):
    ports = Ports()
    options = ["--partner-key-file", str(key_file)]
    here, there = (f"{host}:{ports.first}" for host in (HERE, THERE))
    async with serve(here, options=["--partner", f"{THERE}:{ports.link}", *options]) as a:
        async with serve(there, options=["--partner", f"{HERE}:{ports.link}", *options]):
            assert await a.line() == (
                f"INFO partner {THERE}:{ports.link} is there: "
                f"OTHER-ADDRESS is {THERE}:{ports.first + 1}"
            )
            answer, source = await ask(
                ports.endpoint(HERE), ChangeRequest(change_ip=True, change_port=True)
            )
            assert source == ports.endpoint(THERE, is_other=True)
            assert answer.message_class is MessageClass.SUCCESS_RESPONSE
        # it was killed, and could not say goodbye
        start = time.monotonic()
        assert await a.line() == (
            f"WARNING partner {THERE}:{ports.link}: no round trip for 1.5 s: "
            "OTHER-ADDRESS is withdrawn"
        )
        assert time.monotonic() - start < WITHDRAWN_WITHIN
        await assert_withdrawn(ports.endpoint(HERE))
        assert (await a.stop()).status == 0
