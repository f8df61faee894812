"""A rehearsal under way: a seat in a room, a peer for each session, and what becomes of it.

Rules of this file: nothing that the other end does raises out of ``run``. What is known at the end
is in the ``Rehearsal`` that it returns; the best session counts, and of equals the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from stunkit.call.rehearsal import Progress, Rehearsal
from stunkit.net.signalling import Signalling
from stunkit.rehearsal.media import Sink
from stunkit.rehearsal.meter import Meter, Sample
from stunkit.rehearsal.peer import Handlers, Peer
from stunkit.rehearsal.servers import choose
from stunkit.rehearsal.trial import settle
from stunkit.rehearsal.wishes import Wishes, require
from stunkit.signal.client import Event, Heard, Over, PeerChanged, Session
from stunkit.signal.link import RoomLink
from stunkit.signal.message import PeerState

LOOK = 1.0  # seconds between two looks at the figures
MOST_RENEWALS = 3  # new sessions that this end begins, after a connection broke
COURTESY = 5.0  # seconds that a polite end leaves to the other to do so
GRACE = 5.0  # seconds that the other end has to come to the same end
FLUSH = 2.0  # seconds that the last of the chat has to leave
MOST_LINE = 16_384  # bytes of a line of chat: what every browser takes in one message
MOST_PROBLEMS = 20
MOST_WAITING = 100  # lines of chat, until there is a channel

# What is known of a call, the least first: of several sessions, the one that knows most counts.
_RANK = (
    Progress.WAITING,
    Progress.NEGOTIATING,
    Progress.CHECKING,
    Progress.FAILED,
    Progress.UNKEYED,
    Progress.CONNECTED,
).index
_WORDS = {
    Progress.WAITING: "waiting for somebody at the other end",
    Progress.NEGOTIATING: "exchanging offer and answer",
    Progress.CHECKING: "checking which candidates reach each other",
    Progress.CONNECTED: "connected",
    Progress.FAILED: "no pair of candidates works",
    Progress.UNKEYED: "a path is found, but the two do not agree on keys",
}


class Stage(NamedTuple):
    """How far it has come now."""

    progress: Progress
    text: str


class Said(NamedTuple):
    """A line of chat."""

    is_ours: bool
    text: str


class Remark(NamedTuple):
    """Something that went wrong, or that one may want to know."""

    text: str


News = Stage | Said | Remark | Sample


class Rehearsing:
    """One rehearsal. ``run`` once; ``end`` and ``chat`` while it runs, on its loop."""

    def __init__(
        self, link: RoomLink, wishes: Wishes, on_news: Callable[[News], None] = lambda _: None
    ) -> None:
        self.link = link
        self.meter = Meter()
        self.sink = Sink()
        self.peer: Peer | None = None
        self.has_met = False  # somebody has come
        self.over: Over | None = None  # how the room ended, if it was the room
        self._wishes = wishes
        self._tell = on_news
        self._ending = asyncio.Event()
        self._problems: dict[str, None] = {}
        self.chat_sent = self.chat_received = 0
        self.waiting: list[str] = []  # lines of chat that have not been sent
        self._renewals = 0
        self._is_alone = True  # nobody has the other seat
        self._met_at = 0.0
        self._connected_after: float | None = None
        self._stage: Progress | None = None
        self._failed: Peer | None = None  # what became of it is remembered
        self._closing: set[asyncio.Task[None]] = set()
        self._start = time.monotonic()
        began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._best = Rehearsal(began, 0.0, "terminal", wishes.agent)

    def end(self) -> None:
        """End it soon, with what is known."""
        self._ending.set()

    def chat(self, text: str) -> None:
        """Say a line to the other end, now or when it is there."""
        if len(text.encode()) > MOST_LINE:
            self._note(f"A line of chat was longer than {MOST_LINE} bytes, and was not sent.")
        elif len(self.waiting) >= MOST_WAITING:
            self._note(f"More than {MOST_WAITING} lines of chat waited, and one was not sent.")
        else:
            self.waiting.append(text)
            self._send_chat()

    async def run(self) -> Rehearsal:
        """Rehearse until somebody ends it. Raises StunkitError when the site cannot be reached."""
        require()
        async with Signalling(self.link, ca_file=self._wishes.ca_file) as line:
            tasks = [asyncio.create_task(one) for one in (self._hear(line), self._look())]
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._wishes.seconds):
                        await self._ending.wait()
                await self._flush()
            finally:
                seen = self.seen()
                await self._stop(tasks)
        return seen

    def seen(self) -> Rehearsal:
        """Return what has been seen so far."""
        self._remember()
        return replace(
            self._best,
            seconds=time.monotonic() - self._start,
            connected_after=self._connected_after,
            figures=self.meter.figures(self.sink.picture, self.chat_sent, self.chat_received),
            problems=tuple(self._problems),
        )

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        """End everything. Raises what a task of ours has raised."""
        for task in tasks:
            task.cancel()
        self._retire()
        self.sink.stop()
        for ended in await asyncio.gather(*tasks, *self._closing, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _hear(self, line: Signalling) -> None:
        """Take what comes over signalling, one after the other."""
        try:
            async for event in line:
                await self._take(event, line)
        finally:
            self.end()

    async def _take(self, event: Event, line: Signalling) -> None:
        if isinstance(event, Session):
            await self._begin(event, line)
        elif isinstance(event, Heard):
            if self.peer is not None:
                await self.peer.hear(event)
        elif isinstance(event, PeerChanged):
            self._is_alone = event.state is not PeerState.RESUMED
            if event.state is PeerState.LEFT:
                self.end()
        elif isinstance(event, Over):
            self.over = event
            if event.fault is not None and self.has_met:
                self._note(f"The room has ended: {event.reason}.")
        else:
            self._note(f"Signalling: {event.reason or event.fault}.")

    async def _begin(self, session: Session, line: Signalling) -> None:
        """Begin a session: whatever was before is gone."""
        self._remember()
        self._retire()
        self._is_alone = not session.has_peer
        if not session.has_peer:
            self._show(Progress.WAITING)
            return
        if not self.has_met:
            self.has_met, self._met_at = True, time.monotonic()
            if self._wishes.call_seconds is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(self._wishes.call_seconds, self.end)
        self._show(Progress.NEGOTIATING)
        chosen = await settle(choose(session.ice_servers))
        begun = time.monotonic()
        peer = self.peer = Peer(
            session,
            chosen,
            self._wishes.sources.tracks(),
            self.sink,
            Handlers(
                say=lambda kind, content: line.say(session.number, kind, content),
                changed=lambda: self._changed(peer, line, begun),
                heard=self._heard,
                restart=line.renew,
            ),
        )
        await peer.begin()

    def _changed(self, peer: Peer, line: Signalling, begun: float) -> None:
        """See what has become of a peer."""
        if peer is not self.peer or self._ending.is_set():
            return
        if peer.progress is Progress.CONNECTED and self._stage is not Progress.CONNECTED:
            now = time.monotonic()
            self._connected_after = self._connected_after or now - begun
            self.meter.begin(now)
        if peer.is_broken:
            self._mend(peer, line)
        elif peer.has_failed and self._failed is not peer:
            self._remember()
            self._failed = peer
            asyncio.get_running_loop().call_later(GRACE, self._end_of, peer)
        self._show(Progress.CHECKING if peer.is_broken else peer.progress)
        self._send_chat()

    def _end_of(self, peer: Peer) -> None:
        """End it, if nothing has come of it since then."""
        if peer is self.peer and peer.has_failed:
            self.end()

    def _mend(self, peer: Peer, line: Signalling) -> None:
        """Begin a new session for a connection that broke, unless the other end does."""
        self._note("The connection broke.")
        if self._renewals >= MOST_RENEWALS:
            self.end()
            return
        self._renewals += 1
        delay = 2 * COURTESY if peer.session.polite else COURTESY

        def renew() -> None:
            if peer is self.peer and not self._ending.is_set():
                line.renew()

        asyncio.get_running_loop().call_later(delay, renew)

    def _heard(self, text: str) -> None:
        self.chat_received += 1
        self._tell(Said(is_ours=False, text=text))

    def _send_chat(self) -> None:
        while self.waiting and self.peer is not None and self.peer.can_chat:
            text = self.waiting.pop(0)
            self.peer.send(text)
            self.chat_sent += 1
            self._tell(Said(is_ours=True, text=text))

    async def _look(self) -> None:
        """Look at the figures once a second."""
        while True:
            await asyncio.sleep(LOOK)
            peer = self.peer
            if peer is None:
                continue
            peer.look(time.monotonic())
            if peer.progress is not Progress.CONNECTED or peer.is_broken:
                continue
            stats, rates = await peer.statistics()
            self._tell(self.meter.take(stats, rates, time.monotonic()))

    async def _flush(self) -> None:
        """Let the last of the chat leave."""
        end = time.monotonic() + FLUSH
        while self.peer is not None and self.peer.unsent and time.monotonic() < end:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.02)

    def _retire(self) -> None:
        """End the peer that there is, in the background."""
        if self.peer is not None:
            self._closing.add(asyncio.ensure_future(self.peer.close()))
            self.peer = None

    def _remember(self) -> None:
        """Keep what is known of this session, if it is the best so far."""
        peer = self.peer
        if peer is None or (peer is self._failed and peer.has_failed):
            return
        for problem in peer.problems:
            self._note(problem)
        if _RANK(peer.progress) < _RANK(self._best.progress):
            return
        local = peer.local
        has_relay = any(spot.is_relayed for spot in local)
        if peer.chosen.relay is not None and local and not has_relay:
            ways = (peer.chosen.relay, *peer.chosen.others)
            self._note(f"No address from {', '.join(str(way.uri) for way in ways)} (relays).")
        self._best = replace(
            self._best,
            progress=peer.progress,
            pair=peer.pair,
            local=local,
            remote=peer.remote,
            knows_local=bool(local),
            knows_remote=peer.knows_remote,
            is_deserted=self._is_alone,
        )

    def _show(self, progress: Progress) -> None:
        if progress is not self._stage:
            self._stage = progress
            self._tell(Stage(progress, _WORDS[progress]))

    def _note(self, problem: str) -> None:
        """Keep a problem, and tell it, once."""
        if problem not in self._problems and len(self._problems) < MOST_PROBLEMS:
            self._problems[problem] = None
            self._tell(Remark(problem))
