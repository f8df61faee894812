"""Events: what happened in a room, for whoever counts it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from stunkit.signal.message import Kind


class Happening(StrEnum):
    """What can happen in a room."""

    JOINED = "joined"
    LOST = "lost"
    RESUMED = "resumed"
    LEFT = "left"
    CLOSED = "closed"
    RELAYED = "relayed"  # what one peer said to the other


class Event(NamedTuple):
    """Something that happened; ``seat`` is whose, None for the room itself.

    ``kind`` is that of what was relayed.
    """

    what: Happening
    seat: int | None = None
    kind: Kind | None = None
