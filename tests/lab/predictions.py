"""What is foretold of a call between two kinds of network, and whether that came true.

The one place that asks for predictions and judges them; the tests and ``scripts/predict`` both go
by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from stunkit.call.facts import Facts, Relay, RelayTransport
from stunkit.call.simulation import Outcome as Foretold
from stunkit.call.verdict import predict
from stunkit.lab import Kind
from tests.lab.calls import Call, Outcome, usual_transport


class Judgement(StrEnum):
    RIGHT = "right"
    UNKNOWN = "unknown"
    WRONG = "WRONG"


def foretell(kind: Kind, other: Kind, *, relays: bool) -> Foretold:
    """Foretell a call from what the two kinds are, with a relay for each end or without any."""
    ours, theirs = (
        Facts.of_kind(one, [Relay(RelayTransport(usual_transport(one)))] if relays else [])
        for one in (kind, other)
    )
    return predict(ours, theirs, suggests_changes=False).outcome


def judge(kind: Kind, other: Kind, call: Call) -> Judgement:
    """Hold what is foretold, without relays and with them, against what came of the call."""
    alone = call.outcomes(relays=False)
    judgements = {
        judge_one(foretell(kind, other, relays=relays), alone, call.outcomes(relays=relays))
        for relays in (False, True)
    }
    return max(judgements, key=list(Judgement).index)


def judge_one(
    foretold: Foretold, alone: Sequence[Outcome], outcomes: Sequence[Outcome]
) -> Judgement:
    """Hold one prediction against the outcomes without relays and those that it is about.

    With relays the agents may take one where they need not: what was to be direct has to be so
    without them, and to connect with them.
    """
    if foretold is Foretold.UNKNOWN:
        return Judgement.UNKNOWN
    has_come_true = {
        Foretold.DIRECT: set(alone) == {Outcome.DIRECT} and Outcome.FAILED not in outcomes,
        Foretold.RELAY: set(alone) == {Outcome.FAILED} and set(outcomes) == {Outcome.RELAY},
        Foretold.BLOCKED: set(outcomes) == {Outcome.FAILED},
    }[foretold]
    return Judgement.RIGHT if has_come_true else Judgement.WRONG
