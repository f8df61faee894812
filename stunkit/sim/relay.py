"""A relay: what one TURN allocation lets through (RFC 8656 sections 9 and 14).

The control plane is left out: the allocation is there, its owner reaches it however the networks
between them filter UDP (over TCP or TLS), and whom the owner sends to has a permission.
"""

from __future__ import annotations

from stunkit.endpoint import Endpoint

PERMISSION = 300.0  # seconds; RFC 8656 section 9


class Relay:
    """One relayed endpoint, and the addresses that may send to it, from any of their ports."""

    def __init__(self, relayed: Endpoint) -> None:
        self.relayed = relayed
        self._permitted: dict[bytes, float] = {}

    def permit(self, remote: Endpoint, now: float) -> None:
        """Let an address send to the relayed endpoint for a while."""
        self._permitted[remote.packed] = now + PERMISSION

    def lets_in(self, source: Endpoint, now: float) -> bool:
        """Return whether a datagram from ``source`` goes on to the owner."""
        return self._permitted.get(source.packed, 0.0) > now
