import os
import shlex
from asyncio import create_subprocess_shell
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from stunkit import __version__
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from tests.integration.command import STUNKIT, environment, stunkit


async def test_says_its_version():
    ended = await stunkit("--version")
    assert ended == type(ended)(0, f"stunkit {__version__}\n", "")


async def test_names_a_verb_that_it_does_not_have():
    ended = await stunkit("frobnicate")
    assert (ended.status, ended.stdout) == (2, "")
    assert "frobnicate" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_works_without_a_home_and_a_terminal():
    ended = await stunkit("explain", env={"HOME": "/nonexistent", "TERM": "", "LC_ALL": "C"})
    assert (ended.status, ended.stderr) == (0, "")
    assert "whoami" in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, of Linux")
@pytest.mark.parametrize(
    "arguments", ["--help", "explain", "explain nat", "decode 0001", "decode --json 0001"]
)
async def test_says_that_the_disk_is_full(arguments):
    process = await create_subprocess_shell(
        f"{shlex.join(STUNKIT)} {arguments} >/dev/full",
        stdin=DEVNULL,
        stderr=PIPE,
        env=environment(),
    )
    _, stderr = await process.communicate()
    sentence = "cannot write: no space left on device; make room, or write elsewhere"
    assert (process.returncode, stderr.decode()) == (3, f"stunkit: {sentence}\n")


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize(
    ("arguments", "closed", "status"),
    [
        ("explain nat", ">&-", 0),
        ("explain nat", "2>&-", 0),
        ("explain nothing", "2>&-", 2),
        ("decode", "<&-", 2),
        ("credentials ann --realm here", "<&-", 2),
        ("decode 0001", "<&- >&- 2>&-", 5),
    ],
)
async def test_works_without_its_standard_streams(arguments, closed, status):
    command = f"{shlex.join(STUNKIT)} {arguments} {closed}"
    process = await create_subprocess_shell(
        command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment()
    )
    _, stderr = await process.communicate()
    assert process.returncode == status
    assert b"Traceback" not in stderr


async def test_prints_what_it_can_where_the_encoding_is_small():
    request = Message.request(Method.BINDING, bytes(12), [Software("caf\u0119")])
    ended = await stunkit("decode", request.raw.hex(), env={"PYTHONIOENCODING": "latin-1:strict"})
    assert (ended.status, ended.stderr) == (0, "")
    assert "caf?" in ended.stdout
