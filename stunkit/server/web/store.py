"""Where rooms are: in this process, or where other processes find them too.

Rules of this file: a room is changed whole or not at all, and what it wants sent arrives in the
order in which it was changed. What cannot be done is a SignalError.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from stunkit.errors import SignalError
from stunkit.signal.event import Event
from stunkit.signal.fault import Fault
from stunkit.signal.room import Outgoing, Room
from stunkit.signal.seat import Limits

Change = Callable[[Room], None]
Deliver = Callable[[Outgoing], Awaitable[None]]  # to a connection of this process
Note = Callable[[Sequence[Event]], None]


def no_such_room() -> SignalError:
    """Return what is said of a room that is none, or no more."""
    return SignalError(Fault.NO_SUCH_ROOM, "there is no such room")


def too_many_rooms() -> SignalError:
    """Return what is said when there can be no other room."""
    return SignalError(Fault.UNAVAILABLE, "there are too many rooms; try again later")


class Store(Protocol):
    """What keeps rooms. ``process`` is how a connection's name begins that is ours.

    ``errors`` counts how often it could not do its work.
    """

    process: str
    errors: int
    limits: Limits
    most: int

    async def start(self, deliver: Deliver, lose: Callable[[], None], note: Note) -> None:
        """Begin.

        ``lose`` is called when something may not have been delivered, and ``note`` with what
        happened in a room.
        """

    async def stop(self) -> None:
        """Let go of everything."""

    async def make(self, name: str, now: float) -> None:
        """Have a room of that name, which is new. Raises SignalError."""

    async def change(self, name: str, change: Change, now: float) -> None:
        """Change a room, and deliver what it wants sent. Raises SignalError."""

    async def tend(self, name: str, now: float) -> None:
        """Let time pass for a room in which we have a connection. Raises SignalError."""

    async def sweep(self, now: float) -> None:
        """Let time pass for all others. Raises SignalError."""


class LocalStore:
    """Rooms in this process."""

    process = "local"
    errors = 0

    def __init__(self, limits: Limits, most: int) -> None:
        self.limits = limits
        self.most = most
        self.rooms: dict[str, Room] = {}
        self._due: dict[str, float] = {}  # when a room wants to be looked at, or earlier
        self._queue: list[tuple[float, str]] = []  # the same in order, and what it was before
        self._deliver: Deliver
        self._note: Note

    async def start(self, deliver: Deliver, lose: Callable[[], None], note: Note) -> None:
        """Begin; nothing is ever lost."""
        del lose
        self._deliver, self._note = deliver, note

    async def stop(self) -> None:
        """Forget all rooms."""
        self.rooms.clear()
        self._due.clear()
        self._queue.clear()

    async def make(self, name: str, now: float) -> None:
        """Have another room, if there may be one."""
        if len(self.rooms) >= self.most:
            raise too_many_rooms()
        self.rooms[name] = Room(now, self.limits)
        self._look_again(name, self.rooms[name])

    async def change(self, name: str, change: Change, now: float) -> None:
        """Change a room; one that is closed is forgotten."""
        del now
        room = self.rooms.get(name)
        if room is None:
            raise no_such_room()
        change(room)
        self._note(room.events())
        sends = room.sends()
        if room.closed:
            del self.rooms[name], self._due[name]
        else:
            self._look_again(name, room)
        for one in sends:
            await self._deliver(one)

    async def tend(self, name: str, now: float) -> None:
        """Do nothing: ``sweep`` sees all rooms."""

    async def sweep(self, now: float) -> None:
        """Let time pass for the rooms that want it."""
        while self._queue and self._queue[0][0] <= now:
            due, name = heapq.heappop(self._queue)
            if self._due.get(name) == due:  # else it has ended, or was to be seen earlier
                self._due[name] = math.inf
                await self.change(name, lambda one: one.tick(now), now)

    def _look_again(self, name: str, room: Room) -> None:
        """See to it that time passes for a room when it wants that."""
        due = room.deadline()
        if due is not None and due < self._due.get(name, math.inf):
            self._due[name] = due
            heapq.heappush(self._queue, (due, name))
