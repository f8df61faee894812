"""A peer that says more than anybody should: memory stays bounded, and others are heard."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from stunkit.signal.message import Join
from stunkit.signal.room import Room
from tests.integration.command import serve
from tests.integration.server.web.calling import Client, calling, make_room, meet

MANY = 300_000  # messages
RATE = 50.0  # messages a second that a room lets through; see Limits
MOST_GROWTH = 20_000_000  # bytes
SECONDS = 4.0
MOST_DELAY = 2.0  # seconds, on a busy machine


def memory_of(pid: int) -> int:
    """Return how many bytes of a process are in memory."""
    (line,) = [
        one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in one
    ]
    return int(line.split()[1]) * 1024


@pytest.mark.timeout(300)
def test_messages_to_who_never_hears_them_are_not_kept():
    room = Room(0.0)
    room.join("bad", Join("r"), "1", 0.0)
    room.join("deaf", Join("r"), "2", 0.0)
    heads = [
        '{"type":"end-of-candidates","session":2,"seq":',
        '{"type":"end-of-candidates","session":1,"seq":',  # of a session that is over
    ]
    room.sends()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    passed = 0
    for number in range(1, MANY + 1):
        room.receive("bad", f"{heads[number % 8 == 0]}{number}}}", number / RATE)
        passed += len(room.sends())
        room.events()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert passed == MANY * 7 // 8
    assert len(room.seats[1].kept) == room.limits.kept_messages
    assert room.kept_characters <= room.limits.kept_characters
    assert grown * (1 if sys.platform == "darwin" else 1024) < MOST_GROWTH


class Flooder:
    """Says what it can, and comes back whenever it is thrown out."""

    def __init__(self, place: str, room: str) -> None:
        self.said = 0
        self.ended = 0
        self._url = f"ws://{place}/signal"
        self._join = {"type": "join", "version": 1, "room": room, "token": "x" * 22}

    async def run(self, session: aiohttp.ClientSession) -> None:
        while True:
            async with session.ws_connect(self._url, max_msg_size=0) as socket:
                try:
                    await socket.send_json(self._join)
                    current = (await socket.receive_json())["session"]
                    for number in range(10_000):
                        text = {"type": "end-of-candidates", "session": current, "seq": number + 1}
                        await socket.send_json(text)
                        self.said += 1
                except (ConnectionError, aiohttp.ClientError, TypeError, KeyError):
                    pass
                self.ended += 1


async def exchange(one: Client, other: Client, end: float) -> list[float]:
    """Have one say something to the other again and again; return how long each took."""
    delays = []
    while (began := time.monotonic()) < end:
        await one.candidate()
        await other.until("candidate")
        delays.append(time.monotonic() - began)
        await asyncio.sleep(0.025)  # the rate that a room allows
    return delays


@pytest.mark.alone
async def test_a_flood_over_sockets_holds_nobody_up():
    async with serve("127.0.0.1:0", options=("--web", "127.0.0.1:0", "--user", "root")) as server:
        (line,) = [one for one in server.lines if one.startswith("signalling on ws://")]
        place = line.split("/")[2]
        quiet, loud = await make_room(place), await make_room(place)
        async with (
            calling(place, place, place) as (one, other, victim),
            aiohttp.ClientSession() as s,
        ):
            await meet(one, other, quiet)
            await victim.join(loud)
            before = await asyncio.to_thread(memory_of, server.process.pid)
            flooder = Flooder(place, loud)
            flood = asyncio.create_task(flooder.run(s))
            hearing = asyncio.create_task(victim.end())
            delays = await exchange(one, other, time.monotonic() + SECONDS)
            flood.cancel()
            hearing.cancel()
            await asyncio.gather(flood, hearing, return_exceptions=True)
            after = await asyncio.to_thread(memory_of, server.process.pid)
        assert flooder.ended > 1
        assert flooder.said > 1_000
        assert after - before < MOST_GROWTH
        assert max(delays) < MOST_DELAY
