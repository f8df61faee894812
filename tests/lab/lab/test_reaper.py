from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from stunkit.lab import Lab, find_kind
from stunkit.lab.reaper import identity, inhabitants

PATIENCE = 20  # seconds

# A program that opens a lab, leaves processes of several kinds in it and says who they are.
PROGRAM = """
import subprocess, sys
from stunkit.lab import Lab, find_kind
with Lab(find_kind("carrier")) as lab:
    for namespace in (lab.client, lab.outside, *lab.sides[0].routers):
        script = "setsid sleep 600 & echo $$ $!; trap '' TERM HUP INT; exec sleep 600"
        process = namespace.popen(["sh", "-c", script], stdout=subprocess.PIPE)
        print(process.stdout.readline().decode().strip(), flush=True)
    print(*(namespace.path for namespace in lab.namespaces), flush=True)
    sys.stdin.read()
"""


def test_nothing_is_left_when_the_lab_is_killed():
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    lines = [program.stdout.readline().split() for _ in range(5)]
    processes = [os.pidfd_open(int(word)) for line in lines[:4] for word in line]
    reapers = [os.pidfd_open(child) for child in children(program.pid) if is_reaper(child)]
    assert (len(processes), len(reapers)) == (8, 1)
    held = [os.open(path, os.O_RDONLY) for path in lines[4]]  # so that no other gets their numbers
    namespaces = {identity(Path(f"/proc/self/fd/{descriptor}")) for descriptor in held}

    program.send_signal(signal.SIGKILL)
    wait_for_the_end([*processes, *reapers])

    assert inhabitants(namespaces) == []
    assert holders(namespaces) == {os.getpid()}
    for descriptor in (*held, *processes, *reapers):
        os.close(descriptor)
    with program:
        pass


def test_reaper_ends_grandchildren_when_the_lab_is_closed():
    with Lab(find_kind("public")) as lab:
        script = "setsid sleep 600 & echo $!"
        child = lab.client.popen(["sh", "-c", script], stdout=subprocess.PIPE)
        assert child.stdout is not None
        with child.stdout:
            grandchild = os.pidfd_open(int(child.stdout.readline()))
        child.wait()
        assert select.select([grandchild], [], [], 0)[0] == []
    wait_for_the_end([grandchild])
    os.close(grandchild)


def test_reaper_is_not_ended_by_an_interrupt_from_the_terminal():
    with Lab(find_kind("public")):
        (reaper,) = (child for child in children(os.getpid()) if is_reaper(child))
        assert os.getsid(reaper) == reaper


def wait_for_the_end(processes: Collection[int]) -> None:
    for process in processes:
        ready, _, _ = select.select([process], [], [], PATIENCE)
        assert ready


def children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(word) for thread in threads for word in (thread / "children").read_text().split()]


def is_reaper(process: int) -> bool:
    return b"reaper.py" in Path(f"/proc/{process}/cmdline").read_bytes()


def holders(namespaces: Collection[tuple[int, int]]) -> set[int]:
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if identity(link) in namespaces:
                found.add(int(link.parts[2]))
        except OSError:
            continue
    return found
