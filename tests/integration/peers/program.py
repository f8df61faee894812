"""Programs of others: run to their end, or kept running while tests talk to them."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import sockaddr_of
from tests.integration.loopback import blank, family_of

PATIENCE = 20.0  # seconds until a test fails whose program does not answer, or not end
ATTEMPT = 0.05  # seconds that a program gets to answer one of many questions


@dataclass(frozen=True)
class Printed:
    status: int
    text: str  # stdout and stderr


async def run(program: str, *arguments: object) -> Printed:
    """Run a program to its end."""
    process = await asyncio.create_subprocess_exec(
        path_of(program),
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            text, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Printed(process.returncode, text.decode())


@contextmanager
def running(log: Path, answers: list[Endpoint], program: str, *arguments: object) -> Iterator[None]:
    """Keep a server running; it is there once every one of ``answers`` answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [path_of(program), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
    try:
        end = time.monotonic() + PATIENCE
        for endpoint in answers:
            while not has_answered(endpoint):
                assert process.poll() is None, log.read_text(errors="replace")
                assert time.monotonic() < end, log.read_text(errors="replace")
        yield
    finally:
        process.kill()
        process.wait()


def has_answered(endpoint: Endpoint) -> bool:
    with socket.socket(family_of(endpoint.host), socket.SOCK_DGRAM) as plain:
        plain.settimeout(ATTEMPT)
        try:
            plain.connect(sockaddr_of(endpoint))
            plain.send(blank())
            return bool(plain.recv(2048))
        except ConnectionRefusedError:
            time.sleep(ATTEMPT)  # it is not there yet, and nobody tells when it is
            return False
        except TimeoutError:
            return False


def path_of(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, f"{program} is not installed"
    return path
