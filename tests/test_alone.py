"""A run of pytest in which tests write down when they began and ended."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
CONFIGURATION = f"[pytest]\nmarkers = alone\npythonpath = {ROOT}\n"
CONFTEST = """
from tests import alone


def pytest_configure(config):
    alone.take_turns(config)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not alone.is_marked(item))
"""
TESTS = """
import time
from pathlib import Path

import pytest

times = {}


@pytest.fixture(autouse=True)
def noted(request):
    times[request.node.name] = times.get(request.node.name, 0) + 1
    begun = time.monotonic()
    yield times[request.node.name]
    with Path("log").open("a") as log:
        log.write(f"{request.node.name} {begun} {time.monotonic()}\\n")


@pytest.mark.parametrize("number", range(20))
def test_beside_others(number):
    time.sleep(0.1)


@pytest.mark.alone
@pytest.mark.parametrize("number", range(3))
def test_alone(number):
    time.sleep(0.1)


@pytest.mark.flaky(reruns=1)
@pytest.mark.timeout(10)
def test_again(noted):
    time.sleep(0.5)
    assert noted == 2


@pytest.mark.flaky(reruns=1)
@pytest.mark.timeout(0.5)
def test_never():
    time.sleep(30)
"""


class Turn(NamedTuple):
    """One run of a test."""

    name: str
    begun: float
    ended: float

    def is_beside(self, other: Turn) -> bool:
        return self.begun < other.ended and other.begun < self.ended


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_who_is_alone_or_runs_again_has_nobody_beside(tmp_path: Path):
    for name, text in (
        ("pytest.ini", CONFIGURATION),
        ("conftest.py", CONFTEST),
        ("test_turns.py", TESTS),
    ):
        (tmp_path / name).write_text(text)
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "3", "--dist=worksteal"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 24 passed, 2 rerun" in done.stdout, done.stdout
    assert "Timeout (>0.5s)" in done.stdout
    turns = []
    for line in (tmp_path / "log").read_text().splitlines():
        name, begun, ended = line.split()
        turns.append(Turn(name, float(begun), float(ended)))
    alone = [turn for turn in turns if turn.name.startswith("test_alone")]
    for name in ("test_again", "test_never"):
        _, again = (turn for turn in turns if turn.name == name)
        alone.append(again)
    assert len(alone) == 5
    for one in alone:
        assert [turn for turn in turns if turn is not one and turn.is_beside(one)] == []
    assert any(one.is_beside(other) for one, other in combinations(turns, 2))
