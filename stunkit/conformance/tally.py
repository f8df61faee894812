"""How likely it is that silence was mere loss.

Every silence is listened to beside controls: plain questions that the server is known to answer.
The share of them that got lost says how likely it is that all tries of a question were lost too.
"""

from __future__ import annotations

from dataclasses import dataclass

NEGLIGIBLE = 1e-5  # the chance of taking loss for silence that is put up with, per question


@dataclass(slots=True)
class Tally:
    """Controls sent and answered."""

    sent: int = 0
    answered: int = 0

    def chance(self, tries: int) -> float:
        """Return the probability that so many more questions are all lost.

        Nothing is assumed of the path but that each question shares one fate with the controls
        (the rule of succession, once for each try): what was never seen lost may still be.
        """
        lost = self.sent - self.answered
        chance = 1.0
        for number in range(tries):
            chance *= (lost + 1 + number) / (self.sent + 2 + number)
        return chance
