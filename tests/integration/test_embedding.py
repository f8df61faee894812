"""The manual's Python program: two of it find each other and talk."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from importlib.resources import files

from tests.integration.command import environment
from tests.integration.server.web.calling import place_of, serving

PATIENCE = 40.0  # seconds
PAGE = (files("stunkit") / "manual" / "embedding.md").read_text("utf-8")
PROGRAM = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]


@asynccontextmanager
async def running(*arguments: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-u", *arguments,
        stdout=PIPE, stderr=PIPE, env=environment(),
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()


def test_program_is_short():
    assert len(PROGRAM.splitlines()) < 100


async def test_two_of_it_talk(tmp_path):
    program = tmp_path / "peer.py"
    program.write_text(PROGRAM)
    async with (
        serving() as server,
        asyncio.timeout(PATIENCE),
        running(str(program), place_of(server)) as one,
    ):
        link = (await one.stderr.readline()).decode().split()[-1]
        async with running(str(program), link) as other:
            lines = await asyncio.gather(one.stdout.readline(), other.stdout.readline())
            assert lines == [b"hello from Python\n"] * 2
