"""`stunkit rehearse` as its users meet it."""

from __future__ import annotations

import json
import signal

import pytest

from tests.integration.command import stunkit
from tests.integration.rehearse_command import QUIET, rehearse
from tests.integration.server.web.calling import make_room, place_of, serving

pytestmark = pytest.mark.timeout(180)  # aiortc is imported slowly on a busy machine


async def test_two_terminals_chat_through_pipes_and_agree(tmp_path):
    report = tmp_path / "report.html"
    async with (
        serving() as server,
        rehearse("--server", place_of(server), "--report", str(report), *QUIET) as one,
    ):
        link = await one.until(r"http://\S+#\S+", "err")
        async with rehearse(link, "--json", *QUIET) as other:
            one.type("  exact \u00e4 text  \n")
            await other.until("  exact \u00e4 text  \n", "err")
            other.type("back\x1b[31m")
            other.process.stdin.close()
            await one.until(r"back\\x1b\[31m\n")
            one.process.send_signal(signal.SIGINT)
            assert (await one.end(), await other.end()) == (0, 0)
    document = json.loads(other.out)
    assert document["schema"] == "stunkit/rehearse/1"
    assert document["outcome"] == "direct"
    assert document["chat"] == {"sent": 1, "received": 1}
    assert document["end"] == "terminal"
    assert "The call connected directly." in one.out
    assert "chat             1 sent, 1 received" in one.out
    assert "Connected directly" in report.read_text()
    assert f"the report is in {report}" in one.err


async def test_redacted_document_has_no_address():
    async with serving() as server, rehearse("--server", place_of(server), *QUIET) as one:
        link = await one.until(r"http://\S+#\S+", "err")
        async with rehearse(link, "--json", "--redact", "--seconds", "20", *QUIET) as other:
            other.type("hello\n")
            await one.until("hello\n")
            one.process.send_signal(signal.SIGINT)
            assert await other.end() == 0
    document = json.loads(other.out)
    addresses = {one["address"] for one in document["candidates"]}
    assert addresses
    assert all(address.endswith(".invalid") for address in addresses)


async def test_nobody_comes():
    async with serving() as server:
        place = place_of(server)
        found = await stunkit(
            "rehearse", "--seconds", "0.2", env={"STUNKIT_SERVER": f"http://{place}"}
        )
    assert found.status == 6
    assert "Nobody came to the other end." in found.stdout
    assert f"http://{place}/rehearse#" in found.stderr


async def test_says_what_it_has_seen_though_the_report_cannot_be_written():
    async with serving() as server:
        place = place_of(server)
        found = await stunkit(
            *("rehearse", "--seconds", "0.2", "--json", "--report", "/dev/full"),
            env={"STUNKIT_SERVER": f"http://{place}"},
        )
    assert json.loads(found.stdout)["outcome"] == "unknown"
    assert "no space left on device" in found.stderr


async def test_no_such_room_and_a_full_one():
    async with serving() as server:
        place = place_of(server)
        found = await stunkit("rehearse", f"http://{place}/rehearse#none")
        assert found.said == (5, "stunkit: no-such-room: there is no such room\n")
        link = f"http://{place}/rehearse#{await make_room(place)}"
        async with rehearse(link, *QUIET) as one, rehearse(link, *QUIET) as other:
            await one.until("connected", "err")
            await other.until("connected", "err")
            found = await stunkit("rehearse", link)
            assert found.said == (5, "stunkit: full: both seats are taken\n")


async def test_no_server():
    async with serving() as server:
        place = place_of(server)
    found = await stunkit("rehearse", "--server", place)
    assert found.status == 4
    assert found.stderr.startswith(f"stunkit: http://{place}: ")
    assert found.stderr.count("\n") == 1
