import asyncio
import json
import os
import pty
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.integration.command import STUNKIT, environment, stunkit
from tests.integration.loopback import (
    HOSTS,
    endpoint_of_server,
    fake,
    refusing_with,
    saying,
    serving,
    silent,
)

DATA = Path(__file__).parents[2] / "data" / "sdp"
BIND = ("--bind", "127.0.0.1")
BAD = """\
v=0
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=candidate:1 1 udp 2130706431 10.20.30.40 0 typ host
"""


async def test_prints_a_sentence_a_table_and_findings():
    async with fake("127.0.0.1", saying("192.31.196.7")) as server:
        ended = await stunkit("candidates", *BIND, f"stun:{server}")
    assert ended.said == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == (
        "You have 2 ways to be reached: 1 address of this host, 1 as the world sees you."
    )
    assert lines[2].split()[:4] == ["type", "address", "scope", "interface"]
    assert lines[3].split()[:5:4] == ["host", "(loopback)"]
    assert lines[4].split()[:3] == ["srflx", "192.31.196.7:4000", "public"]
    assert any(line.startswith("info: No relayed candidate") for line in lines)
    assert lines[-1].startswith(f"asked {server} in ")
    assert "\x1b" not in ended.stdout


async def test_prints_one_document_with_json():
    async with fake("127.0.0.1", saying("192.31.196.7")) as server:
        ended = await stunkit("candidates", *BIND, f"stun:{server}", "--json")
    assert ended.said == (0, "")
    document = json.loads(ended.stdout)
    assert document["schema"] == "stunkit/candidates/1"
    host, seen = document["candidates"]
    assert (host["type"], host["interface"], host["kind"]) == ("host", "lo", "loopback")
    assert (seen["type"], seen["related_port"]) == ("srflx", host["port"])
    assert seen["sdp"].startswith("candidate:")


async def test_asks_both_families():
    async with serving(*HOSTS) as server:
        uris = [f"stun:{endpoint_of_server(server, index)}" for index in range(2)]
        ended = await stunkit("candidates", "--all", "--json", *uris)
    found = json.loads(ended.stdout)["candidates"]
    assert {"127.0.0.1", "::1"} <= {one["address"] for one in found if one["type"] == "srflx"}


async def test_says_that_nobody_answered():
    with silent("127.0.0.1") as dead:
        ended = await stunkit("candidates", *BIND, f"stun:{dead}", "--timeout", "0.3")
    assert ended.said == (4, "")
    assert "error: Nobody who was asked answered" in ended.stdout


async def test_says_that_the_server_refused():
    async with fake("127.0.0.1", refusing_with(500, "Server Error")) as server:
        ended = await stunkit("candidates", *BIND, f"stun:{server}", "--json")
    assert ended.status == 5
    assert "refused with 500" in ended.stdout


async def test_redacts_what_it_prints():
    async with fake("127.0.0.1", saying("192.31.196.7")) as server:
        ended = await stunkit("candidates", *BIND, f"stun:{server}", "--redact", "--json")
    assert "192.31.196.7" not in ended.stdout
    found = json.loads(ended.stdout)["candidates"]
    assert found[1]["address"] == "ipv4-public-1.invalid"
    assert found[1]["scope"] == "public"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sdp", "nowhere.sdp"), "no such file"),
        (("--sdp", "/dev/null"), "neither an SDP nor a candidate"),
        (("--sdp", "-", "stun:127.0.0.1"), "--sdp asks nobody"),
        (("--turn", "stun:127.0.0.1"), "is not a relay"),
        (("--turn-user", "ann"), "--turn-user needs --turn"),
        (("-4", "-6"), "exclude each other"),
    ],
)
async def test_refuses(arguments: tuple[str, ...], said: str):
    ended = await stunkit("candidates", *arguments)
    assert ended.status == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_bind_that_cannot_be_had_is_said_with_a_remedy():
    ended = await stunkit("candidates", "--bind", "192.0.2.77", "stun:127.0.0.1:9")
    assert ended.status == 3
    assert ended.stderr.startswith("stunkit: cannot bind 192.0.2.77:0")


@pytest.mark.parametrize(
    "name", ["chrome-gathered.sdp", "chrome-internals.json", "trickle-ice.txt"]
)
async def test_reads_a_dump(name: str):
    ended = await stunkit("candidates", "--sdp", DATA / name, "--json")
    assert ended.said == (0, "")
    assert json.loads(ended.stdout)["schema"] == "stunkit/candidates/1"


async def test_says_what_is_wrong_in_a_text_and_where(tmp_path: Path):
    file = tmp_path / "offer.sdp"
    file.write_text(BAD)
    ended = await stunkit("candidates", "--sdp", file)
    assert ended.said == (0, "")
    assert ended.stdout.startswith("1 candidate: 1 host. 1 error")
    assert "[port-zero, line 5]" in ended.stdout
    hidden = await stunkit("candidates", "--sdp", file, "--redact")
    assert "10.20.30.40" not in hidden.stdout
    assert "[port-zero, line 5]" in hidden.stdout


async def test_reads_stdin():
    process = await asyncio.create_subprocess_exec(
        *STUNKIT, "candidates", "--sdp", "-", "--json", stdin=PIPE, stdout=PIPE, env=environment()
    )
    output, _ = await process.communicate(BAD.encode())
    assert json.loads(output)["candidates"][0]["address"] == "10.20.30.40"


async def test_draws_on_a_terminal_what_comes(monkeypatch):
    controller, terminal = pty.openpty()
    env = environment({"TERM": "xterm-256color", "COLUMNS": "120"})
    async with fake("127.0.0.1", saying("192.31.196.7")) as server:
        process = await asyncio.create_subprocess_exec(
            *(*STUNKIT, "candidates", *BIND, f"stun:{server}"),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=env,
        )
        os.close(terminal)
        text = await asyncio.to_thread(_read_all, controller)
        assert await process.wait() == 0
    assert "asking 1 server ..." in text
    assert "\x1b[1m" in text
    assert "192.31.196.7:4000" in text[text.rindex("You have 2 ways") :]


def _read_all(controller: int) -> str:
    parts = []
    try:
        while data := os.read(controller, 65536):
            parts.append(data)
    except OSError:  # the other end is closed
        pass
    os.close(controller)
    return b"".join(parts).decode()
