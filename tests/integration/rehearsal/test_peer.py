"""One connection: who offers, what is ignored, and what the other end may say."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stunkit.call.rehearsal import Progress
from stunkit.rehearsal.media import Sink, Sources
from stunkit.rehearsal.peer import CHECK_TIMEOUT, MOST_CANDIDATES, Handlers, Peer
from stunkit.rehearsal.servers import Chosen
from stunkit.signal.client import Heard, Session
from stunkit.signal.message import Kind
from tests.signalling import sdp_of

PATIENCE = 20.0  # seconds
ODD = [
    "v=0\r\n",
    sdp_of(1),
    "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
    "v=0\r\nm=audio\r\n",
    "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n",
    "v=0\r\na=group:BUNDLE 9\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=fingerprint:x\r\n",
]


class End:
    """A peer, and what it has said."""

    def __init__(self, *, polite: bool, sources: Sources | None = None) -> None:
        self.said: list[Heard] = []
        self.heard: list[str] = []
        self.restarts = 0
        self.sink = Sink()
        session = Session(1, polite, has_peer=True)
        tracks = (sources or Sources()).tracks()
        handlers = Handlers(self._say, lambda: None, self.heard.append, self._restart)
        self.peer = Peer(session, Chosen(), tracks, self.sink, handlers)

    def _say(self, kind: Kind, content: dict[str, Any]) -> None:
        self.said.append(Heard(1, kind, content))

    def _restart(self) -> None:
        self.restarts += 1

    async def tell(self, kind: str, **content: Any) -> None:
        await self.peer.hear(Heard(1, Kind(kind), content))

    async def give(self, other: End) -> None:
        """Say to another what there is to say."""
        said, self.said = self.said, []
        for one in said:
            await other.peer.hear(one)


@asynccontextmanager
async def two(sources: Sources | None = None):
    ends = End(polite=False, sources=sources), End(polite=True, sources=sources)
    try:
        yield ends
    finally:
        for end in ends:
            end.sink.stop()
            await end.peer.close()


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (what it looks at has no event)
            await asyncio.sleep(0.02)


async def connect(one: End, other: End) -> None:
    await one.peer.begin()
    await other.peer.begin()
    await one.give(other)
    await other.give(one)
    await until(lambda: one.peer.can_chat and other.peer.can_chat)


@pytest.mark.parametrize(
    "sources", [Sources(), Sources(has_audio=False), Sources(has_video=False, has_audio=False)]
)
async def test_the_impolite_one_offers_and_they_connect(sources):
    async with two(sources) as (one, other):
        await one.peer.begin()
        await other.peer.begin()
        assert [heard.kind for heard in one.said] == ["offer", "end-of-candidates"]
        assert other.said == []
        await one.give(other)
        assert [heard.kind for heard in other.said] == ["answer", "end-of-candidates"]
        await other.give(one)
        await until(lambda: one.peer.can_chat and other.peer.can_chat)
        one.peer.send("hello")
        await until(lambda: other.heard == ["hello"])
        for peer in (one.peer, other.peer):
            peer.look(0.0)
            assert peer.progress is Progress.CONNECTED
            assert peer.pair is not None
            assert peer.knows_remote
            assert not peer.problems


async def test_an_offer_at_the_same_time_is_ignored_with_its_candidates():
    async with two() as (one, other), two() as (third, _):
        await one.peer.begin()
        await third.peer.begin()  # as a browser that is polite would, too
        await third.give(one)
        assert one.said[0].kind == "offer"
        candidate = "candidate:1 1 udp 2130706431 10.9.9.9 5000 typ host"
        member = {"candidate": candidate, "sdpMid": "0", "usernameFragment": "odd"}
        await one.tell("candidate", candidate=member)
        await one.give(other)
        await other.give(one)
        await until(lambda: one.peer.can_chat)
        assert not one.peer.problems
        assert "10.9.9.9" not in {spot.address for spot in one.peer.remote}


async def test_candidates_that_come_one_by_one():
    async with two() as (one, other):
        await one.peer.begin()
        sdp = one.said[0].content["sdp"]
        lines = sdp.split("\r\n")
        trickled = [line for line in lines if line.startswith("a=candidate")]
        rest = [line for line in lines if line not in (*trickled, "a=end-of-candidates")]
        await other.tell("offer", sdp="\r\n".join(rest))
        assert not other.peer.knows_remote
        for line in trickled:
            member = {"candidate": line[2:], "sdpMid": "0", "sdpMLineIndex": 0}
            await other.tell("candidate", candidate=member)
        await other.tell("end-of-candidates")
        assert other.peer.knows_remote
        await other.give(one)
        await until(lambda: one.peer.can_chat and other.peer.can_chat)
        assert {spot.address for spot in other.peer.remote} == {"127.0.0.1"}


async def test_an_offer_that_restarts_ice_is_a_wish_for_a_session():
    async with two() as (one, other), two() as (third, _):
        await connect(one, other)
        await third.peer.begin()
        await other.tell("offer", sdp=third.said[0].content["sdp"])
        assert other.restarts == 1
        assert other.peer.progress is Progress.CONNECTED


async def test_an_answer_to_nothing_is_ignored():
    async with two() as (one, other):
        await other.tell("answer", sdp=sdp_of(1))
        await other.tell("end-of-candidates")
        assert not other.peer.problems
        assert one.peer.progress is Progress.NEGOTIATING


@pytest.mark.parametrize("sdp", ODD)
@pytest.mark.parametrize("polite", [True, False])
async def test_odd_descriptions_are_told_and_break_nothing(sdp, polite):
    end = End(polite=polite)
    await end.peer.begin()
    await end.tell("answer" if not polite else "offer", sdp=sdp)
    member = {"candidate": "candidate:1 1 tcp 1 nowhere.local 9 typ host", "sdpMid": "9"}
    await end.tell("candidate", candidate=member)
    await end.tell("end-of-candidates")
    await end.peer.close()
    assert all("could not be used" in problem for problem in end.peer.problems)


async def test_too_many_candidates_are_refused():
    async with two() as (one, other):
        await one.peer.begin()
        sdp = one.said[0].content["sdp"]
        more = "".join(
            f"a=candidate:1 1 udp 1 10.1.1.1 {port} typ host\r\n"
            for port in range(1, MOST_CANDIDATES + 2)
        )
        await other.tell("offer", sdp=sdp + more)
        assert "over 100 candidates" in other.peer.problems[0]
        await one.give(other)
        for port in range(1, 2 * MOST_CANDIDATES):
            candidate = f"candidate:1 1 udp 1 127.0.0.1 {port} typ host"
            await other.tell("candidate", candidate={"candidate": candidate, "sdpMid": "0"})
        assert len(other.peer.remote) <= MOST_CANDIDATES


async def test_a_connection_that_ends_is_broken():
    async with two() as (one, other):
        await connect(one, other)
        await one.peer.close()
        await until(lambda: other.peer.is_broken)
        assert other.peer.progress is Progress.CONNECTED


async def test_binary_chat_is_nothing():
    async with two() as (one, other):
        await connect(one, other)
        one.peer._chat.send(b"\x00\x01")
        one.peer.send("text")
        await until(lambda: other.heard)
        assert other.heard == ["text"]
        assert one.peer.unsent == 0


async def test_checks_that_lead_nowhere_have_failed_after_a_while():
    async with two() as (one, other):
        changes: list[Progress] = []
        one.peer._handlers = one.peer._handlers._replace(
            changed=lambda: changes.append(one.peer.progress)
        )
        await one.peer.begin()
        await one.give(other)
        lines = other.said[0].content["sdp"].split("\r\n")
        sdp = "\r\n".join(line for line in lines if not line.startswith("a=candidate"))
        await other.peer.close()
        await one.tell("answer", sdp=sdp.replace("a=end-of-candidates\r\n", ""))
        candidate = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
        await one.tell("candidate", candidate={"candidate": candidate, "sdpMid": "0"})
        await until(lambda: one.peer.progress is Progress.CHECKING)
        one.peer.look(0.0)
        one.peer.look(2 * CHECK_TIMEOUT)
        assert one.peer.progress is Progress.CHECKING, "there may be more candidates"
        await one.tell("end-of-candidates")
        one.peer.look(100.0)
        one.peer.look(99.0 + CHECK_TIMEOUT)
        assert one.peer.progress is Progress.CHECKING
        one.peer.look(100.0 + CHECK_TIMEOUT)
        assert one.peer.progress is changes[-1] is Progress.FAILED


async def test_a_path_without_keys_is_no_failure_of_the_checks():
    async with two() as (one, other):
        await one.peer.begin()
        await one.give(other)
        sdp = re.sub(r"(a=fingerprint:\S+) \S+", _wrong, other.said[0].content["sdp"])
        await one.tell("answer", sdp=sdp)
        await one.tell("end-of-candidates")
        await until(lambda: one.peer.progress is Progress.UNKEYED)
        one.peer.look(0.0)
        one.peer.look(2 * CHECK_TIMEOUT)
        assert one.peer.progress is Progress.UNKEYED
        assert one.peer.has_failed


def _wrong(fingerprint: re.Match[str]) -> str:
    size = fingerprint[0].count(":")
    return f"{fingerprint[1]} {':'.join(['00'] * size)}"


async def test_checks_that_worked_have_not_failed_when_keys_do_not_come():
    async with two() as (one, other):
        await connect(one, other)
        one.peer.progress = Progress.CHECKING  # as if DTLS were still under way
        one.peer.look(0.0)
        one.peer.look(2 * CHECK_TIMEOUT)
        assert one.peer.progress is Progress.UNKEYED
