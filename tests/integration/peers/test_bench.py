"""The load generator against the servers of others: every answer of theirs is a right one."""

import asyncio

import pytest

from stunkit.bench.options import Options
from stunkit.bench.run import run
from stunkit.endpoint import Endpoint
from stunkit.wire.uri import Uri
from tests.integration.loopback import HOSTS, free_port
from tests.integration.peers.program import running

LOADS = {"closed": {"window": 8}, "open": {"rate": 500.0}}


@pytest.fixture(scope="module")
def coturn(tmp_path_factory) -> int:
    """The port of coturn's server."""
    folder = tmp_path_factory.mktemp("coturn")
    port = free_port(*HOSTS)
    arguments = ["--stun-only", "-n", "--no-tls", "--no-dtls", "--no-cli", "--relay-threads=1"]
    arguments += [f"--listening-ip={host}" for host in HOSTS]
    arguments += [f"--listening-port={port}", "--log-file=stdout"]
    arguments += [f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    answers = [Endpoint.of(host, port) for host in HOSTS]
    with running(folder / "log", answers, "turnserver", *arguments):
        yield port


@pytest.fixture(scope="module")
def vovida(tmp_path_factory) -> Endpoint:
    """Where vovida's server answers, which knows no XOR-MAPPED-ADDRESS of ours."""
    folder = tmp_path_factory.mktemp("vovida")
    hosts = "127.0.0.1", "127.0.0.2"
    first = other = Endpoint.of(hosts[0], free_port(*hosts))
    while other.port == first.port:
        other = Endpoint.of(hosts[1], free_port(*hosts))
    arguments = ["-h", hosts[0], "-a", hosts[1], "-p", first.port, "-o", other.port]
    with running(folder / "log", [first, other], "stund", *arguments):
        yield first


async def load(server: str, **more: object):
    options = Options(server=Uri.parse(server), sockets=4, duration=0.4, warmup=0.0, **more)
    return await asyncio.to_thread(run, options)


@pytest.mark.parametrize("loop", LOADS)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("host", HOSTS)
async def test_coturn_answers_all(host, transport, loop, coturn: int):
    result = await load(f"stun:{Endpoint.of(host, coturn)}?transport={transport}", **LOADS[loop])
    assert result.software.startswith("Coturn-")
    assert result.tally.answered == result.tally.sent > 50
    assert result.tally.wrong == result.tally.strange == result.tally.duplicate == 0


@pytest.mark.parametrize("loop", LOADS)
async def test_vovida_answers_all(loop, vovida: Endpoint):
    result = await load(str(vovida), **LOADS[loop])
    assert result.tally.answered == result.tally.sent > 50
    assert result.tally.wrong == result.tally.strange == result.tally.duplicate == 0
