"""Assumptions: what the facts leave open, and every way in which it may be.

An assumption gives each unknown a value; with it, all that a simulated call needs is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import replace
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple

from stunkit.behavior import Filtering, Mapping
from stunkit.call.facts import Access
from stunkit.call.simulation import End, Outcome, Place


class Whose(StrEnum):
    """Which end an unknown belongs to, by the words that a sentence has for it."""

    OURS = "this end"
    THEIRS = "the other end"
    BOTH = "both ends"


class Fact(StrEnum):
    """What may be unknown; the values of the first four are fields of ``Access``."""

    UDP = "udp"
    NAT = "nat"
    MAPPING = "mapping"
    FILTERING = "filtering"
    HAIRPIN = "hairpin"
    ANSWERS = "answers_through"
    """By which mapping strangers are answered; see ``Behavior``."""
    PLACE = "place"
    """Where two ends are that share a public address."""
    TIMING = "timing"
    """Who starts first, and how long datagrams take: never known."""


class Unknown(NamedTuple):
    """One thing that is not known."""

    whose: Whose
    fact: Fact


Assumption = dict[Unknown, Any]

# The first of each lets most through, the last least: so the extremes are tried out first.
_VALUES: dict[Fact, tuple[Any, ...]] = {
    Fact.UDP: (True, False),
    Fact.NAT: (False, True),
    Fact.MAPPING: tuple(Mapping),
    Fact.FILTERING: tuple(Filtering),
}


class Setting(NamedTuple):
    """Two ends in one family, and whether each has a relayed address there."""

    ours: Access | None
    theirs: Access | None
    has_our_relay: bool
    has_their_relay: bool
    is_shared: bool
    """Whether both have one public address."""

    @property
    def unknowns(self) -> dict[Unknown, tuple[Any, ...]]:
        """What is not known, and what each may be."""
        found: dict[Unknown, tuple[Any, ...]] = {}
        for whose, access in ((Whose.OURS, self.ours), (Whose.THEIRS, self.theirs)):
            for fact, values in _VALUES.items():
                if access is not None and getattr(access, fact) is None:
                    found[Unknown(whose, fact)] = values
            if access is not None and access.answers_through is None and _lets_strangers_in(access):
                found[Unknown(whose, Fact.ANSWERS)] = (True, False)
        if self.is_shared:
            found[Unknown(Whose.BOTH, Fact.PLACE)] = self._places
            if self._hairpin is None:
                found[Unknown(Whose.BOTH, Fact.HAIRPIN)] = (True, False)
        return found

    @property
    def conceivable(self) -> frozenset[Outcome]:
        """What could come of it under some assumption: no call needs a relay that is not there.

        Two relays reach each other, whatever is before the ends.
        """
        relays = (self.has_our_relay, self.has_their_relay)
        relayed = {Outcome.RELAY} if any(relays) else set()
        blocked = set() if all(relays) else {Outcome.BLOCKED}
        return frozenset({Outcome.DIRECT} | relayed | blocked)

    def assumptions(self) -> Iterator[Assumption]:
        """Yield every assumption, the two extremes first."""
        unknowns = self.unknowns
        yield {one: values[0] for one, values in unknowns.items()}
        yield {one: values[-1] for one, values in unknowns.items()}
        for values in product(*unknowns.values()):
            yield dict(zip(unknowns, values, strict=True))

    def ends(self, assumption: MappingType[Unknown, Any]) -> tuple[End, End, Place]:
        """Return the two ends, as an assumption has them, and where they are."""
        hairpin = assumption.get(Unknown(Whose.BOTH, Fact.HAIRPIN), self._hairpin)
        accesses = (
            (Whose.OURS, self.ours, self.has_our_relay),
            (Whose.THEIRS, self.theirs, self.has_their_relay),
        )
        ours, theirs = (
            _end(whose, access, assumption, has_relay=has_relay, hairpin=bool(hairpin))
            for whose, access, has_relay in accesses
        )
        place = assumption.get(Unknown(Whose.BOTH, Fact.PLACE), Place.APART)
        return ours, theirs, place

    @property
    def _places(self) -> tuple[Place, ...]:
        """Where the two can be. In IPv6 they share a prefix, which is a local network's."""
        both = (self.ours, self.theirs)
        if any(one is not None and one.public is not None and one.is_prefix for one in both):
            return (Place.SAME_LAN,)
        if all(one is not None and one.nat is False for one in both):
            return (Place.SAME_LAN,)
        return tuple(place for place in Place if place is not Place.APART)

    @property
    def _hairpin(self) -> bool | None:
        """Whether the NAT that both share turns back what ICE sends.

        Where it filters, a test that found no hairpin may have met the filter: it has sent nothing
        itself, as both ends of a call do.
        """
        known = {one.hairpin for one in (self.ours, self.theirs) if one is not None}
        if True in known:
            return True
        free = Filtering.ENDPOINT_INDEPENDENT
        both = (self.ours, self.theirs)
        if False in known and all(one is not None and one.filtering is free for one in both):
            return False
        return None


def _end(
    whose: Whose,
    access: Access | None,
    assumption: MappingType[Unknown, Any],
    *,
    has_relay: bool,
    hairpin: bool,
) -> End:
    if access is None:
        return End(Access(udp=False).behavior, has_address=False, has_relay=has_relay)
    assumed = {
        fact.value: assumption[Unknown(whose, fact)]
        for fact in (*_VALUES, Fact.ANSWERS)
        if Unknown(whose, fact) in assumption
    }
    known = replace(access, **assumed, hairpin=hairpin)
    if not _lets_strangers_in(known):
        known = replace(known, answers_through=False)
    return End(known.behavior, has_relay=has_relay)


def _lets_strangers_in(access: Access) -> bool:
    """Return whether it matters by which mapping an answer leaves to somebody unasked."""
    return (
        access.udp is not False
        and access.nat is not False
        and access.mapping is not Mapping.ENDPOINT_INDEPENDENT
        and access.filtering is not Filtering.ADDRESS_AND_PORT_DEPENDENT
    )
