"""Priority: the number that puts candidates into order, and its three parts.

Answers to RFC 8445 section 5.1.2 (the formula and the type preferences) and RFC 8421 (addresses
of both families by turns, so that a broken family costs little).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

from stunkit.endpoint import Family
from stunkit.ice.candidate import CandidateType

TYPE_PREFERENCES = {  # RFC 8445 section 5.1.2.2
    CandidateType.HOST: 126,
    CandidateType.PEER_REFLEXIVE: 110,
    CandidateType.SERVER_REFLEXIVE: 100,
    CandidateType.RELAYED: 0,
}
MAX_PRIORITY = 2**31 - 1  # RFC 8445 section 5.1.2
MAX_TYPE_PREFERENCE = 126  # RFC 8445 section 5.1.2.1
MAX_LOCAL_PREFERENCE = 65535  # likewise; also the value of an only address
MAX_COMPONENT = 256  # likewise


class Priority(NamedTuple):
    """A priority taken apart, or to be put together."""

    type_preference: int
    local_preference: int
    component: int

    @classmethod
    def of(cls, value: int) -> Priority:
        """Take apart what the recommended formula made (RFC 8445 section 5.1.2.1).

        Another formula gives parts that mean nothing, such as a component that is not the
        candidate's.
        """
        return cls(value >> 24, value >> 8 & 0xFFFF, 256 - (value & 0xFF))

    @property
    def value(self) -> int:
        """The priority as one number."""
        return (self.type_preference << 24) + (self.local_preference << 8) + 256 - self.component

    def __str__(self) -> str:
        return f"{self.type_preference} | {self.local_preference} | {self.component}"


def priority_of(
    kind: CandidateType, *, local_preference: int = MAX_LOCAL_PREFERENCE, component: int = 1
) -> int:
    """Return the priority that RFC 8445 section 5.1.2 recommends."""
    return Priority(TYPE_PREFERENCES[kind], local_preference, component).value


def local_preferences(families: Sequence[Family]) -> list[int]:
    """Return a local preference for each address of a host, given the families in its own order.

    Each is another one. The families take turns, IPv6 first, for as long as both last (RFC 8421
    section 4); within a family the order stays: what the host would rather not use (a VPN, a
    metered line) comes last in it (RFC 8421 section 3).
    """
    sixth = [index for index, family in enumerate(families) if family is Family.IPV6]
    fourth = [index for index, family in enumerate(families) if family is Family.IPV4]
    order = (index for index in chain(*zip_longest(sixth, fourth)) if index is not None)
    ranks = {index: rank for rank, index in enumerate(order)}
    return [MAX_LOCAL_PREFERENCE - ranks[index] for index in range(len(families))]
