"""Forecast: one end against several peers, and the one verdict that follows.

A peer is a kind of network, by its name, or an end that exists, by its token. Someone of a kind has
the relays that this end has: both use one application, and an application has its relays. Someone
whose network blocks UDP reaches them over TCP or TLS alone.

Rules of this file: the verdict is that for the hardest of the peers that are asked about. A relay
of which is not known whether it carries data may be there or not: where it matters, the verdict is
unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from stunkit.call.facts import Facts, Relay, RelayTransport
from stunkit.call.simulation import Outcome
from stunkit.call.token import MARK, format_token, parse_token
from stunkit.call.verdict import Verdict, predict
from stunkit.errors import UsageError
from stunkit.kinds import find_kind

COMMON = ("public", "full-cone", "restricted", "port-restricted", "symmetric", "udp-blocked")
USUAL = "port-restricted"
"""What most home routers are: the peer where none is named."""

_ORDER = tuple(Outcome).index


class Peer(NamedTuple):
    """Who is at the other end: a kind, or the owner of a token, which is the name then."""

    name: str
    facts: Facts
    is_token: bool = False

    @classmethod
    def parse(cls, text: str) -> Peer:
        """Return the peer that a kind's name or a token stands for. Raises UsageError."""
        if "".join(text.split()).lower().startswith(MARK):
            facts = parse_token(text)
            return cls(format_token(facts), facts, is_token=True)
        try:
            return cls.of_kind(text)
        except UsageError as error:
            raise UsageError("a kind of network, or a token", text, error.reason) from None

    @classmethod
    def of_kind(cls, name: str) -> Peer:
        """Return somebody in a kind of network. Raises UsageError for a name that is none."""
        return cls(name, Facts.of_kind(find_kind(name)))


class Forecast(NamedTuple):
    """What becomes of a call with each peer, and with the hardest of those asked about.

    ``peers`` are the common kinds, and whoever else was asked about. ``hardest`` is whom
    ``verdict`` is about; ``is_usual`` says that nobody was asked about.
    """

    verdict: Verdict
    hardest: Peer
    peers: tuple[tuple[Peer, Verdict], ...]
    asked: tuple[Peer, ...]
    is_usual: bool


def forecast(ours: Facts, asked: Sequence[Peer] = (), unproven: Iterable[Relay] = ()) -> Forecast:
    """Foretell a call with each of the common kinds and of the peers that are asked about.

    ``unproven`` are relays of which is not known whether they carry data.
    """
    is_usual = not asked
    whole = tuple(dict.fromkeys(asked)) or (Peer.of_kind(USUAL),)
    others = [Peer.of_kind(name) for name in COMMON]
    everybody = dict.fromkeys((*others, *whole))
    more = frozenset(unproven) - ours.relays
    found = {peer: judge(ours, peer, more, is_asked=peer in whole) for peer in everybody}
    worst = _worst([found[peer] for peer in whole])
    hardest = next(peer for peer in whole if found[peer].outcome is worst)
    return Forecast(found[hardest], hardest, tuple(found.items()), whole, is_usual)


def judge(
    ours: Facts, peer: Peer, unproven: frozenset[Relay] = frozenset(), *, is_asked: bool = True
) -> Verdict:
    """Foretell a call with one peer; what would help costs time, and only who is asked gets it."""
    verdict = _predict(ours, peer, is_asked=is_asked)
    if not unproven or verdict.outcome is Outcome.DIRECT:
        return verdict
    hopeful = _predict(replace(ours, relays=ours.relays | unproven), peer, is_asked=False)
    possible = tuple(sorted({*verdict.possible, *hopeful.possible}, key=_ORDER))
    if possible == verdict.possible:
        return verdict
    reason = "It is not known whether a relay that gave us an address carries data."
    return verdict._replace(
        outcome=Outcome.UNKNOWN,
        pair=None,
        family=None,
        possible=possible,
        reasons=(*verdict.reasons, reason),
    )


def _predict(ours: Facts, peer: Peer, *, is_asked: bool) -> Verdict:
    theirs = peer.facts if peer.is_token else _with_relays_of(ours, peer.facts)
    return predict(ours, theirs, suggests_changes=is_asked)


def _with_relays_of(ours: Facts, kind: Facts) -> Facts:
    """Return somebody of a kind, who uses the relays that we use."""
    accesses = [one for one in (kind.ipv4, kind.ipv6) if one is not None]
    has_udp = any(one.udp for one in accesses)
    return replace(
        kind,
        relays=frozenset(
            one for one in ours.relays if has_udp or one.transport is not RelayTransport.UDP
        ),
    )


def _worst(verdicts: Sequence[Verdict]) -> Outcome:
    """Return the outcome of the hardest of several calls, unknown where that is open."""
    worst = {
        max(outcomes, key=_ORDER)
        for outcomes in product(*({*verdict.possible} for verdict in verdicts))
    }
    return worst.pop() if len(worst) == 1 else Outcome.UNKNOWN
