"""Connections in the order in which they began to wait, and an alarm for the first of them.

Rules of this file: to wait for long costs nothing. There is one timer, whatever the number.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator

from stunkit.net.transport.stream import Connection


class Waiting:
    """Connections that wait, the longest waiting first.

    One that waits for ``timeout`` seconds is taken out and handed to ``on_late``.
    """

    def __init__(self, timeout: float, on_late: Callable[[Connection], None]) -> None:
        self._timeout = timeout
        self._on_late = on_late
        self._since: OrderedDict[Connection, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._since)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._since

    def add(self, connection: Connection) -> None:
        """Let a connection wait from now on, also one that has waited before."""
        self._since[connection] = asyncio.get_running_loop().time()
        self._since.move_to_end(connection)
        self._watch()

    def remove(self, connection: Connection) -> None:
        """Forget a connection, if it is here."""
        self._since.pop(connection, None)

    def change(self, timeout: float) -> None:
        """Have another timeout, for those that wait already too."""
        self._timeout = timeout
        self.stop()
        self._watch()

    def stop(self) -> None:
        """Hand over nobody any more, until another comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        """Set the alarm for the connection that has waited longest."""
        if self._timer is None and self._since:
            due = next(iter(self._since.values())) + self._timeout
            self._timer = asyncio.get_running_loop().call_at(due, self._end_late)

    def _end_late(self) -> None:
        self._timer = None
        limit = asyncio.get_running_loop().time() - self._timeout
        for connection, since in list(self._since.items()):
            if since > limit:
                break
            self.remove(connection)
            self._on_late(connection)
        self._watch()
