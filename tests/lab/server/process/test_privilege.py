"""What is left of root in a server that root started, as the kernel says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.whoami import whoami
from stunkit.server.process.privilege import NOBODY, User
from tests.integration.command import PATIENCE, ROOT, Serve, serve, stunkit

ANY = "127.0.0.1:0"
PRIVILEGED = 83  # a port that only privilege binds; a service that hardly anybody has
DAEMON = User.find("daemon")  # a user of every Debian

DROP = """
import os, sys
from stunkit.errors import StartError
from stunkit.server.process.privilege import drop
{before}
try:
    drop({user!r})
except StartError as error:
    print(error)
    sys.exit(3)
{after}
"""
# A user namespace that knows root alone, as some containers are.
ONLY_ROOT = """
libc = __import__("ctypes").CDLL(None)
assert libc.unshare(0x10000000) == 0  # CLONE_NEWUSER
for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
    with open(f"/proc/self/{name}", "w") as file:
        file.write(text)
"""


def status_of(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}


def assert_is_powerless(pid: int, user: User) -> None:
    status = status_of(pid)
    assert status["Uid"] == [str(user.uid)] * 4  # real, effective, saved and for files
    assert status["Gid"] == [str(user.gid)] * 4
    assert status["Groups"] == []
    assert status["NoNewPrivs"] == ["1"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name][0], 16) == 0, name


def family_of(server: Serve) -> list[int]:
    """Return the server's process and its workers."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@pytest.mark.parametrize(
    ("options", "user"),
    [
        ((), NOBODY),
        (("--user", "daemon"), DAEMON),
        (("--user", "daemon:nogroup"), DAEMON._replace(gid=NOBODY.gid)),
        (("--user", "4000:4001"), User("4000", 4000, 4001)),
    ],
    ids=["nobody", "name", "name and group", "numbers"],
)
@pytest.mark.parametrize("workers", [1, 2])
async def test_server_that_root_started_is_powerless(
    options: Sequence[str], user: User, workers: int
):
    async with serve(ANY, options=(*options, "--workers", str(workers))) as server:
        pids = family_of(server)
        assert len(pids) == (1 if workers == 1 else 3)
        for pid in pids:
            assert_is_powerless(pid, user)
        result = await whoami([str(server.endpoints[0][1])])
        assert result.answers[0].error is None
        assert (await server.stop()).status == 0


async def test_binds_what_only_root_may_and_then_is_powerless():
    async with serve(f"127.0.0.1:{PRIVILEGED}") as server:
        assert server.endpoints[0][1] == Endpoint.of("127.0.0.1", PRIVILEGED)
        assert_is_powerless(server.process.pid, NOBODY)


async def test_replaces_a_worker_by_one_that_is_powerless_too():
    async with serve(ANY, options=("--workers", "2")) as server:
        first = family_of(server)[1]
        os.kill(first, signal.SIGKILL)
        assert "replacing it" in await server.line()
        pids = family_of(server)
        assert first not in pids
        for pid in pids:
            assert_is_powerless(pid, NOBODY)


async def test_stays_root_where_that_is_asked_for_and_warns():
    async with serve(ANY, options=("--user", "root")) as server:
        assert status_of(server.process.pid)["Uid"] == ["0"] * 4
        assert server.lines[0] == (
            "WARNING serving as root, which needs no privilege: give --user NAME"
        )


def dropped(user: str | None, *, before: str = "", after: str = "", env=None) -> tuple[int, str]:
    """Drop privilege in a process of its own; return how that ended and what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DROP.format(user=user, before=before, after=after)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        cwd="/",
        env=env or {"PYTHONPATH": str(ROOT)},
    )
    return done.returncode, done.stdout + done.stderr


def test_cannot_get_back_through_a_program_that_has_privilege():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder, "id")
        copy.write_bytes(Path("/usr/bin/id").read_bytes())
        copy.chmod(0o4755)
        before = subprocess.run(
            [copy, "-u"], capture_output=True, text=True, check=True, user="nobody"
        )
        assert before.stdout == "0\n", "a folder whose set-user-ID bits count"
        after = f"sys.stdout.flush(); os.execv({str(copy)!r}, ['id', '-u'])"
        assert dropped(None, after=after) == (0, f"{NOBODY.uid}\n")


def test_ordinary_user_gives_up_capabilities():
    # As CAP_NET_BIND_SERVICE is kept by a user who is not root (AmbientCapabilities= of systemd).
    before = """
import ctypes
libc = ctypes.CDLL(None)
libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
os.setgroups([]); os.setgid(4001); os.setuid(4000)
header, some = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[1 << 10] * 3)
assert libc.capset(header, some) == 0
assert libc.prctl(47, 2, 10, 0, 0) == 0  # PR_CAP_AMBIENT_RAISE
with open("/proc/self/status") as file:
    assert "CapAmb:\\t0000000000000400" in file.read()
"""
    after = """
with open("/proc/self/status") as file:
    sets = dict(line.split() for line in file if line.startswith("Cap"))
print(*{sets[name] for name in ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:")})
"""
    assert dropped(None, before=before, after=after) == (0, "0" * 16 + "\n")


def test_ordinary_user_cannot_become_another():
    before = "import ctypes, grp, pwd; os.setgroups([]); os.setgid(4001); os.setuid(4000)"
    status, printed = dropped("daemon", before=before)
    assert status == 3
    assert printed.startswith("only root can become daemon; ")
    assert dropped("4000:4001", before=before) == (0, "")


def test_refuses_a_number_that_no_user_can_have():
    status, printed = dropped("99999999999:4001")
    assert status == 3
    assert printed.startswith("cannot become 99999999999: ")


def test_stays_root_where_there_is_nobody_else():
    status, printed = dropped(None, before=ONLY_ROOT, after="print(*os.getresuid())")
    assert status == 0
    assert "cannot become nobody: " in printed
    assert "serving as root" in printed
    assert "0 0 0\n" in printed
    status, printed = dropped("daemon", before=ONLY_ROOT)
    assert status == 3
    assert printed.startswith("cannot become daemon: ")


async def test_check_tries_the_user_and_stays_who_it_is():
    ended = await stunkit("serve", "--user", "daemon", "--check")
    assert ended.said == (0, "")
    assert 'user = "daemon"\n' in ended.stdout
    ended = await stunkit("serve", "--user", "nobody-of-that-name", "--check")
    assert ended.status == 3
    assert ended.stderr.startswith("stunkit: there is no user 'nobody-of-that-name'; ")


def test_rehearsal_says_what_dropping_would():
    rehearse = "from stunkit.server.process.privilege import rehearse as drop"
    who = "print(*os.getresuid())"
    assert dropped("daemon", before=rehearse, after=who) == (0, "0 0 0\n")
    status, printed = dropped("daemon", before=f"{ONLY_ROOT}{rehearse}")
    assert status == 3
    assert printed.startswith("cannot become daemon: ")
    status, printed = dropped("a\0b", before=rehearse)
    assert status == 3
    assert "cannot try to become a\0b; " in printed
    for program, reason in (("/bin/false", "it ended without a word"), ("/absent", "No such file")):
        status, printed = dropped("daemon", before=f"{rehearse}; sys.executable = {program!r}")
        assert status == 3
        assert printed.startswith("cannot try to become daemon; ")
        assert reason in printed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nobody-of-that-name", "there is no user 'nobody-of-that-name'; "),
        ("4000", "there is no user '4000'; "),
        ("daemon:none-of-that-name", "there is no group 'none-of-that-name'; "),
        ("no\0body", "there is no user 'no\\x00body'; "),
        ("daemon:no\0body", "there is no group 'no\\x00body'; "),
    ],
)
def test_names_the_user_or_group_that_does_not_exist(text: str, said: str):
    with pytest.raises(StartError) as caught:
        User.find(text)
    assert str(caught.value).startswith(said)
