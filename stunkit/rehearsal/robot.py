"""The robot: answers rehearsals at any hour, one process, many rooms.

It takes links that it is given, one rehearsal each, and where it has a site it keeps one room of
its own waiting there. At most so many rooms are open at once; more links wait for their turn.

Rules of this file: whatever happens in one rehearsal, the others and the next go on. Its rehearsals
are bounded in number and time; so is what waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from stunkit.call.rehearsal import Rehearsal
from stunkit.errors import StunkitError
from stunkit.net.signalling import make_room
from stunkit.rehearsal.rehearsing import News, Rehearsing, Said
from stunkit.rehearsal.wishes import Wishes
from stunkit.signal.link import RoomLink, Website

LEAST_WAIT, MOST_WAIT = 1.0, 60.0  # seconds between two tries to make a room
MOST_LINKS = 1_000  # that wait for their turn
MOST_ECHOES = 100  # lines of chat that one rehearsal gets back
ECHO = "echo: "

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """A room waits for somebody."""

    link: RoomLink


class Finished(NamedTuple):
    """A rehearsal is over."""

    link: RoomLink
    seen: Rehearsal


class Trouble(NamedTuple):
    """Something did not work; ``link`` is None where it is about none."""

    link: RoomLink | None
    reason: str


Word = Opened | Finished | Trouble


class Robot:
    """Answers from ``run`` to ``end``. Without a ``site`` it only takes links."""

    def __init__(
        self, site: Website | None, most: int, wishes: Wishes, tell: Callable[[Word], None]
    ) -> None:
        self._site = site
        self._most = most
        self._wishes = wishes
        self._tell = tell
        self._links: deque[RoomLink] = deque()
        self._under_way: dict[asyncio.Task[None], Rehearsing] = {}
        self._fresh: Rehearsing | None = None  # the room of ours that waits
        self._will_come = True  # more links
        self._is_ending = False
        self._poked = asyncio.Event()
        self._wait = LEAST_WAIT

    def take(self, link: RoomLink) -> None:
        """Take a link."""
        if len(self._links) >= MOST_LINKS:
            self._tell(Trouble(link, f"over {MOST_LINKS} links wait already"))
        else:
            self._links.append(link)
            self._poked.set()

    def close(self) -> None:
        """Take the news that no more links will come."""
        self._will_come = False
        self._poked.set()

    def end(self) -> None:
        """Open no more rooms, and end what is under way."""
        self._is_ending = True
        for rehearsing in self._under_way.values():
            rehearsing.end()
        self._poked.set()

    async def run(self) -> None:
        """Answer until it is ended, or nothing can come any more."""
        try:
            while not self._is_done():
                await self._fill()
                await self._poked.wait()
                self._poked.clear()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def _is_done(self) -> bool:
        if self._under_way:
            return False
        can_come = self._links or self._will_come or self._site is not None
        return self._is_ending or not can_come

    async def _fill(self) -> None:
        """Open as many rooms as may be."""
        while self._links and len(self._under_way) < self._most and not self._is_ending:
            self._attend(self._links.popleft())
        has_place = len(self._under_way) < self._most and self._fresh is None
        if self._site is not None and has_place and not self._is_ending:
            await self._open(self._site)

    async def _open(self, site: Website) -> None:
        """Make a room of our own, or try again after a while."""
        try:
            room = await make_room(site, ca_file=self._wishes.ca_file)
        except StunkitError as error:
            self._tell(Trouble(None, str(error)))
            self._rest(self._poked.set)
            return
        if self._is_ending:  # meanwhile
            return
        self._fresh = self._attend(room.link)
        self._tell(Opened(room.link))

    def _attend(self, link: RoomLink) -> Rehearsing:
        rehearsing = Rehearsing(link, self._wishes, lambda news: self._hear(rehearsing, news))
        task = asyncio.create_task(self._rehearse(rehearsing))
        self._under_way[task] = rehearsing
        task.add_done_callback(self._forget)
        return rehearsing

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._poked.set()

    async def _rehearse(self, rehearsing: Rehearsing) -> None:
        """Have one rehearsal, and tell what came of it."""
        link = rehearsing.link
        try:
            seen = await rehearsing.run()
        except StunkitError as error:
            self._tell(Trouble(link, str(error)))
        except Exception as error:  # an outermost loop: the others go on
            log.exception("an error of ours in a rehearsal")
            self._tell(Trouble(link, f"an error of ours: {error!r}"))
        else:
            if rehearsing.has_met:
                self._tell(Finished(link, seen))
            elif rehearsing.over is not None:
                self._tell(Trouble(link, rehearsing.over.reason))
        if self._fresh is rehearsing:  # nobody has come; the next one may fare no better
            self._rest(lambda: self._release(rehearsing))

    def _rest(self, then: Callable[[], None]) -> None:
        """Go on after a while, which is longer each time that nothing came of it."""
        asyncio.get_running_loop().call_later(self._wait, then)
        self._wait = min(2 * self._wait, MOST_WAIT)

    def _hear(self, rehearsing: Rehearsing, news: News) -> None:
        """Give back what is said in the chat, and open the next room when somebody has come."""
        if rehearsing.has_met:
            self._wait = LEAST_WAIT
            self._release(rehearsing)
        if not isinstance(news, Said) or news.is_ours or news.text.startswith(ECHO):
            return  # two robots would never end
        if rehearsing.chat_sent < MOST_ECHOES:
            rehearsing.chat(f"{ECHO}{news.text}")

    def _release(self, rehearsing: Rehearsing) -> None:
        if self._fresh is rehearsing:
            self._fresh = None
            self._poked.set()
