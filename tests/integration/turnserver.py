"""Relays on loopback: coturn, set up as a test wants it, and one that says what it is told to."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from stunkit.endpoint import Endpoint
from stunkit.net.transport.udp import UdpSocket
from tests.integration.loopback import HOSTS, free_port
from tests.integration.peers.program import running
from tests.relaying import ScriptedRelay

REALM, USERNAME, PASSWORD, SECRET = "example.org", "ann", "a-secret-word", "north"
PATIENCE = 20.0  # seconds until a test fails whose relay does not start
ATTEMPT = 0.05  # seconds between two looks whether it has
USERS = ("--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}", f"--realm={REALM}")
SECRETS = ("--use-auth-secret", f"--static-auth-secret={SECRET}", f"--realm={REALM}")
PEERS = ("--allow-loopback-peers",)


@contextmanager
def turnserver(folder: Path, *options: str, host: str = "127.0.0.1") -> Iterator[Endpoint]:
    """Yield where a relay listens: UDP, TCP and, with a certificate among the options, TLS."""
    port = free_port(*(HOSTS if host == HOSTS[1] else (host,)))
    number = len(list(folder.iterdir()))
    arguments = ["-n", "--no-cli", "--relay-threads=1", "--log-file=stdout", "--no-dtls"]
    arguments += [f"--listening-ip={host}", f"--relay-ip={host}", f"--listening-port={port}"]
    arguments += [f"--pidfile={folder / f'{number}.pid'}", f"--db={folder / f'{number}.db'}"]
    is_tls = any(option.startswith("--cert") for option in options)
    arguments += [f"--tls-listening-port={port}"] if is_tls else ["--no-tls"]
    server = Endpoint.of(host, port)
    answers = [] if "--no-udp" in options else [server]
    with running(folder / f"{number}.log", answers, "turnserver", *arguments, *options):
        wait_for_tcp(server)
        yield server


def wait_for_tcp(server: Endpoint) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((server.host, server.port), PATIENCE).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the relay does not start"
            time.sleep(ATTEMPT)  # nobody tells when it is there
        else:
            return


@asynccontextmanager
async def scripted(relay: ScriptedRelay) -> AsyncIterator[Endpoint]:
    """Yield where a scripted relay answers over UDP."""
    plain = UdpSocket(Endpoint.of("127.0.0.1", 0))

    def answer(data: bytes, source: Endpoint, _local: Endpoint) -> None:
        said = relay.answer(data, source)
        if said is not None:
            plain.send(said, source)

    plain.start(answer)
    try:
        yield plain.local
    finally:
        plain.close()
