"""Foundations: the names of groups of candidates that are likely to share their fate.

Answers to RFC 8445 section 5.1.1.3: two candidates have the same foundation when they are of the
same type, their bases have the same address, their servers have the same address, and the same
transport got them; else different ones.
"""

from __future__ import annotations

from stunkit.ice.candidate import CandidateType


class Foundations:
    """Give out foundations: 1, 2, 3, ... in the order in which groups first come."""

    def __init__(self) -> None:
        self._known: dict[tuple[CandidateType, str, str, str], str] = {}

    def of(self, kind: CandidateType, base: str, transport: str, server: str = "") -> str:
        """Return the foundation of a candidate.

        ``base`` is the base's address without its port: a host's address, also for what a STUN
        server saw of it; a relayed candidate is its own base. ``server`` is the address of the
        STUN or TURN server, empty for host candidates. ``transport`` is what reaches that server
        (a relay over TCP shares no fate with one over UDP), or the candidate's own.
        """
        key = (kind, base, transport, server)
        return self._known.setdefault(key, str(len(self._known) + 1))
