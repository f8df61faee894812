"""The portable lane: one datagram at a time, on any platform."""

from __future__ import annotations

import logging

from stunkit.net.udp import DRAIN_LIMIT
from stunkit.server.lanes.lane import Lane

log = logging.getLogger(__name__)


class PortableLane(Lane):
    """Serves one bound UDP socket, one datagram at a time."""

    def _wake(self) -> bool:
        return self._take(DRAIN_LIMIT)

    def _take(self, limit: int) -> bool:
        """Answer at most ``limit`` datagrams; return whether it was as many."""
        self._look_at_clocks()
        try:
            received, unsent = self._udp.exchange(self._express, self._serve, limit)
        except Exception:  # a lane's outermost loop: a datagram must not end a server
            self._tally.errors += 1
            log.exception("a datagram broke the server's code")
            return True
        finally:
            self._count()
        self._tally.unsent += unsent
        return received == limit
