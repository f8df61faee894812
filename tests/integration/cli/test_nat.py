import asyncio
import json
import os
import pty
import signal

import pytest

from stunkit.endpoint import Endpoint
from tests.integration.behavior import quartet, without_udp
from tests.integration.command import PATIENCE, STUNKIT, environment, outcome, start, stunkit
from tests.integration.loopback import (
    endpoint_of_server,
    fake,
    free_port,
    refusing,
    refusing_with,
    serving,
    silent,
)

EASY = (
    "Direct calls are easy: no NAT and no firewall is in the way, so they work with everyone who "
    "can use UDP."
)


def facts(text: str) -> dict[str, list[str]]:
    """Return the rows of the table by their titles."""
    table = text.split("\n\n")[1].splitlines()
    rows = [[cell for cell in row.split("  ") if cell] for row in table[1:]]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


async def test_prints_a_sentence_and_the_facts():
    async with quartet() as server:
        ended = await stunkit("nat", server)
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[0] == EASY
    table = facts(ended.stdout)
    assert Endpoint.parse(table.pop("seen as")[0]).host == "127.0.0.1"
    assert Endpoint.parse(table.pop("asked from")[0]).host == "127.0.0.1"
    assert table == {
        "NAT": ["no"],
        "mapping": ["endpoint-independent"],
        "filtering": ["endpoint-independent"],
        "port preserved": ["-"],
        "legacy name": ["open internet"],
    }
    assert ended.stdout.splitlines()[-1].startswith(f"asked {server} in ")


async def test_prints_no_control_codes_into_a_pipe():
    async with quartet() as server:
        ended = await stunkit("nat", "-v", server, env={"FORCE_COLOR": ""})
    assert "\x1b" not in ended.stdout + ended.stderr


async def test_verbose_prints_the_evidence():
    async with quartet() as server:
        ended = await stunkit("nat", "-v", server)
    assert ended.status == 0
    assert "\nmapping: endpoint-independent\n    " in ended.stdout
    assert "\nfiltering: endpoint-independent\n    an answer from 127.0.0.2:" in ended.stdout
    assert "    probes: " in ended.stdout


async def test_json_is_the_contracts():
    async with quartet() as server:
        ended = await stunkit("nat", "--json", server)
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith('{"schema": "stunkit/nat/1", ')
    document = json.loads(ended.stdout)
    assert 0 < document["elapsed"] < 1.5
    assert document["ipv6"] is None
    report = document["ipv4"]
    evidence = {one["claim"]: one for one in report.pop("evidence")}
    assert report["local"] == report["mapped"]
    report = {name: value for name, value in report.items() if name not in ("local", "mapped")}
    assert {name: report[name] for name in report if name not in ("public_addresses", "ports")} == {
        "udp": "open",
        "nat": False,
        "mapping": "endpoint-independent",
        "filtering": "endpoint-independent",
        "port_preserved": None,
        "hairpin": None,
        "lifetime": None,
        "fragments": None,
        "rewritten": False,
        "legacy": "open internet",
        "answers_through": None,
    }
    for name, value in report.items():
        if value in (None, "unknown"):
            assert evidence[name]["why"]
    assert all(set(one) == {"claim", "value", "why", "probes"} for one in evidence.values())


async def test_is_inconclusive_with_a_server_of_one_address():
    async with serving("127.0.0.1") as server:
        endpoint = endpoint_of_server(server)
        ended = await stunkit("nat", endpoint)
        as_json = await stunkit("nat", "--json", endpoint)
    assert (ended.status, ended.stderr) == (6, "")
    assert "Filtering unknown: " in ended.stdout
    assert facts(ended.stdout)["filtering"] == ["unknown"]
    assert as_json.status == 6
    assert json.loads(as_json.stdout)["ipv4"]["filtering"] == "unknown"


async def test_nobody_there_is_status_4():
    with refusing("127.0.0.1") as closed:
        ended = await stunkit("nat", closed)
        as_json = await stunkit("nat", "--json", closed)
    assert (ended.status, ended.stderr) == (4, "")
    assert ended.stdout.startswith("Nothing is known: no server answered.\n")
    assert as_json.status == 4
    document = json.loads(as_json.stdout)
    assert document["ipv4"]["udp"] == "unknown"
    assert document["ipv4"]["mapping"] == "unknown"


async def test_no_server_at_all_is_status_4():
    ended = await stunkit("nat", "-6", "192.0.2.1")
    assert ended.status == 4
    assert ended.stdout == (
        "Nothing is known: there is no server that could be asked.\n\n"
        "192.0.2.1: cannot resolve 192.0.2.1: it is no ipv6 address\n"
    )


async def test_a_block_is_a_verdict():
    async with without_udp() as server:
        ended = await stunkit("nat", server)
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith("UDP is blocked: no direct call is possible")
    assert facts(ended.stdout)["UDP"] == ["blocked"]
    assert facts(ended.stdout)["legacy name"] == ["UDP blocked"]


async def test_a_refusal_is_status_5():
    async with fake("127.0.0.1", refusing_with(401, "Unauthorized")) as server:
        ended = await stunkit("nat", server)
    assert (ended.status, ended.stderr) == (5, "")
    assert "refused with 401 Unauthorized" in ended.stdout


@pytest.mark.alone
async def test_ends_in_time():
    with silent("127.0.0.1") as mute:
        ended = await stunkit("nat", "--json", "--timeout", "0.5", mute)
    assert ended.status == 4
    assert 0.4 < json.loads(ended.stdout)["elapsed"] < 0.8


async def test_asks_the_servers_of_the_environment():
    async with quartet() as server:
        ended = await stunkit("nat", env={"STUNKIT_SERVER": f" {server} "})
    assert ended.status == 0
    assert f"asked {server} in" in ended.stdout


async def test_asks_from_where_it_is_told():
    port = free_port("127.0.0.1", "127.0.0.3")
    async with quartet() as server:
        ended = await stunkit("nat", "--json", "--bind", f"127.0.0.3:{port}", server)
    assert json.loads(ended.stdout)["ipv4"]["local"] == f"127.0.0.3:{port}"


async def test_says_that_it_cannot_ask_from_there():
    async with quartet() as server:
        ended = await stunkit("nat", "--bind", str(server), server)
    assert ended.status == 3
    assert ended.stderr == (
        f"stunkit: cannot ask from {server}: address already in use; "
        "choose another address or port with --bind\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-4", "-6"], "exclude each other"),
        (["stun:a.example", "stuns:a.example"], "asked over UDP"),
        (["turn:a.example"], "turn: is not supported here"),
        (["--bind", "nowhere"], "'nowhere'"),
        (["-4", "--bind", "::1"], "-4 or -6 says otherwise"),
        (["--timeout", "0"], "--timeout"),
    ],
)
async def test_bad_input_gets_one_sentence(arguments, words):
    ended = await stunkit("nat", *arguments)
    assert ended.status == 2
    assert ended.stdout == ""
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_makes_the_trials_that_are_asked_for():
    async with quartet() as server:
        ended = await stunkit("nat", "--fragments", "--hairpin", server)
    assert ended.status == 0
    table = facts(ended.stdout)
    assert table["fragments"] == ["yes"]
    assert table["hairpin"] == ["unknown"]
    assert "Hairpin unknown: there is no NAT" in ended.stdout


async def test_an_interrupt_ends_it_with_130():
    asked = asyncio.Event()
    async with fake("127.0.0.1", lambda *_: asked.set()) as mute:
        process = await start("nat", "--json", "--timeout", "20", str(mute))
        await asyncio.wait_for(asked.wait(), PATIENCE)
        process.send_signal(signal.SIGINT)
        ended = await outcome(process)
    assert ended.status == 130
    assert "Traceback" not in ended.stderr


async def on_a_terminal(*arguments: object, **env: str) -> tuple[int, str]:
    """Run ``stunkit nat`` on a terminal of its own; return its status and what it drew."""
    terminal, end_of_process = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *STUNKIT,
        "nat",
        *map(str, arguments),
        stdin=end_of_process,
        stdout=end_of_process,
        stderr=end_of_process,
        env=environment({"COLUMNS": "100", **env}),
    )
    os.close(end_of_process)
    drawn = await asyncio.wait_for(asyncio.to_thread(read_all, terminal), PATIENCE)
    os.close(terminal)
    return await asyncio.wait_for(process.wait(), PATIENCE), drawn


def read_all(terminal: int) -> str:
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            return b"".join(pieces).decode()
        if not piece:
            return b"".join(pieces).decode()
        pieces.append(piece)


async def test_draws_the_answer_and_the_progress_on_a_terminal():
    async with without_udp() as server:
        status, drawn = await on_a_terminal(server, TERM="xterm")
    assert status == 0
    assert "asking 1 server" in drawn
    assert "asked over TCP" in drawn
    assert "\x1b[1mUDP is blocked" in drawn


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
async def test_draws_without_colour_when_told_to(env):
    async with quartet() as server:
        status, drawn = await on_a_terminal("-v", server, **env)
    assert status == 0
    assert "open internet" in drawn
    assert "\x1b[3" not in drawn
    if env["TERM"] == "dumb":
        assert "\x1b" not in drawn
