"""Candidate pairs: a local and a remote candidate, and how the check of the two stands.

Answers to RFC 8445 sections 6.1.2.2, 6.1.2.3 and 6.1.2.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.ice.candidate import Candidate

_LINK_LOCAL = b"\xfe\x80"  # the first ten bits; RFC 4291 section 2.5.6


class Local(NamedTuple):
    """A candidate of ours. ``base`` is what is sent from: a host's or a relayed endpoint."""

    candidate: Candidate
    endpoint: Endpoint
    base: Endpoint

    @classmethod
    def of(cls, candidate: Candidate, base: Endpoint | None = None) -> Local:
        """Take a candidate, whose base is its own address unless it is said.

        Raises UsageError where the address is no IP address.
        """
        endpoint = Endpoint.of(candidate.address, candidate.port)
        return cls(candidate, endpoint, base or endpoint)


class Remote(NamedTuple):
    """A candidate of the peer's."""

    candidate: Candidate
    endpoint: Endpoint

    @classmethod
    def of(cls, candidate: Candidate) -> Remote:
        """Take a candidate. Raises UsageError where its address is a name."""
        return cls(candidate, Endpoint.of(candidate.address, candidate.port))


class PairState(StrEnum):
    """How a pair's check stands (RFC 8445 section 6.1.2.6)."""

    FROZEN = "frozen"
    WAITING = "waiting"
    IN_PROGRESS = "in-progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Pair:
    """Two candidates, and the check between them."""

    local: Local
    remote: Remote
    priority: int
    state: PairState = PairState.FROZEN
    transaction_id: bytes = b""
    """Of the latest check."""
    valid: Pair | None = None
    """The pair that a successful check of this one has proven (RFC 8445 section 7.2.5.3.2)."""
    is_nominated: bool = False
    """Whether the controlling agent wants this pair, as soon as its check succeeds."""
    triggers: int = 0
    """How often a check of the peer's has triggered one (RFC 8445 section 7.3.1.4)."""

    @property
    def foundation(self) -> tuple[str, str]:
        """Equal for pairs that are likely to fare alike."""
        return self.local.candidate.foundation, self.remote.candidate.foundation

    def __str__(self) -> str:
        local, remote = self.local, self.remote
        return (
            f"{local.candidate.type} {local.endpoint} to {remote.candidate.type} {remote.endpoint}"
        )


def pair_priority(local: int, remote: int, *, is_controlling: bool) -> int:
    """Return the priority of a pair of candidates with these priorities (RFC 8445 6.1.2.3)."""
    controlling, controlled = (local, remote) if is_controlling else (remote, local)
    low, high = min(controlling, controlled), max(controlling, controlled)
    return (low << 32) + 2 * high + (controlling > controlled)


def can_pair(local: Local, remote: Remote) -> bool:
    """Return whether two candidates go together (RFC 8445 section 6.1.2.2)."""
    ours, theirs = local.candidate, remote.candidate
    return (
        ours.component == theirs.component
        and ours.transport == theirs.transport
        and local.endpoint.family is remote.endpoint.family
        and _is_link_local(local.endpoint) == _is_link_local(remote.endpoint)
    )


def _is_link_local(endpoint: Endpoint) -> bool:
    packed = endpoint.packed
    return len(packed) == 16 and packed[0] == _LINK_LOCAL[0] and packed[1] & 0xC0 == _LINK_LOCAL[1]
