"""Asking a router over NAT-PMP and PCP, side by side, for what it tells without changing anything.

Answers to RFC 6886 sections 3.1 and 3.2, RFC 6887 sections 8.1.1 and 14.1. Both have one port, so
one socket asks both; an ICMP error is about both.

Deviation: PCP's first repetition comes after 3 seconds; here it is NAT-PMP's quarter of a second,
since a person waits and the router is one hop away.
"""

from __future__ import annotations

from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.protocol.machine import Outgoing
from stunkit.wire import pcp, pmp
from stunkit.wire.pcp import PcpAnswer
from stunkit.wire.pmp import PmpAnswer

RTO = 0.25  # seconds until the first repetition, doubled each time; RFC 6886 section 3.1
TIMEOUT = 2.0  # seconds; time for four requests


class PortControl(NamedTuple):
    """What a router said over each; None: nothing. ``why``: what the network said of it, if so."""

    pmp: PmpAnswer | None
    pcp: PcpAnswer | None
    why: str = ""


class PortControlQuery:
    """A machine (``protocol.machine``) that ends in a ``PortControl``.

    ``local`` has to be the address that datagrams to ``gateway`` leave from: PCP names it.
    """

    def __init__(
        self, gateway: Endpoint, local: Endpoint, now: float, *, timeout: float = TIMEOUT
    ) -> None:
        self._server = gateway.with_port(pmp.PORT)
        self._local = local
        self._end = now + timeout
        self._rto = RTO
        self._due = now
        self._pmp: PmpAnswer | None = None
        self._pcp: PcpAnswer | None = None
        self._is_done = False
        self._sends: list[Outgoing] = []
        self._events: list[PortControl] = []
        self.tick(now)

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram; only the router's own count, from the port that was asked."""
        del now
        if (source, local) != (self._server, self._local) or self._is_done:
            return
        try:
            self._take(data)
        except Malformed:
            return
        if self._pmp is not None and self._pcp is not None:
            self._finish()

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that nobody is there: no repetition will change it."""
        del now
        if (remote, local) == (self._server, self._local) and not self._is_done:
            self._finish(reason)

    def tick(self, now: float) -> None:
        """Ask again what has not been answered."""
        if self._is_done:
            return
        if now >= self._end:
            self._finish()
        elif now >= self._due:
            if self._pcp is None:
                self._send(pcp.announce(self._local.packed))
            if self._pmp is None:
                self._send(pmp.ADDRESS_REQUEST)
            self._due = now + self._rto
            self._rto *= 2

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def events(self) -> list[PortControl]:
        """Hand over the result, once."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when something is to be repeated, or the end has come."""
        return None if self._is_done else min(self._due, self._end)

    def _take(self, data: bytes) -> None:
        """Sort an answer by its protocol. Raises Malformed.

        Version 0 is NAT-PMP's, also where it answers PCP that it knows no such version.
        """
        if data[:1] == bytes((pmp.VERSION,)) and not _is_version_error(data):
            self._pmp = PmpAnswer.decode(data)
        else:
            self._pcp = PcpAnswer.decode(data)

    def _send(self, data: bytes) -> None:
        self._sends.append(Outgoing(data, self._server, self._local))

    def _finish(self, why: str = "") -> None:
        self._is_done = True
        self._events.append(PortControl(self._pmp, self._pcp, why))


def _is_version_error(data: bytes) -> bool:
    """Whether a NAT-PMP router speaks of PCP's version; ours of NAT-PMP is the only one there."""
    return data[2:4] == bytes((0, pmp.PmpResult.UNSUPPORTED_VERSION))
