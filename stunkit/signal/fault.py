"""What can be wrong with a message, or with who sends it: the codes of the protocol's errors.

The manual lists them (`stunkit explain signalling`). A code that is final ends the connection;
after any other one may go on.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Why something was refused, by the word that an error message has for it."""

    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported-version"
    NOT_JOINED = "not-joined"
    ALREADY_JOINED = "already-joined"
    NO_SUCH_ROOM = "no-such-room"
    FULL = "full"
    ALONE = "alone"
    TOO_MANY = "too-many"
    TOO_SLOW = "too-slow"
    REPLACED = "replaced"
    EXPIRED = "expired"
    UNAVAILABLE = "unavailable"
    GOING_AWAY = "going-away"

    @property
    def is_final(self) -> bool:
        """Whether the connection ends with it."""
        return self not in (Fault.MALFORMED, Fault.ALREADY_JOINED, Fault.ALONE)
