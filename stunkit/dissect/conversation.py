"""Conversations: the transactions between two ends that were for one thing, added up.

ICE checks go both ways and are one conversation; anything else is told from the asker's side. What
two agents agreed on is read from their checks: ufrags, roles and the nominated pair (RFC 8445
sections 7 and 8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import NamedTuple

from stunkit.dissect.flow import Outcome, Purpose, Transaction
from stunkit.endpoint import Endpoint
from stunkit.wire.uri import Transport


class Trips(NamedTuple):
    """Round trips in seconds, and how many are known."""

    least: float
    median: float
    most: float
    known: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """Transactions between ``asker`` and ``asked``; of ICE, the first one to ask is the asker."""

    purpose: Purpose
    transport: Transport
    asker: Endpoint
    asked: Endpoint
    relay: Endpoint | None
    transactions: tuple[Transaction, ...]

    @property
    def methods(self) -> Counter[str]:
        """How many transactions there were of each method."""
        return Counter(one.name for one in self.transactions)

    @property
    def answered(self) -> int:
        """How many were answered with success."""
        return sum(one.outcome is Outcome.SUCCESS for one in self.transactions)

    @property
    def unanswered(self) -> int:
        """How many were not answered at all."""
        return sum(one.outcome is Outcome.UNANSWERED for one in self.transactions)

    @property
    def errors(self) -> Counter[str]:
        """How many were refused, by code and phrase."""
        return Counter(
            f"{one.error.code} {one.error.reason}".rstrip() if one.error else "unreadable"
            for one in self.transactions
            if one.outcome is Outcome.ERROR
        )

    @property
    def retransmissions(self) -> int:
        """How many requests were sent again."""
        return sum(one.retransmissions for one in self.transactions)

    @property
    def elsewhere(self) -> int:
        """How many answers came from another endpoint than the one asked."""
        return sum(one.answerer not in (None, one.asked) for one in self.transactions)

    @property
    def trips(self) -> Trips | None:
        """The round trips that are known."""
        known = [one.rtt for one in self.transactions if one.rtt is not None]
        if not known:
            return None
        return Trips(min(known), median(known), max(known), len(known))

    @property
    def mapped(self) -> tuple[Endpoint, ...]:
        """As what the asker was seen, each once."""
        seen = [one.mapped for one in self.transactions if one.asker == self.asker]
        return tuple(dict.fromkeys(endpoint for endpoint in seen if endpoint))

    @property
    def relayed(self) -> tuple[Endpoint, ...]:
        """What was allocated, each once."""
        return tuple(dict.fromkeys(chain.from_iterable(one.relayed for one in self.transactions)))

    @property
    def ufrags(self) -> tuple[str, str] | None:
        """Of ICE: the asker's ufrag and the other's."""
        for one in self.transactions:
            if one.ufrags:
                return one.ufrags if one.asker == self.asker else one.ufrags[::-1]
        return None

    @property
    def roles(self) -> dict[Endpoint, str]:
        """Of ICE: the role that each end last claimed."""
        return {one.asker: one.role for one in self.transactions if one.role}

    @property
    def nominator(self) -> Endpoint | None:
        """Of ICE: who asked first, with success, for this pair to be used."""
        for one in self.transactions:
            if one.is_nomination and one.outcome is Outcome.SUCCESS:
                return one.asker
        return None


def conversations(transactions: Iterable[Transaction]) -> list[Conversation]:
    """Return the conversations that transactions belong to, in the order in which they began."""
    groups: dict[tuple[object, ...], list[Transaction]] = {}
    for one in transactions:
        ends: tuple[Endpoint, ...] = (one.asker, one.asked)
        ufrags: tuple[str, ...] = one.ufrags or ()
        if one.purpose is Purpose.CHECK:
            ends, ufrags = tuple(sorted(ends)), tuple(sorted(ufrags))
        key = (one.purpose, one.transport, one.relay, ends, ufrags)
        groups.setdefault(key, []).append(one)
    return [
        Conversation(
            first.purpose, first.transport, first.asker, first.asked, first.relay, tuple(group)
        )
        for group in groups.values()
        for first in group[:1]
    ]
