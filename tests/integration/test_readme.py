"""README.md is true: what its blocks show is what happens, but for ports and times."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.loopback import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PORT = "3478"
ASKS = re.compile(r"stunkit (whoami|bench) ")  # what is asked of the server that the README starts


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Return every command of the console blocks with the output shown under it."""
    found = []
    for block in blocks("console"):
        for part in block.split("$ ")[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def shape(text: str) -> str:
    """Return a text with every number, and every run of spaces, made the same."""
    return re.sub(r" +", " ", re.sub(r"\d+(,\d{3})*(\.\d+)?", "N", text)).strip()


@pytest.fixture(scope="module")
def port() -> str:
    return str(free_port("127.0.0.1"))


@pytest.fixture(scope="module")
def server(port: str) -> Iterator[str]:
    """Run the README's first command; give what it printed until it was ready."""
    command, _ = commands()[0]
    process = subprocess.Popen(
        command.replace(PORT, port).split(),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr is not None
    printed = b""
    try:
        while b"ready" not in printed:
            assert select.select([process.stderr], [], [], 50)[0], printed
            chunk = os.read(process.stderr.fileno(), 4096)
            assert chunk, f"it ended: {printed!r}"
            printed += chunk
        yield printed.decode()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stderr.close()


def test_the_first_command_starts_a_server(server: str):
    command, output = commands()[0]
    assert command.startswith("scripts/serve")
    start = server.index("listening")  # what a first run installs is told before
    assert shape(server[start:]) == shape(output)


@pytest.mark.parametrize(
    ("command", "output"), [pair for pair in commands() if "whoami" in pair[0]]
)
def test_the_commands_print_what_is_shown(server: str, port: str, command: str, output: str):
    words = command.replace(PORT, port).split()
    assert words[0] == ".venv/bin/stunkit"
    done = subprocess.run(
        [sys.executable, "-m", "stunkit", *words[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    # below may stand what else it noticed, on a busy machine
    assert shape(done.stdout).startswith(shape(output))
    assert len(done.stdout.splitlines()) == len(output.splitlines()) or "bench" in words
    assert done.stderr == ""


def test_every_command_is_one_of_those_that_are_tested():
    others = [c for c, _ in commands()[1:] if not ASKS.search(c)]
    assert others == ["scripts/test"]  # which is what runs this


def test_the_python_example_runs():
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == "127.0.0.1\n"
