from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stunkit.errors import LabError
from stunkit.lab.namespace import Namespace

OURS = "/proc/thread-self/ns/net"
INTERFACES = "/proc/thread-self/net/dev"


def test_namespace_is_another_network_and_the_caller_stays_where_it_is():
    before = Path(OURS).readlink()
    with Namespace("test") as namespace:
        assert namespace.call(Path(OURS).readlink) == Path(namespace.path).readlink() != before
        assert namespace.read(INTERFACES).count("\n") == 3  # two lines of titles, and lo
    assert Path(OURS).readlink() == before


def test_call_returns_and_raises_what_the_function_does():
    with Namespace("test") as namespace:
        assert namespace.call(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            namespace.call(divmod, 7, 0)


def test_call_takes_a_whole_program_with_its_threads():
    async def program() -> Path:
        return await asyncio.to_thread(Path(OURS).readlink)

    with Namespace("test") as namespace:
        assert namespace.call(asyncio.run, program()) == Path(namespace.path).readlink()


def test_socket_belongs_to_the_namespace_in_any_thread():
    with Namespace("test") as namespace, namespace.socket() as inside:
        unreachable = pytest.raises(OSError, match="unreachable")
        with unreachable:  # its loopback interface is down
            inside.sendto(b"", ("127.0.0.1", 9))


def test_run_gives_status_output_and_errors_of_a_command_inside():
    with Namespace("test") as namespace:
        script = "readlink /proc/self/ns/net; echo $WORD >&2; exit 3"
        done = namespace.run(["sh", "-c", script], env={**os.environ, "WORD": "oops"})
        assert done.stdout.strip() == str(Path(namespace.path).readlink())
        assert (done.returncode, done.stderr) == (3, "oops\n")
        assert namespace.processes == []


def test_run_kills_what_takes_too_long():
    with Namespace("test") as namespace:
        with pytest.raises(subprocess.TimeoutExpired):
            namespace.run(["sleep", "60"], timeout=0.05)
        assert namespace.processes == []


def test_run_says_which_command_there_is_not():
    with Namespace("test") as namespace, pytest.raises(FileNotFoundError, match="no-such-command"):
        namespace.run(["no-such-command"])


def test_close_ends_processes_also_those_that_will_not():
    with Namespace("test") as namespace:
        stubborn = namespace.popen(
            ["sh", "-c", "trap '' TERM; echo; while :; do sleep 60; done"], stdout=subprocess.PIPE
        )
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        willing = namespace.popen(["sleep", "60"])
        namespace.end_processes()
        stubborn.stdout.close()
        assert (stubborn.returncode, willing.returncode) == (-9, -15)


def test_set_changes_a_parameter_of_this_namespace_alone():
    ours = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    with Namespace("one") as one, Namespace("other") as other:
        one.set({"ipv4/ip_forward": 1})
        other.set({"ipv4/ip_forward": 0})
        values = [space.read("/proc/sys/net/ipv4/ip_forward") for space in (one, other)]
        assert values == ["1\n", "0\n"]
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == ours


def test_set_says_what_cannot_be_set():
    with Namespace("test") as namespace, pytest.raises(LabError) as caught:
        namespace.set({"ipv4/no_such_thing": 1})
    assert caught.value.command == "echo 1 > /proc/sys/net/ipv4/no_such_thing"


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_without_root_one_sentence_says_so():
    program = (
        "from stunkit.errors import StartError\n"
        "from stunkit.lab import Lab, find_kind\n"
        "try:\n    Lab(find_kind('public')).open()\nexcept StartError as error:\n    print(error)"
    )
    command = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    sentence = "a lab of network namespaces needs root; run it as root, with sudo for instance\n"
    assert (done.stdout, done.stderr) == (sentence, "")
