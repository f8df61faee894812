"""The deaths of workers: each is told of, and too many in a row of the young end the server.

A worker that dies is replaced. Where what kills it would kill its successor too, that would go on
for ever, and use up the machine for nothing.
"""

from __future__ import annotations

import logging
from collections import Counter

from stunkit.errors import StartError
from stunkit.server.logs import UNLIMITED

SHORT_LIFE = 1.0  # seconds; who dies younger may have been broken from the start
SHORT_LIVES = 25  # in a row and the server stops: more than an operator kills one after the other

log = logging.getLogger(__name__)


class Deaths:
    """Remembers how those died who lived short, since one last did not."""

    def __init__(self) -> None:
        self._hows: Counter[str] = Counter()

    def add(self, who: str, how: str, age: float) -> None:
        """Tell of a death at an age in seconds; raises StartError when nobody is to follow."""
        if age >= SHORT_LIFE:
            self._hows.clear()
        else:
            self._hows[how] += 1
        is_last = self._hows.total() >= SHORT_LIVES
        what_next = "stopping the server" if is_last else "replacing it"
        log.warning("%s: %s after %.1f s; %s", who, how, age, what_next, extra=UNLIMITED)
        if is_last:
            hows = ", ".join(f"{how}: {number}" for how, number in self._hows.items())
            raise StartError(
                f"{SHORT_LIVES} workers in a row lived less than {SHORT_LIFE:g} s ({hows})",
                "what they had to say stands above, on stderr",
            )
