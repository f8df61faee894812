"""A server under a flood from forged sources: who is honest gets answers, and memory stays.

    flooder and client eth0 ── eth0 server

Answers to forged sources go back over the wire and are dropped by the client's machine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer
from stunkit.lab import Namespace
from stunkit.lab.command import configure_links
from stunkit.lab.namespace import end
from stunkit.lab.service import Service
from stunkit.net.query import Asker
from tests.lab.server.machines import CLIENT, PUBLIC, running, wired

SERVER = Endpoint.of(PUBLIC[Family.IPV4][0], 3478)
FORGED = "10.0.0.0/8"
FLOOD = (sys.executable, "-m", "tests.lab.server.flood", str(SERVER))
ROOT = Path(__file__).parents[3]
SOURCES = int(os.environ.get("FLOOD_SOURCES", "300000"))
MIB = 1 << 20

log = logging.getLogger(__name__)


@contextmanager
def flooded_server(*options: str) -> Iterator[tuple[Namespace, Service]]:
    """Whence to flood, and the server."""
    with wired() as (client, server):
        back = [f"route add {FORGED} via {CLIENT[Family.IPV4]} dev eth0 onlink"]
        server.call(configure_links, "set up the server", back)
        with running(server, "--listen", str(SERVER), *options) as service:
            yield client, service


def flood(client: Namespace, what: str, sources: int, count: int) -> None:
    options = ["--what", what, "--sources", str(sources), "--count", str(count)]
    done = client.run([*FLOOD, *options], timeout=600, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr


def resident(service: Service) -> int:
    """Bytes of memory that a process has at present."""
    pages = Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def ask_again_and_again(count: int) -> tuple[int, int, int]:
    """Return how many of an honest client's transactions were answered, and the requests sent."""
    answered = sends = 0
    async with Asker() as asker:
        local = await asker.open(SERVER)
        for _ in range(count):
            try:
                found = await asker.ask(SERVER, local)
            except NoAnswer as error:
                sends += error.sends
            else:
                answered += 1
                sends += found.sends
            await asyncio.sleep(0.02)  # 50 a second: half of what anybody may ask
    return answered, count, sends


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lane", ["portable", "batch"])
def test_honest_client_is_answered_under_a_flood_of_garbage(lane: str):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    endless = ["--what", "garbage", "--sources", str(SOURCES), "--count", str(10**9)]
    with flooded_server("--lane", lane) as (client, _):
        flooder = client.popen([*FLOOD, *endless], stdin=DEVNULL, stdout=DEVNULL, env=env)
        try:
            answered, asked, sends = client.call(asyncio.run, ask_again_and_again(100))
            assert flooder.poll() is None
        finally:
            client.processes.remove(flooder)
            flooder.terminate()
            end(flooder)
    log.info("%s: %d of %d answered, with %d requests", lane, answered, asked, sends)
    assert answered >= 0.99 * asked


@pytest.mark.alone
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lane", ["portable", "batch"])
def test_memory_does_not_grow_with_the_number_of_sources(lane: str):
    with flooded_server("--lane", lane) as (client, service):
        flood(client, "requests", 1000, 20_000)  # a thousand sources, again and again
        flood(client, "garbage", 1000, 20_000)
        before = resident(service)
        flood(client, "requests", SOURCES, SOURCES)
        flood(client, "garbage", SOURCES, SOURCES)
        after = resident(service)
    figures = before / MIB, after / MIB, SOURCES
    log.info("%s: %.1f MiB after 1000 sources, %.1f after %d", lane, *figures)
    assert after - before < MIB
