"""Where rooms are: in this process, or where other processes find them too.

Rules of this file: a room is changed whole or not at all, and what it wants sent arrives in the
order in which it was changed. What cannot be done is a SignalError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from stunkit.errors import SignalError
from stunkit.signal.fault import Fault
from stunkit.signal.room import Outgoing, Room
from stunkit.signal.seat import Limits

Change = Callable[[Room], None]
Deliver = Callable[[Outgoing], Awaitable[None]]  # to a connection of this process


def no_such_room() -> SignalError:
    """Return what is said of a room that is none, or no more."""
    return SignalError(Fault.NO_SUCH_ROOM, "there is no such room")


def too_many_rooms() -> SignalError:
    """Return what is said when there can be no other room."""
    return SignalError(Fault.UNAVAILABLE, "there are too many rooms; try again later")


class Store(Protocol):
    """What keeps rooms. ``process`` is how a connection's name begins that is ours."""

    process: str
    limits: Limits
    most: int

    async def start(self, deliver: Deliver, lose: Callable[[], None]) -> None:
        """Begin; ``lose`` is called when something may not have been delivered."""

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

    def __init__(self, limits: Limits, most: int) -> None:
        self.limits = limits
        self.most = most
        self.rooms: dict[str, Room] = {}
        self._deliver: Deliver

    async def start(self, deliver: Deliver, lose: Callable[[], None]) -> None:
        """Begin; nothing is ever lost."""
        del lose
        self._deliver = deliver

    async def stop(self) -> None:
        """Forget all rooms."""
        self.rooms.clear()

    async def make(self, name: str, now: float) -> None:
        """Have another room, if there may be one."""
        if len(self.rooms) >= self.most:
            raise too_many_rooms()
        self.rooms[name] = Room(now, self.limits)

    async def change(self, name: str, change: Change, now: float) -> None:
        """Change a room; one that is closed is forgotten."""
        del now
        room = self.rooms.get(name)
        if room is None:
            raise no_such_room()
        change(room)
        room.events()
        sends = room.sends()
        if room.closed:
            del self.rooms[name]
        for one in sends:
            await self._deliver(one)

    async def tend(self, name: str, now: float) -> None:
        """Do nothing: ``sweep`` sees all rooms."""

    async def sweep(self, now: float) -> None:
        """Let time pass for the rooms that want it."""
        for name, room in list(self.rooms.items()):
            deadline = room.deadline()
            if deadline is not None and deadline <= now and name in self.rooms:
                await self.change(name, lambda one: one.tick(now), now)
