"""How likely it is that silence was mere loss.

A question that should have been answered and was not tells something only when chance is ruled
out: each try is lost, on its way there or back, with some probability, which is estimated from
the questions that had an answer coming.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from sys import maxsize

NEGLIGIBLE = 1e-8  # the chance of a wrong verdict that is put up with, per silence

# The estimate starts as if this had been seen, so that few lucky exchanges do not prove a
# lossless path.
_PRIOR_LOST = 2.0
_PRIOR_SENT = 6.0
MAX_LOSS = 0.9  # beyond it, silence says nothing


@dataclass(slots=True)
class Odds:
    """The exchanges seen so far: questions sent that had an answer coming, and answers."""

    sent: int = 0
    answered: int = 0

    @property
    def loss(self) -> float:
        """The estimated probability that one exchange is lost, on the cautious side."""
        lost = max(0, self.sent - self.answered)
        return (lost + _PRIOR_LOST) / (self.sent + _PRIOR_SENT)

    def tries_needed(self, fragments: int = 1) -> int:
        """Return how many unanswered tries make chance negligible."""
        loss = self._loss_in(fragments)
        return maxsize if loss > MAX_LOSS else ceil(log(NEGLIGIBLE) / log(loss))

    def chance(self, tries: int, fragments: int = 1) -> float:
        """Return the probability that so many tries in a row were lost."""
        return float(self._loss_in(fragments) ** tries)

    def _loss_in(self, fragments: int) -> float:
        """Return the loss of an exchange that travels in so many fragments, each way."""
        return 1.0 - float((1.0 - self.loss) ** fragments)
