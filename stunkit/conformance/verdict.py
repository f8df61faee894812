"""What a case comes to: its outcome, why, and the bytes that show it.

Rules of this file: a requirement is broken only where an answer shows it, or a silence that chance
does not explain; whatever else may have happened is unknown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How much a requirement asks for (RFC 2119), or that no RFC does."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    ADVICE = "ADVICE"  # what no RFC asks for and an operator wants to know


class Outcome(StrEnum):
    """What became of a case."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    UNKNOWN = "unknown"  # it was asked, and nothing follows from what came back
    SKIP = "skip"  # it does not apply: the server does not offer this


class Verdict(NamedTuple):
    """An outcome and its reason.

    ``sent`` and ``received`` are the bytes that it rests on, where they are not those of the last
    question; ``received`` is None for silence.
    """

    outcome: Outcome
    why: str
    sent: bytes | None = None
    received: bytes | None = None

    @property
    def is_pass(self) -> bool:
        """Whether the server did as it is asked to."""
        return self.outcome is Outcome.PASS


class Judged(Exception):
    """Ends a procedure early, with its verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def passed(why: str = "") -> Verdict:
    """Return that the server did as it is asked to."""
    return Verdict(Outcome.PASS, why)


def failed(why: str) -> Verdict:
    """Return that the server broke the requirement."""
    return Verdict(Outcome.FAIL, why)


def unknown(why: str) -> Verdict:
    """Return that nothing follows from what came back."""
    return Verdict(Outcome.UNKNOWN, why)


def skipped(why: str) -> Verdict:
    """Return that the requirement does not apply."""
    return Verdict(Outcome.SKIP, why)
