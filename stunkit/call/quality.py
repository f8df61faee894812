"""Quality: what a path does to a stream of small datagrams, from samples of it.

Round trip, jitter (RFC 3550 section 6.4.1), loss, order and doubles, and what follows for a voice
call (``call.voice``).

Rules of this file: only round trips are measured. Jitter is computed from them, so it is that of
both ways together; loss counts whichever way a datagram was lost. Too few answers: unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import NamedTuple

from stunkit.call.sampler import Answer, Samples
from stunkit.call.voice import Voice, rate

LEAST_ANSWERS = 16  # the gain of RFC 3550's filter is 1/16: with fewer it has not settled
LEAST_SENT = 40  # questions; one lost of them is 2.5 %
Z = 1.96  # standard deviations around 95 % of a normal distribution


class Interval(NamedTuple):
    """Between what a value lies, 95 times in 100."""

    low: float
    high: float


class Quality(NamedTuple):
    """What was seen; None is unknown, and ``why`` says why.

    Times are in seconds, ``loss`` is a share of the questions. ``reordered`` counts answers that
    came after one to a later question, ``duplicates`` those that came again.
    """

    sent: int
    answered: int
    rtt: float | None
    rtt_min: float | None
    rtt_max: float | None
    jitter: float | None
    loss: float | None
    loss_range: Interval | None
    reordered: int
    duplicates: int
    late: int
    voice: Voice | None
    why: str = ""


def assess(samples: Samples) -> Quality:
    """Say what samples show."""
    answers = samples.answers
    trips = [answer.rtt for answer in answers]
    is_enough = samples.sent >= LEAST_SENT
    loss = 1.0 - len(answers) / samples.sent if is_enough else None
    spread = jitter(answers) if len(answers) >= LEAST_ANSWERS else None
    voice = None
    if trips and spread is not None and loss is not None:
        voice = rate(median(trips), spread, loss)
    return Quality(
        sent=samples.sent,
        answered=len(answers),
        rtt=median(trips) if trips else None,
        rtt_min=min(trips, default=None),
        rtt_max=max(trips, default=None),
        jitter=spread,
        loss=loss,
        loss_range=wilson(samples.sent - len(answers), samples.sent) if is_enough else None,
        reordered=_reordered(answers),
        duplicates=samples.duplicates,
        late=samples.late,
        voice=voice,
        why=_explain(samples),
    )


def jitter(answers: Sequence[Answer]) -> float:
    """Return the interarrival jitter in seconds (RFC 3550 section 6.4.1).

    In order of arrival, as there. A difference of transit times is here one of round trips.
    """
    value = 0.0
    for before, after in pairwise(answers):
        value += (abs(after.rtt - before.rtt) - value) / 16
    return value


def wilson(hits: int, tries: int) -> Interval:
    """Return Wilson's score interval of a share: it is right for small numbers too."""
    share, z2 = hits / tries, Z * Z
    middle = (share + z2 / (2 * tries)) / (1 + z2 / tries)
    half = Z * sqrt(share * (1 - share) / tries + z2 / (4 * tries * tries)) / (1 + z2 / tries)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def _reordered(answers: Sequence[Answer]) -> int:
    """Count answers that came after one to a later question (RFC 4737 section 3.3)."""
    highest = -1
    count = 0
    for answer in answers:
        count += answer.number < highest
        highest = max(highest, answer.number)
    return count


def _explain(samples: Samples) -> str:
    """Say why something is unknown, "" where nothing is."""
    ended = f": {samples.why}" if samples.why else ""
    if samples.sent and not samples.answers:
        return f"none of {samples.sent} questions was answered{ended}"
    if samples.sent < LEAST_SENT:
        return f"only {samples.sent} questions were asked, and {LEAST_SENT} are needed{ended}"
    if len(samples.answers) < LEAST_ANSWERS:
        return f"only {len(samples.answers)} answers came, and {LEAST_ANSWERS} are needed{ended}"
    return ""
