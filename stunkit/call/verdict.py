"""The verdict: whether a call between two ends connects directly, by relay, or not at all.

It is computed, not looked up: the call is simulated under every assumption about what is not
known, and under several timings. If all agree, that is the verdict; if not, it is "unknown", and
says what it hangs on.

A verdict is about the best pair that the two can have. An agent that does not wait for it may
select a relay where a direct pair would have come a moment later (RFC 8445 section 8.1.1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from stunkit.behavior import Behavior, Filtering, Mapping
from stunkit.call.assumption import Assumption, Fact, Setting, Unknown, Whose
from stunkit.call.facts import Access, Facts, Relay, RelayTransport
from stunkit.call.reason import caution, explain, suggest
from stunkit.call.simulation import End, Outcome, Place, Types, outcomes
from stunkit.endpoint import Family

# The better address family first (RFC 8421 section 4 favors IPv6).
_FAMILIES = (Family.IPV6, Family.IPV4)


_BETTER = tuple(Outcome)
MOST = 64  # cases that are tried out; where more are open, nothing is known


class Verdict(NamedTuple):
    """What will become of a call, and why.

    ``pair`` are the types of the selected candidates, ours first, and ``family`` is theirs; None
    where there are none or where they are not known. ``possible`` are the outcomes that the facts
    leave open, one unless it is unknown, and ``hinges`` what it hangs on then. ``reasons`` and
    ``changes`` are sentences: why, and what to do.
    """

    outcome: Outcome
    pair: Types | None
    family: Family | None
    reasons: tuple[str, ...]
    changes: tuple[str, ...]
    possible: tuple[Outcome, ...]
    hinges: tuple[Unknown, ...]


class _Finding(NamedTuple):
    """What can happen in one family."""

    family: Family
    setting: Setting
    possible: frozenset[Outcome]
    pair: Types | None
    hinges: tuple[Unknown, ...]


def predict(ours: Facts, theirs: Facts, *, suggests_changes: bool = True) -> Verdict:
    """Foretell a call. ``changes`` cost as much time again; they can be left out."""
    findings = _findings(ours, theirs)
    possible = _combine(findings)
    outcome = possible[0] if len(possible) == 1 else Outcome.UNKNOWN
    chosen = next((one for one in findings if one.possible == {outcome}), None)
    pair = chosen.pair if chosen else None
    open_ = [one for one in findings if len(one.possible) > 1] if chosen is None else []
    hinges = tuple(dict.fromkeys(hinge for one in open_ for hinge in one.hinges))
    told = [chosen] if chosen and outcome is Outcome.DIRECT else findings
    reasons = [
        sentence
        for one in told
        for sentence in explain(one.family, one.setting, one.possible, one.hinges)
    ]
    if not findings:
        reasons = ["There is no address family in which both ends have an address or a relay."]
    reasons += caution(ours, theirs, is_direct=Outcome.DIRECT in possible)
    changes: tuple[str, ...] = ()
    if suggests_changes and outcome is not Outcome.DIRECT:
        changes = (*suggest(hinges), *_remedies(ours, theirs, possible))
    family = chosen.family if chosen and pair else None
    return Verdict(outcome, pair, family, tuple(reasons), changes, possible, hinges)


def _findings(ours: Facts, theirs: Facts) -> list[_Finding]:
    """Return what can happen in each family in which both ends have an address or a relay."""
    found = []
    for family in _FAMILIES:
        here, there = ours.access(family), theirs.access(family)
        setting = Setting(
            here,
            there,
            ours.has_relay(family),
            theirs.has_relay(family),
            here is not None and there is not None and here.shares_public(there) is True,
        )
        if all(
            access is not None or has_relay
            for access, has_relay in (
                (here, setting.has_our_relay),
                (there, setting.has_their_relay),
            )
        ):
            found.append(_find(family, setting))
    return found


def _find(family: Family, setting: Setting) -> _Finding:
    """Simulate until everything has been tried out, or there is nothing more to learn from it."""
    seen: dict[Outcome, Assumption] = {}
    pairs: set[Types] = set()
    hinges: tuple[Unknown, ...] = ()
    tried: set[tuple[End, End, Place]] = set()
    for assumption in setting.assumptions():
        case = setting.ends(assumption)
        if case in tried:
            continue
        if len(tried) == MOST:
            hinges = hinges or tuple(setting.unknowns)
            return _Finding(family, setting, setting.conceivable, None, hinges)
        tried.add(case)
        here, pair = _simulate(setting, assumption)
        if pair is not None:
            pairs.add(pair)
        if len(here) > 1:
            hinges = hinges or (Unknown(Whose.BOTH, Fact.TIMING),)
        for outcome in here:
            seen.setdefault(outcome, assumption)
        if len(seen) > 1 and not hinges:
            hinges = _hinges(setting, *list(seen.values())[:2])
        if seen.keys() == setting.conceivable:
            break
    pair = min(pairs, default=None) if len(seen) == 1 else None
    return _Finding(family, setting, frozenset(seen), pair, hinges)


def _simulate(setting: Setting, assumption: Assumption) -> tuple[frozenset[Outcome], Types | None]:
    found = outcomes(*setting.ends(assumption))
    pair = min((types for types in found if types is not None), default=None)
    return frozenset(types.outcome if types else Outcome.BLOCKED for types in found), pair


def _hinges(setting: Setting, one: Assumption, other: Assumption) -> tuple[Unknown, ...]:
    """Return the unknowns of which each alone changes the outcome, somewhere between two.

    If none does, the one at which it changes on the way from the one to the other.
    """
    differing = [unknown for unknown in one if one[unknown] != other[unknown]]
    alone = []
    for unknown in differing:
        for start, end in ((one, other), (other, one)):
            flipped = {**start, unknown: end[unknown]}
            if _simulate(setting, flipped)[0] != _simulate(setting, start)[0]:
                alone.append(unknown)
                break
    if alone:
        return tuple(alone)
    walk, before = dict(one), _simulate(setting, one)[0]
    for unknown in differing:
        walk[unknown] = other[unknown]
        if _simulate(setting, walk)[0] != before:
            break
    return (unknown,)


def _combine(findings: list[_Finding]) -> tuple[Outcome, ...]:
    """Return the outcomes that are possible when ICE tries all families at once."""
    best = {Outcome.BLOCKED}
    for finding in findings:
        best = {min(one, other, key=_BETTER.index) for one in best for other in finding.possible}
    return tuple(sorted(best, key=_BETTER.index))


def _remedies(ours: Facts, theirs: Facts, possible: tuple[Outcome, ...]) -> list[str]:
    """Return what would make it better: each is tried out."""
    found = []
    if Outcome.BLOCKED in possible:
        found += _relay_remedy(ours, theirs)
    for whose, better in (
        (Whose.OURS, (_with_port_mapping(ours), theirs)),
        (Whose.THEIRS, (ours, _with_port_mapping(theirs))),
    ):
        if better != (ours, theirs) and _combine(_findings(*better)) == (Outcome.DIRECT,):
            found.append(
                f"A port mapping at the router of {whose} (PCP, NAT-PMP or UPnP) makes it direct."
            )
    sixth = Access.of_behavior(Behavior(nat=False))
    both = [replace(one, ipv6=one.ipv6 or sixth) for one in (ours, theirs)]
    lack_it = [one for one in (ours, theirs) if one.ipv6 is None]
    is_blocked = any(one.ipv4 is not None and one.ipv4.udp is False for one in lack_it)
    if lack_it and not is_blocked and _combine(_findings(*both)) == (Outcome.DIRECT,):
        found.append("IPv6 at both ends makes it direct, behind firewalls too.")
    return found


def _relay_remedy(ours: Facts, theirs: Facts) -> list[str]:
    """Return which end needs a relay, so that there is a connection in any case."""
    relay = Relay(RelayTransport.TLS)
    helps_here, helps_there = (
        Outcome.BLOCKED not in _combine(_findings(*better))
        for better in (
            (replace(ours, relays=ours.relays | {relay}), theirs),
            (ours, replace(theirs, relays=theirs.relays | {relay})),
        )
    )
    whose = str(Whose.BOTH)
    if helps_here or helps_there:
        whose = str(Whose.OURS if helps_here else Whose.THEIRS)
    if helps_here and helps_there:
        whose = "either end"
    needy = [one for one in (ours, theirs) if one.ipv4 is None or one.ipv4.udp is not True]
    how = ", reached over TCP or TLS where UDP does not get out" if needy else ""
    return [f"Give {whose} a relay (TURN){how}."]


def _with_port_mapping(facts: Facts) -> Facts:
    """Return the facts as a port mapping makes them, or as they are where there can be none."""
    access = facts.ipv4
    if access is None or access.udp is False or access.nat is False or access.is_shared:
        return facts
    mapped = replace(
        access,
        udp=True,
        nat=True,
        mapping=Mapping.ENDPOINT_INDEPENDENT,
        filtering=Filtering.ENDPOINT_INDEPENDENT,
    )
    return replace(facts, ipv4=mapped)
