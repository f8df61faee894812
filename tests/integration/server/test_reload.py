"""A server that reads its settings again under load: nobody notices but by what has changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Refused
from stunkit.net.query import Asker
from stunkit.net.whoami import whoami
from stunkit.protocol.login import Login
from stunkit.server.reload import Reload
from stunkit.server.server import Server
from stunkit.server.settings import tree
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass
from tests.integration.command import Serve, serve
from tests.integration.loopback import PATIENCE, blank, exchange, udp_socket

HOST = "127.0.0.1"
RELOADS = 100
CLIENTS = 8  # over UDP, and as many over TCP
BURST = 16  # requests that each has on the way over UDP

each_way = pytest.mark.parametrize("workers", [1, 2])


class Settings:
    """The file of a server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write()

    def write(self, software: str = "first", more: str = "") -> None:
        self.path.write_text(f'software = "{software}"\n{more}')


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server can read in, whoever it has become."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(folder / "stunkit.toml")


@contextlib.asynccontextmanager
async def running(settings: Settings, workers: int) -> AsyncIterator[Serve]:
    options = ["--config", str(settings.path), "--workers", str(workers)]
    async with serve(f"{HOST}:0", options=options) as server:
        yield server


async def reload(server: Serve) -> str:
    """Have a server read its settings, and return what it says of that."""
    server.process.send_signal(signal.SIGHUP)
    while "reloaded" not in (line := await server.line()):
        assert line, "it ended"
    return line


class Load:
    """Clients that ask as fast as they are answered; whatever goes wrong raises from ``ended``."""

    def __init__(self, server: Endpoint) -> None:
        self._server = server
        self._is_over = False
        self._answered = asyncio.Event()
        self.answers = 0
        self.heard: set[str | None] = set()  # every SOFTWARE

    async def ask_over_udp(self) -> None:
        loop = asyncio.get_running_loop()
        with udp_socket(HOST) as plain:
            plain.setblocking(False)  # noqa: FBT003
            plain.connect((self._server.host, self._server.port))
            while not self._is_over:
                asked = {blank(number)[8:20] for number in range(BURST)}
                for number in range(BURST):
                    plain.send(blank(number))
                while asked:
                    async with asyncio.timeout(PATIENCE):
                        asked.remove(self._hear(await loop.sock_recv(plain, 2048)))

    async def ask_over_tcp(self) -> None:
        reader, writer = await asyncio.open_connection(self._server.host, self._server.port)
        with contextlib.closing(writer):
            while not self._is_over:
                writer.write(blank(7))
                async with asyncio.timeout(PATIENCE):
                    head = await reader.readexactly(20)
                    body = await reader.readexactly(int.from_bytes(head[2:4], "big"))
                self._hear(head + body)

    async def goes_on(self) -> None:
        """Wait for another answer."""
        self._answered.clear()
        await self._answered.wait()

    def _hear(self, data: bytes) -> bytes:
        answer = Message.decode(data)
        assert answer.message_class is MessageClass.SUCCESS_RESPONSE
        software = answer.get(Software)
        self.heard.add(software and software.text)
        self.answers += 1
        self._answered.set()
        return answer.transaction_id

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self.ask_over_udp())
                group.create_task(self.ask_over_tcp())
            yield
            self._is_over = True


async def software_of(server: Endpoint, clients: int = 16) -> set[str | None]:
    """Return what several clients, and so every worker, say of themselves."""
    heard = set()
    for _ in range(clients):
        with udp_socket(HOST) as plain:
            answer, _ = await exchange(plain, blank(), server)
            software = Message.decode(answer).get(Software)
            heard.add(software and software.text)
    return heard


@pytest.mark.alone
@each_way
async def test_reloads_100_times_under_load_and_nobody_goes_unanswered(workers, settings):
    async with running(settings, workers) as server:
        local = server.endpoints[0][1]
        load = Load(local)
        async with load.running():
            for number in range(RELOADS):
                rate = 1000 + number
                settings.write(
                    f"v{number}", f"[limit]\nrate = {rate}\n[tcp]\nidle_timeout = {rate}\n"
                )
                assert await reload(server) == (
                    "INFO reloaded: software, tcp.idle_timeout, limit.rate"
                )
                await load.goes_on()
        assert await software_of(local) == {f"v{RELOADS - 1}"}
        assert load.heard >= {"v0", f"v{RELOADS // 2}"}
        ended = await server.stop()
    received, answered = map(int, re.findall(r"(\d+) (?:received|answered)", ended.stderr))
    assert ended.status == 0
    assert received == answered == load.answers + 16


@each_way
async def test_a_broken_file_changes_nothing_and_says_why(workers: int, settings: Settings):
    async with running(settings, workers) as server:
        local = server.endpoints[0][1]
        where = f"not reloaded, the old settings stay: {settings.path}"
        for text, why in (
            ('software = "second"\nworkres = 2', ", line 2: workres: there is no such key"),
            ('software = "second"\n[limit]\nrate = 5', ", line 3: limit.rate: '5' is not a rate"),
            ('software = "second"\n[limit', ": it is not TOML"),
        ):
            settings.path.write_text(text)
            assert (await reload(server)).startswith(f"ERROR {where}{why}")
        settings.path.unlink()
        assert await reload(server) == f"ERROR {where}: cannot be read: no such file or directory"
        assert await software_of(local) == {"first"}
        settings.write("third")
        assert await reload(server) == "INFO reloaded: software"
        assert await software_of(local) == {"third"}


@each_way
async def test_what_needs_a_restart_is_refused_by_name(workers: int, settings: Settings):
    async with running(settings, workers) as server:
        settings.write("second", 'lane = "portable"\nadvertise = ["10.0.0.1=192.0.2.1"]')
        assert await reload(server) == (
            "ERROR not reloaded, the old settings stay: advertise, lane: a change needs a restart"
        )
        assert await software_of(server.endpoints[0][1]) == {"first"}


@each_way
async def test_the_command_line_goes_before_the_file_at_every_reload(workers, settings):
    options = ["--config", str(settings.path), "--workers", str(workers), "--software", "mine"]
    async with serve(f"{HOST}:0", options=options) as server:
        settings.write("other", "workers = 7\n")
        assert await reload(server) == "INFO reloaded: the settings are the same"
        assert await software_of(server.endpoints[0][1]) == {"mine"}


@each_way
async def test_a_limit_comes_and_goes_while_it_serves(workers: int, settings: Settings):
    async with running(settings, workers) as server:
        local = server.endpoints[0][1]
        assert await answers_to(200, local) == 200
        settings.write(more="[limit]\nrate = 10\nburst = 20\nallow = []\n")
        await reload(server)
        assert 20 <= await answers_to(200, local) < 100
        settings.write(more="[limit]\nrate = 0\nallow = []\n")
        await reload(server)
        assert await answers_to(200, local) == 200
        settings.write(more="refused_ports = []\n")
        await reload(server)
        assert await answers_to(200, local) == 200


@each_way
async def test_more_connections_may_have_more_files(workers: int, settings: Settings):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= 4096, "this test needs 4096 open files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        async with running(settings, workers) as server:
            pids = [server.process.pid] if workers == 1 else children(server.process.pid)
            before = [limit_of_files(pid) for pid in pids]
            settings.write("first", "[tcp]\nmax_connections = 3400\n")
            assert await reload(server) == "INFO reloaded: tcp.max_connections"
            after = [limit_of_files(pid) for pid in pids]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(new > old for old, new in zip(before, after, strict=True))


def limit_of_files(pid: int) -> int:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return int(re.search(r"^Max open files +(\d+)", limits, re.MULTILINE)[1])


async def answers_to(number: int, server: Endpoint) -> int:
    """Return how many of so many requests, from one address, are answered."""
    answered = 0
    with udp_socket(HOST) as plain, contextlib.suppress(TimeoutError):
        plain.settimeout(0.5)
        plain.connect((server.host, server.port))
        for _ in range(number):
            plain.send(blank())
        for _ in range(number):
            plain.recv(2048)
            answered += 1
    return answered


async def test_a_worker_that_comes_later_has_the_settings_of_the_day(settings: Settings):
    async with running(settings, 2) as server:
        local = server.endpoints[0][1]
        settings.write("second")
        await reload(server)
        for pid in children(server.process.pid):
            os.kill(pid, signal.SIGKILL)
        assert await software_of(local) == {"second"}


async def test_a_worker_that_hangs_holds_nobody_up(settings: Settings):
    async with running(settings, 2) as server:
        local = server.endpoints[0][1]
        slow, _ = children(server.process.pid)
        os.kill(slow, signal.SIGSTOP)
        settings.write("second")
        server.process.send_signal(signal.SIGHUP)
        await until_somebody_says("second", local)
        os.kill(slow, signal.SIGCONT)
        assert await server.line() == "INFO reloaded: software"
        assert await software_of(local) == {"second"}


async def until_somebody_says(software: str, server: Endpoint) -> None:
    """Ask from one port after the other, so that a worker that hangs keeps nobody."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with udp_socket(HOST) as plain, contextlib.suppress(TimeoutError):
                plain.settimeout(0.05)
                plain.sendto(blank(), (server.host, server.port))
                if Message.decode(plain.recv(2048)).get(Software).text == software:
                    return
            await asyncio.sleep(0)


def children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@each_way
async def test_a_connection_is_answered_by_the_new_settings(workers: int, settings: Settings):
    async with running(settings, workers) as server:
        local = server.endpoints[0][1]
        with socket.create_connection((local.host, local.port), timeout=PATIENCE) as plain:
            for name in ("first", "second"):
                settings.write(name)
                await reload(server)
                plain.sendall(blank())
                answer = await asyncio.to_thread(plain.recv, 2048)
                assert Message.decode(answer).get(Software).text == name


@each_way
async def test_credentials_change_while_it_serves(workers: int, settings, folder: Path):
    async def error(local: Endpoint, password: str):
        result = await whoami([str(local)], login=lambda: Login("ann", password))
        return result.answers[0].error

    entries = folder / "credentials"
    entries.write_text("password ann one\n")
    closed = '[authentication]\nrealm = "example.org"\ncredentials_file = "credentials"\n'
    async with running(settings, workers) as server:
        local = server.endpoints[0][1]
        settings.write("a", closed)
        assert await reload(server) == (
            "INFO reloaded: software, authentication.credentials_file, authentication.realm"
        )
        assert await error(local, "one") is None
        assert isinstance(await error(local, "two"), Refused)
        entries.write_text("password ann two\n")
        assert await reload(server) == "INFO reloaded: the settings are the same"
        assert await error(local, "two") is None
        assert isinstance(await error(local, "one"), Refused)
        entries.write_text("password ann\n")
        assert (await reload(server)).endswith(
            f"{entries}, line 1: after password belongs a username and something more"
        )
        assert await error(local, "two") is None
        settings.write("a")
        await reload(server)
        assert await software_of(local) == {"a"}


@pytest.mark.alone
@each_way
async def test_the_other_address_is_named_all_the_same(workers: int, settings: Settings):
    options = ["--config", str(settings.path), "--workers", str(workers)]
    async with serve(f"{HOST}:0", options=[*options, "--alternate", "127.0.0.2"]) as server:
        for name in ("first", "second"):
            settings.write(name)
            await reload(server)
            for _, local in server.endpoints[::2]:
                with udp_socket(HOST) as plain:
                    data, _ = await exchange(plain, blank(), local)
                made = Message.decode(data)
                assert made.get(Software).text == name
                assert made.value(AttributeType.OTHER_ADDRESS) is not None


async def test_nonces_stay_good(folder: Path):
    entries = folder / "credentials"
    entries.write_text("password ann pw\n")
    entries.chmod(0o600)
    chosen = tree.Settings().with_values(
        {
            "listen": (Endpoint.of(HOST, 0),),
            "authentication.realm": "example.org",
            "authentication.credentials_file": entries,
        }
    )
    again = Reload(lambda: chosen)
    present, material = again.load()
    async with (
        Server(present, material=material) as server,
        Asker(login=lambda: Login("ann", "pw")) as asker,
    ):
        local = server.endpoints[0][1]
        source = await asker.open(local)
        await asker.ask(local, source)
        assert server.counters.received == 2
        prepared = again.prepare(present)
        assert prepared is not None
        server.adopt(*prepared)
        await asker.ask(local, source)
        assert server.counters.received == 3
