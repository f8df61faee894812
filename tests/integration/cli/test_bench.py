"""``stunkit bench``: what it prints, and how it ends."""

import asyncio
import json
import re
import signal
import sys
import threading
from asyncio.subprocess import PIPE

import pytest

from stunkit.extra import installation
from tests.integration.bench.crooked import crooked, right
from tests.integration.command import environment, outcome, start, stunkit
from tests.integration.loopback import (
    HOSTS,
    PATIENCE,
    endpoint_of_server,
    fake,
    refusing,
    refusing_with,
    serving,
)

QUICK = ("--duration", "0.3", "--warmup", "0")
FIGURES = ["server", "load", "time", "sent", "answered", "lost", "wrong", "latency"]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("host", HOSTS)
async def test_json_is_one_document(host, transport):
    async with serving(host) as server:
        uri = f"stun:{endpoint_of_server(server)}?transport={transport}"
        ended = await stunkit("bench", uri, *QUICK, "--json", "--sockets", 2)
        received = server.counters.received
    document = json.loads(ended.stdout)
    assert (ended.status, ended.stderr, ended.stdout.count("\n")) == (0, "", 1)
    assert ended.stdout.startswith('{"schema": "stunkit/bench/1", ')
    assert document["server"]["endpoint"] == str(endpoint_of_server(server))
    assert document["server"]["transport"] == transport
    assert document["sent"] == document["answered"] == received - 2 > 0
    assert document["latency_ms"]["p50"] > 0


async def test_text_for_a_pipe_is_plain():
    async with serving("127.0.0.1") as server:
        ended = await stunkit("bench", endpoint_of_server(server), *QUICK, env={"NO_COLOR": "1"})
    first, *lines = ended.stdout.splitlines()
    assert (ended.status, ended.stderr) == (0, "")
    assert re.fullmatch(r"127\.0\.0\.1:\d+ gives [\d,]+ answers a second over UDP\.", first)
    assert [line.split()[0] for line in lines[: len(FIGURES)]] == FIGURES
    assert not re.search(r"[^\n -~]", ended.stdout)


async def test_open_loop_says_how_late_it_was():
    async with serving("127.0.0.1") as server:
        ended = await stunkit("bench", endpoint_of_server(server), *QUICK, "--rate", 500, "--json")
    document = json.loads(ended.stdout)
    assert document["load"]["rate"] == 500
    assert document["sent"] == 150
    assert document["generator"]["behind_ms"]["max"] > 0


async def test_server_may_stand_in_the_environment():
    async with serving("127.0.0.1") as server:
        name = str(endpoint_of_server(server))
        ended = await stunkit("bench", *QUICK, "--json", env={"STUNKIT_SERVER": name})
    assert json.loads(ended.stdout)["server"]["endpoint"] == name


async def test_first_interrupt_prints_what_was_measured():
    is_measuring = threading.Event()

    def reply(index, request, source):
        if index == 100:
            is_measuring.set()
        return [right(request, source)]

    with crooked(reply) as server:
        arguments = ("--duration", "60", "--warmup", "0", "--json")
        process = await start("bench", str(server.endpoint), *arguments)
        assert await asyncio.to_thread(is_measuring.wait, PATIENCE)
        process.send_signal(signal.SIGINT)
        ended = await outcome(process)
    document = json.loads(ended.stdout)
    assert ended.status == 130
    assert ended.stderr == ""
    assert document["interrupted"] is True
    assert document["answered"] == document["sent"] > 50
    assert document["elapsed"] < 30


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("8.8.8.8:3478",), "'8.8.8.8:3478' is not a server to put under load"),
        ((), "Name one server, as SERVER or in STUNKIT_SERVER."),
        (("127.0.0.1", "--window", "2", "--rate", "2"), "exclude each other"),
        (("127.0.0.1", "--bind", "::1", "-4"), "IPv4 and IPv6 do not mix"),
        (("127.0.0.1", "--bind", "127.0.0.0/99"), "'127.0.0.0/99' is not a network"),
        (("turns:127.0.0.1",), "turns: is not supported here"),
        (("127.0.0.1", "--rate", "nan"), "nan"),
        (("127.0.0.1", "--bind", "127.0.0.1:7", "--sockets", "2"), "cannot share it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_bad_input_gets_one_sentence(arguments, words):
    ended = await stunkit("bench", *arguments)
    assert (ended.status, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_ends_with_4_when_nobody_answers():
    with refusing("127.0.0.1") as server:
        ended = await stunkit("bench", server)
    assert ended.said == (4, f"stunkit: stun:{server}: connection refused\n")


async def test_ends_with_5_when_the_server_refuses():
    async with fake("127.0.0.1", refusing_with(401, "")) as server:
        ended = await stunkit("bench", server)
    assert ended.said == (5, f"stunkit: stun:{server}: refused with 401 Unauthorized\n")


async def test_ends_with_4_when_nobody_answers_any_more():
    with crooked(lambda *_: []) as server:
        ended = await stunkit("bench", server.endpoint, *QUICK, "--timeout", 0.2)
    assert ended.status == 4
    assert "100.0%" in ended.stdout


async def test_ends_with_5_when_every_answer_is_wrong():
    def reply(_, request, source):
        return [right(request, source.with_port(source.port ^ 1))]

    with crooked(reply) as server:
        ended = await stunkit("bench", server.endpoint, *QUICK, "--json")
    document = json.loads(ended.stdout)
    assert ended.status == 5
    assert document["wrong"] == document["sent"] > 0


WITHOUT_NUMPY = """
import sys
from importlib import util

find = util.find_spec
util.find_spec = lambda name: None if name == "numpy" else find(name)
sys.modules["numpy"] = None
sys.argv = ["stunkit", "bench", "127.0.0.1"]
from stunkit.cli.main import main
main()
"""


async def test_says_what_is_missing():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WITHOUT_NUMPY, stdout=PIPE, stderr=PIPE, env=environment()
    )
    ended = await outcome(process)
    assert ended.said == (
        3,
        f"stunkit: the load generator needs NumPy; {installation('fast')}\n",
    )
