"""The command line as its users meet it: a process, what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stunkit.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
STUNKIT = (sys.executable, "-W", "error", "-m", "stunkit")  # a leak shows on stderr
PATIENCE = 20.0  # seconds until a test fails whose process does not end, or say what it should
CHOICES = ("STUNKIT_SERVER", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")  # of who runs the tests


@dataclass(frozen=True)
class Outcome:
    """How a process ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> tuple[int, str]:
        """The status, and stderr where that should be one sentence."""
        return self.status, self.stderr


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without what would change the output."""
    plain = {name: value for name, value in os.environ.items() if name not in CHOICES}
    plain.pop("PYTEST_CURRENT_TEST", None)
    return {**plain, "PYTHONPATH": str(ROOT), **(more or {})}


async def start(*arguments: str, env: Mapping[str, str] | None = None) -> Process:
    """Start ``stunkit``, its output in pipes."""
    return await asyncio.create_subprocess_exec(
        *STUNKIT,
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(env),
        # a shell that runs the tests in its background has them ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


async def stunkit(*arguments: object, env: Mapping[str, str] | None = None) -> Outcome:
    """Run ``stunkit`` to its end."""
    process = await start(*map(str, arguments), env=env)
    return await outcome(process)


async def outcome(process: Process) -> Outcome:
    """Wait for the end of a process, and return it."""
    try:
        async with asyncio.timeout(PATIENCE):
            stdout, stderr = await process.communicate()
    finally:
        await end(process)
    assert process.returncode is not None
    return Outcome(process.returncode, stdout.decode(), stderr.decode())


async def end(process: Process) -> None:
    """End a process that has not ended."""
    if process.returncode is None:
        process.kill()
        await process.wait()


class Serve:
    """A running ``stunkit serve``."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []

    @property
    def endpoints(self) -> list[tuple[str, Endpoint]]:
        """Transport and endpoint of each line that names a socket."""
        found = (re.fullmatch(r"listening on (udp|tcp|tls) (\S+)", line) for line in self.lines)
        return [(match[1], Endpoint.parse(match[2])) for match in found if match]

    async def line(self) -> str:
        """Return the next line that it writes to stderr."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stderr.readline()).decode().rstrip("\n")

    async def stop(self, number: int = signal.SIGTERM) -> Outcome:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        return await outcome(self.process)


@asynccontextmanager
async def serve(
    *listen: str, options: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> AsyncIterator[Serve]:
    """Run ``stunkit serve`` and yield it once it is ready."""
    where = [argument for one in listen for argument in ("--listen", one)]
    running = Serve(await start("serve", *where, *options, env=env))
    try:
        while (line := await running.line()) != "ready":
            assert line, f"it ended before it was ready: {running.lines}"
            running.lines.append(line)
        yield running
    finally:
        await end(running.process)
        running.process._transport.close()  # type: ignore[attr-defined] (the pipes, read or not)
