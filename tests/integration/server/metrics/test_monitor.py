import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.whoami import whoami
from stunkit.server.metrics import monitor
from stunkit.server.metrics.figures import Figures
from stunkit.server.metrics.monitor import MetricsSettings, Post
from stunkit.server.server import Server
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from tests.integration.certificates import Authority
from tests.integration.command import Serve, end, serve, start
from tests.integration.loopback import free_port, serving
from tests.integration.monitoring import exchange, get, scrape

ANY = Endpoint.parse("127.0.0.1:0")
METRICS = MetricsSettings(listen=ANY)
HEALTH = ("/healthz", "/readyz")


@asynccontextmanager
async def shown(**settings):
    async with serving("127.0.0.1", metrics=METRICS, **settings) as server:
        yield server, server.monitor.endpoint


@asynccontextmanager
async def crew(number: int):
    place = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    options = ("--workers", str(number), "--metrics-listen", str(place))
    async with serve("127.0.0.1:0", options=options) as server:
        yield server, place


async def ask(endpoint: Endpoint, times: int = 1) -> None:
    for _ in range(times):
        await whoami([str(endpoint)])


async def children(server) -> list[int]:
    path = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
    with open(path) as file:  # noqa: ASYNC230, PTH123 (it is in memory)
        return sorted(map(int, file.read().split()))


async def until(condition) -> None:
    """Look again and again until something holds; the test's own time limit ends it."""
    while not await condition():  # noqa: ASYNC110 (another process's doing)
        await asyncio.sleep(0.02)


async def test_shows_what_was_answered():
    async with shown() as (server, place):
        before = await scrape(place)
        await ask(server.endpoints[0][1], 3)
        after = await scrape(place)
    way = {"transport": "udp", "family": "ipv4", "disposition": "answered"}
    assert after.sum("stunkit_messages_total", **way) == 3
    assert before.sum("stunkit_messages_total", **way) == 0
    assert after.sum("stunkit_connections_limit") == 1000


async def test_counts_open_connections():
    async with shown() as (server, place):
        _, writer = await asyncio.open_connection("127.0.0.1", server.endpoints[1][1].port)
        while (await scrape(place)).sum("stunkit_connections") != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        writer.close()
        while (await scrape(place)).sum("stunkit_connections") != 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_is_healthy_and_ready_while_it_serves():
    async with shown() as (server, place):
        health, ready = [await get(place, path) for path in HEALTH]
    endpoint = str(server.endpoints[0][1])
    assert (health.status, ready.status) == (200, 200)
    assert health.document == {
        "healthy": True,
        "sockets": [
            {"transport": "udp", "endpoint": endpoint, "answers": True},
            {"transport": "tcp", "endpoint": endpoint, "answers": True},
        ],
    }
    assert ready.document == {"ready": True, "reason": None}


async def test_asks_a_server_of_all_addresses_on_loopback():
    async with Server(Settings(listen=(Endpoint.parse("0.0.0.0:0"),), metrics=METRICS)) as server:
        reply = await get(server.monitor.endpoint, "/healthz")
    assert reply.status == 200
    assert all(one["endpoint"].startswith("127.0.0.1:") for one in reply.document["sockets"])


async def test_asks_over_tls_too_whatever_name_the_certificate_is_for(tmp_path):
    pair = Authority(tmp_path).issue()
    listen = (ANY,)
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=listen)
    async with Server(Settings(listen=listen, tls=tls, metrics=METRICS)) as server:
        reply = await get(server.monitor.endpoint, "/healthz")
    answers = {one["transport"]: one["answers"] for one in reply.document["sockets"]}
    assert answers == {"udp": True, "tcp": True, "tls": True}


async def test_is_not_healthy_when_a_socket_is_dead():
    async with shown() as (server, place):
        (lane,) = server._lanes.values()
        lane.close()
        reply = await get(place, "/healthz")
        ready = await get(place, "/readyz")
    assert reply.status == 503
    assert [one["answers"] for one in reply.document["sockets"]] == [False, True]
    assert ready.status == 200  # nobody should be sent elsewhere before it has been looked at


async def test_round_trip_serves_all_who_ask_meanwhile():
    async with shown() as (server, place):
        replies = await asyncio.gather(*(get(place, "/healthz") for _ in range(20)))
        assert {reply.status for reply in replies} == {200}
        assert server.counters.received == 2  # one over UDP, one over TCP


async def test_is_not_ready_while_it_drains():
    async with shown() as (server, place):
        server.monitor.is_draining = True
        reply = await get(place, "/readyz")
    assert (reply.status, reply.document["reason"]) == (503, "draining")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /else HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 405),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x42 no HTTP\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 5000 + b"\r\n\r\n", 400),
    ],
    ids=["path", "method", "binary", "line", "header"],
)
async def test_refuses_what_it_does_not_show(request_bytes, status, caplog):
    async with shown() as (_, place):
        raw = await exchange(place, request_bytes)
        assert int(raw.split()[1]) == status
        assert (await get(place, "/readyz")).status == 200
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


async def test_ends_clients_that_are_too_slow_or_too_many(monkeypatch):
    monkeypatch.setattr(monitor, "LONGEST_CONNECTION", 0.2)
    async with shown() as (_, place):
        assert await exchange(place, b"GET /metrics HT") == b""  # and no more, ever
    monkeypatch.setattr(monitor, "LONGEST_CONNECTION", 30.0)
    async with shown() as (_, place):
        idle = [
            await asyncio.open_connection(place.host, place.port)
            for _ in range(monitor.MOST_CONNECTIONS + 5)
        ]
        assert (await get(place, "/readyz")).status == 200
        assert await asyncio.wait_for(idle[0][0].read(), 5) == b""
        for _, writer in idle:
            writer.close()


def test_says_that_its_port_is_taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = Endpoint.of("127.0.0.1", other.getsockname()[1])
        with pytest.raises(StartError, match=f"metrics on {place}: another program has it"):
            Post.bind(place, Figures([]))


async def test_leaves_no_socket_behind_when_the_server_cannot_start():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = Endpoint.of("127.0.0.1", other.getsockname()[1])
        other.listen()
        server = Server(Settings(listen=(taken,), metrics=METRICS))
        with pytest.raises(StartError, match="cannot listen on tcp"):
            await server.start()
    assert server.post.listening.fileno() == -1


def test_names_the_extra_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp.web", None)
    with pytest.raises(StartError, match=r"pip install 'stunkit\[metrics\]'"):
        monitor.require()


linux = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")


@linux
async def test_one_worker_shows_the_figures_of_all():
    async with crew(3) as (server, place):
        await asyncio.gather(*(ask(server.endpoints[0][1]) for _ in range(30)))
        shown_by_one = await scrape(place)
        health = await get(place, "/healthz")
    assert shown_by_one.sum("stunkit_messages_total", disposition="answered") == 30
    assert shown_by_one.sum("stunkit_workers") == 3
    assert shown_by_one.sum("stunkit_workers_serving") == 3
    assert health.status == 200


@linux
async def test_who_takes_a_dead_workers_place_shows_the_same_figures():
    async with crew(2) as (server, place):
        await ask(server.endpoints[0][1], 5)
        before = await scrape(place)
        for pid in await children(server):
            os.kill(pid, signal.SIGKILL)

        async def is_whole() -> bool:
            after = await scrape(place)
            return (
                after.sum("stunkit_workers_replaced_total") == 2
                and after.sum("stunkit_workers_serving") == 2
            )

        await until(is_whole)
        after = await scrape(place)
    assert after.sum("stunkit_messages_total") == before.sum("stunkit_messages_total") == 5
    assert after.sum("stunkit_start_time_seconds") == before.sum("stunkit_start_time_seconds")


@linux
async def test_is_not_healthy_while_a_worker_hangs():
    async with crew(2) as (server, place):
        _, second = await children(server)
        os.kill(second, signal.SIGSTOP)
        reply = await get(place, "/healthz")
        os.kill(second, signal.SIGCONT)
        assert reply.status == 503
        assert reply.document["sockets"][0]["answers"] is False

        async def is_healthy() -> bool:
            return (await get(place, "/healthz")).status == 200

        await until(is_healthy)


@linux
async def test_shows_figures_after_a_reload():
    async with crew(2) as (server, place):
        server.process.send_signal(signal.SIGHUP)
        while "reloaded" not in await server.line():
            pass
        assert (await get(place, "/readyz")).status == 200


@linux
async def test_says_all_as_json():
    place = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    options = ("--log-format", "json", "--metrics-listen", str(place))
    async with raw_serve(options) as server:
        lines = []
        while not lines or lines[-1]["message"] != "ready":
            lines.append(json.loads(await server.line()))
        stopped = await server.stop()
    assert [line["message"].split()[0] for line in lines] == [
        "listening",
        "listening",
        "metrics",
        "ready",
    ]
    assert stopped.status == 0
    assert json.loads(stopped.stderr)["message"] == "stopped: 0 received, 0 answered"


@asynccontextmanager
async def raw_serve(options):
    """Run a server that says in JSON that it is ready."""
    server = Serve(await start("serve", "--listen", "127.0.0.1:0", *options))
    try:
        yield server
    finally:
        await end(server.process)
        server.process._transport.close()
