import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from stunkit.server.process.notification import Manager
from tests.integration.command import PATIENCE, Serve, serve

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="the manager listens on a Unix socket"
)

ANY = "127.0.0.1:0"

is_linux = pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")


@pytest.fixture(params=["path", pytest.param("abstract", marks=is_linux)])
def address(request, tmp_path: Path):
    """Return where a manager may listen, and whoever a server becomes can reach it."""
    if request.param == "abstract":
        yield abstract(tmp_path)
        return
    with tempfile.TemporaryDirectory(prefix="stunkit-") as folder:
        Path(folder).chmod(0o711)
        yield f"{folder}/notify"


def abstract(unique: Path) -> str:
    return f"@stunkit-test-{os.getpid()}-{unique.name}"


@contextmanager
def listening(address: str):
    """Yield the socket of a manager, to which everybody may write."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        plain.bind("\0" + address[1:] if address.startswith("@") else address)
        if not address.startswith("@"):
            Path(address).chmod(0o777)
        plain.settimeout(PATIENCE)
        yield plain


def read(plain: socket.socket) -> dict[str, str]:
    """Return the next message."""
    lines = plain.recv(4096).decode().split("\n")
    return dict(line.split("=", 1) for line in lines)


async def read_until(plain: socket.socket, name: str) -> dict[str, str]:
    """Return the next message that has a line of this name."""
    async with asyncio.timeout(PATIENCE):
        while name not in (message := await asyncio.to_thread(read, plain)):
            pass
    return message


def test_says_when_it_is_ready_reloading_stopping_and_alive(address: str):
    manager = Manager(address)
    before = time.monotonic_ns() // 1000
    with listening(address) as plain:
        manager.ready("serving")
        manager.reloading()
        manager.stopping()
        manager.alive()
        assert read(plain) == {"READY": "1", "MAINPID": str(os.getpid()), "STATUS": "serving"}
        reloading = read(plain)
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert reloading["RELOADING"] == "1"
        assert read(plain)["STOPPING"] == "1"
        assert read(plain) == {"WATCHDOG": "1"}


def test_is_silent_without_a_manager(caplog):
    manager = Manager.find({})
    manager.ready("serving")
    manager.alive()
    assert manager.patience is None
    assert not caplog.records


def test_goes_on_when_the_manager_is_gone(caplog, tmp_path: Path):
    Manager(str(tmp_path / "gone")).ready("serving")
    (record,) = caplog.records
    assert record.getMessage() == (
        f"cannot notify the service manager at {tmp_path / 'gone'}: no such file or directory"
    )


@pytest.mark.parametrize("pid", [None, os.getpid()], ids=["unnamed", "named"])
def test_finds_out_how_long_the_manager_waits(pid: int | None):
    environ = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "1500000", "OTHER": "stays"}
    environ |= {"WATCHDOG_PID": str(pid)} if pid else {}
    assert Manager.find(environ).patience == 1.5
    assert environ == {"OTHER": "stays"}


@pytest.mark.parametrize(
    "environ",
    [
        {"NOTIFY_SOCKET": "/run/n"},
        {"WATCHDOG_USEC": "1500000"},
        {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"},
    ],
)
def test_feeds_no_watchdog_that_is_not_ours(environ: dict[str, str]):
    assert Manager.find(environ).patience is None


def test_says_that_it_cannot_reach_another_kind_of_socket(caplog):
    Manager.find({"NOTIFY_SOCKET": "vsock:2:1234"}).ready("serving")
    (record,) = caplog.records
    assert "'vsock:2:1234'" in record.getMessage()


@asynccontextmanager
async def managed(address: str, workers: int, *options: str, **more: str):
    """Yield a manager's socket and the server that it started, whose first words were read."""
    with listening(address) as plain:
        env = {"NOTIFY_SOCKET": address, **more}
        async with serve(ANY, options=("--workers", str(workers), *options), env=env) as server:
            yield plain, server


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=is_linux)])
async def test_manager_hears_of_a_servers_whole_life(address: str, workers: int):
    async with managed(address, workers, WATCHDOG_USEC="2000000") as (plain, server):
        ready = await read_until(plain, "READY")
        pid = server.process.pid
        local = server.endpoints[0][1]
        status = f"serving udp {local}, tcp {local}"
        assert ready == {"READY": "1", "MAINPID": str(pid), "STATUS": status}
        assert await read_until(plain, "WATCHDOG") == {"WATCHDOG": "1"}
        server.process.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC" in await read_until(plain, "RELOADING")
        assert await read_until(plain, "READY") == ready
        ended = await server.stop()
        assert ended.status == 0
        assert (await read_until(plain, "STOPPING"))["STOPPING"] == "1"


async def test_feeds_the_watchdog_where_loopback_has_to_send_a_proxy_header(address: str):
    more = ("--proxy-trusted", "127.0.0.0/8")
    async with managed(address, 1, *more, WATCHDOG_USEC="2000000") as (plain, server):
        assert await read_until(plain, "WATCHDOG") == {"WATCHDOG": "1"}
        assert (await server.stop()).status == 0


@is_linux
async def test_watchdog_starves_when_a_worker_hangs(tmp_path: Path):
    async with managed(abstract(tmp_path), 3, WATCHDOG_USEC="1000000") as (plain, server):
        await read_until(plain, "WATCHDOG")
        victim = workers_of(server)[-1]
        os.kill(victim, signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE):
            local = server.endpoints[0][1]
            assert await server.line() == (
                f"WARNING no answer from our own udp {local}: the watchdog is not fed"
            )
        drain(plain)
        # For as long as the manager waits nothing comes: it would end and restart the server.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(plain, 100), 1.0)
        os.kill(victim, signal.SIGCONT)
        plain.settimeout(PATIENCE)
        await read_until(plain, "WATCHDOG")


def workers_of(server: Serve) -> list[int]:
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def drain(plain: socket.socket) -> None:
    """Forget what has come, and make the socket one for a loop."""
    plain.setblocking(False)  # noqa: FBT003 (the standard library's)
    while True:
        try:
            plain.recv(4096)
        except BlockingIOError:
            return
