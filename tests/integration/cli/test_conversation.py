"""A person at a terminal: what is drawn, what is typed, and how it ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager

import pytest

from tests.integration.command import STUNKIT, environment
from tests.integration.rehearse_command import PATIENCE, QUIET, rehearse
from tests.integration.server.web.calling import place_of, serving

pytestmark = pytest.mark.timeout(180)  # aiortc is imported slowly on a busy machine

CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\r\x0f]")


class Terminal:
    """A `stunkit rehearse` on a terminal of 80 columns and 30 lines."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.text = ""
        asyncio.get_running_loop().add_reader(number, self._read)

    def _read(self) -> None:
        try:
            self.text += CONTROL.sub("", os.read(self.number, 65_536).decode(errors="replace"))
        except OSError:  # the other side is closed
            asyncio.get_running_loop().remove_reader(self.number)

    def type(self, keys: str) -> None:
        os.write(self.number, keys.encode())

    async def until(self, pattern: str) -> str:
        async with asyncio.timeout(PATIENCE):
            while not (match := re.search(pattern, self.text)):  # noqa: ASYNC110 (a regex)
                await asyncio.sleep(0.05)
        return match[0]


@asynccontextmanager
async def terminal(*arguments: str):
    """Yield the terminal and the process in it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))

    def own() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = await asyncio.create_subprocess_exec(
        *STUNKIT,
        "rehearse",
        *arguments,
        stdin=theirs,
        stdout=PIPE,
        stderr=theirs,
        env=environment({"TERM": "xterm-256color"}),
        preexec_fn=own,
    )
    os.close(theirs)
    screen = Terminal(ours)
    try:
        yield screen, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        process._transport.close()


async def test_a_person_sees_types_and_ends_it():
    async with (
        serving() as server,
        terminal("--server", place_of(server), *QUIET) as (one, process),
    ):
        await one.until("Open this at the other end")
        link = await one.until(r"http://[^ \n]+#[\w-]{22}")
        assert "\u2588" in one.text, "a QR code"
        one.type("early\r")
        async with rehearse(link, *QUIET) as other:
            await other.until("early\n")
            await one.until("connected directly")
            one.type("helo\x7flo\r")
            await other.until("hello\n")
            other.type("good day\n")
            await one.until("other good day")
            await one.until(r"rate, sent +\d+ kbit/s")
            one.type("\x03")
            stdout = (await process.communicate())[0].decode()
            assert process.returncode == 0
            assert await other.end() == 0
    assert stdout.startswith("The call connected directly.\n")
    assert "Traceback" not in one.text


async def test_a_room_that_is_none_leaves_the_terminal_as_it_was():
    async with serving() as server:
        link = f"http://{place_of(server)}/rehearse#none"
        async with terminal(link, *QUIET) as (one, process):
            await one.until("stunkit: no-such-room: there is no such room")
            await process.communicate()
    assert process.returncode == 5
