"""``stunkit bench`` against three servers, held against what the kernel counted meanwhile.

    client eth0 ── eth0 server

The server's machine counts the datagrams that reached a socket and those that left one, whoever
sent them. The tool counts what it asked and what it was answered.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import DEVNULL

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.lab import Namespace
from stunkit.lab.namespace import end
from tests.lab.server.machines import PUBLIC, STUNKIT, running, wired

SERVER = Endpoint.of(PUBLIC[Family.IPV4][0], 3478)
ROOT = Path(__file__).parents[3]
LOADS = {
    "closed loop": ["--sockets", "4", "--window", "32"],
    "open loop": ["--sockets", "4", "--rate", "5000"],
}
PEERS = {
    "coturn": [
        *("turnserver", "-n", "--stun-only", "--no-tls", "--no-dtls", "--no-cli"),
        *("--log-file=/dev/null", "--pidfile=/dev/null"),
        *("-L", SERVER.host, "-p", str(SERVER.port)),
    ],
    "stund": ["stund", "-h", SERVER.host, "-p", str(SERVER.port)],
}

log = logging.getLogger(__name__)


class Peer(AbstractContextManager[None]):
    """A server of others, until the end of the block."""

    def __init__(self, server: Namespace, command: Sequence[str]) -> None:
        self._server = server
        self._process = server.popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)

    def __exit__(self, *_: object) -> None:
        self._server.processes.remove(self._process)
        self._process.terminate()
        end(self._process)


def udp_counts(machine: Namespace) -> dict[str, int]:
    """What the kernel has counted of UDP on a machine since it was made."""
    lines = machine.read("/proc/thread-self/net/snmp").splitlines()
    names, values = (line.split()[1:] for line in lines if line.startswith("Udp:"))
    return dict(zip(names, map(int, values), strict=True))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", ["stunkit", *PEERS])
def test_bench_agrees_with_the_kernel(name: str, load: str):
    with wired() as (client, server):
        if name == "stunkit":
            serving: AbstractContextManager[object] = running(
                server, "--listen", str(SERVER), "--limit-rate", "0"
            )
        else:
            serving = Peer(server, PEERS[name])
        with serving:
            wait_until_it_answers(client)
            before = udp_counts(server)
            options = ["--mine", "--json", "--duration", "2", "--warmup", "0", *LOADS[load]]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            done = client.run([*STUNKIT, "bench", str(SERVER), *options], timeout=60, env=env)
            assert done.returncode == 0, done.stderr
            after = udp_counts(server)
    result = json.loads(done.stdout)
    counted = {name: after[name] - before[name] for name in after}
    asked = counted["InDatagrams"] + counted["RcvbufErrors"]  # a slow server leaves some unread
    answered = counted["OutDatagrams"]
    log.info("%s, %s: %d asked, kernel %d", name, load, result["sent"], asked)
    log.info("%s, %s: %d answered, kernel %d", name, load, result["answered"], answered)
    introductions = 4  # each socket asks once, to learn what a right answer looks like
    assert result["sent"] >= 1000
    assert asked == pytest.approx(result["sent"] + introductions, rel=0.01)
    assert answered == pytest.approx(result["answered"] + introductions, rel=0.01)


def wait_until_it_answers(client: Namespace) -> None:
    for _ in range(20):
        asked = client.run([*STUNKIT, "whoami", "--short", "--timeout", "2", str(SERVER)])
        if asked.returncode == 0:
            return
    pytest.fail(asked.stderr)
