"""The plugin as others get it: from the wheel, in a project and an environment of their own."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

THEIR_TESTS = """
import socket
import sys

import pytest

REQUEST = bytes.fromhex("000100002112a442") + bytes(12)


def ask(server, timeout=5.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(timeout)
        plain.sendto(REQUEST, (server.host, server.port))
        return plain.recvfrom(2000)


def test_nothing_is_imported_until_it_is_used():
    assert "hypothesis" not in sys.modules
    assert not [name for name in sys.modules if name.startswith(("stunkit.s", "stunkit.w", "rich"))]


def test_a_server_answers(stun_server):
    data, source = ask(stun_server)
    assert data[:2] == b"\\1\\1"
    assert source == (stun_server.host, stun_server.port)


def test_a_server_makes_mistakes(stun_server):
    stun_server.drop()
    with pytest.raises(TimeoutError):
        ask(stun_server, 0.2)
    stun_server.heal()
    stun_server.wrong_source()
    assert ask(stun_server)[1][1] != stun_server.port


@pytest.mark.stun_server(software="theirs", alternate=True)
def test_a_server_has_settings(stun_server):
    assert b"theirs" in ask(stun_server)[0]
    assert b"\\x80\\x2c" in ask(stun_server)[0]
    stun_server.no_other_address()
    assert b"\\x80\\x2c" not in ask(stun_server)[0]


def test_there_are_as_many_as_are_wanted(make_stun_server):
    assert make_stun_server().port != make_stun_server().port


def test_without_hypothesis_the_strategies_say_what_is_missing():
    with pytest.raises(ImportError, match="hypothesis"):
        import stunkit.fuzz.strategies
"""
THEIR_LAB = """
import pytest


@pytest.mark.nat_lab("symmetric")
def test_a_lab_is_built_or_skipped(nat_lab):
    assert nat_lab.client.run(["true"]).returncode == 0
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the wheel and pytest, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    run([*pip, "wheel", "--no-deps", "-w", str(folder), str(ROOT)])
    (wheel,) = folder.glob("stunkit-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    made = environment / "bin" / "python"
    run([*pip, "--python", str(made), "install", str(wheel), "pytest"])
    return made


def run(command: list[str], cwd: Path | None = None) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    plain.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=cwd, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_a_fresh_project_uses_the_fixtures(python: Path, tmp_path: Path):
    (tmp_path / "test_theirs.py").write_text(THEIR_TESTS)
    said = run([str(python), "-W", "error", "-m", "pytest", "--strict-markers", "-q"], tmp_path)
    assert "6 passed" in said
    assert "stun_server" in run([str(python), "-m", "pytest", "--fixtures", "-q"], tmp_path)


@pytest.mark.timeout(300)
def test_a_lab_is_built_where_it_can_be(python: Path, tmp_path: Path):
    (tmp_path / "test_lab.py").write_text(THEIR_LAB)
    said = run([str(python), "-m", "pytest", "-q", "-rs"], tmp_path)
    assert "1 passed" in said or "nat_lab needs root" in said or "cannot be built here" in said


@pytest.mark.timeout(300)
def test_hypothesis_brings_the_strategies(python: Path, tmp_path: Path):
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    run([*pip, "--python", str(python), "install", "hypothesis"])
    (tmp_path / "test_theirs.py").write_text(
        "from hypothesis import given\n"
        "from stunkit.fuzz import strategies as stun\n"
        "@given(stun.datagrams)\n"
        "def test_bytes(data):\n"
        "    assert isinstance(data, bytes)\n"
    )
    assert "1 passed" in run([str(python), "-m", "pytest", "-q"], tmp_path)
