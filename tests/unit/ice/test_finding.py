from pathlib import Path

import pytest

import stunkit
from stunkit.ice.candidate import Candidate
from stunkit.ice.finding import Code, label

PAGE = (Path(stunkit.__file__).parent / "manual/candidates.md").read_text()


@pytest.mark.parametrize("code", Code)
def test_manual_explains_every_code(code: Code):
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("candidate:1 1 UDP 1 192.0.2.1 40000 typ host", "host 192.0.2.1:40000/udp"),
        ("candidate:1 1 tcp 1 2001:db8::1 9 typ relay", "relay [2001:db8::1]:9/tcp"),
        ("candidate:1 1 udp 1 x.local 1 typ host", "host x.local:1/udp"),
    ],
)
def test_labels_a_candidate(line: str, text: str):
    assert label(Candidate.parse(line)) == text
