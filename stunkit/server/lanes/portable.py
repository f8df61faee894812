"""The portable lane: one datagram at a time, on any platform."""

from __future__ import annotations

import logging

from stunkit.endpoint import Family
from stunkit.net.transport.udp import DRAIN_LIMIT, Express
from stunkit.protocol.template import Plain
from stunkit.server.lanes.express import Answered, shorten
from stunkit.server.lanes.lane import Lane
from stunkit.wire.message import HEADER_SIZE

log = logging.getLogger(__name__)


class PortableLane(Lane):
    """Serves one bound UDP socket, one datagram at a time."""

    def _prepare(self) -> None:
        self._blank = Answered()

    def _wake(self) -> bool:
        return self._take(DRAIN_LIMIT)

    def _take(self, limit: int) -> bool:
        """Answer at most ``limit`` datagrams; return whether it was as many."""
        self._look_at_clocks()
        try:
            received, unsent = self._udp.exchange(self._shortened(), self._serve, limit)
        except Exception:  # a lane's outermost loop: a datagram must not end a server
            self._tally.errors += 1
            log.exception("a datagram broke the server's code")
            return True
        finally:
            self._count_blank()
            self._count()
        self._tally.unsent += unsent
        return received == limit

    def _shortened(self) -> Express:
        """Return what decides about plain requests at this wake-up."""
        template = self._templates.get(Plain.MODERN)
        if template is None or self._throttle is None or self.local.family is not Family.IPV4:
            return self._express
        ports = self._site.refused_ports
        return shorten(self._express, template, self._throttle, ports, self._now_ns, self._blank)

    def _count_blank(self) -> None:
        """Bring the figures up to date with what was answered the shortest way."""
        count, self._blank.count = self._blank.count, 0
        self._answered += count
        self._bytes_in += count * HEADER_SIZE
        self._bytes_out += count * self._templates[Plain.MODERN].size if count else 0
