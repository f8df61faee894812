"""Service: a server in a namespace, of which is known when it is ready.

    with start_server(lab) as server:
        lab.client.run(["stunkit", "nat", lab.server_addresses()[0]])

Rules of this file: readiness is what the server says, not a pause; what it writes is read until
it ends, so that it never waits for us.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from subprocess import DEVNULL, PIPE, STDOUT
from types import TracebackType
from typing import IO, Self

from stunkit.errors import LabError
from stunkit.lab.lab import Lab
from stunkit.lab.namespace import TERMINATION, Namespace, end

PORT = 3478  # RFC 8489 section 18.6: STUN over UDP and TCP
ALTERNATE_PORT = 3479  # any other; this one is what classic servers use
PATIENCE = 20.0  # seconds until ready; a start takes less than one on an idle machine
KEPT_LINES = 50  # of what it wrote, for the error message


class Service:
    """A running command that says when it is ready, on stdout or on stderr."""

    def __init__(
        self,
        namespace: Namespace,
        command: Sequence[str],
        *,
        ready: str,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start it and return once it has written a line with ``ready`` in it.

        Raises LabError with what it wrote when it ends before or takes too long.
        """
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._namespace = namespace
        self._told = threading.Event()
        self._is_ready = False
        self.process = namespace.popen(command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=env)
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        reader = (self.process.stdout, ready)
        self._reader = threading.Thread(target=self._read, args=reader, daemon=True)
        self._reader.start()
        self._told.wait(PATIENCE)
        if not self._is_ready:
            self.stop()
            raise LabError("start a server", " ".join(command), "\n".join(self.lines))

    def _read(self, stream: IO[bytes], ready: str) -> None:
        with stream:
            for line in stream:
                self.lines.append(line.decode(errors="replace").rstrip())
                if ready in self.lines[-1]:
                    self._is_ready = True
                    self._told.set()
        self._told.set()

    def stop(self) -> None:
        """Ask it to end, and wait until it has.

        Processes that it has left behind end with the lab, and only then what they could write.
        """
        if self.process in self._namespace.processes:
            self._namespace.processes.remove(self.process)
        self.process.terminate()
        end(self.process)
        self._reader.join(TERMINATION)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def server_command(lab: Lab, *, alternate: bool = True) -> list[str]:
    """Return the command of a stunkit server in the outside.

    It is at the first address and, with ``alternate``, at the second too (RFC 5780 section 7.1).
    """
    command = [sys.executable, "-m", "stunkit", "serve"]
    for family in lab.families:
        first, second = (
            f"[{address}]" if ":" in address else address
            for address in lab.server_addresses(family)
        )
        command += ["--listen", f"{first}:{PORT}"]
        command += ["--alternate", f"{second}:{ALTERNATE_PORT}"] if alternate else []
    return command


def start_server(lab: Lab, *, alternate: bool = True) -> Service:
    """Start a stunkit server in the outside, with one address or with two. Raises LabError."""
    return Service(lab.outside, server_command(lab, alternate=alternate), ready="ready")
