"""The portable lane: one datagram at a time through ``respond``, on any platform."""

from __future__ import annotations

import logging

from stunkit.endpoint import Endpoint
from stunkit.net.udp import UdpSocket
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.server.counters import Counters

log = logging.getLogger(__name__)


class PortableLane:
    """Serves one bound UDP socket. Raises OSError when it cannot be bound."""

    def __init__(self, local: Endpoint, site: Site, counters: Counters) -> None:
        self._site = site
        self._counters = counters
        self._socket = UdpSocket(local)
        self.local = self._socket.local

    def start(self) -> None:
        """Answer from now on."""
        self._socket.start(self._serve)

    def drain(self) -> None:
        """Answer what lies in the socket's queue, and stop."""
        self._socket.drain(self._serve)
        self._socket.close()

    def close(self) -> None:
        """Stop at once."""
        self._socket.close()

    def _serve(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        try:
            response = respond(Received(data, source, local), self._site)
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
            sent = self._socket.send(response.data, response.destination, response.source)
        except OSError:
            sent = False
        if not sent:
            self._counters.unsent += 1
