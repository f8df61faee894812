"""What every protocol machine is: bytes and the time in, datagrams and events out.

A machine never sends, sleeps or reads a clock. Whoever drives it (``net.drive`` on real sockets)
hands it what arrived and what time it is, then collects what it wants sent, what it has to say,
and when it wants to be woken.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from stunkit.endpoint import Endpoint

E = TypeVar("E")


class Outgoing(NamedTuple):
    """Bytes to be sent from the socket ``local`` to ``destination``."""

    data: bytes
    destination: Endpoint
    local: Endpoint


class Machine(Protocol[E]):
    """The verbs of a protocol machine. ``now`` is in seconds of any clock that never goes back."""

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram, or one whole message of a stream, that arrived at ``local``."""

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that ``remote`` cannot be reached: an ICMP error, a closed connection."""

    def tick(self, now: float) -> None:
        """Let time pass. To be called at ``deadline``; earlier or later does no harm."""

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""

    def events(self) -> list[E]:
        """Hand over what happened, and forget it."""

    def deadline(self) -> float | None:
        """Return when ``tick`` is wanted next, or None."""
