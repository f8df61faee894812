"""Namespace: a network of its own in this process's hands.

A namespace without a name: what keeps it is a file descriptor of this process. When the process
ends, however it ends, the kernel closes the descriptor and frees the namespace with its links,
addresses, rules and tracked connections; there is nothing to delete and nothing under /run/netns.

The network namespace is the thread's, not the process's (network_namespaces(7)), so a short-lived
thread enters, does what it is asked and ends. What it made stays where it was made: a child
process runs inside for good, and a socket belongs to the namespace that it was opened in while
any thread may use it.

Rules of this file: the caller's own thread never leaves the namespace that it is in.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ParamSpec, Self, TypeVar

from stunkit.errors import LabError, StartError

CLONE_NEWNET = 0x40000000  # linux/sched.h
TERMINATION = 2.0  # seconds between asking a process to end and killing it

P = ParamSpec("P")
T = TypeVar("T")


def _system_call(name: str, *arguments: int) -> None:
    """Call a function of the C library. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _make() -> int:
    """Move this thread into a new namespace and return a descriptor of it."""
    try:
        _system_call("unshare", CLONE_NEWNET)
    except OSError as error:
        if error.errno == errno.EPERM:
            raise StartError(
                "a lab of network namespaces needs root", "run it as root, with sudo for instance"
            ) from None
        raise LabError("make a namespace", "unshare(CLONE_NEWNET)", str(error)) from None
    except AttributeError:
        raise StartError(
            "a lab of network namespaces needs Linux",
            "run it on Linux, in a container for instance",
        ) from None
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """A network namespace and the processes in it."""

    def __init__(self, name: str) -> None:
        """Make it, with nothing in it but a loopback interface that is down.

        Raises StartError without root or off Linux, LabError when the kernel refuses.
        """
        self.name = name
        self.processes: list[subprocess.Popen[bytes]] = []
        with ThreadPoolExecutor(max_workers=1) as thread:
            self.descriptor = thread.submit(_make).result()

    @property
    def path(self) -> str:
        """A path that leads other processes here: ``nsenter --net=PATH COMMAND``."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a thread inside; return or raise what it does.

        Threads and processes that it starts are inside as well, so a whole program can run there:
        ``namespace.call(asyncio.run, main())``.
        """

        def inside() -> T:
            _system_call("setns", self.descriptor, CLONE_NEWNET)
            return function(*args, **kwargs)

        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(inside).result()

    def socket(
        self, family: socket.AddressFamily = socket.AF_INET, kind: int = socket.SOCK_DGRAM
    ) -> socket.socket:
        """Open a socket inside, for any thread to use."""
        return self.call(socket.socket, family, kind)

    def read(self, path: str) -> str:
        """Read a file whose content depends on the namespace, under /proc/thread-self/net."""
        return self.call(Path(path).read_text)

    def set(self, values: Mapping[str, int]) -> None:
        """Set kernel parameters of this namespace by their paths under /proc/sys/net.

        Raises LabError.
        """

        def write() -> None:
            for name, value in values.items():
                file = Path("/proc/sys/net", name)
                try:
                    file.write_text(str(value))
                except OSError as error:
                    command = f"echo {value} > {file}"
                    raise LabError(f"set up {self.name}", command, str(error)) from None

        self.call(write)

    def popen(
        self,
        command: Sequence[str],
        *,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command inside; it is ended with the namespace.

        Raises FileNotFoundError and PermissionError as subprocess.Popen does.
        """
        process = self.call(
            subprocess.Popen[bytes], command, stdin=stdin, stdout=stdout, stderr=stderr, env=env
        )
        self.processes.append(process)
        return process

    def run(
        self,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end and return its status, output and errors.

        Raises subprocess.TimeoutExpired, with the command killed, after ``timeout`` seconds.
        """
        pipe = subprocess.PIPE
        process = self.popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=env)
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()  # nothing, when it has ended
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            self.processes.remove(process)
        return subprocess.CompletedProcess(
            command, process.returncode, output.decode(), errors.decode()
        )

    def end_processes(self) -> None:
        """End the processes that were started here."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self.processes:
            end(process)
        self.processes.clear()

    def close(self) -> None:
        """End the processes that were started here and let the namespace go."""
        self.end_processes()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was asked to end; kill it when it takes too long."""
    try:
        process.wait(TERMINATION)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
