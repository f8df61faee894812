"""The file that a report is written to."""

from __future__ import annotations

from pathlib import Path

from stunkit.errors import UsageError

_WHAT = "a file to write a report to"


def check_writable(file: str) -> None:
    """Find out before the time for what it reports is gone. Raises UsageError."""
    folder = Path(file).resolve().parent
    if not folder.is_dir():
        raise UsageError(_WHAT, file, f"there is no folder {folder}")
    if Path(file).is_dir():
        raise UsageError(_WHAT, file, "it is a folder")


def write(file: str, text: str) -> None:
    """Write the page. Raises UsageError."""
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(_WHAT, file, reason) from None
