import logging
from pathlib import Path

import pytest

from stunkit.errors import SettingsError
from stunkit.server.settings import secret_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("  to and fro \n")
    path.chmod(0o600)
    return path


def test_reads_one_line(path: Path):
    assert secret_file.read(path) == "  to and fro \n"
    assert secret_file.read_line(path) == "to and fro"


@pytest.mark.parametrize(("mode", "warnings"), [(0o640, 0), (0o644, 1)])
def test_warns_of_a_file_that_everybody_can_read(path: Path, mode: int, warnings: int, caplog):
    path.chmod(mode)
    with caplog.at_level(logging.WARNING):
        secret_file.read(path)
    assert len(caplog.records) == warnings


@pytest.mark.parametrize("text", ["", "\n", "topsecret\nx"])
def test_refuses_what_is_not_one_line(path: Path, text: str):
    path.write_text(text)
    with pytest.raises(SettingsError, match="it has to have one line") as caught:
        secret_file.read_line(path)
    assert "topsecret" not in str(caught.value)


def test_says_what_cannot_be_read(path: Path):
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="it is not UTF-8"):
        secret_file.read(path)
    path.unlink()
    with pytest.raises(SettingsError, match="cannot be read: no such file"):
        secret_file.read(path)
