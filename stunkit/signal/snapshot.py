"""A room as text, so that another process can go on with it.

Rules of this file: what is loaded was dumped by a server of ours, of this version or another; what
is not understood raises ValueError.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from stunkit.signal.room import Room
from stunkit.signal.seat import Limits, Seat

FORM = 1  # of the text


def dump(room: Room) -> str:
    """Return a room, but not what it wants sent."""
    seats = [
        seat
        and [
            seat.token,
            seat.connection,
            seat.lost_at,
            seat.received,
            seat.sent,
            list(seat.kept),
            seat.full_at,
            seat.faults,
        ]
        for seat in room.seats
    ]
    fields = [FORM, room.made, room.vacant_since, room.session, seats]
    return json.dumps(fields, separators=(",", ":"))


def load(text: str | bytes, limits: Limits) -> Room:
    """Return the room that was dumped, under limits of ours. Raises ValueError."""
    try:
        form, made, vacant_since, session, seats = json.loads(text)
        if form != FORM:
            raise ValueError(f"form {form}")  # noqa: TRY301 (for whoever logs it)
        room = Room(made, limits)
        room.vacant_since, room.session = vacant_since, session
        first, second = (None if one is None else _seat(one) for one in seats)
        room.seats = [first, second]
    except (TypeError, ValueError) as error:
        raise ValueError(f"no room of ours: {error}") from None
    return room


def _seat(fields: Any) -> Seat:  # noqa: ANN401 (as it comes from JSON)
    token, connection, lost_at, received, sent, kept, full_at, faults = fields
    pairs = deque((seq, message) for seq, message in kept)
    size = sum(len(message) for _, message in pairs)
    return Seat(token, connection, lost_at, received, sent, pairs, size, full_at, faults)
