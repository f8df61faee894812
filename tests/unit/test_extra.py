import sys

import pytest

from stunkit.extra import installation


def test_names_the_python_that_runs():
    assert installation("fast") == f"{sys.executable} -m pip install 'stunkit[fast]'"


@pytest.mark.parametrize(
    ("executable", "named"),
    [("/a b/python", '"/a b/python"'), ("", "python3"), (None, "python3")],
)
def test_names_a_python_that_a_shell_finds(executable, named: str, monkeypatch):
    monkeypatch.setattr(sys, "executable", executable)
    assert installation("pcap") == f"{named} -m pip install 'stunkit[pcap]'"
