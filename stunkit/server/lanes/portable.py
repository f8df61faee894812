"""The portable lane: one datagram at a time through ``respond``, on any platform."""

from __future__ import annotations

import logging

from stunkit.endpoint import Endpoint
from stunkit.net.udp import UdpSocket
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server.counters import Counters

LAST_DRAIN = 8192  # datagrams; more than RECEIVE_BUFFER holds, and an end to it under a flood

log = logging.getLogger(__name__)


class PortableLane:
    """Serves one bound UDP socket. Raises OSError when it cannot be bound.

    ``site`` may be replaced while it serves. ``siblings`` holds the sockets of a server by their
    endpoints: an answer to CHANGE-REQUEST leaves from another one than was asked.
    """

    def __init__(
        self,
        local: Endpoint,
        site: Site,
        counters: Counters,
        siblings: dict[Endpoint, UdpSocket] | None = None,
    ) -> None:
        self.site = site
        self._counters = counters
        self._socket = UdpSocket(local)
        self.local = self._socket.local
        self._siblings = {} if siblings is None else siblings
        self._siblings[self.local] = self._socket

    def start(self) -> None:
        """Answer from now on."""
        self._socket.start(self._serve)

    def drain(self) -> None:
        """Answer what lies in the socket's queue; to be followed by ``close``."""
        self._socket.drain(self._serve, LAST_DRAIN)

    def close(self) -> None:
        """Stop at once."""
        self._socket.close()

    def _serve(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        try:
            response = respond(Received(data, source, local), self.site)
        except Exception:
            self._counters.errors += 1
            log.exception(
                "a datagram of %d bytes from %s broke the server's code", len(data), source
            )
            return
        self._counters.dispositions[response.disposition] += 1
        if not response.data:
            return
        try:
            leaving = self._siblings.get(response.source, self._socket)
            sent = leaving.send(response.data, response.destination, response.source)
        except OSError:
            sent = False
        if not sent:
            self._counters.unsent += 1
