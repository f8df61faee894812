from __future__ import annotations

import pytest

from stunkit.errors import LabError, StartError
from stunkit.lab import command


@pytest.mark.parametrize(("program", "package"), [("ip", "iproute2"), ("nft", "nftables")])
def test_find_program_names_the_package_when_a_program_is_missing(
    monkeypatch: pytest.MonkeyPatch, program: str, package: str
):
    monkeypatch.setattr(command, "SYSTEM_PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StartError) as caught:
        command.find_program(program)
    assert str(caught.value) == f"the lab needs {program}; install the package {package}"


def test_gist_is_the_reason_without_the_script():
    text = "/dev/stdin:3:1-5: Error: syntax error\n    dnat to { 1, 2, 3 }\n    ^^^^\n"
    assert command.gist(text) == "/dev/stdin:3:1-5: Error: syntax error"
    assert command.gist("Cannot find device\nCommand failed -:1\n") == "Cannot find device"
    assert command.gist("") == ""
    assert len(command.gist("Error: " + 2000 * "x")) == command.LONGEST_LINE


def test_feed_says_step_command_and_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "find_program", lambda program: program)
    with pytest.raises(LabError) as caught:
        command.feed("build a wall", ("sh", "-s"), "echo Error: no bricks >&2; exit 1")
    assert str(caught.value) == "build a wall: `sh -s` failed: Error: no bricks"


def test_feed_gives_up_on_a_program_that_does_not_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "find_program", lambda program: program)
    monkeypatch.setattr(command, "TIMEOUT", 0.01)
    with pytest.raises(LabError, match="no end"):
        command.feed("wait", ("sh", "-s"), "exec sleep 30")
