import asyncio
import socket
from contextlib import contextmanager

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.net.transport.udp import DRAIN_LIMIT, UdpSocket, bind_udp, source_address
from tests.integration.loopback import HOSTS, PATIENCE, exchange, refusing, silent, udp_socket

LARGEST = {"127.0.0.1": 65507, "::1": 65527}  # bytes; 65535 less the headers that count in it
WILDCARDS = {"127.0.0.1": "0.0.0.0", "::1": "::"}

each_family = pytest.mark.parametrize("host", HOSTS)


class Inbox:
    """Keeps what a socket hands over."""

    def __init__(self) -> None:
        self.datagrams: asyncio.Queue[tuple[bytes, Endpoint, Endpoint]] = asyncio.Queue()
        self.errors: asyncio.Queue[tuple[Endpoint, str]] = asyncio.Queue()

    def take(self, *datagram) -> None:
        self.datagrams.put_nowait(datagram)

    def take_error(self, *error) -> None:
        self.errors.put_nowait(error)

    async def datagram(self) -> tuple[bytes, Endpoint, Endpoint]:
        async with asyncio.timeout(PATIENCE):
            return await self.datagrams.get()

    async def error(self) -> tuple[Endpoint, str]:
        async with asyncio.timeout(PATIENCE):
            return await self.errors.get()


@contextmanager
def bound(host: str, **options):
    udp = UdpSocket(Endpoint.of(host, 0), **options)
    try:
        yield udp
    finally:
        udp.close()


@contextmanager
def started(host: str, **options):
    with bound(host, **options) as udp:
        inbox = Inbox()
        udp.start(inbox.take, inbox.take_error)
        yield udp, inbox


def echo(udp: UdpSocket):
    """Answer from where each datagram was sent to, as a server does."""

    def answer(data: bytes, source: Endpoint, local: Endpoint) -> None:
        udp.send(b"answer to " + data, source, local)

    return answer


@each_family
async def test_carries_datagrams_both_ways(host: str):
    with started(host) as (udp, inbox), udp_socket(host) as peer:
        peer_endpoint = endpoint_of(peer.getsockname())
        peer.sendto(b"question", sockaddr_of(udp.local))
        assert await inbox.datagram() == (b"question", peer_endpoint, udp.local)
        assert udp.send(b"answer", peer_endpoint) is True
        assert peer.recvfrom(100) == (b"answer", sockaddr_of(udp.local))


@each_family
async def test_carries_the_smallest_and_the_largest_datagram(host: str):
    with started(host) as (udp, inbox), udp_socket(host) as peer:
        for size in (0, 65507):
            peer.sendto(bytes(size), sockaddr_of(udp.local))
            data, source, _ = await inbox.datagram()
            assert len(data) == size
            udp.send(data, source)
            assert len(peer.recv(65535)) == size


@each_family
def test_raises_when_a_datagram_is_too_large(host: str):
    with bound(host) as udp, pytest.raises(OSError, match="too long"):
        udp.send(bytes(LARGEST[host] + 1), udp.local)


async def test_answers_from_the_address_that_was_asked_when_bound_to_every_address():
    with bound("0.0.0.0") as udp, udp_socket("127.0.0.1") as peer:
        udp.start(echo(udp))
        for address in ("127.0.0.2", "127.0.0.3", "127.0.0.1"):
            asked = Endpoint.of(address, udp.local.port)
            assert await exchange(peer, b"x", asked) == (b"answer to x", asked)


@each_family
async def test_says_which_address_was_asked_when_bound_to_every_address(host: str):
    with started(WILDCARDS[host]) as (udp, inbox), udp_socket(host) as peer:
        asked = Endpoint.of(host, udp.local.port)
        peer.sendto(b"x", sockaddr_of(asked))
        assert await inbox.datagram() == (b"x", endpoint_of(peer.getsockname()), asked)


async def test_answers_from_the_address_that_was_asked_over_ipv6():
    with bound("::") as udp, udp_socket("::1") as peer:
        udp.start(echo(udp))
        asked = Endpoint.of("::1", udp.local.port)
        assert await exchange(peer, b"x", asked) == (b"answer to x", asked)


def test_refuses_a_source_that_is_not_ours():
    # which shows that the source was asked for at all
    with bound("::") as udp, pytest.raises(OSError):  # noqa: PT011 (which one is the kernel's)
        udp.send(b"x", udp.local, Endpoint.of("2001:db8::1", 0))


def test_serves_ipv6_alone_on_the_ipv6_wildcard():
    with bound("::") as udp:
        other = UdpSocket(Endpoint.of("0.0.0.0", udp.local.port))
        assert other.local.port == udp.local.port
        other.close()


@each_family
def test_drains_a_bounded_number_of_datagrams(host: str):
    got: list[bytes] = []
    with bound(host) as udp, udp_socket(host) as peer:
        for number in range(DRAIN_LIMIT + 10):
            peer.sendto(b"%d" % number, sockaddr_of(udp.local))
        udp.drain(lambda data, *_: got.append(data), 5)
        assert got == [b"0", b"1", b"2", b"3", b"4"]
        udp.drain(lambda data, *_: got.append(data))
        assert len(got) == DRAIN_LIMIT + 5
        udp.drain(lambda data, *_: got.append(data))
        assert len(got) == DRAIN_LIMIT + 10


@each_family
async def test_leaves_others_their_turn_when_it_never_runs_empty(host: str):
    with bound(host) as busy, started(host) as (udp, inbox), udp_socket(host) as peer:
        busy.start(lambda data, _source, local: busy.send(data, local))  # for ever
        peer.sendto(b"round and round", sockaddr_of(busy.local))
        for _ in range(3):
            await asyncio.sleep(0)
        peer.sendto(b"x", sockaddr_of(udp.local))
        assert (await inbox.datagram())[0] == b"x"


@pytest.mark.parametrize("destination", ["203.0.113.1", "255.255.255.255"])
@pytest.mark.parametrize("tells_errors", [False, True])
async def test_raises_when_there_is_no_way_to_a_destination(destination: str, tells_errors):
    # from a loopback address nothing leaves the machine
    with bound("127.0.0.1", tells_errors=tells_errors) as udp, pytest.raises(OSError):  # noqa: PT011
        udp.send(b"x", Endpoint.of(destination, 9))


@each_family
async def test_tells_whom_an_icmp_error_is_about(host: str):
    with started(host, tells_errors=True) as (udp, inbox), refusing(host) as dead:
        udp.send(b"x", dead)
        assert await inbox.error() == (dead, "connection refused")


@each_family
async def test_blames_no_other_destination_for_an_icmp_error(host: str):
    with (
        started(host, tells_errors=True) as (udp, inbox),
        refusing(host) as dead,
        refusing(host) as dead_too,
        udp_socket(host) as alive,
    ):
        udp.send(b"x", dead)
        assert udp.send(b"y", endpoint_of(alive.getsockname())) is True
        udp.send(b"z", dead_too)
        assert udp.send(b"y again", endpoint_of(alive.getsockname())) is True
        assert alive.recv(100) == b"y"
        assert alive.recv(100) == b"y again"
        errors = {await inbox.error(), await inbox.error()}
        assert errors == {(dead, "connection refused"), (dead_too, "connection refused")}


@each_family
async def test_goes_on_after_an_icmp_error(host: str):
    with started(host, tells_errors=True) as (udp, inbox), refusing(host) as dead:
        udp.send(b"x", dead)
        await inbox.error()
        udp.send(b"to itself", udp.local)
        assert (await inbox.datagram())[0] == b"to itself"


@each_family
async def test_rests_once_an_icmp_error_is_told(host: str, monkeypatch):
    wakes = 0
    drain = UdpSocket.drain

    def counting(*arguments) -> None:
        nonlocal wakes
        wakes += 1
        drain(*arguments)

    monkeypatch.setattr(UdpSocket, "drain", counting)
    with (
        started(host, tells_errors=True) as (udp, inbox),
        refusing(host) as dead,
        silent(host) as quiet,
    ):
        udp.send(b"x", dead)
        udp.send(b"x", quiet)
        await inbox.error()
        for _ in range(50):
            await asyncio.sleep(0)
        assert wakes <= 2


@each_family
async def test_hears_of_no_icmp_error_when_it_did_not_ask(host: str):
    with started(host) as (udp, inbox), refusing(host) as dead:
        udp.send(b"x", dead)
        udp.send(b"to itself", udp.local)
        assert (await inbox.datagram())[0] == b"to itself"
        assert inbox.errors.empty()


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop like Windows' own: it can wait for a datagram, and not watch a socket."""

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError


@each_family
def test_reads_where_the_loop_cannot_watch_sockets(host: str):
    async def ask_twice() -> None:
        with bound(host) as udp, udp_socket(host) as peer:
            udp.start(echo(udp))
            for question in (b"x", b"y"):
                expected = (b"answer to " + question, udp.local)
                assert await exchange(peer, question, udp.local) == expected

    with asyncio.Runner(loop_factory=WithoutReaders) as runner:
        runner.run(ask_twice())


def test_closes_where_the_loop_cannot_watch_sockets():
    async def close() -> None:
        with started("127.0.0.1") as (udp, _):
            await asyncio.sleep(0)
            udp.close()
            udp.close()

    with asyncio.Runner(loop_factory=WithoutReaders) as runner:
        runner.run(close())


@each_family
async def test_closes_more_than_once(host: str):
    with started(host) as (udp, _):
        udp.close()
        udp.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            udp.send(b"x", udp.local)


@each_family
def test_closes_before_it_has_begun(host: str):
    udp = UdpSocket(Endpoint.of(host, 0))
    udp.close()
    udp.close()
    with udp_socket(host, udp.local.port):
        pass


@each_family
async def test_hands_nothing_over_after_it_is_closed(host: str):
    got = []
    closed = asyncio.Event()
    with bound(host) as udp, udp_socket(host) as peer:

        def take(data: bytes, *_) -> None:
            got.append(data)
            udp.close()
            closed.set()

        for data in (b"first", b"second"):
            peer.sendto(data, sockaddr_of(udp.local))
        udp.start(take)
        async with asyncio.timeout(PATIENCE):
            await closed.wait()
        await asyncio.sleep(0)
        assert got == [b"first"]


def test_raises_when_its_port_is_taken():
    with udp_socket("127.0.0.1") as other, pytest.raises(OSError, match="in use"):
        UdpSocket(endpoint_of(other.getsockname()))


@pytest.mark.parametrize(("destination", "source"), [("127.0.0.9", "127.0.0.1"), ("::1", "::1")])
def test_knows_the_address_that_datagrams_leave_from(destination: str, source: str):
    assert source_address(Endpoint.of(destination, 3478)) == Endpoint.of(source, 0)


def test_knows_no_source_where_there_is_no_route():
    with pytest.raises(OSError):  # noqa: PT011 (invalid argument, or no route)
        source_address(Endpoint.of("255.255.255.255", 3478))


def shouting(data: bytes, packed: bytes, port: int) -> bytes | None:
    """An express that answers in capitals, leaves questions to others, and ignores nothing."""
    if data.endswith(b"?"):
        return None
    return data.upper() + b" " + packed + port.to_bytes(2, "big") if data else b""


@each_family
@pytest.mark.parametrize("is_wildcard", [False, True])
def test_exchanges_datagrams_at_once(host: str, is_wildcard: bool):
    others = []
    with bound(WILDCARDS[host] if is_wildcard else host) as udp, udp_socket(host) as peer:
        asked = Endpoint.of(host, udp.local.port)
        me = endpoint_of(peer.getsockname())
        for data in (b"a", b"b?", b"", b"c"):
            peer.sendto(data, sockaddr_of(asked))
        assert udp.exchange(shouting, lambda *datagram: others.append(datagram)) == (4, 0)
        tail = b" " + me.packed + me.port.to_bytes(2, "big")
        assert [peer.recvfrom(100) for _ in range(2)] == [
            (b"A" + tail, sockaddr_of(asked)),
            (b"C" + tail, sockaddr_of(asked)),
        ]
        assert others == [(b"b?", me, asked)]
        assert udp.exchange(shouting, lambda *_: None) == (0, 0)


def test_exchanges_from_the_address_that_was_asked():
    with bound("0.0.0.0") as udp, udp_socket("127.0.0.1") as peer:
        asked = [Endpoint.of(f"127.0.0.{last}", udp.local.port) for last in (2, 1, 3)]
        for local in asked:
            peer.sendto(b"x", sockaddr_of(local))
        assert udp.exchange(lambda *_: b"y", lambda *_: None) == (3, 0)
        assert [peer.recvfrom(10)[1] for _ in range(3)] == [sockaddr_of(local) for local in asked]


@each_family
def test_exchanges_a_bounded_number_of_datagrams(host: str):
    with bound(host) as udp, udp_socket(host) as peer:
        for _ in range(DRAIN_LIMIT + 10):
            peer.sendto(b"x", sockaddr_of(udp.local))
        assert udp.exchange(lambda *_: b"", lambda *_: None, 5) == (5, 0)
        assert udp.exchange(lambda *_: b"", lambda *_: None) == (DRAIN_LIMIT, 0)
        assert udp.exchange(lambda *_: b"", lambda *_: None) == (5, 0)


@each_family
@pytest.mark.parametrize("is_wildcard", [False, True])
def test_counts_the_answers_that_the_kernel_refuses(host: str, is_wildcard: bool):
    too_long = bytes(LARGEST[host] + 1)
    answers = iter((b"first", too_long, too_long, b"last"))
    with bound(WILDCARDS[host] if is_wildcard else host) as udp, udp_socket(host) as peer:
        for _ in range(4):
            peer.sendto(b"x", (host, udp.local.port))
        assert udp.exchange(lambda *_: next(answers), lambda *_: None) == (4, 2)
        assert [peer.recv(10), peer.recv(10)] == [b"first", b"last"]


@each_family
def test_exchanges_nothing_once_it_is_closed(host: str):
    with bound(host) as udp:
        udp.close()
        assert udp.exchange(lambda *_: b"", lambda *_: None) == (1, 0)


@each_family
async def test_calls_whenever_there_is_something_to_read(host: str):
    with bound(host) as udp, udp_socket(host) as peer:
        wakes: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        udp.watch(lambda: wakes.put_nowait(udp.exchange(lambda *_: b"", lambda *_: None)))
        for _ in range(2):
            peer.sendto(b"x", sockaddr_of(udp.local))
            async with asyncio.timeout(PATIENCE):
                assert await wakes.get() == (1, 0)


def test_says_so_when_the_loop_cannot_watch_it():
    async def watch() -> None:
        with bound("127.0.0.1") as udp:
            udp.watch(lambda: None)

    with (
        asyncio.Runner(loop_factory=WithoutReaders) as runner,
        pytest.raises(NotImplementedError),
    ):
        runner.run(watch())


@each_family
def test_says_whether_it_tells_the_local_address(host: str):
    with bound(host) as specific, bound(WILDCARDS[host]) as everywhere:
        assert not specific.tells_local
        assert everywhere.tells_local


@each_family
def test_knows_what_the_kernel_dropped(host: str):
    with bound(host) as udp, udp_socket(host) as peer:
        assert udp.kernel_drops() == 0
        udp._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(200):
            peer.sendto(bytes(100), sockaddr_of(udp.local))
        received, _ = udp.exchange(lambda *_: b"", lambda *_: None, 200)
        assert 0 < received < 200
        assert udp.kernel_drops() == 200 - received


def test_knows_of_no_drops_where_nobody_says(monkeypatch):
    with bound("127.0.0.1") as udp:
        udp.close()
        assert udp.kernel_drops() is None
    monkeypatch.setattr("stunkit.net.transport.udp._IS_LINUX", False)
    with bound("127.0.0.1") as udp:
        assert udp.kernel_drops() is None


@each_family
def test_takes_over_a_socket_that_is_bound(host: str):
    given = bind_udp(Endpoint.of(host, 0))
    udp = UdpSocket(given)
    assert sockaddr_of(udp.local) == given.getsockname()
    assert udp.fileno() == given.fileno() >= 0
    udp.close()
    assert udp.fileno() == given.fileno() == -1


@each_family
def test_shares_a_port_with_those_that_let_it(host: str):
    first = bind_udp(Endpoint.of(host, 0), shares_port=True)
    local = endpoint_of(first.getsockname())
    second = bind_udp(local, shares_port=True)
    with pytest.raises(OSError, match="in use"):
        bind_udp(local)
    first.close()
    second.close()
