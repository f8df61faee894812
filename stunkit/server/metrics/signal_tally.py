"""What signalling did, counted by what was said, what happened and what was refused.

The figures lie in memory that processes can share; see ``counters``. One process writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from stunkit.signal.event import Event, Happening
from stunkit.signal.fault import Fault
from stunkit.signal.message import Kind

_places = count()
_KINDS = {kind: next(_places) for kind in Kind}
_HAPPENINGS: dict[Happening, int] = {
    what: next(_places) for what in Happening if what is not Happening.RELAYED
}
_FAULTS = {fault: next(_places) for fault in Fault}
_MADE, _STORE_ERRORS, _CONNECTIONS, _ROOMS = (next(_places) for _ in range(4))
COLUMNS = next(_places)


class SignalTally:
    """The figures of one process; ``cells`` are ``COLUMNS`` numbers."""

    def __init__(self, cells: memoryview | None = None) -> None:
        self._cells = memoryview(bytearray(8 * COLUMNS)).cast("q") if cells is None else cells

    def note(self, events: Iterable[Event]) -> None:
        """Count what happened in a room."""
        for what, _, kind in events:
            self._cells[_HAPPENINGS[what] if kind is None else _KINDS[kind]] += 1

    def refuse(self, fault: Fault) -> None:
        """Count an error that somebody was told."""
        self._cells[_FAULTS[fault]] += 1

    def make(self) -> None:
        """Count a room that was made."""
        self._cells[_MADE] += 1

    def observe(self, connections: int, rooms: int) -> None:
        """Write down how many there are now."""
        self._cells[_CONNECTIONS], self._cells[_ROOMS] = connections, rooms

    @property
    def relayed(self) -> dict[str, int]:
        """How many messages went from one peer to the other, by kind."""
        return {str(kind): self._cells[place] for kind, place in _KINDS.items()}

    @property
    def happened(self) -> dict[str, int]:
        """How often something happened in a room."""
        return {str(what): self._cells[place] for what, place in _HAPPENINGS.items()}

    @property
    def refused(self) -> dict[str, int]:
        """How many errors clients were told, by code."""
        return {str(fault): self._cells[place] for fault, place in _FAULTS.items()}

    @property
    def made(self) -> int:
        """How many rooms were made."""
        return int(self._cells[_MADE])

    @property
    def store_errors(self) -> int:
        """How often the store of rooms did not do what it was asked."""
        return int(self._cells[_STORE_ERRORS])

    @store_errors.setter
    def store_errors(self, value: int) -> None:
        self._cells[_STORE_ERRORS] = value

    @property
    def connections(self) -> int:
        """How many WebSockets were open at the last look."""
        return int(self._cells[_CONNECTIONS])

    @property
    def rooms(self) -> int:
        """In how many rooms somebody was who is connected to us, at the last look."""
        return int(self._cells[_ROOMS])
