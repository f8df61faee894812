"""The candidates that an agent knows: its own and its peer's, and those that checks bring to light.

Answers to RFC 8445 sections 5.1.2 (the priority that a peer-reflexive candidate gets), 7.2.5.3.1
and 7.3.1.3 (learning one of ours, and one of the peer's).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stunkit.endpoint import Endpoint
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.pair import Local, Remote

PEER_REFLEXIVE = 110 << 24  # the type preference, in its place; RFC 8445 section 5.1.2.2


class Roster:
    """Local and remote candidates, in the order in which they came to be known."""

    def __init__(self, locals_: Iterable[Local]) -> None:
        self.locals = list(locals_)
        self.remotes: list[Remote] = []

    def based_at(self, base: Endpoint) -> Local | None:
        """Return the candidate of ours that sends from ``base``: the host or relayed one first."""
        based = [local for local in self.locals if local.base == base]
        return min(based, key=lambda local: local.endpoint != base, default=None)

    def local_at(self, mapped: Endpoint, origin: Local) -> Local:
        """Return our candidate that a peer has seen at ``mapped`` when ``origin`` sent to it.

        One that was not known is added.
        """
        for known in self.locals:
            if known.endpoint == mapped and known.base == origin.base:
                return known
        candidate = replace(
            origin.candidate,
            foundation=f"{origin.candidate.foundation}prflx{len(self.locals)}",
            priority=peer_reflexive_priority(origin.candidate),
            address=mapped.host,
            port=mapped.port,
            type=CandidateType.PEER_REFLEXIVE,
            related_address=origin.base.host,
            related_port=origin.base.port,
            extensions=(),
        )
        local = Local(candidate, mapped, origin.base)
        self.locals.append(local)
        return local

    def remote_at(self, endpoint: Endpoint, here: Local, priority: int) -> Remote:
        """Return the peer's candidate that has sent from ``endpoint`` to ``here``.

        One that was not known is added, with the ``priority`` that its check says.
        """
        for known in self.remotes:
            if known.endpoint == endpoint:
                return known
        candidate = Candidate(
            foundation=f"prflx{len(self.remotes)}",
            component=here.candidate.component,
            transport=here.candidate.transport,
            priority=priority,
            address=endpoint.host,
            port=endpoint.port,
            type=CandidateType.PEER_REFLEXIVE,
        )
        remote = Remote(candidate, endpoint)
        self.remotes.append(remote)
        return remote


def peer_reflexive_priority(candidate: Candidate) -> int:
    """Return what a candidate gets that a check from this one brings to light (section 7.1.1)."""
    return PEER_REFLEXIVE | candidate.priority & 0xFFFFFF
