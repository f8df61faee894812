"""Rehearsals between two terminals, through a real server of ours."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from stunkit.call.rehearsal import Progress, judge
from stunkit.errors import Unreachable
from stunkit.net.signalling import Signalling, make_room
from stunkit.rehearsal import rehearsing
from stunkit.rehearsal.media import Sources
from stunkit.rehearsal.rehearsing import (
    MOST_LINE,
    MOST_WAITING,
    Rehearsing,
    Remark,
    Said,
    Stage,
)
from stunkit.rehearsal.wishes import Wishes
from stunkit.signal.client import Session
from stunkit.signal.fault import Fault
from stunkit.signal.link import RoomLink, Website
from tests.integration.server.web.calling import place_of, serving

PATIENCE = 30.0  # seconds
SILENT = Wishes(Sources(has_video=False, has_audio=False))


@asynccontextmanager
async def room_on_a_server():
    async with serving() as server:
        yield (await make_room(Website.parse(place_of(server)))).link


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (what it looks at has no event)
            await asyncio.sleep(0.02)


class End:
    """One end of a rehearsal, and what it is told."""

    def __init__(self, link: RoomLink, wishes: Wishes = SILENT) -> None:
        self.news: list[rehearsing.News] = []
        self.rehearsing = Rehearsing(link, wishes, self.news.append)
        self.task = asyncio.ensure_future(self.rehearsing.run())

    @property
    def stages(self) -> list[Progress]:
        return [one.progress for one in self.news if isinstance(one, Stage)]

    @property
    def heard(self) -> list[str]:
        return [one.text for one in self.news if isinstance(one, Said) and not one.is_ours]

    @property
    def remarks(self) -> list[str]:
        return [one.text for one in self.news if isinstance(one, Remark)]

    @property
    def is_connected(self) -> bool:
        return self.stages[-1:] == [Progress.CONNECTED]

    async def seen(self):
        async with asyncio.timeout(PATIENCE):
            return await self.task


async def test_two_terminals_see_and_hear_each_other(monkeypatch):
    monkeypatch.setattr(rehearsing, "LOOK", 0.2)
    async with room_on_a_server() as link:
        one = End(link, Wishes())
        one.rehearsing.chat("said before anybody was there")
        await until(lambda: one.stages)
        other = End(link, Wishes(agent="the other"))
        ends = (one, other)
        await until(lambda: all(end.rehearsing.sink.picture for end in ends))
        before = [end.rehearsing.sink.picture.frames_decoded for end in ends]
        await until(
            lambda: all(
                end.rehearsing.sink.picture.frames_decoded > count + 5
                for end, count in zip(ends, before, strict=True)
            )
        )
        await until(lambda: all(end.rehearsing.meter.rtts for end in ends))
        other.rehearsing.chat("  exact text \u00e4 ")
        await until(lambda: one.heard and other.heard)
        other.rehearsing.end()
        seen = [await end.seen() for end in ends]
    assert (one.heard, other.heard) == (["  exact text \u00e4 "], ["said before anybody was there"])
    assert one.stages[0] is Progress.WAITING
    assert other.stages[0] is Progress.NEGOTIATING
    for end in seen:
        assert judge(end).outcome == "direct"
        assert (end.pair.local.type, end.pair.remote.type) == ("host", "host")
        assert end.pair.local.address == "127.0.0.1"
        assert end.knows_remote
        assert end.connected_after > 0
        assert end.problems == ()
        figures = end.figures
        assert (figures.video.width, figures.video.height) == (384, 216)
        assert (figures.chat_sent, figures.chat_received) == (1, 1)
        assert figures.kbps.sent > 10
        assert figures.kbps.received > 10
        assert figures.loss.received == 0.0
        assert figures.jitters
    assert seen[1].agent == "the other"


async def test_nobody_comes():
    async with room_on_a_server() as link:
        seen = await End(link, replace(SILENT, seconds=0.3)).seen()
    assert seen.progress is Progress.WAITING
    assert judge(seen).outcome == "unknown"


async def test_ends_so_long_after_somebody_came():
    async with room_on_a_server() as link:
        one = End(link, replace(SILENT, call_seconds=0.5))
        await until(lambda: one.stages)
        other = End(link)
        seen = await one.seen()
        assert one.rehearsing.has_met
        assert (await other.seen()).pair == seen.pair._replace(
            local=seen.pair.remote, remote=seen.pair.local
        )


async def test_no_room():
    async with room_on_a_server() as link:
        end = End(link._replace(room="none"))
        seen = await end.seen()
    assert seen.progress is Progress.WAITING
    assert end.rehearsing.over.fault is Fault.NO_SUCH_ROOM
    assert not end.rehearsing.has_met


async def test_no_server():
    async with room_on_a_server() as link:
        pass
    with pytest.raises(Unreachable):
        await End(link).seen()


async def test_a_peer_that_reloads_is_met_again():
    async with room_on_a_server() as link:
        one = End(link)
        await until(lambda: one.stages)
        other = End(link)
        await until(lambda: one.is_connected and other.is_connected)
        first = other.rehearsing.peer.session.number
        other.rehearsing.peer._handlers.restart()
        await until(lambda: other.rehearsing.peer.session.number > first and other.is_connected)
        await until(lambda: one.is_connected)
        one.rehearsing.chat("again")
        await until(lambda: other.heard == ["again"])
        one.rehearsing.end()
        seen = [await end.seen() for end in (one, other)]
    assert [judge(end).outcome for end in seen] == ["direct", "direct"]


async def test_a_connection_that_breaks_is_mended(monkeypatch):
    monkeypatch.setattr(rehearsing, "COURTESY", 0.1)
    async with room_on_a_server() as link:
        one = End(link)
        await until(lambda: one.stages)
        other = End(link)
        await until(lambda: one.is_connected and other.is_connected)
        first = one.rehearsing.peer.session.number
        await one.rehearsing.peer.pc.sctp.transport.transport._connection.close()
        await until(lambda: one.rehearsing.peer.session.number > first and one.is_connected)
        one.rehearsing.end()
        seen = await one.seen()
        await other.seen()
    assert "The connection broke." in seen.problems
    assert judge(seen).outcome == "direct"


async def test_checks_that_all_fail_are_a_blocked_call(monkeypatch):
    from aioice import stun

    monkeypatch.setattr(stun, "RETRY_MAX", 1)
    monkeypatch.setattr(stun, "RETRY_RTO", 0.05)
    monkeypatch.setattr(rehearsing, "GRACE", 0.3)
    async with room_on_a_server() as link:
        one = End(link)
        await until(lambda: one.stages)
        # somebody who tells of a place where nobody is, and stays
        async with Signalling(link) as line:
            events = aiter(line)
            while not isinstance(event := await anext(events), Session):
                pass
            while getattr(heard := await anext(events), "kind", "") != "offer":
                pass
            line.say(event.number, "answer", {"sdp": await answer_to(heard.content["sdp"])})
            line.say(event.number, "end-of-candidates")
            await until(lambda: one.stages[-1] is Progress.FAILED)
        seen = await one.seen()  # that the other has left by now does not matter
    assert seen.progress is Progress.FAILED
    assert judge(seen).outcome == "blocked"


async def answer_to(offer: str) -> str:
    """Return an answer whose only candidate is a closed port."""
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await pc.setLocalDescription()
    sdp = pc.localDescription.sdp
    await pc.close()
    return sdp


async def test_chat_has_its_limits():
    async with room_on_a_server() as link:
        end = End(link)
        end.rehearsing.chat("x" * (MOST_LINE + 1))
        for _ in range(MOST_WAITING + 2):
            end.rehearsing.chat("y")
        end.rehearsing.end()
        await end.seen()
    assert len(end.remarks) == 2
    assert len(end.rehearsing.waiting) == MOST_WAITING
