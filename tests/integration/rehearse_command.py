"""A running `stunkit rehearse`, for tests."""

from __future__ import annotations

import asyncio
import re
import signal
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager

from tests.integration.command import STUNKIT, environment

PATIENCE = 60.0  # seconds; two ends begin, connect and look at each other
QUIET = ("--no-video", "--no-audio")


class Running:
    """A running `stunkit rehearse`: what it is told, and what it has said so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.out, self.err = "", ""
        self._reading = asyncio.gather(self._read("out"), self._read("err"))

    async def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        while data := await stream.readline():
            setattr(self, name, getattr(self, name) + data.decode())

    def type(self, text: str) -> None:
        self.process.stdin.write(text.encode())

    async def until(self, pattern: str, name: str = "out") -> str:
        """Wait until it has said something, and return that."""
        async with asyncio.timeout(PATIENCE):
            while not (match := re.search(pattern, getattr(self, name))):
                assert self.process.returncode is None, (self.out, self.err)
                await asyncio.sleep(0.05)
        return match[0]

    async def end(self) -> int:
        """Wait for its end, and return its status."""
        async with asyncio.timeout(PATIENCE):
            await self._reading
            return await self.process.wait()


@asynccontextmanager
async def rehearse(*arguments: str, **env: str):
    process = await asyncio.create_subprocess_exec(
        *STUNKIT,
        "rehearse",
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(env),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.end()
        process.stdin.close()
        process._transport.close()
