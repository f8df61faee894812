import asyncio
import contextlib
import json
import os
import pty
from pathlib import Path

import pytest

from stunkit.call.forecast import COMMON
from stunkit.call.token import parse_token
from tests.integration.behavior import quartet, without_udp
from tests.integration.command import PATIENCE, STUNKIT, environment, stunkit
from tests.integration.loopback import silent

BIND = ("--bind", "127.0.0.1")  # so that a host with IPv6 gives the same answers
QUICK = ("--timeout", "3.5")  # leaves no time to measure the quality


async def test_prints_a_sentence_the_reasons_and_who_can_be_called():
    async with quartet() as server:
        ended = await stunkit("preflight", *BIND, server)
    assert (ended.status, ended.stderr) == (0, "")
    sections = ended.stdout.split("\n\n")
    assert sections[0] == "A call with someone behind a usual home router connects directly."
    assert sections[1].startswith("Why:\n- IPv4: this end has no NAT, and lets in anybody.\n")
    assert "What would help:" in sections[2]
    rows = sections[3].splitlines()
    assert [row.split()[0] for row in rows] == ["peer", *COMMON]
    assert rows[-1].split()[:2] == ["udp-blocked", "blocked"]
    assert sections[4].startswith("A call over this path would sound good")
    assert "your token: stunkit-" in sections[-1]
    assert "\x1b" not in ended.stdout


async def test_json_is_the_contracts():
    async with quartet() as server:
        ended = await stunkit("preflight", "--json", *BIND, *QUICK, server)
    assert (ended.status, ended.stderr) == (0, "")
    document = json.loads(ended.stdout)
    names = ["schema", "verdict", "reasons", "peers", "facts", "turn", "quality"]
    assert list(document) == names
    assert document["verdict"] == "direct"
    assert document["turn"] == []
    assert document["quality"]["loss"] is None
    assert "not enough time" in document["quality"]["why"]


async def test_exit_status_follows_the_verdict():
    async with quartet() as server:
        direct = await stunkit("preflight", *BIND, *QUICK, "--peer", "full-cone", server)
        blocked = await stunkit("preflight", *BIND, *QUICK, "--peer", "udp-blocked", server)
    with silent("127.0.0.1") as nobody:
        unknown = await stunkit("preflight", *BIND, "--timeout", "2", nobody)
    assert [one.status for one in (direct, blocked, unknown)] == [0, 8, 6]
    assert unknown.stdout.startswith("Whether a call with")


async def test_blocked_udp_will_not_work():
    async with without_udp() as server:
        ended = await stunkit("preflight", *BIND, server)
    assert ended.status == 8
    assert "will not work: there is no direct way, and no relay was named." in ended.stdout
    assert "IPv4: UDP is blocked: " in ended.stdout


async def test_token_stands_alone_and_is_understood():
    async with quartet() as server:
        printed = await stunkit("preflight", "--token", *BIND, server)
        assert (printed.status, printed.stderr) == (0, "")
        token = printed.stdout.removesuffix("\n")
        assert parse_token(token).ipv4.public == bytes((127, 0, 0, 1))
        ended = await stunkit("preflight", *BIND, *QUICK, "--peer", token, "--json", server)
    assert ended.status == 0
    assert json.loads(ended.stdout)["peers"][token] == "direct"


async def test_redacted_token_has_no_address():
    async with quartet() as server:
        printed = await stunkit("preflight", "--token", "--redact", *BIND, server)
    facts = parse_token(printed.stdout)
    assert facts.ipv4.public is None
    assert facts.ipv4.udp is True


async def test_token_of_who_hears_nobody_is_inconclusive():
    with silent("127.0.0.1") as nobody:
        ended = await stunkit("preflight", "--token", *BIND, "--timeout", "2", nobody)
    assert ended.status == 6
    assert parse_token(ended.stdout).ipv4.udp is None


async def test_report_is_a_page(tmp_path: Path):
    file = tmp_path / "report.html"
    async with quartet() as server:
        options = (*BIND, *QUICK, "--report", file)
        ended = await stunkit("preflight", *options, "--redact", server)
    assert ended.said == (0, f"the report is in {file}\n")
    text = file.read_text()
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")
    assert "connects directly" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--peer", "cone"], "'cone' is not a kind of network, or a token: there are public, "),
        (["--peer", "stunkit-aaaa"], "'stunkit-aaaa' is not a token: it is damaged"),
        (["--token", "--json"], "--token prints nothing else"),
        (["--token", "--peer", "public"], "--token prints nothing else"),
        (["--report", "/nowhere/at/all.html"], "there is no folder /nowhere/at"),
        (["--report", "/"], "it is a folder"),
        (["--turn-user", "ann"], "--turn-user needs --turn."),
        (["-4", "-6"], "-4 and -6 exclude each other"),
        (["turn:127.0.0.1"], "turn: is not supported here"),
        (["--turn", "stun:127.0.0.1", "127.0.0.1"], "it does not begin with turn: or turns:"),
    ],
)
async def test_bad_input_gets_one_sentence(arguments: list[str], sentence: str):
    ended = await stunkit("preflight", *arguments)
    assert ended.status == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


async def test_terminal_shows_the_parts_as_they_come_and_then_the_answer():
    async with quartet() as server:
        screen = await drawn(str(server), *BIND)
    for words in ("NAT", "open internet", "router", "quality", "Calls", "connects directly"):
        assert words in screen
    assert "\x1b[1;32m✓" in screen


async def drawn(*arguments: str) -> str:
    """Return what a terminal of 80 columns gets to see."""
    terminal, end_of_process = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *STUNKIT,
        "preflight",
        *arguments,
        stdin=end_of_process,
        stdout=end_of_process,
        stderr=end_of_process,
        env=environment({"COLUMNS": "80", "TERM": "xterm-256color", "LANG": "C.UTF-8"}),
    )
    os.close(end_of_process)
    screen = await asyncio.wait_for(asyncio.to_thread(read_all, terminal), PATIENCE)
    os.close(terminal)
    await asyncio.wait_for(process.wait(), PATIENCE)
    return screen


def read_all(terminal: int) -> str:
    pieces = []
    with contextlib.suppress(OSError):  # Linux says so when the other end is closed
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    return b"".join(pieces).decode()
