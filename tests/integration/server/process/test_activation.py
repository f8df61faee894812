import asyncio
import os
import re
import shutil
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.net.transport.udp import bind_udp
from stunkit.net.whoami import whoami
from stunkit.server.process import activation as module
from stunkit.server.process.activation import adopt, find_passed
from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.server.sockets import Sockets, bind_tcp
from stunkit.wire.uri import Transport
from tests.integration.command import STUNKIT, Serve, end, environment, outcome
from tests.integration.loopback import HOSTS, PORT_ATTEMPTS, family_of, free_port

ACTIVATE = "systemd-socket-activate"

each_family = pytest.mark.parametrize("host", HOSTS)
is_linux = pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")


@pytest.fixture
def passed():
    """Return a list of what a manager passes, all of which is closed at the end."""
    made: list[socket.socket] = []
    yield made
    for one in made:
        one.close()


def both(host: str, port: int = 0, number: int = 1) -> list[socket.socket]:
    """Return sockets like a server's own."""
    settings = Settings(listen=(Endpoint.of(host, port),))
    (door,) = Sockets.bind(settings, number).doors
    return [*door.udp, door.tcp]


def refused(passed, **settings) -> str:
    """Return why sockets are not adopted; they are closed then."""
    with pytest.raises(StartError) as caught:
        adopt(passed, Settings(**settings))
    assert all(one.fileno() == -1 for one in passed)
    return str(caught.value)


@each_family
async def test_serves_what_was_passed(passed, host: str):
    passed += both(host)
    sockets = adopt(passed, Settings())
    assert [transport for transport, _ in sockets.endpoints] == [Transport.UDP, Transport.TCP]
    async with Server(Settings(), sockets=sockets):
        for transport, endpoint in sockets.endpoints:
            await check_answer(endpoint, transport)


@each_family
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_serves_one_transport_where_only_that_was_passed(passed, host: str, transport):
    bind = bind_udp if transport is Transport.UDP else bind_tcp
    passed.append(bind(Endpoint.of(host, 0)))
    sockets = adopt(passed, Settings())
    ((found, endpoint),) = sockets.endpoints
    assert found is transport
    async with Server(Settings(), sockets=sockets) as server:
        assert server.endpoints == sockets.endpoints
        await check_answer(endpoint, transport)


async def check_answer(endpoint: Endpoint, transport: object) -> None:
    result = await whoami([f"stun:{endpoint}?transport={transport}"])
    assert result.answers[0].mapped == result.answers[0].local


@is_linux
def test_takes_a_udp_socket_for_each_worker(passed):
    passed += both("127.0.0.1", number=3)
    (door,) = adopt(passed, Settings(workers=3)).doors
    assert list(door.udp) == passed[:3]
    assert door.tcp is passed[3]


@pytest.mark.parametrize(
    ("number", "workers", "said"), [(1, 2, "1 UDP socket passed"), (2, 1, "2 UDP sockets passed")]
)
@is_linux
def test_wants_as_many_udp_sockets_as_workers(passed, number: int, workers: int, said: str):
    passed += both("127.0.0.1", number=number)
    reason = refused(passed, workers=workers)
    assert said in reason
    assert "ReusePort=yes" in reason


def test_refuses_to_choose_between_what_was_passed_and_what_is_set(passed):
    passed += both("127.0.0.1")
    assert "listen is set as well" in refused(passed, listen=(Endpoint.of("127.0.0.1", 3478),))


def test_refuses_a_socket_that_shows_ipv4_clients_as_ipv6(passed):
    one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind(("::", 0))
    passed.append(one)
    assert "BindIPv6Only=ipv6-only" in refused(passed)


@is_linux
@pytest.mark.parametrize("tells", [True, False])
def test_warns_where_the_first_answers_may_leave_from_another_address(passed, caplog, tells: bool):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.IPPROTO_IP, 8, int(tells))  # IP_PKTINFO
    one.bind(("0.0.0.0", 0))
    passed.append(one)
    adopt(passed, Settings())
    assert ("PassPacketInfo=yes" in caplog.text) is not tells


def test_refuses_a_connection(passed):
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    passed.append(one)
    assert "Accept=no" in refused(passed)


def test_refuses_two_tcp_sockets_of_one_endpoint(passed):
    first = bind_tcp(Endpoint.of("127.0.0.1", 0))
    passed += [first, first.dup()]
    assert "more than one TCP socket" in refused(passed)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no such sockets")
def test_refuses_another_kind_of_socket(passed):
    passed.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    assert "neither UDP nor TCP" in refused(passed)


def test_sets_apart_what_is_for_tls(passed, tmp_path: Path):
    passed += both("127.0.0.1")
    passed.append(bind_tcp(Endpoint.of("127.0.0.1", 0)))
    local = endpoint_of(passed[2].getsockname())
    tls = TlsSettings(certificate=tmp_path / "c.pem", listen=(local,))
    sockets = adopt(passed, Settings(tls=tls))
    assert [one.tcp for one in sockets.doors] == [passed[1]]
    assert sockets.tls == (passed[2],)
    assert (Transport.TLS, local) in sockets.endpoints


def test_says_when_nothing_was_passed_for_tls(passed, tmp_path: Path):
    passed += both("127.0.0.1")
    assert "5349" in refused(passed, tls=TlsSettings(certificate=tmp_path / "c.pem"))


@is_linux
def test_finds_the_four_sockets_of_an_alternate(passed):
    for attempt in range(PORT_ATTEMPTS):
        ports = [free_port("127.0.0.1", "127.0.0.2") for _ in range(2)]
        try:
            for host in ("127.0.0.1", "127.0.0.2"):
                for port in ports:
                    passed += both(host, port)
        except StartError:  # what was free a moment ago
            assert attempt + 1 < PORT_ATTEMPTS
            continue
        break
    one, other = ports
    four = [("127.0.0.1", one), ("127.0.0.1", other), ("127.0.0.2", one), ("127.0.0.2", other)]
    expected = tuple(Endpoint.of(*where) for where in four)
    assert adopt(passed, Settings(alternate=expected[3:])).quartets == (expected,)
    gap = Endpoint.of("127.0.0.2", 1)
    assert "were not passed" in refused(passed, alternate=(gap,))


def test_is_passed_nothing_without_a_manager():
    environ = {"OTHER": "stays"}
    assert find_passed(environ) == []
    assert environ == {"OTHER": "stays"}


def test_leaves_alone_what_was_passed_to_another_process():
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "stun"}
    assert find_passed(environ) == []
    assert environ == {}


@asynccontextmanager
async def activated(*options: str, serve: tuple[str, ...] = ()):
    """Run a server that systemd's own program starts at the first datagram or connection."""
    program = shutil.which(ACTIVATE)
    assert program is not None
    path = f"--setenv=PYTHONPATH={environment()['PYTHONPATH']}"
    process = await asyncio.create_subprocess_exec(
        *(program, path, *options, *STUNKIT, "serve", *serve),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(),
    )
    server = Serve(process)
    try:
        yield server
    finally:
        await end(process)
        process._transport.close()


async def read_until_listening(server: Serve) -> None:
    while not (line := await server.line()).startswith("Listening on"):
        assert line, "it ended before it listened"


@is_linux
@each_family
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_systemd_starts_it_with_the_first_request(host: str, transport):
    local = Endpoint.of(host, free_port("127.0.0.1", host))
    options = ["--datagram"] if transport is Transport.UDP else []
    async with activated(*options, "--listen", str(local)) as server:
        await read_until_listening(server)
        await check_answer(local, transport)  # nothing is lost while it starts
        ended = await server.stop()
    assert ended.status == 0
    assert f"listening on {transport} {local}\nready\n" in ended.stderr
    received, answered = re.search(
        r"stopped: (\d+) received, (\d+) answered\n", ended.stderr
    ).groups()
    assert received == answered != "0"  # some were sent again while it started


@is_linux
async def test_says_how_to_mend_a_socket_unit():
    local = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    async with activated("--datagram", "--listen", str(local), serve=("--workers", "2")) as server:
        await read_until_listening(server)
        with socket.socket(family_of(local.host), socket.SOCK_DGRAM) as client:
            client.sendto(b"wake up", sockaddr_of(local))
        ended = await outcome(server.process)
    assert ended.status == 3
    assert ended.stderr.splitlines()[-1].startswith(
        f"stunkit: 1 UDP socket passed for {local}, and 2 workers to serve; the .socket unit needs"
    )


@is_linux
def test_children_inherit_nothing_of_it():
    # As in the process that was started: descriptor 3 is the socket, and the environment says so.
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            with bind_udp(Endpoint.of("127.0.0.1", 0)) as made:
                os.dup2(made.fileno(), 3)
            environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "a"}
            (one,) = find_passed(environ)
            status = 0 if not environ and not os.get_inheritable(one.fileno()) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_refuses_a_descriptor_that_is_not_there(monkeypatch):
    descriptor = os.dup(0)
    os.close(descriptor)
    monkeypatch.setattr(module, "FIRST", descriptor)
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    with pytest.raises(StartError, match=f"descriptor {descriptor} is no socket"):
        find_passed(environ)
