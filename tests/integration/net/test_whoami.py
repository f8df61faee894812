import asyncio
import errno
import socket
from contextlib import ExitStack, contextmanager

import pytest

import stunkit.net.query as query_module
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import (
    InvalidAnswer,
    NoAnswer,
    Refused,
    ResolutionError,
    Unreachable,
    UsageError,
)
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of
from stunkit.net.whoami import GRACE, whoami
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.uri import Transport
from tests.integration.loopback import (
    HOSTS,
    PATIENCE,
    endpoint_of_server,
    fake,
    free_port,
    refusing,
    refusing_with,
    saying,
    serving,
    silent,
    success,
    udp_socket,
)

IMPATIENT = 0.6  # seconds for a run against who never answers
SLACK = 0.6  # seconds by which a busy machine may be late

each_family = pytest.mark.parametrize("host", HOSTS)


async def run(*servers, timeout: float = PATIENCE, **options):
    """Return the result of a run, and how long it took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    result = await whoami([str(server) for server in servers], timeout=timeout, **options)
    return result, loop.time() - started


@pytest.fixture
def names(monkeypatch):
    """Names for the system to find: set ``names["stun.example"]`` to its addresses."""
    book: dict[str, list[str]] = {}
    system = socket.getaddrinfo

    def getaddrinfo(host, port, family=0, type=0, *rest):  # noqa: A002
        if host not in book:
            return system(host, port, family, type, *rest)
        found = [Endpoint.of(address, port) for address in book[host]]
        rows = [
            (
                ADDRESS_FAMILY[e.family],
                type,
                0,
                "",
                (e.host, port, 0, 0)[: 4 - 2 * (len(e.packed) == 4)],
            )
            for e in found
            if family in (0, ADDRESS_FAMILY[e.family])
        ]
        if not rows:
            raise socket.gaierror(-5, "No address associated with hostname")
        return rows

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return book


@each_family
async def test_says_where_a_server_sees_us(host: str):
    async with serving(host) as server:
        there = endpoint_of_server(server)
        result, _ = await run(there)
    (answer,) = result.answers
    assert answer.mapped == answer.local
    assert (answer.server, answer.family, answer.error) == (there, there.family, None)
    assert answer.rtt is not None
    assert result.public(there.family) == host
    assert result.consensus is True


async def test_asks_both_families_at_once():
    async with serving(*HOSTS) as server:
        result, _ = await run(endpoint_of_server(server, 0), endpoint_of_server(server, 1))
    assert [answer.family for answer in result.answers] == [Family.IPV4, Family.IPV6]
    assert (result.public(Family.IPV4), result.public(Family.IPV6)) == HOSTS


async def test_asks_a_name_in_both_families(names):
    port = free_port(*HOSTS)
    names["both.example"] = list(HOSTS)
    async with (
        fake("127.0.0.1", saying("192.0.2.1"), port),
        fake("::1", saying("2001:db8::1"), port),
    ):
        result, took = await run(f"both.example:{port}")
    assert [str(answer.mapped) for answer in result.answers] == [
        "192.0.2.1:4000",
        "[2001:db8::1]:4000",
    ]
    assert {answer.name.host for answer in result.answers} == {"both.example"}
    assert took < GRACE


async def test_asks_all_servers_of_a_family_from_one_socket():
    async with serving("127.0.0.1") as one, serving("127.0.0.1") as two:
        result, _ = await run(endpoint_of_server(one), endpoint_of_server(two))
    first, second = result.answers
    assert first.local == second.local


async def test_keeps_the_order_of_the_servers(names):
    names["nowhere.example"] = []
    with silent("127.0.0.1") as quiet:
        async with serving("127.0.0.1") as server:
            there = endpoint_of_server(server)
            result, _ = await run(quiet, there, "nowhere.example:1", there)
    assert [answer.name.host for answer in result.answers] == [
        "127.0.0.1",
        "127.0.0.1",
        "nowhere.example",
    ]
    assert [answer.server for answer in result.answers] == [quiet, there, None]
    assert isinstance(result.answers[2].error, ResolutionError)


async def test_does_not_wait_out_a_dead_server_beside_a_live_one():
    with silent("127.0.0.1") as quiet:
        async with serving("127.0.0.1") as server:
            result, took = await run(quiet, endpoint_of_server(server))
    assert GRACE - 0.1 < took < GRACE + SLACK
    dead, alive = result.answers
    assert isinstance(dead.error, NoAnswer)
    assert dead.error.sends == 2  # a lost datagram was given its second chance
    assert alive.error is None
    assert result.public(Family.IPV4) == "127.0.0.1"


async def test_does_not_wait_out_a_dead_family(names):
    port = free_port(*HOSTS)
    names["half-dead.example"] = list(HOSTS)
    with silent("::1", port):
        async with fake("127.0.0.1", saying("192.0.2.1"), port):
            result, took = await run(f"half-dead.example:{port}")
    assert took < GRACE + SLACK
    alive, dead = result.answers
    assert str(alive.mapped) == "192.0.2.1:4000"
    assert isinstance(dead.error, NoAnswer)
    assert (result.public(Family.IPV4), result.public(Family.IPV6)) == ("192.0.2.1", None)


async def test_waits_for_nothing_when_a_port_is_unreachable():
    with refusing("127.0.0.1") as dead:
        async with serving("127.0.0.1") as server:
            result, took = await run(dead, endpoint_of_server(server), dead)
    assert took < GRACE - 0.1
    assert isinstance(result.answers[0].error, Unreachable)
    assert result.answers[1].error is None


@pytest.mark.alone
@pytest.mark.parametrize("count", [1, 4])
async def test_loses_no_time_over_addresses_without_a_route(names, monkeypatch, count: int):
    find_source = query_module.source_address

    def without_ipv6(destination: Endpoint) -> Endpoint:
        if destination.family is Family.IPV6:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return find_source(destination)

    monkeypatch.setattr(query_module, "source_address", without_ipv6)
    async with serving("127.0.0.1") as server:
        port = endpoint_of_server(server).port
        names["six.example"] = [f"2001:db8::{number}" for number in range(count)]
        names["six.example"].append("127.0.0.1")
        result, took = await run(f"six.example:{port}")
    ipv4, ipv6 = result.answers
    assert ipv4.mapped is not None
    assert str(ipv6.error) == "network is unreachable"
    assert ipv6.server == Endpoint.of("2001:db8::", port)
    assert took < 0.2


async def test_tries_the_next_address_of_a_name(names):
    with ExitStack() as stack:
        port = free_port("127.0.0.1")
        stack.enter_context(silent("127.0.0.2", port))
        names["two.example"] = ["127.0.0.2", "127.0.0.1"]
        async with fake("127.0.0.1", saying("192.0.2.1"), port):
            result, took = await run(f"two.example:{port}", family=Family.IPV4)
    (answer,) = result.answers
    assert answer.server == Endpoint.of("127.0.0.1", port)
    assert str(answer.mapped) == "192.0.2.1:4000"
    assert 0.2 < took < GRACE


async def test_asks_no_second_address_when_the_first_answers(names):
    asked = []

    def reply(request, source):
        asked.append(source)
        return saying("192.0.2.1")(request, source)

    names["two.example"] = ["127.0.0.1", "127.0.0.2"]
    port = free_port("127.0.0.1")
    async with fake("127.0.0.1", reply, port), fake("127.0.0.2", reply, port):
        await run(f"two.example:{port}", family=Family.IPV4)
    assert len(asked) == 1


@pytest.mark.alone
@pytest.mark.parametrize(
    ("code", "reason", "sentence"),
    [
        (400, "Bad Request", "refused with 400 Bad Request"),
        (420, "Unknown Attribute", "refused with 420 Unknown Attribute"),
        (500, "", "refused with 500 Server Error"),
    ],
)
async def test_says_what_a_server_refused_with(code, reason, sentence):
    async with fake("127.0.0.1", refusing_with(code, reason)) as server:
        result, took = await run(server)
    (answer,) = result.answers
    assert isinstance(answer.error, Refused)
    assert str(answer.error) == sentence
    assert result.consensus is None
    assert took < 0.5


async def test_says_when_an_answer_is_of_no_use():
    async with fake("127.0.0.1", lambda request, _: success(request)) as server:
        result, _ = await run(server)
    assert isinstance(result.answers[0].error, InvalidAnswer)


async def test_believes_a_server_of_the_old_days():
    mapped = MappedAddress(Endpoint.of("192.0.2.1", 4000))
    async with fake("127.0.0.1", lambda request, _: success(request, mapped)) as server:
        result, _ = await run(server)
    assert result.public(Family.IPV4) == "192.0.2.1"


async def test_does_not_believe_an_answer_from_another_port():
    with udp_socket("127.0.0.1") as forger:

        def reply(request, source):
            forged = success(request, XorMappedAddress(Endpoint.of("192.0.2.66", 1)))
            forger.sendto(forged, (source.host, source.port))

        async with fake("127.0.0.1", reply) as server:
            result, took = await run(server, timeout=IMPATIENT)
        forged_by = endpoint_of(forger.getsockname())
    (answer,) = result.answers
    assert result.public(Family.IPV4) is None
    assert isinstance(answer.error, NoAnswer)
    assert answer.error.forged_by == str(forged_by)
    assert took < IMPATIENT + SLACK


async def test_shows_who_disagrees_and_believes_the_majority():
    async with (
        fake("127.0.0.1", saying("192.0.2.1")) as honest,
        fake("127.0.0.1", saying("192.0.2.66")) as liar,
        fake("127.0.0.2", saying("192.0.2.1", 4001)) as honest_too,
    ):
        result, _ = await run(honest, liar, honest_too)
    assert result.public(Family.IPV4) == "192.0.2.1"
    assert result.consensus is False
    assert result.seen(Family.IPV4) == {"192.0.2.1": 2, "192.0.2.66": 1}


async def test_believes_nobody_without_a_majority():
    async with (
        fake("127.0.0.1", saying("192.0.2.1")) as one,
        fake("127.0.0.1", saying("192.0.2.66")) as other,
    ):
        result, _ = await run(one, other)
    assert result.public(Family.IPV4) is None
    assert result.consensus is False


@each_family
async def test_asks_over_tcp(host: str):
    async with serving(host) as server:
        result, _ = await run(f"stun:{endpoint_of_server(server)}?transport=tcp")
    (answer,) = result.answers
    assert answer.transport is Transport.TCP
    assert answer.mapped == answer.local
    assert answer.error is None


@contextmanager
def full(host: str):
    """Yield an endpoint whose queue of connections is full: one more is neither let in nor told."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind((host, 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003
            waiting.connect_ex(listening.getsockname())
        yield endpoint_of(listening.getsockname())


@pytest.mark.alone
async def test_says_that_a_connection_takes_too_long():
    with full("127.0.0.1") as server:
        result, took = await run(f"stun:{server}?transport=tcp", timeout=0.3)
    (answer,) = result.answers
    assert str(answer.error) == "no connection yet"
    assert (answer.server, answer.local) == (server, None)
    assert took < 0.3 + SLACK


async def test_ends_when_the_time_is_over():
    with silent("127.0.0.1") as quiet, silent("::1") as quiet_too:
        result, took = await run(quiet, quiet_too, timeout=IMPATIENT)
    assert IMPATIENT - 0.1 < took < IMPATIENT + SLACK
    assert [type(answer.error) for answer in result.answers] == [NoAnswer, NoAnswer]
    assert result.consensus is None


@pytest.mark.alone
async def test_ends_when_the_time_is_over_though_names_are_looked_up_still(monkeypatch):
    released = asyncio.Event()

    async def resolve(*_, **__):
        await released.wait()

    monkeypatch.setattr("stunkit.net.whoami.resolve", resolve)
    result, took = await run("slow.example:1", timeout=0.1)
    (answer,) = result.answers
    assert str(answer.error) == (
        "cannot resolve slow.example: the name server has not answered yet"
    )
    assert took < 0.1 + SLACK


async def test_says_what_the_first_address_did_when_it_runs_out_of_time(names):
    port = free_port("127.0.0.1")
    names["two.example"] = ["127.0.0.1", "127.0.0.2"]
    with silent("127.0.0.1", port), silent("127.0.0.2", port):
        result, _ = await run(f"two.example:{port}", family=Family.IPV4, timeout=0.1)
    assert isinstance(result.answers[0].error, NoAnswer)


@pytest.mark.alone
async def test_asks_in_the_family_that_is_wanted(names):
    names["both.example"] = list(HOSTS)
    async with serving("127.0.0.1") as server:
        port = endpoint_of_server(server).port
        result, took = await run(f"both.example:{port}", family=Family.IPV4)
    assert [answer.family for answer in result.answers] == [Family.IPV4]
    assert took < 0.5


async def test_asks_from_where_it_is_told_and_in_that_family(names):
    names["both.example"] = list(HOSTS)
    async with serving("127.0.0.1") as server:
        port = endpoint_of_server(server).port
        result, _ = await run(f"both.example:{port}", bind=Endpoint.of("127.0.0.9", 0))
    (answer,) = result.answers
    assert answer.local.host == "127.0.0.9"
    assert answer.mapped == answer.local


@pytest.mark.alone
async def test_says_when_it_cannot_ask_from_there():
    with silent("127.0.0.1") as server:
        result, took = await run(server, bind=Endpoint.of("203.0.113.1", 0))
    assert str(result.answers[0].error) == "cannot assign requested address"
    assert took < 0.5


@pytest.mark.alone
async def test_says_when_there_is_no_way():
    result, took = await run("203.0.113.1:9", bind=Endpoint.of("127.0.0.1", 0))
    assert isinstance(result.answers[0].error, Unreachable)
    assert took < 0.5


async def test_tells_of_each_answer_as_it_comes(names):
    names["nowhere.example"] = []
    heard = []
    with silent("127.0.0.1") as quiet:
        async with fake("127.0.0.1", saying("192.0.2.1")) as server:
            await run(quiet, server, "nowhere.example:1", on_answer=heard.append)
    assert [answer.server for answer in heard] == [server, quiet]


@pytest.mark.parametrize(
    "server", ["stuns:127.0.0.1?transport=udp", "turn:127.0.0.1", "http://x/", ""]
)
async def test_refuses_what_is_no_server_to_ask(server: str):
    with pytest.raises(UsageError):
        await whoami([server])


async def test_says_nothing_when_there_is_nobody_to_ask():
    result, _ = await run()
    assert result.answers == ()
    assert result.consensus is None


async def test_leaves_nothing_behind():
    before = asyncio.all_tasks()
    with silent("127.0.0.1") as quiet:
        async with serving("127.0.0.1") as server:
            there = f"stun:{endpoint_of_server(server)}?transport=tcp"
            await run(quiet, there, timeout=IMPATIENT)
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
