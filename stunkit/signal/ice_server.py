"""A server for ICE as a browser takes it: W3C WebRTC section 4.2.4, RTCIceServer.

Rules of this file: a credential does not appear in ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class IceServer:
    """STUN or TURN under one or more URIs (RFC 7064, RFC 7065); the latter with a credential."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    def members(self) -> dict[str, Any]:
        """Return it as the members of a JSON object."""
        members: dict[str, Any] = {"urls": list(self.urls)}
        if self.username is not None:
            members |= {"username": self.username, "credential": self.credential}
        return members


# What is handed to who has a seat in a room that lasts so many seconds more.
IceServers = Callable[[float], Sequence[IceServer]]


def no_ice_servers(lifetime: float) -> Sequence[IceServer]:
    """Return none: whoever joins has its own."""
    del lifetime
    return ()
