import json
from dataclasses import replace
from pathlib import Path

import pytest

from stunkit.errors import UsageError
from stunkit.fuzz.reproducer import SCHEMA, Reproducer

ONE = Reproducer(
    kind="parser",
    target="a:b",
    failure="exception",
    why="KeyError: 1",
    confirmed=True,
    inputs=(b"\0\1", b""),
    expected=("ValueError",),
    timeout=0.5,
    memory_mb=64,
)


def test_a_reproducer_survives_its_file(tmp_path: Path):
    path = tmp_path / "one.json"
    ONE.dump(path)
    assert Reproducer.load(path) == ONE
    assert json.loads(path.read_text())["inputs"] == ["0001", ""]


def test_another_failure_has_another_file(tmp_path: Path):
    folder = tmp_path / "new"
    other = replace(ONE, inputs=(b"2",))
    paths = [one.keep(folder, 1) for one in (ONE, other, ONE, other)]
    assert [path.name for path in paths] == ["exception-1.json", "exception-2.json"] * 2
    assert [Reproducer.load(path) for path in paths] == [ONE, other, ONE, other]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "else"}, f"its schema is not {SCHEMA}"),
        ({"kind": "else"}, "neither parser nor server"),
        ({"inputs": ["xyz"]}, "non-hexadecimal"),
        ({"inputs": None}, "TypeError"),
        ({"timeout": "soon"}, "could not convert"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, change: dict[str, object], reason: str):
    path = tmp_path / "one.json"
    ONE.dump(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UsageError, match=reason):
        Reproducer.load(path)


def test_a_file_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no such file"):
        Reproducer.load(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(UsageError, match="no JSON"):
        Reproducer.load(tmp_path / "text")
    (tmp_path / "list").write_text("[]")
    with pytest.raises(UsageError, match="TypeError"):
        Reproducer.load(tmp_path / "list")
