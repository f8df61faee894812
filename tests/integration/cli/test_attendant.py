"""The robot of `stunkit rehearse --answer`."""

from __future__ import annotations

import json
import re
import signal

import pytest

from tests.integration.rehearse_command import QUIET, rehearse
from tests.integration.server.web.calling import make_room, place_of, serving

pytestmark = pytest.mark.timeout(180)  # aiortc is imported slowly on a busy machine


async def test_robot_prints_links_and_lines():
    async with (
        serving() as server,
        rehearse("--answer", "--server", place_of(server), "--json", *QUIET) as robot,
    ):
        await robot.until('"kind": "room"')
        link = json.loads(robot.out)["link"]
        async with rehearse(link, *QUIET) as visitor:
            visitor.type("hello\n")
            await visitor.until("echo: hello\n")
            visitor.process.send_signal(signal.SIGINT)
            assert await visitor.end() == 0
        await robot.until('"kind": "rehearsal".*\n')
        robot.type("nonsense\n")
        await robot.until("is not the link to a room", "err")
        robot.process.send_signal(signal.SIGINT)
        assert await robot.end() == 0
    room, again, rehearsal = (json.loads(line) for line in robot.out.splitlines())
    assert (room["kind"], again["kind"], rehearsal["kind"]) == ("room", "room", "rehearsal")
    assert rehearsal["link"] == link
    assert rehearsal["outcome"] == "direct"


async def test_robot_takes_links_from_a_pipe_and_ends_with_it():
    async with serving() as server:
        place = place_of(server)
        link = f"http://{place}/rehearse#{await make_room(place)}"
        async with rehearse("--answer", link, *QUIET) as robot:
            robot.process.stdin.close()
            async with rehearse(link, *QUIET) as visitor:
                visitor.type("hello\n")
                await visitor.until("echo: hello\n")
                visitor.process.send_signal(signal.SIGINT)
                assert await visitor.end() == 0
            assert await robot.end() == 0
    assert re.fullmatch(r"direct +\S+Z  \d+ s  .* \(host\) - .* \(host\).*\n", robot.out)
