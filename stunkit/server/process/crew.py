"""How many workers serve, as their parent knows it, in memory that all of them share.

Only the parent writes; the worker that shows figures to the world reads.
"""

from __future__ import annotations

CREW_SIZE = 8 * 3  # bytes
_SERVING, _REPLACED, _IS_COMPLETE = range(3)


class Crew:
    """The workers of a server, counted.

    ``wanted`` is how many there are to be. ``memory`` is ``CREW_SIZE`` bytes, zero at first;
    without it, there is one process, which serves.
    """

    def __init__(self, wanted: int = 1, memory: memoryview | None = None) -> None:
        self.wanted = wanted
        self._cells = (memoryview(bytearray(CREW_SIZE)) if memory is None else memory).cast("q")
        if memory is None:
            self.serving = wanted
            self.complete()

    @property
    def serving(self) -> int:
        """How many have said that they serve and have not ended."""
        return int(self._cells[_SERVING])

    @serving.setter
    def serving(self, value: int) -> None:
        self._cells[_SERVING] = value

    @property
    def replaced(self) -> int:
        """How many ended before they were told to, and were replaced."""
        return int(self._cells[_REPLACED])

    @replaced.setter
    def replaced(self, value: int) -> None:
        self._cells[_REPLACED] = value

    @property
    def is_complete(self) -> bool:
        """Whether there was a worker in every place already."""
        return bool(self._cells[_IS_COMPLETE])

    def complete(self) -> None:
        """Say that every place has had a worker that served."""
        self._cells[_IS_COMPLETE] = 1
