import asyncio
import os
import re
import select
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import sockaddr_of
from stunkit.net.whoami import whoami
from stunkit.server.process import workers as module
from stunkit.server.process.deaths import SHORT_LIVES
from stunkit.server.process.workers import Workers
from stunkit.server.settings.tree import Settings, TcpSettings
from stunkit.wire.attributes.address import OtherAddress, ResponseOrigin
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from tests.integration.command import PATIENCE, Serve, end, environment, outcome, serve, stunkit
from tests.integration.loopback import PORT_ATTEMPTS, blank, exchange, free_port, udp_socket

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")

ANY = "127.0.0.1:0"
MANY = 60  # clients; that one of three workers gets none of them happens once in 10**10 runs

# The server, changed by a line or two before it starts.
PROGRAM = """
import logging, os, signal, sys
from stunkit.cli.main import main
from stunkit.errors import StartError
from stunkit.server.process import deaths
from stunkit.server.process import workers
{change}
sys.argv[1:] = {arguments!r}
main()
"""


def running(number: int):
    return serve(ANY, options=("--workers", str(number)))


@asynccontextmanager
async def changed(change: str, number: int = 2):
    """Run a server of several workers whose code is changed."""
    arguments = ["serve", "--listen", ANY, "--workers", str(number)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", PROGRAM.format(change=change, arguments=arguments)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(),
    )
    try:
        yield Serve(process)
    finally:
        await end(process)
        process._transport.close()  # the pipes, read or not


async def lines_until(server: Serve, pattern: str) -> re.Match[str]:
    """Read lines until one matches."""
    while True:
        line = await server.line()
        assert line, f"it ended, and never said {pattern}"
        if match := re.fullmatch(pattern, line):
            return match


def workers_of(server: Serve) -> list[int]:
    """Return the process ids of the parent's children, the oldest first; zombies are some, too."""
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def complete(server: Serve, number: int = 2) -> list[int]:
    """Return the process ids of the workers, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while len(found := workers_of(server)) != number:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.01)
    return found


def descriptors_of(pid: int) -> Counter[str]:
    """Return what kinds of files a process has open, and how many."""
    kinds: Counter[str] = Counter()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            kinds[re.sub(r"\d+", "N", str(one.readlink()))] += 1
        except FileNotFoundError:  # it was closed meanwhile
            continue
    return kinds


@contextmanager
def watching(pids: list[int]):
    """Yield a function that waits until all these processes have ended."""
    with ExitStack() as stack:
        watches = [os.pidfd_open(pid) for pid in pids]
        for one in watches:
            stack.callback(os.close, one)
        yield lambda: all(select.select([one], [], [], PATIENCE)[0] for one in watches)


def send(clients: list[socket.socket], server: Endpoint) -> None:
    """Send a request from each client."""
    for number, client in enumerate(clients):
        client.sendto(blank(number), sockaddr_of(server))


def answered(clients: list[socket.socket]) -> list[int]:
    """Return the transaction of the answer that each client gets."""
    return [int.from_bytes(client.recv(100)[8:20], "big") for client in clients]


@contextmanager
def many_clients(number: int = MANY):
    with ExitStack() as stack:
        yield [stack.enter_context(udp_socket("127.0.0.1")) for _ in range(number)]


async def test_every_worker_answers():
    change = """
run = workers.Workers.run
def telling(self, on_ready):
    total = run(self, on_ready)
    logging.info("each: %s", [counters.answered for counters in self.counters])
    return total
workers.Workers.run = telling
"""
    async with changed(change, number=3) as server:
        (where,) = (await lines_until(server, r"listening on udp (\S+)")).groups()
        await lines_until(server, "ready")
        with many_clients() as clients:
            send(clients, Endpoint.parse(where))
            assert answered(clients) == list(range(MANY))
        ended = await server.stop()
    assert ended.status == 0
    (each,) = re.findall(r"each: \[(.*)\]", ended.stderr)
    numbers = [int(one) for one in each.split(", ")]
    assert len(numbers) == 3
    assert all(numbers), numbers
    assert sum(numbers) == MANY
    assert f"stopped: {MANY} received, {MANY} answered\n" in ended.stderr


async def test_says_where_it_listens_as_one_process_does():
    async with serve(ANY, "[::1]:0", options=("--workers", "3")) as server:
        named = [(transport, endpoint.host) for transport, endpoint in server.endpoints]
        assert named == [
            ("udp", "127.0.0.1"),
            ("tcp", "127.0.0.1"),
            ("udp", "::1"),
            ("tcp", "::1"),
        ]
        assert len(server.lines) == 4
        assert len(workers_of(server)) == 3
        for transport, endpoint in server.endpoints:
            result = await whoami([f"stun:{endpoint}?transport={transport}"])
            assert result.answers[0].mapped == result.answers[0].local
        ended = await server.stop()
    assert ended.said == (0, "stopped: 4 received, 4 answered\n")


async def test_is_one_process_without_a_parent_by_default():
    async with serve(ANY) as server:
        assert workers_of(server) == []


async def test_replaces_a_worker_that_dies():
    async with running(2) as server:
        local = server.endpoints[0][1]
        first, second = workers_of(server)
        os.kill(first, signal.SIGKILL)
        assert re.fullmatch(
            rf"WARNING worker 0 \(pid {first}\): killed by SIGKILL after \d+\.\d s; replacing it",
            await server.line(),
        )
        with many_clients() as clients:
            send(clients, local)
            assert answered(clients) == list(range(MANY))
        for _ in range(4):
            result = await whoami([f"stun:{local}?transport=tcp"])
            assert result.answers[0].error is None
        now = workers_of(server)  # in whose place another has answered
        assert len(now) == 2
        assert second in now
        assert first not in now
        ended = await server.stop()
        assert ended.said == (0, f"stopped: {MANY + 4} received, {MANY + 4} answered\n")


async def test_answers_what_waited_for_workers_that_died():
    async with running(2) as server:
        for pid in workers_of(server):
            os.kill(pid, signal.SIGSTOP)
        with many_clients() as clients:
            send(clients, server.endpoints[0][1])
            for pid in workers_of(server):
                os.kill(pid, signal.SIGKILL)
            assert answered(clients) == list(range(MANY))
        await server.stop()


class Load:
    """Clients that each have some requests under way, and send the next for each answer."""

    DEPTH = 4
    LOST = 2.0  # seconds after which a request counts as unanswered

    def __init__(self, clients: list[socket.socket], server: Endpoint) -> None:
        self._clients, self._server = clients, sockaddr_of(server)
        self._waiting: dict[int, tuple[socket.socket, float]] = {}
        self._loop = asyncio.get_running_loop()
        self._is_on = True
        self.sent = self.unanswered = 0
        for client in clients:
            client.setblocking(False)  # noqa: FBT003
            self._loop.add_reader(client, self._receive, client)
            for _ in range(self.DEPTH):
                self._send(client)

    async def stop(self) -> None:
        """Send no more, and wait for the answers that are still to come."""
        self._is_on = False
        end = self._loop.time() + self.LOST
        while self._waiting and self._loop.time() < end:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.05)
        self.unanswered += len(self._waiting)
        for client in self._clients:
            self._loop.remove_reader(client)

    def renew(self) -> None:
        """Give up those requests that were sent too long ago, and send others instead."""
        now = self._loop.time()
        for number, (client, since) in list(self._waiting.items()):
            if now - since > self.LOST:
                del self._waiting[number]
                self.unanswered += 1
                self._send(client)

    def _send(self, client: socket.socket) -> None:
        client.sendto(blank(self.sent), self._server)
        self._waiting[self.sent] = client, self._loop.time()
        self.sent += 1

    def _receive(self, client: socket.socket) -> None:
        try:
            number = int.from_bytes(client.recv(100)[8:20], "big")
        except BlockingIOError:
            return
        if self._waiting.pop(number, None) is not None and self._is_on:
            self._send(client)


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_loses_only_what_a_killed_worker_had_in_its_hands(record_property):
    kills = 20
    async with running(2) as server:
        parent = server.process.pid
        before = descriptors_of(parent)
        with many_clients(16) as clients:
            load = Load(clients, server.endpoints[0][1])
            for kill in range(kills):
                victim = (await complete(server))[kill % 2]
                os.kill(victim, signal.SIGKILL)
                await lines_until(server, rf"WARNING worker \d \(pid {victim}\): killed .*")
                load.renew()
                goal = load.sent + 200  # they are busy again
                async with asyncio.timeout(PATIENCE):
                    while load.sent < goal:
                        await asyncio.sleep(0.01)
                        load.renew()
            await load.stop()
        record_property("unanswered", load.unanswered)
        record_property("sent", load.sent)
        # No more than were under way, had a worker taken all of them out of its socket at once.
        assert load.unanswered <= kills * len(clients) * Load.DEPTH
        assert load.unanswered < load.sent / 2
        await complete(server)  # and no zombie
        assert descriptors_of(parent) == before
        ended = await server.stop()
    received = int(re.fullmatch(r"stopped: (\d+) received, .*\n", ended.stderr)[1])
    # Each request was counted by a worker that has died, or its successor, or was lost.
    assert load.sent - load.unanswered <= received + kills * len(clients) * Load.DEPTH


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ("os._exit(9)", "ended with exit status 9"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("os.kill(os.getpid(), 40)", "killed by signal 40"),
        ("raise ZeroDivisionError", "ended with exit status 1"),
    ],
    ids=["exit", "crash", "real-time signal", "bug"],
)
async def test_stops_when_workers_die_again_and_again(change: str, how: str):
    patch = f"async def start(self):\n    {change}\nworkers.Server.start = start"
    async with changed(patch) as server:
        ended = await outcome(server.process)
    *said, last = ended.stderr.splitlines()
    assert ended.status == 3
    assert last == (
        f"stunkit: {SHORT_LIVES} workers in a row lived less than 1 s ({how}: {SHORT_LIVES});"
        " what they had to say stands above, on stderr"
    )
    assert sum(line.endswith("; replacing it") for line in said) == SHORT_LIVES - 1
    assert "ready" not in said
    assert ("ZeroDivisionError" in ended.stderr) == ("ZeroDivisionError" in change)


async def test_forgets_short_lives_after_a_long_one():
    # as many as would stop it, but every life longer than what counts as short
    async with changed("deaths.SHORT_LIFE, deaths.SHORT_LIVES = 0.0, 2") as server:
        await lines_until(server, "ready")
        for _ in range(4):
            victim = (await complete(server))[0]
            os.kill(victim, signal.SIGKILL)
            await lines_until(server, rf"WARNING worker \d \(pid {victim}\): killed .*")
        assert (await server.stop()).status == 0


async def test_counts_short_lives_of_all_workers_together():
    async with changed("deaths.SHORT_LIFE, deaths.SHORT_LIVES = 60.0, 2") as server:
        await lines_until(server, "ready")
        for pid in workers_of(server):
            os.kill(pid, signal.SIGKILL)
        ended = await outcome(server.process)
    assert ended.status == 3
    assert "2 workers in a row lived less than 60 s (killed by SIGKILL: 2);" in ended.stderr


async def test_ends_with_3_and_the_reason_when_a_worker_cannot_start():
    change = """
async def start(self):
    raise StartError("cannot tune the radio", "buy another")
workers.Server.start = start
"""
    async with changed(change) as server:
        ended = await outcome(server.process)
    assert ended.status == 3
    assert ended.stderr.splitlines()[-1] == "stunkit: cannot tune the radio; buy another"
    assert "Traceback" not in ended.stderr


async def test_tries_again_when_there_is_no_room_for_a_process():
    change = """
workers.RETRY = 0.05
fork, refused = os.fork, []
def refuse_once():
    if not refused:
        refused.append(True)
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = refuse_once
"""
    async with changed(change) as server:
        sentence = "WARNING cannot start worker 0: resource temporarily unavailable"
        assert await server.line() == sentence
        await lines_until(server, "ready")
        assert len(workers_of(server)) == 2
        assert (await server.stop()).status == 0


async def test_answers_everything_that_was_sent_before_it_is_told_to_end():
    async with running(2) as server:
        local = server.endpoints[0][1]
        pids = workers_of(server)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        with many_clients() as clients:
            for _ in range(5):
                send(clients, local)
            server.process.send_signal(signal.SIGTERM)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            for _ in range(5):
                assert answered(clients) == list(range(MANY))
        ended = await outcome(server.process)
    assert ended.said == (0, f"stopped: {5 * MANY} received, {5 * MANY} answered\n")


async def test_lets_tcp_clients_read_their_last_answers():
    async with running(2) as server:
        local = server.endpoints[1][1]
        with ExitStack() as stack:
            clients = [
                stack.enter_context(socket.create_connection(sockaddr_of(local), timeout=PATIENCE))
                for _ in range(8)
            ]
            for client in clients:
                client.sendall(blank(1))
                assert client.recv(100)[8:20] == (1).to_bytes(12, "big")
                client.sendall(blank(2) * 5)
            ended = asyncio.create_task(server.stop())
            for client in clients:
                said = b""
                while data := await asyncio.to_thread(client.recv, 1000):
                    said += data
                assert said == said[:32] * (len(said) // 32)  # whole answers, then the end
            assert (await ended).status == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(sockaddr_of(local))


async def test_kills_a_worker_that_does_not_end():
    async with changed("workers.STOP_TIMEOUT = 0.2") as server:
        await lines_until(server, "ready")
        stuck, _ = workers_of(server)
        os.kill(stuck, signal.SIGSTOP)
        ended = await server.stop()
    assert ended.said == (
        0,
        f"WARNING worker 0 (pid {stuck}) did not end: killed\nstopped: 0 received, 0 answered\n",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ends_well_when_a_signal_comes_to_the_parent(number: int):
    async with running(2) as server:
        ended = await server.stop(number)
    assert ended.said == (0, "stopped: 0 received, 0 answered\n")


async def test_ends_well_when_a_terminal_interrupts_all_of_them():
    async with running(2) as server:
        # The workers get what a terminal sends to every process of its foreground group.
        for pid in workers_of(server):
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGHUP)
        ended = await server.stop(signal.SIGINT)
    assert ended.said == (0, "stopped: 0 received, 0 answered\n")


async def test_lives_on_after_a_hangup():
    async with running(2) as server:
        pids = workers_of(server)
        server.process.send_signal(signal.SIGHUP)
        assert await server.line() == "INFO reloaded: the settings are the same"
        assert workers_of(server) == pids
        assert (await server.stop()).status == 0


async def test_workers_end_with_their_parent():
    async with running(3) as server:
        local = server.endpoints[0][1]
        with watching(workers_of(server)) as have_ended:
            server.process.kill()
            assert await asyncio.to_thread(have_ended)
        async with serve(str(local), options=("--workers", "2")) as next_one:  # its port is free
            assert next_one.endpoints[0][1] == local


@pytest.mark.parametrize("number", ["1", "2"])
async def test_refuses_a_port_that_another_server_has(number: str):
    async with running(2) as server:
        local = server.endpoints[0][1]
        ended = await stunkit("serve", "--listen", local, "--workers", number)
    assert ended.status == 3
    assert ended.stderr.startswith(f"stunkit: cannot listen on udp {local}: another program has")


async def test_a_quartet_answers_from_the_socket_that_is_asked_for():
    async with alternating() as server:
        four = [endpoint for transport, endpoint in server.endpoints if transport == "udp"]
        changes = [ChangeRequest(change_port=True), ChangeRequest(change_ip=True)]
        with many_clients(20) as clients:
            for number, client in enumerate(clients):
                role, flip = number % 4, 1 + number // 4 % 2
                request = Message.request(Method.BINDING, bytes(12), [changes[flip - 1]])
                data, source = await exchange(client, request.raw, four[role])
                answer = Message.decode(data)
                assert source == four[role ^ flip]
                assert answer.get(ResponseOrigin).endpoint == source
                assert answer.get(OtherAddress).endpoint == four[role ^ 3]
        assert (await server.stop()).status == 0


@asynccontextmanager
async def alternating():
    """Run a server with two addresses and two workers, on ports that are free on both."""
    for attempt in range(PORT_ATTEMPTS):
        listen = f"127.0.0.1:{free_port('127.0.0.1', '127.0.0.2')}"
        try:
            context = serve(listen, options=("--alternate", "127.0.0.2", "--workers", "2"))
            server = await context.__aenter__()
        except AssertionError:  # the next port is taken
            if attempt + 1 == PORT_ATTEMPTS:
                raise
            continue
        break
    try:
        yield server
    finally:
        await context.__aexit__(None, None, None)


def test_divides_the_connections_among_the_workers():
    assert Workers(Settings(workers=3))._each.tcp.max_connections == 334
    assert (
        Workers(Settings(workers=3, tcp=TcpSettings(max_connections=1)))._each.tcp.max_connections
        == 1
    )


def test_needs_linux(monkeypatch):
    monkeypatch.setattr(module.sys, "platform", "darwin")
    with pytest.raises(StartError, match=r"more than one worker needs Linux.*; use --workers 1"):
        Workers(Settings(workers=2))
