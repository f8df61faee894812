"""The manual's matrix of calls is what is computed: all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration


def test_page_and_picture_are_what_is_computed():
    command = [sys.executable, "scripts/matrix", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_script_prints_both_tables():
    command = [sys.executable, "scripts/matrix"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| **public** | direct |" in done.stdout
    assert "| both ends | hairpin seen |" in done.stdout
