"""``stunkit check`` as its users meet it."""

import asyncio
import json
import os
import pty
import sys
from xml.etree.ElementTree import fromstring

import pytest

from stunkit.conformance.catalogue import CASES
from stunkit.wire.attributes.address import XorMappedAddress
from tests.integration.command import PATIENCE, STUNKIT, environment, stunkit
from tests.integration.loopback import endpoint_of_server, fake, serving, silent, success

SOME = ("--only", "answer", "--only", "unknown-required")


def obliging(request, source):
    """Answer every request with where it came from, whatever else it says."""
    return success(request, XorMappedAddress(source)) if request.is_request else None


async def test_our_server_breaks_no_must():
    async with serving("127.0.0.1") as server:
        ended = await stunkit("check", endpoint_of_server(server), *SOME)
    assert (ended.status, ended.stderr) == (0, "")
    sentence, _, headings, *rows = ended.stdout.splitlines()
    assert sentence == (
        f"stun:{endpoint_of_server(server)} breaks no MUST: 23 pass, 0 fail, 0 unknown, 0 skip."
    )
    assert headings.split() == ["UDP", "IPv4", "TCP", "IPv4"]
    assert rows[0].split() == ["answer", "12", "pass", "9", "pass"]
    assert "\x1b" not in ended.stdout


async def test_a_broken_must_is_told_in_full_and_in_the_status():
    async with fake("127.0.0.1", obliging) as server:
        ended = await stunkit("check", f"stun:{server}?transport=udp", *SOME)
    assert (ended.status, ended.stderr) == (5, "")
    assert "breaks a MUST in unknown-required:" in ended.stdout
    block = ended.stdout[ended.stdout.index("MUST unknown-required, UDP IPv4") :].splitlines()
    assert block[1].split(maxsplit=1)[1].endswith("with 420 (RFC 8489 section 6.3.1)")
    assert block[2].split(maxsplit=1) == ["found", "answered with a success, not with error 420"]
    assert block[3].split(maxsplit=1)[1].startswith("Binding request (0x7F53): 000100042112a442")
    assert block[4].split(maxsplit=1)[1].startswith("Binding success response (XOR-MAPPED")


async def test_json_keeps_the_contract():
    async with fake("127.0.0.1", obliging) as server:
        ended = await stunkit("check", f"stun:{server}?transport=udp", "--json", *SOME)
    assert (ended.status, ended.stderr) == (5, "")
    document = json.loads(ended.stdout)
    assert document["schema"] == "stunkit/check/1"
    assert set(document["summary"]) == {"pass", "fail", "unknown", "skip"}
    assert sum(document["summary"].values()) == len(document["cases"])
    for case in document["cases"]:
        assert {"id", "cite", "level", "outcome", "why", "sent", "received"} <= set(case)
        bytes.fromhex(case["sent"])
    (wrong,) = (case for case in document["cases"] if case["outcome"] == "fail")
    assert wrong["id"] == "unknown-required"
    assert bytes.fromhex(wrong["received"])[:2] == b"\1\1"


async def test_junit_goes_to_a_file_or_alone_to_stdout(tmp_path):
    file = tmp_path / "result.xml"
    async with fake("127.0.0.1", obliging) as server:
        name = f"stun:{server}?transport=udp"
        ended = await stunkit("check", name, "--junit", file, *SOME)
        alone = await stunkit("check", name, "--junit", "-", *SOME)
    assert ended.status == alone.status == 5
    assert ended.stdout.startswith("stun:")
    for text in (file.read_text("utf-8"), alone.stdout):
        assert fromstring(text.encode()).get("failures") == "1"


async def test_verbose_prints_every_case():
    async with serving("127.0.0.1") as server:
        name = f"stun:{endpoint_of_server(server)}?transport=udp"
        ended = await stunkit("check", name, "-v", "--only", "answer")
    wanted = [case.id for case in CASES if case.group == "answer"]
    assert [name for name in wanted if f" {name} " not in ended.stdout] == []


async def test_list_prints_the_cases_and_asks_nobody():
    ended = await stunkit("check", "--list")
    assert ended.status == 0
    assert [case.id for case in CASES if f"\n{case.id} (" not in f"\n{ended.stdout}"] == []
    one = await stunkit("check", "--list", "--only", "indication")
    assert one.stdout.count("MUST, RFC") == 1


async def test_nobody_is_a_status_of_its_own():
    with silent("127.0.0.1") as nobody:
        name = f"stun:{nobody}?transport=udp"
        ended = await stunkit("check", name, "--timeout", "1")
    assert (ended.status, ended.stderr) == (4, "")
    assert ended.stdout.startswith("Nobody answers at stun:127.0.0.1:")


async def test_the_server_may_stand_in_the_environment():
    async with serving("127.0.0.1") as server:
        env = {"STUNKIT_SERVER": f"stun:{endpoint_of_server(server)}"}
        ended = await stunkit("check", "--only", "binding", env=env)
    assert ended.status == 0


async def test_closed_servers_are_let_in_to(tmp_path):
    password = tmp_path / "password"
    password.write_text("secret\n", "utf-8")
    async with serving("127.0.0.1") as server:
        choices = ["--username", "me", "--password-file", password, "--only", "login"]
        ended = await stunkit("check", endpoint_of_server(server), "--json", *choices)
    assert ended.status == 0
    assert json.loads(ended.stdout)["summary"]["fail"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name one server, as SERVER or in STUNKIT_SERVER."),
        (["--only", "clasic", "x"], "'clasic' is not a case or a group"),
        (["127.0.0.1", "--json", "--junit", "-"], "exclude each other"),
        (["127.0.0.1", "--username", "me"], "--username and --password-file go together."),
        (["turn:127.0.0.1"], "names a relay"),
        (["127.0.0.1:99999"], "is not a port"),
        (["stuns:127.0.0.1", "--ca", "/nowhere"], "no such file or directory"),
    ],
)
async def test_bad_input_gets_one_sentence(arguments, words):
    ended = await stunkit("check", *arguments)
    assert ended.status == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


async def test_a_file_that_cannot_be_written_is_named():
    async with serving("127.0.0.1") as server:
        name = f"stun:{endpoint_of_server(server)}?transport=udp"
        ended = await stunkit("check", name, "--only", "binding", "--junit", "/nowhere/x.xml")
    assert ended.status == 2
    assert "'/nowhere/x.xml' is not a file to write to" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
async def test_terminal_gets_a_bar_and_colour():
    master, slave = pty.openpty()
    async with fake("127.0.0.1", obliging) as server:
        process = await asyncio.create_subprocess_exec(
            *STUNKIT,
            "check",
            f"stun:{server}?transport=udp",
            *SOME,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment({"TERM": "xterm-256color", "COLUMNS": "100"}),
        )
        os.close(slave)
        drawn = await asyncio.wait_for(asyncio.to_thread(read_all, master), PATIENCE)
        assert await process.wait() == 5
    assert "checking" in drawn
    assert "\x1b[31m" in drawn


def read_all(master):
    parts = []
    try:
        while part := os.read(master, 4096):
            parts.append(part)
    except OSError:  # the other end is closed
        pass
    os.close(master)
    return b"".join(parts).decode()
