"""``stunkit fuzz`` as its users meet it."""

import json
from pathlib import Path

import pytest

from stunkit.fuzz.stand import StunServer
from tests.integration.command import stunkit
from tests.integration.fuzz.servers import planted
from tests.integration.loopback import silent

BROKEN = "tests.integration.fuzz.broken"
SOME = ("--guide", "random", "--count", 3000, "--seed", 1)
ENV = {"COLUMNS": "100"}


async def test_a_parser_that_raises_is_status_5_and_a_table(tmp_path: Path):
    ended = await stunkit("fuzz", "--parser", f"{BROKEN}:raises", *SOME, "--folder", tmp_path)
    assert ended.said == (5, "")
    assert "3,000 inputs, and 1 class of failure" in ended.stdout
    assert "at random, mutated, seed 1" in ended.stdout
    assert "0000000c2112a442000000000000000000000000" in ended.stdout
    again = await stunkit("fuzz", "--replay", tmp_path / "exception-1.json")
    assert again.status == 5
    assert "fails with KeyError at broken.py" in again.stdout


async def test_a_parser_that_is_right_is_status_0():
    name = f"{BROKEN}:strict"
    ended = await stunkit("fuzz", "--parser", name, "--expect", "ValueError", *SOME, "--json")
    assert ended.said == (0, "")
    document = json.loads(ended.stdout)
    assert document["schema"] == "stunkit/fuzz/1"
    assert document["target"] == {"kind": "parser", "name": name}
    assert (document["executions"], document["guide"]) == (3000, "random")
    assert document["findings"] == []
    assert document["coverage"] is None


@pytest.mark.timeout(120)
async def test_coverage_follows_the_packages_that_are_named():
    pytest.importorskip("atheris")
    few = ("--guide", "atheris", "--count", 300, "--seed", 1, "--json")
    name = "tests.harness:decode"
    alone, whole = [
        json.loads((await stunkit("fuzz", "--parser", name, *few, *more)).stdout)["coverage"]
        for more in ((), ("--package", "stunkit", "--package", "tests"))
    ]
    assert whole > 3 * alone


async def test_a_server_that_is_right_is_status_0():
    with StunServer() as server:
        ended = await stunkit("fuzz", "--server", server.uri, "--count", 500, "--json")
    assert ended.said == (0, "")
    document = json.loads(ended.stdout)
    assert document["executions"] == 500
    assert document["answers"] > 50


@pytest.mark.timeout(120)
async def test_a_server_that_lies_is_status_5(tmp_path: Path):
    with planted("lies") as server:
        await stunkit("fuzz", "--server", server.uri, "--count", 1, "--timeout", 5)
        more = ("--seed", 3, "--rate", 5000, "--timeout", 0.3, "--folder", tmp_path)
        ended = await stunkit("fuzz", "--server", server.uri, *more, "--json")
    assert ended.said == (5, "")
    (finding,) = json.loads(ended.stdout)["findings"]
    assert finding["kind"] == "wrong"
    assert finding["reproducer"].startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ((), 2, "Give one of --parser, --server and --replay."),
        (("--parser", "a:b", "--server", "x"), 2, "Give one of"),
        (("--parser", "no.such:thing"), 2, "is not a parser: No module named 'no'"),
        (("--parser", "json:loads", "--expect", "Nonsense"), 2, "is not an exception"),
        (("--server", "stun:198.51.100.1:3478"), 2, "--mine says that it is yours"),
        (("--server", "stun:127.0.0.1", "--resume"), 2, "--resume needs the --folder"),
        (("--replay", "/no/such/file"), 2, "no such file"),
    ],
)
async def test_what_makes_no_sense_is_one_sentence(
    arguments: tuple[str, ...], status: int, reason: str
):
    ended = await stunkit("fuzz", *arguments)
    assert ended.status == status
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_nobody_at_the_start_is_status_4():
    with silent("127.0.0.1") as server:
        ended = await stunkit("fuzz", "--server", f"stun:{server}", "--timeout", 0.05)
    assert ended.status == 4
    assert "no answer" in ended.stderr
