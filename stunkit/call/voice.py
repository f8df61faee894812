"""Voice: how a phone call over a path would sound, by the E-model (ITU-T G.107, 06/2015).

    R = 93.2 - Idd - Ie-eff            MOS of R

93.2 is what the model's defaults make of everything that is no matter of the network (clause 7.7).
Idd is what delay costs (clause 7.4), Ie-eff what the codec and loss cost (clause 7.5).

What is assumed, since a round trip cannot tell it:

- Each way takes half of the round trip, and loses the same share, at random (BurstR = 1).
- The codec is G.711 with packet loss concealment, in packets of 20 ms: Ie = 0, Bpl = 25.1 (G.113
  appendix I, tables I.1 and I.3; given there for packets of 10 ms). Opus with its own redundancy
  bears loss better.
- The jitter buffer holds twice the jitter, a packet at least. The jitter is that of both ways, so
  this is on the cautious side.
- Nobody hears an echo: Idte and Idle are zero.
"""

from __future__ import annotations

from enum import StrEnum
from math import log2, sqrt
from typing import NamedTuple

R_DEFAULT = 93.2  # G.107 clause 7.7
MINIMAL_DELAY = 0.1  # seconds one way that nobody notices: mT of G.107 clause 7.4, its default
IE = 0.0  # G.711; G.113 table I.1
BPL = 25.1  # G.711 with concealment; G.113 table I.3
PACKET = 0.02  # seconds of voice in a packet; RFC 3551 section 4.2
BUFFERED_JITTERS = 2.0  # how many times the jitter a jitter buffer holds

# The categories of ITU-T G.109 (table 1) begin at R = 90, 80, 70, 60, 50: best, high, medium, low,
# poor, which is where nearly all users are dissatisfied.
GOOD = 80.0  # users satisfied
FAIR = 70.0  # some users dissatisfied


class Grade(StrEnum):
    """A rating in a word."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


class Voice(NamedTuple):
    """A rating: the delay from mouth to ear (seconds), R, and the mean opinion score of R."""

    delay: float
    r: float
    mos: float

    @property
    def grade(self) -> Grade:
        """R in a word, by the categories of G.109."""
        return Grade.GOOD if self.r >= GOOD else Grade.FAIR if self.r >= FAIR else Grade.POOR


def rate(rtt: float, jitter: float, loss: float) -> Voice:
    """Rate a path by its round trip and jitter, in seconds, and the share of round trips lost."""
    delay = rtt / 2 + PACKET + max(PACKET, BUFFERED_JITTERS * jitter)
    one_way = 1.0 - sqrt(1.0 - loss)
    r = R_DEFAULT - delay_impairment(delay) - loss_impairment(one_way)
    return Voice(delay, r, opinion(r))


def delay_impairment(delay: float) -> float:
    """Return Idd for a delay from mouth to ear in seconds (G.107 clause 7.4, sT = 1)."""
    if delay <= MINIMAL_DELAY:
        return 0.0
    x = log2(delay / MINIMAL_DELAY)
    return 25.0 * (_sixth(x) - 3.0 * _sixth(x / 3.0) + 2.0)


def loss_impairment(loss: float) -> float:
    """Return Ie-eff for a share of lost packets (G.107 clause 7.5)."""
    percent = 100.0 * loss
    return IE + (95.0 - IE) * percent / (percent + BPL)


def opinion(r: float) -> float:
    """Return the mean opinion score for R, from 1 to 4.5 (G.107 annex B)."""
    if r <= 0.0:
        return 1.0
    if r >= 100.0:
        return 4.5
    # between 0 and 6.5 the curve dips below 1, which no score can be
    return max(1.0, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)


def _sixth(x: float) -> float:
    return float((1.0 + x**6) ** (1.0 / 6.0))
