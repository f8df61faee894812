"""Servers of the simulated network: honest ones, and those that mislead.

An honest one is ``respond`` itself. Each ``Lie`` is a fault that real servers have.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType


class Lie(StrEnum):
    """How a server misleads those who discover a NAT with it."""

    NONE = "none"
    NO_RFC5780 = "no-rfc5780"  # honest about it: no OTHER-ADDRESS, 420 to CHANGE-REQUEST
    IGNORES_CHANGE = "ignores-change"  # answers CHANGE-REQUEST from the socket that was asked
    DROPS_CHANGE = "drops-change"  # does not answer CHANGE-REQUEST at all
    WRONG_SOURCE = "wrong-source"  # swaps "other address" and "other port"
    WRONG_OTHER = "wrong-other"  # OTHER-ADDRESS names an address where nobody is
    SAME_ADDRESS = "same-address"  # OTHER-ADDRESS has the server's own address
    FIREWALLED = "firewalled"  # the other address neither receives nor sends


class Server:
    """Four sockets of one server; a ``Service`` of the network."""

    def __init__(self, quartet: tuple[Endpoint, ...], lie: Lie) -> None:
        self.endpoints = quartet
        self._lie = lie
        self._dead = quartet[2:] if lie is Lie.FIREWALLED else ()
        honest = Quartet(quartet, quartet, proven=True)
        shown = honest
        if lie is Lie.WRONG_OTHER:
            elsewhere = tuple(Endpoint(bytes((203, 0, 113, 99)), e.port) for e in quartet[2:])
            shown = replace(honest, public=(*quartet[:2], *elsewhere))
        elif lie is Lie.SAME_ADDRESS:
            same = tuple(Endpoint(quartet[0].packed, e.port) for e in quartet[2:])
            shown = replace(honest, public=(*quartet[:2], *same))
        self._site = Site(quartet=None if lie is Lie.NO_RFC5780 else shown)

    def __call__(
        self, data: bytes, source: Endpoint, local: Endpoint, now: float
    ) -> list[Outgoing]:
        """Answer one datagram."""
        del now
        if local in self._dead:
            return []
        response = respond(Received(data, source, local), self._site)
        leaves_from = response.source
        if _changes(data):
            if self._lie is Lie.IGNORES_CHANGE:
                leaves_from = local
            elif self._lie is Lie.DROPS_CHANGE:
                return []
            elif self._lie is Lie.WRONG_SOURCE and self.endpoints.index(leaves_from) != 3:
                leaves_from = self.endpoints[self.endpoints.index(leaves_from) ^ 3]
        if not response.data or leaves_from in self._dead:
            return []
        return [Outgoing(response.data, response.destination, leaves_from)]


def _changes(data: bytes) -> bool:
    try:
        value = Message.decode(data).value(AttributeType.CHANGE_REQUEST)
    except WireError:
        return False
    return value is not None and any(value)
