from __future__ import annotations

import logging
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import SettingsError
from stunkit.server.settings import key_file
from stunkit.server.settings.tree import PartnerSettings

DIGITS = "00112233445566778899aabbccddeeff" * 2
ADDRESS = Endpoint.parse("192.0.2.2:3480")


def load(path: Path | None) -> bytes | None:
    return key_file.load(PartnerSettings(address=ADDRESS, key_file=path))


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_reads_what_openssl_writes(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert load(write(tmp_path, DIGITS + "\n")) == bytes.fromhex(DIGITS)
    assert caplog.text == ""


def test_warns_when_everybody_can_read_it(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        load(write(tmp_path, DIGITS, 0o644))
    assert "(chmod 640)" in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "fewer than 64 hexadecimal digits"),
        (DIGITS[:-2], "fewer than 64 hexadecimal digits"),
        ("correct horse battery staple", "not in hexadecimal digits"),
        ("ä" * 64, "not in hexadecimal digits"),
    ],
)
def test_refuses_a_key_that_is_none_without_telling_it(tmp_path: Path, text: str, reason: str):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert not text or text not in str(caught.value)


def test_names_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read: no such file"):
        load(tmp_path / "nowhere")


def test_a_partner_needs_a_key():
    with pytest.raises(SettingsError, match=r"partner\.address: it needs partner\.key_file"):
        load(None)


def test_a_key_needs_a_partner(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"partner\.key_file: it needs partner\.address"):
        key_file.load(PartnerSettings(key_file=tmp_path / "key"))


def test_there_is_no_key_without_a_partner():
    assert key_file.load(PartnerSettings()) is None
