from __future__ import annotations

import pytest

from stunkit.cli.report_file import check_writable, write
from stunkit.errors import UsageError


def test_writes_a_page(tmp_path):
    file = tmp_path / "report.html"
    check_writable(str(file))
    write(str(file), "\u00e4")
    assert file.read_text("utf-8") == "\u00e4"


def test_says_in_time_that_there_is_no_such_folder(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        check_writable(str(tmp_path / "none" / "report.html"))
    with pytest.raises(UsageError, match="it is a folder"):
        check_writable(str(tmp_path))
    with pytest.raises(UsageError, match="is a directory"):
        write(str(tmp_path), "")
