"""``stunkit lab`` as a person types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

STUNKIT = (sys.executable, "-m", "stunkit")


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STUNKIT, "lab", *words], capture_output=True, text=True, check=False, timeout=50
    )


def test_runs_a_program_behind_the_nat_with_a_server_outside():
    done = lab("run", "symmetric", "--", *STUNKIT, "whoami", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["public"]["ipv4"] == "203.0.113.1"
    (answer,) = document["answers"]
    assert answer["server"] == "198.51.100.1:3478"
    assert answer["mapped"] != answer["local"]


def test_gives_two_clients_behind_two_nats():
    done = lab(
        "run",
        "full-cone",
        "--with",
        "port-restricted",
        "--peer",
        f"sh -c 'sleep 0.5; echo side $STUNKIT_SIDE; {' '.join(STUNKIT)} whoami --short'",
        "--",
        "sh",
        "-c",
        f"echo side $STUNKIT_SIDE; {' '.join(STUNKIT)} whoami --short",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {"side 1", "side 2"} <= set(lines)
    assert len({line for line in lines if line.startswith("203.0.113.")}) == 2


def test_ipv6_gives_a_second_server_address():
    done = lab("run", "port-restricted", "--ipv6", "--", "sh", "-c", "echo $STUNKIT_SERVER")
    first, second = done.stdout.strip().split(",")
    assert first == "198.51.100.1"
    assert second.startswith("[2001:db8:")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("run", "public", "--", "sh", "-c", "exit 7"), 7),
        (("run", "public", "--", "sh", "-c", "kill -9 $$"), 128 + 9),
        (("run", "public", "--with", "public", "--peer", "false", "--", "true"), 1),
    ],
)
def test_the_exit_status_is_the_command_s(words: tuple[str, ...], status: int):
    assert lab(*words).returncode == status


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "nosuch", "--", "true"), "'nosuch' is not a kind of network"),
        (("run", "public", "--", "/no/such/program"), "there is no such program"),
        (("run", "public", "--peer", "true", "--", "true"), "--peer needs --with"),
        (("run", "public"), "Missing argument"),
    ],
)
def test_bad_input_gets_one_sentence(words: tuple[str, ...], says: str):
    done = lab(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_lists_the_kinds():
    lines = lab("kinds").stdout.splitlines()
    assert any(line.startswith("symmetric ") for line in lines)
    assert all(len(line.split(None, 1)) == 2 for line in lines)


def test_opens_a_shell_from_which_the_peer_can_be_reached():
    done = subprocess.run(
        [*STUNKIT, "lab", "shell", "port-restricted", "--with", "port-restricted"],
        input="ip -br address; $STUNKIT_PEER ip -br address; exit 3\n",
        env=os.environ | {"SHELL": "/bin/sh"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 3
    addresses = [line.split()[2] for line in done.stdout.splitlines() if "eth0" in line]
    assert len(addresses) == 2


def test_an_interrupt_ends_the_command_and_then_the_lab():
    process = subprocess.Popen(
        [*STUNKIT, "lab", "run", "public", "--", "sh", "-c", "echo here; exec sleep 60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"here\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(20) == 128 + signal.SIGINT
