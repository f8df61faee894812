"""Reaper: ends what runs in the lab's namespaces when the lab is gone, however it went.

A namespace goes with the last process in it, and a command that ran in the lab may have left
processes behind. So each lab has one process that waits, outside the lab's namespaces, for the end
of a pipe whose other end only the lab's process holds. The kernel closes that end also when the
lab's process is killed.

    python reaper.py DESCRIPTOR...     of the namespaces, inherited; the pipe is its standard input

Rules of this file: it is run by its path, without the package, to be there in milliseconds; it
ends processes by the namespace that they are in, never by name, and holds the namespaces itself
meanwhile, so that their identities cannot be given away again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

ROUNDS = 100  # scans before it gives up on processes that multiply faster than they are ended

Identity = tuple[int, int]
"""A namespace's device and inode."""


def identity(path: Path) -> Identity:
    """Return which namespace a path under /proc leads to. Raises OSError."""
    status = path.stat()
    return status.st_dev, status.st_ino


def inhabitants(namespaces: Collection[Identity]) -> list[int]:
    """Return the processes whose network is one of these, without our own."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and int(directory.name) != os.getpid():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if identity(directory / "ns" / "net") in namespaces:
                    found.append(int(directory.name))
    return found


def reap(namespaces: Collection[Identity]) -> None:
    """Kill the processes in these namespaces until there are none."""
    for _ in range(ROUNDS):
        found = inhabitants(namespaces)
        if not found:
            return
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def main(descriptors: Collection[int]) -> None:
    """Wait for the end of the standard input, then reap."""
    namespaces = [identity(Path(f"/proc/self/fd/{descriptor}")) for descriptor in descriptors]
    while os.read(0, 1):
        pass
    reap(namespaces)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
