"""Planted servers in processes of their own, and where they listen."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import join
from subprocess import Popen

from stunkit.wire.uri import Uri
from tests.integration.loopback import free_port

PLANTED = Path(__file__).with_name("planted.py")


class Planted:
    """A server with a flaw, as often as it is started."""

    def __init__(self, how: str) -> None:
        self.port = free_port("127.0.0.1")
        self.uri = Uri.parse(f"stun:127.0.0.1:{self.port}")
        self.command = [sys.executable, str(PLANTED), "127.0.0.1", str(self.port), how]
        self.process = Popen(self.command)

    @property
    def restart(self) -> str:
        """What ends the first one, and is the next."""
        return join(["sh", "-c", f"kill -9 {self.process.pid}; exec {join(self.command)}"])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def planted(how: str) -> Iterator[Planted]:
    server = Planted(how)
    try:
        yield server
    finally:
        server.end()
