import asyncio
import json
import os
import pty
import shlex
import signal
import sys

import pytest

from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from tests.integration.command import PATIENCE, STUNKIT, end, environment, start, stunkit
from tests.integration.loopback import (
    HOSTS,
    endpoint_of_server,
    fake,
    refusing,
    refusing_with,
    saying,
    serving,
    silent,
    success,
)

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e no"
ESCAPED = r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e no"


async def test_prints_a_sentence_and_a_table():
    async with serving(*HOSTS) as server:
        ipv4, ipv6 = endpoint_of_server(server, 0), endpoint_of_server(server, 1)
        ended = await stunkit("whoami", ipv4, ipv6)
    assert (ended.status, ended.stderr) == (0, "")
    sentence, headings, *rows = ended.stdout.splitlines()
    assert sentence == "The world sees you as 127.0.0.1 (IPv4) and ::1 (IPv6)."
    assert headings.split() == [
        "server",
        "transport",
        "asked",
        "from",
        "seen",
        "as",
        "round",
        "trip",
    ]
    assert [row.split()[:2] for row in rows] == [[str(ipv4), "udp"], [str(ipv6), "udp"]]
    for row in rows:
        server, _, local, mapped, no, nat, number, unit = row.split()
        assert mapped == local
        assert (no, nat, unit) == ("(no", "NAT)", "ms")
        assert 0 < float(number) < 5000


async def test_json_is_the_contracts():
    async with serving(*HOSTS) as server:
        ipv4, ipv6 = endpoint_of_server(server, 0), endpoint_of_server(server, 1)
        ended = await stunkit("whoami", "--json", ipv4, f"stun:{ipv6}?transport=tcp")
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith('{"schema": "stunkit/whoami/1", ')
    document = json.loads(ended.stdout)
    answers = document.pop("answers")
    assert document == {
        "schema": "stunkit/whoami/1",
        "public": {"ipv4": "127.0.0.1", "ipv6": "::1"},
        "consensus": True,
    }
    wanted = [("ipv4", ipv4, "udp"), ("ipv6", ipv6, "tcp")]
    for answer, (family, there, transport) in zip(answers, wanted, strict=True):
        assert 0 < answer.pop("rtt_ms") < 5000
        local = answer.pop("local")
        assert Endpoint.parse(local).host == there.host
        answer.pop("name")  # more than the contract asks for
        assert answer == {
            "family": family,
            "server": str(there),
            "transport": transport,
            "mapped": local,
            "error": None,
        }


async def test_json_writes_null_for_what_nobody_said():
    with silent("127.0.0.1") as quiet:
        ended = await stunkit("whoami", "--json", "--timeout", "0.3", quiet)
    assert (ended.status, ended.stderr) == (4, "")
    document = json.loads(ended.stdout)
    (answer,) = document["answers"]
    assert document["public"] == {"ipv4": None, "ipv6": None}
    assert document["consensus"] is None
    assert (answer["server"], answer["mapped"], answer["rtt_ms"]) == (str(quiet), None, None)
    assert answer["error"] == "no answer in 0.3 s (asked once)"


async def test_short_is_the_bare_addresses():
    async with serving(*HOSTS) as server:
        both = [endpoint_of_server(server, index) for index in range(2)]
        ended = await stunkit("whoami", "--short", *reversed(both))
    assert ended == type(ended)(0, "127.0.0.1\n::1\n", "")


async def test_asks_over_one_family_when_it_is_told_to():
    async with serving(*HOSTS) as server:
        both = [endpoint_of_server(server, index) for index in range(2)]
        ended = await stunkit("whoami", "--short", "-6", *both)
    assert (ended.status, ended.stdout) == (0, "::1\n")


async def test_asks_from_where_it_is_told():
    async with serving("127.0.0.1") as server:
        there = endpoint_of_server(server)
        ended = await stunkit("whoami", "--short", "--bind", "127.0.0.7", there)
    assert ended.stdout == "127.0.0.7\n"


@pytest.mark.parametrize("verb", ["whoami", "check", "nat"])
async def test_ends_with_3_when_it_cannot_ask_from_there(verb: str):
    async with serving("127.0.0.1") as server:
        ended = await stunkit(verb, "--bind", "192.0.2.99", endpoint_of_server(server))
    said = "cannot ask from 192.0.2.99:0: cannot assign requested address"
    remedy = "choose another address or port with --bind"
    assert ended == type(ended)(3, "", f"stunkit: {said}; {remedy}\n")


async def test_asks_the_servers_of_the_environment():
    reply = saying("192.0.2.1")
    async with fake("127.0.0.1", reply) as one, fake("127.0.0.1", reply) as two:
        ended = await stunkit("whoami", "--json", env={"STUNKIT_SERVER": f"{one}, {two}"})
    servers = [answer["server"] for answer in json.loads(ended.stdout)["answers"]]
    assert servers == [str(one), str(two)]


async def test_ends_with_4_when_nobody_answers():
    with silent("127.0.0.1") as quiet:
        ended = await stunkit("whoami", "--timeout", "1", quiet)
    assert ended.status == 4
    assert ended.stdout.startswith("Nobody said where they see you.\n")
    assert "no answer in 1.0 s (asked 2 times)" in ended.stdout


async def test_ends_with_4_when_a_port_is_unreachable():
    with refusing("127.0.0.1") as dead:
        ended = await stunkit("whoami", "--short", dead)
    assert ended == type(ended)(4, "", "stunkit: 127.0.0.1: connection refused\n")


@pytest.mark.parametrize("name", ["a..b", "a" * 64 + ":1"])
async def test_ends_with_4_when_a_name_is_none(name: str):
    ended = await stunkit("whoami", "--short", name, env={"PYTHONWARNINGS": "error"})
    host = name.removesuffix(":1")
    sentence = f"stunkit: {host}: cannot resolve {host}: not a host name\n"
    assert ended == type(ended)(4, "", sentence)


@pytest.mark.parametrize("form", ["--short", "--json", None])
async def test_ends_with_5_when_it_is_refused_and_escapes_the_reason(form: str | None):
    async with fake("127.0.0.1", refusing_with(420, HOSTILE)) as server:
        ended = await stunkit("whoami", *([form] if form else []), server)
    assert ended.status == 5
    printed = ended.stdout + ended.stderr
    assert f"refused with 420 {ESCAPED}" in printed.replace("\\\\", "\\")
    assert all(character.isprintable() or character == "\n" for character in printed)


@pytest.mark.parametrize("form", ["--short", "--json", None])
async def test_names_the_options_to_log_in_with_where_a_server_wants_that(
    form: str | None, tmp_path
):
    hint = "stunkit: the server wants to know who asks: give --username and --password-file\n"
    password = tmp_path / "password"
    password.write_text("x\n")
    options = [form] if form else []
    async with fake("127.0.0.1", refusing_with(401, "Unauthorized")) as server:
        ended = await stunkit("whoami", *options, server)
        login = ("--username", "ann", "--password-file", password)
        known = await stunkit("whoami", *options, *login, server)
    assert ended.status == 5
    assert ended.stderr.endswith(hint)
    assert known.status in (4, 5)
    assert hint not in known.stderr
    async with fake("127.0.0.1", refusing_with(403, "Forbidden")) as server:
        ended = await stunkit("whoami", *options, server)
    assert hint not in ended.stderr


@pytest.mark.parametrize("form", ["--short", None])
async def test_lets_no_server_write_a_line_of_its_own(form: str | None):
    forged = "no\nThe world sees you as 192.0.2.66 (IPv4)."
    async with fake("127.0.0.1", refusing_with(500, forged)) as server:
        ended = await stunkit("whoami", *([form] if form else []), server)
    lines = (ended.stdout + ended.stderr).splitlines()
    assert not [line for line in lines if line.startswith("The world sees you as")]


async def test_ends_with_6_when_servers_disagree():
    async with (
        fake("127.0.0.1", saying("192.0.2.1")) as one,
        fake("127.0.0.1", saying("192.0.2.2")) as two,
    ):
        text = await stunkit("whoami", one, two)
        short = await stunkit("whoami", "--short", one, two)
    assert text.status == 6
    assert "The servers disagree over IPv4: 192.0.2.1 (1x), 192.0.2.2 (1x)." in text.stdout
    assert short == type(short)(6, "", "stunkit: the servers disagree; ask without --short\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["http://x/"], "stunkit: 'http://x/' is not "),
        (["a b"], "stunkit: 'a b' is not a STUN or TURN server: "),
        (["127.0.0.1:99999"], "stunkit: '127.0.0.1:99999' is not "),
        (["turn:127.0.0.1"], "stunkit: 'turn:127.0.0.1' is not a server to ask: "),
        (["--bind", "nowhere", "127.0.0.1:9"], "stunkit: 'nowhere"),
        (["-4", "--bind", "::1", "127.0.0.1:9"], "stunkit: '::1' is not an ipv4 address: "),
    ],
)
async def test_ends_with_2_and_one_sentence(arguments, sentence: str):
    ended = await stunkit("whoami", *arguments)
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith(sentence)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["-4", "-6"], ["--timeout", "nan"], ["--exec", "true"]])
async def test_ends_with_2_when_options_make_no_sense(arguments):
    ended = await stunkit("whoami", *arguments, "127.0.0.1:9")
    assert (ended.status, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert arguments[0] in ended.stderr


async def test_prints_no_control_codes_into_a_pipe():
    async with serving("127.0.0.1") as server:
        ended = await stunkit("whoami", endpoint_of_server(server), env={"TERM": "xterm-256color"})
    assert "\x1b" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("form", [[], ["--json"], ["--short"], ["--help"]])
async def test_ends_well_when_its_reader_leaves(form: list[str]):
    async with serving("127.0.0.1") as server:
        reader, writer = os.pipe()
        os.close(reader)
        process = await asyncio.create_subprocess_exec(
            *STUNKIT,
            "whoami",
            *form,
            str(endpoint_of_server(server)),
            stdout=writer,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
        )
        os.close(writer)
        _, stderr = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, stderr) == (0, b"")


async def test_ends_with_130_when_it_is_interrupted():
    asked = asyncio.Event()

    def reply(_request, _source):
        asked.set()

    async with fake("127.0.0.1", reply) as server:
        process = await start("whoami", str(server))
        try:
            async with asyncio.timeout(PATIENCE):
                await asked.wait()
                process.send_signal(signal.SIGINT)
                stdout, stderr = await process.communicate()
        finally:
            await end(process)
    assert (process.returncode, stdout) == (130, b"")
    assert b"Traceback" not in stderr


async def test_watch_tells_of_each_change_and_runs_the_hook(tmp_path):
    seen = ["192.0.2.1", "192.0.2.1", "192.0.2.2"]
    told = tmp_path / "told"
    script = "import os; print(*(os.environ['STUNKIT_' + n] for n in ('FAMILY', 'OLD', 'NEW')))"
    hook = f"{shlex.join([sys.executable, '-c', script])} > {shlex.quote(str(told))}; exit 3"

    def reply(request, _source):
        address = seen.pop(0) if len(seen) > 1 else seen[0]
        return success(request, XorMappedAddress(Endpoint.of(address, 4000)))

    async with fake("127.0.0.1", reply) as server:
        options = ["--watch", "--interval", "1", "--exec", hook, "--short"]
        process = await start("whoami", *options, str(server))
        try:
            async with asyncio.timeout(PATIENCE):
                assert await process.stdout.readline() == b"192.0.2.1\n"
                assert not told.exists()  # the first answer is no change
                assert await process.stdout.readline() == b"192.0.2.2\n"
                line = await process.stderr.readline()
                process.send_signal(signal.SIGINT)
                stdout, _ = await process.communicate()
        finally:
            await end(process)
    assert line == b"stunkit: the command of --exec ended with status 3\n"
    assert told.read_text() == "ipv4 192.0.2.1 192.0.2.2\n"
    assert (process.returncode, stdout) == (130, b"")


async def on_a_terminal(*arguments: str, **env: str) -> tuple[int, str]:
    """Run ``stunkit`` on a terminal of its own; return its status and what it drew."""
    terminal, end_of_process = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *STUNKIT,
        *arguments,
        stdin=end_of_process,
        stdout=end_of_process,
        stderr=end_of_process,
        env=environment({"COLUMNS": "120", **env}),
    )
    os.close(end_of_process)
    drawn = await asyncio.wait_for(asyncio.to_thread(read_all, terminal), PATIENCE)
    os.close(terminal)
    return await asyncio.wait_for(process.wait(), PATIENCE), drawn


def read_all(terminal: int) -> str:
    drawn = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            piece = b""
        if not piece:
            return drawn.decode()
        drawn += piece


async def test_draws_in_colour_on_a_terminal():
    async with serving("127.0.0.1") as server:
        there = endpoint_of_server(server)
        status, drawn = await on_a_terminal("whoami", str(there), TERM="xterm-256color")
    assert status == 0
    assert "\x1b[" in drawn
    assert "The world sees you as 127.0.0.1 (IPv4)." in drawn
    assert str(there) in drawn


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "dumb", "NO_COLOR": "1"}])
async def test_draws_without_control_codes_on_a_dumb_terminal(env):
    async with serving("127.0.0.1") as server:
        there = endpoint_of_server(server)
        status, drawn = await on_a_terminal("whoami", str(there), **env)
    assert status == 0
    assert "\x1b" not in drawn
    assert "The world sees you as 127.0.0.1 (IPv4)." in drawn


async def test_draws_without_colour_when_none_is_wanted():
    async with serving("127.0.0.1") as server:
        there = endpoint_of_server(server)
        status, drawn = await on_a_terminal(
            "whoami", str(there), TERM="xterm-256color", NO_COLOR="1"
        )
    assert status == 0
    assert "\x1b[3" not in drawn  # bold and a moved cursor are no colours
    assert "\x1b[9" not in drawn


async def test_lets_no_server_draw_on_a_terminal():
    async with fake("127.0.0.1", refusing_with(420, "\x1b[2J\x07owned [red]x[/red]")) as server:
        status, drawn = await on_a_terminal("whoami", str(server), TERM="xterm-256color")
    assert status == 5
    assert "\x1b[2J" not in drawn
    assert "\x07" not in drawn
    assert r"\x1b[2J\x07owned [red]x[/red]" in drawn


async def test_json_on_a_terminal_is_json_and_nothing_else():
    async with serving("127.0.0.1") as server:
        there = endpoint_of_server(server)
        status, drawn = await on_a_terminal("whoami", "--json", str(there), TERM="xterm-256color")
    assert status == 0
    assert json.loads(drawn)["public"]["ipv4"] == "127.0.0.1"
    assert "\x1b" not in drawn
