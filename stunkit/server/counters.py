"""What a server did, counted by disposition."""

from __future__ import annotations

from collections import Counter

from stunkit.protocol.respond import Disposition


class Counters:
    """Counts what arrived, by what became of it; and what went wrong on our side."""

    def __init__(self) -> None:
        self.dispositions: Counter[Disposition] = Counter()
        self.unsent = 0  # answers that the kernel had no room for, or no route
        self.errors = 0  # our own bugs: logged, and nothing answered

    @property
    def received(self) -> int:
        """How many datagrams and messages arrived."""
        return self.dispositions.total()

    @property
    def answered(self) -> int:
        """How many got an answer, be it a success or an error."""
        kinds = (Disposition.ANSWERED, Disposition.BAD_REQUEST, Disposition.UNKNOWN_ATTRIBUTE)
        return sum(self.dispositions[kind] for kind in kinds)
