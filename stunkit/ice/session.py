"""An ICE session's numbers and events: how it is timed, and what an agent has to say."""

from __future__ import annotations

from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.ice.pair import Local, Remote
from stunkit.protocol.schedule import RC, RM, RTO

TA = 0.05  # seconds between new checks; RFC 8445 section 14.2
PATIENCE = 39.5  # seconds in which the peer may yet be heard of; RFC 8863 section 4
HURRY = 2.0  # seconds to wait for a better pair than the first; left open by RFC 8445 section 8.1.1


class Pacing(NamedTuple):
    """The numbers that time an agent, in seconds but for the counts ``rc`` and ``rm``."""

    ta: float = TA
    rto: float = RTO
    rc: int = RC
    rm: float = RM
    patience: float = PATIENCE
    hurry: float = HURRY


class Selected(NamedTuple):
    """The end: data goes from ``local.base`` to ``remote.endpoint``."""

    local: Local
    remote: Remote


class GaveUp(NamedTuple):
    """The other end: no pair works, after so many checks."""

    pairs: int


class RoleChanged(NamedTuple):
    """Both agents had one role, and this one gave in (RFC 8445 section 7.3.1.1)."""

    is_controlling: bool


class Received(NamedTuple):
    """Data that is no STUN."""

    data: bytes
    source: Endpoint
    local: Endpoint


Event = Selected | GaveUp | RoleChanged | Received
