"""The lifetime of a mapping that nobody uses (RFC 4787 section 4.3, RFC 5780 section 4.6).

Several sockets open a mapping at once, and each is checked at an age of its own (``checkup``), once
only: what comes in may refresh it. The first round brackets the lifetime by ages that grow by half;
the next ones divide what is left into equal parts. It ends when that is narrow enough.

A mapping is opened with one question and its answer. There are NATs that give a longer life to one
that has seen more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil, floor

from stunkit.endpoint import Endpoint
from stunkit.nat.checkup import HELPERS, Checkup, Health
from stunkit.nat.inquiry import Inquiry
from stunkit.nat.probe import Probe
from stunkit.nat.report import Evidence, Lifetime

LONGEST = 300.0  # seconds; the age that is tried at the most
SHORTEST = 5.0  # seconds; the age that is tried first
GROWTH = 1.5  # from one age to the next in the first round
PARTS = 8  # into which each later round divides what is left
ROUNDS = 3
PRECISE = 0.05  # of the lifetime: so narrow a bracket is enough
LEAD = 1.0  # seconds before a check for finding the sockets that it takes
TIMEOUT = 1000.0  # seconds for the whole test
SOCKETS = 36  # local endpoints that it may want


class LifetimeTest(Inquiry[Evidence]):
    """A machine (``protocol.machine``) that ends in the evidence for "lifetime".

    ``sockets``: ``SOCKETS`` fresh local endpoints, on the address that datagrams to the server
    leave from. ``longest`` is the age in seconds up to which it is looked for. ``random`` gives so
    many random bytes.
    """

    def __init__(
        self,
        server: Endpoint,
        sockets: Sequence[Endpoint],
        now: float,
        random: Callable[[int], bytes],
        *,
        longest: float = LONGEST,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__(now, random, timeout)
        self._server = server
        self._helpers = list(sockets[:HELPERS])
        self._spare = list(sockets[HELPERS:])
        self._rounds = 0
        self._patients: deque[tuple[float, Probe]] = deque()
        self._checkup: Checkup | None = None
        self._at_least = 0.0
        self._at_most: float | None = None
        self._alive = ""  # why it lives at least so long
        self._ended = ""  # why it lives at most so long
        self._failure = ""  # why the last check that showed nothing did not
        self._contradiction = ""
        self._probes: list[str] = []
        self._open(_growing(longest), now)

    def _open(self, ages: Sequence[float], now: float) -> None:
        """Begin a round: open a mapping for each age."""
        self._rounds += 1
        for age in ages:
            if self._spare:
                name = f"mapping for {age:.1f} s"
                probe = self._prober.ask(name, self._spare.pop(0), self._server, now)
                self._patients.append((age, probe))

    def _advance(self, now: float) -> bool:
        for _, probe in self._patients:
            if self._prober.is_settled(probe, now):
                self._prober.stop(probe)
        while True:
            if self._checkup is None and not self._start_checkup(now):
                return self._is_over(now)
            if self._checkup is None:
                return False
            health = self._checkup.advance(now)
            if health is None:
                return False
            self._checkup = None
            if self._learn(health):
                return True

    def _start_checkup(self, now: float) -> bool:
        """Start the next checkup when its time has come. Return whether one is still to come."""
        while self._patients:
            age, probe = self._patients[0]
            if not self._prober.is_settled(probe, now):
                return True
            failure = _doubt(probe)
            if failure:
                self._failure = failure
                self._patients.popleft()
                continue
            due = self._due(age, probe)
            if now >= due - LEAD:
                self._patients.popleft()
                self._probes.append(probe.name)
                self._checkup = Checkup(self._prober, probe, due, self._helpers, now)
            return True
        return False

    def _due(self, age: float, probe: Probe) -> float:
        return probe.replies[-1].at + age

    def _learn(self, health: Health) -> bool:
        """Take in what a checkup showed; return whether nothing more is to be learned."""
        if health.is_alive is None:
            self._failure = health.why
            return health.is_hopeless
        if health.is_alive:
            self._at_least = max(self._at_least, health.age)
            self._alive = health.why
        else:
            self._at_most = health.age if self._at_most is None else min(self._at_most, health.age)
            self._ended = health.why
            while self._patients:  # older ones have ended, too
                self._prober.stop(self._patients.popleft()[1])
        if self._at_most is not None and self._at_least > self._at_most:
            self._contradiction = f"lifetimes differ: {self._ended}; but {self._alive}"
            return True
        return False

    def _is_over(self, now: float) -> bool:
        """Begin another round where that makes it narrower; return whether it does not."""
        if self._at_most is None or self._rounds >= ROUNDS or not self._spare:
            return True
        width = self._at_most - self._at_least
        if width <= PRECISE * self._at_most:
            return True
        step = width / PARTS
        self._open([self._at_least + step * part for part in range(1, PARTS)], now)
        return False

    def _alarm(self) -> float | None:
        if self._checkup is not None:
            return self._checkup.due if self._checkup.due > self._now else None
        if self._patients and self._patients[0][1].replies:
            return max(self._now, self._due(*self._patients[0]) - LEAD)
        return None

    def _find(self) -> Evidence:
        why = "; ".join(one for one in (self._alive, self._ended) if one)
        value = None
        if self._contradiction:
            why = self._contradiction
        elif why:
            at_most = None if self._at_most is None else ceil(self._at_most * 10) / 10
            value = Lifetime(floor(self._at_least * 10) / 10, at_most)
            if at_most is None and self._failure:
                why += f"; later {self._failure}"
        else:
            why = self._failure or f"no answer from {self._server}"
        return Evidence("lifetime", value, why, tuple(self._probes))


def _growing(longest: float) -> list[float]:
    """Return the ages of the first round, in seconds."""
    ages = [longest]
    while ages[0] > SHORTEST * GROWTH:
        ages.insert(0, ages[0] / GROWTH)
    return ages


def _doubt(probe: Probe) -> str:
    """Return why the mapping of a settled probe cannot be checked, or an empty string."""
    if probe.sighting is None:
        return f"no answer from {probe.server}"
    if not probe.sighting.is_safe:
        return "there is only MAPPED-ADDRESS, which a gateway may rewrite"
    return probe.sighting.doubt
