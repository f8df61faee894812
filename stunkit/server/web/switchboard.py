"""The switchboard: which caller is in which room, and what passes between them.

Rules of this file: what comes from one caller ends nobody else's connection. It reads the clock:
that of the day, since several machines share a room.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from functools import partial
from itertools import count

from stunkit.errors import SignalError
from stunkit.server.metrics.signal_tally import SignalTally
from stunkit.server.web.caller import Caller, parse_mark
from stunkit.server.web.store import Change, Store
from stunkit.signal.fault import Fault
from stunkit.signal.message import Join, Problem, format_problem, parse
from stunkit.signal.room import Outgoing, Room

NAME_SIZE = 16  # bytes of randomness in a room's name, and in a seat's token
STOP_TIMEOUT = 1.0  # seconds that callers have to hear that it ends
STEP = 1.0  # seconds between two looks at who is there still

log = logging.getLogger(__name__)


class Switchboard:
    """Connects callers from ``start`` to ``stop``; what it did is in ``tally``."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        tally: SignalTally | None = None,
    ) -> None:
        self.store = store
        self._tally = tally or SignalTally()
        self.callers: dict[str, Caller] = {}
        self._clock = clock
        self._numbers = count(1)
        self._unsaid: dict[str, str] = {}  # who has left, and the room, while the store was away
        self._tending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Carry from now on. Raises SignalError."""
        await self.store.start(self._deliver, self._lose, self._tally.note)
        self._tally.observe(0, 0)  # whoever had these figures before is gone
        self._tending = asyncio.create_task(self._tend())

    async def stop(self) -> None:
        """Tell all who are there that it ends."""
        if self._tending is None:
            return
        self._tending.cancel()
        text = format_problem(Problem(Fault.GOING_AWAY, "the server ends; come back"))
        for caller in list(self.callers.values()):
            await self._deliver(Outgoing(caller.name, text, Fault.GOING_AWAY))
        end = time.monotonic() + STOP_TIMEOUT
        while self.callers and time.monotonic() < end:  # noqa: ASYNC110 (their handlers end it)
            await asyncio.sleep(0.01)
        await self.store.stop()
        relayed = sum(self._tally.relayed.values())
        log.info("signalling ends: %d rooms made, %d messages", self._tally.made, relayed)

    def name(self) -> str:
        """Return the name of another caller."""
        return f"{self.store.process}.{next(self._numbers)}"

    def now(self) -> float:
        """Return what time it is."""
        return self._clock()

    async def make(self) -> str:
        """Return the name of a new room. Raises SignalError."""
        name = secrets.token_urlsafe(NAME_SIZE)
        await self.store.make(name, self._clock())
        self._tally.make()
        return name

    async def hear(self, caller: Caller, text: str) -> None:
        """Take what a caller says."""
        now = caller.heard = self._clock()
        try:
            if caller.room is not None:
                await self._change(caller, lambda room: room.receive(caller.name, text, now))
                return
            message = parse(text)
            if not isinstance(message, Join):
                raise SignalError(Fault.NOT_JOINED, "join a room first")  # noqa: TRY301 (told below)
            caller.room = message.room
            token = secrets.token_urlsafe(NAME_SIZE)
            await self._change(
                caller,
                lambda room: room.join(caller.name, message, token, now, caller.ice_servers),
            )
        except SignalError as error:
            fault = Fault(error.code)
            text = format_problem(Problem(fault, error.reason))
            await self._deliver(Outgoing(caller.name, text, fault))
            if caller.room is None:
                caller.end(fault)  # who begins like that has nothing to say

    async def pong(self, caller: Caller, data: bytes) -> None:
        """Take a sign of life: what was sent before is there."""
        caller.heard = self._clock()
        session, seq = parse_mark(data)
        if seq:
            await self._try(caller, lambda room: room.acknowledge(caller.name, session, seq))

    async def leave(self, caller: Caller) -> None:
        """Take the news that a connection has ended."""
        now = self._clock()
        try:
            is_known = await self._try(caller, lambda room: room.drop(caller.name, now))
            if not is_known and caller.room is not None:
                self._unsaid[caller.name] = caller.room
        finally:
            self.callers.pop(caller.name, None)

    async def _change(self, caller: Caller, change: Change) -> None:
        assert caller.room is not None  # noqa: S101 (whoever calls has looked)
        await self.store.change(caller.room, change, self._clock())

    async def _try(self, caller: Caller, change: Change) -> bool:
        """Change a room, if it is there; return whether that is done with."""
        if caller.room is None:
            return True
        try:
            await self._change(caller, change)
        except SignalError as error:
            log.debug("a room was not told: %s", error)
            return error.code != Fault.UNAVAILABLE
        return True

    async def _deliver(self, out: Outgoing) -> None:
        caller = self.callers.get(out.connection)
        if caller is not None:
            if out.fault is not None:
                self._tally.refuse(out.fault)
            await caller.send(out)

    def _lose(self) -> None:
        """Have everybody come back: something that was said to them may be lost."""
        for caller in self.callers.values():
            caller.end(Fault.UNAVAILABLE)

    async def _tend(self) -> None:
        """Look after callers and rooms, step by step."""
        while True:
            await asyncio.sleep(STEP)
            try:
                await self._step()
            except SignalError as error:
                log.debug("rooms were not looked after: %s", error)
            except Exception:  # an outermost loop: those who call can go on
                log.exception("an error of ours while looking after rooms")

    async def _step(self) -> None:
        now = self._clock()
        rooms = {caller.room for caller in self.callers.values()} - {None}
        self._tally.observe(len(self.callers), len(rooms))
        self._tally.store_errors = self.store.errors
        await self._make_up(now)
        for caller in [one for one in self.callers.values() if one.is_due(now)]:
            if caller.name in self.callers and await caller.beat(now):
                await self._look_after(caller, now)
            await asyncio.sleep(0)  # thousands may be due at once, and messages do not wait
        await self.store.sweep(now)

    async def _look_after(self, caller: Caller, now: float) -> None:
        """Let time pass for a caller's room; tell it where that is gone."""
        if caller.room is None:
            return
        try:
            await self.store.tend(caller.room, now)
        except SignalError as error:
            if error.code != Fault.NO_SUCH_ROOM:
                raise
            text = format_problem(Problem(Fault.NO_SUCH_ROOM, error.reason))
            await self._deliver(Outgoing(caller.name, text, Fault.NO_SUCH_ROOM))

    async def _make_up(self, now: float) -> None:
        """Tell rooms who has left while the store was away. Raises SignalError while it is."""
        for name, room in list(self._unsaid.items()):
            try:
                await self.store.change(room, partial(Room.drop, connection=name, now=now), now)
            except SignalError as error:
                if error.code == Fault.UNAVAILABLE:
                    raise
            del self._unsaid[name]
