"""Whether a server's word on filtering can be believed: what its RFC 5780 cases come to together.

A client concludes from which answers to CHANGE-REQUEST arrive. A server that ignores it, or cannot
be reached at its other address, makes every client conclude something false.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from stunkit.conformance.verdict import Outcome, Verdict

# What a filtering verdict rests on.
HONEST = ("other-address", "other-answers", "change-request")
ABLE = "other-address"  # skipped where there is none
REFUSES = ("change-refused", "change-nothing")


class Trust(StrEnum):
    """What becomes of filtering verdicts that are made with a server."""

    TRUSTED = "trusted"
    MISLEADING = "misleading"
    NONE = "none"  # it has one address and says so, so nobody gets a verdict from it
    UNKNOWN = "unknown"


class Filtering(NamedTuple):
    """How far filtering verdicts can be trusted, and why."""

    trust: Trust
    why: str


def filtering(verdicts: Mapping[str, Verdict]) -> Filtering:
    """Return what the verdicts of one way, by the ids of their cases, come to."""
    known = {name: verdicts[name] for name in (*HONEST, *REFUSES) if name in verdicts}
    if ABLE not in known:
        return Filtering(Trust.UNKNOWN, "not asked")
    for name, verdict in known.items():
        if verdict.outcome is Outcome.FAIL:
            return Filtering(Trust.MISLEADING, f"{name}: {verdict.why}")
    has_one_address = known[ABLE].outcome is Outcome.SKIP
    names = REFUSES if has_one_address else HONEST
    for name in names:
        if name not in known or not known[name].is_pass:
            why = known[name].why if name in known else "not asked"
            return Filtering(Trust.UNKNOWN, f"{name}: {why}")
    if has_one_address:
        return Filtering(Trust.NONE, "it has one address, and says so")
    return Filtering(Trust.TRUSTED, "it answers from where it is asked to")
