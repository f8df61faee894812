"""The checklist: all pairs of one component, in the order in which they are to be checked.

Answers to RFC 8445 sections 6.1.2 (forming it), 6.1.4.2 (which check is next) and 7.2.5.3.3 (what
a success thaws). There is one checklist, so the set of them is that one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from operator import attrgetter

from stunkit.endpoint import Endpoint
from stunkit.ice.pair import Local, Pair, PairState, Remote, can_pair, pair_priority

MAX_PAIRS = 100  # RFC 8445 section 6.1.2.5
MAX_PORTS = 10  # of one address, seen at one base, that are checked

_ENDED = (PairState.SUCCEEDED, PairState.FAILED)


class Checklist:
    """Pairs by falling priority, and the queue of those whose check was triggered."""

    def __init__(self, *, is_controlling: bool) -> None:
        self._is_controlling = is_controlling
        self._pairs: list[Pair] = []
        self._triggered: deque[Pair] = deque()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs, the one with the highest priority first."""
        return tuple(self._pairs)

    @property
    def has_work(self) -> bool:
        """Whether there is a check to be sent."""
        return any(pair.state is PairState.WAITING for pair in self._pairs)

    def is_crowded(self, base: Endpoint, remote: Endpoint) -> bool:
        """Return whether there is no room for one more pair of ``base`` with that address.

        Where both NATs map anew for each destination and filter nothing, each check comes from a
        port never seen before and triggers another one: without a limit, for ever.
        """
        ports = sum(
            pair.local.base == base and pair.remote.endpoint.packed == remote.packed
            for pair in self._pairs
        )
        return ports >= MAX_PORTS or len(self._pairs) >= MAX_PAIRS

    @property
    def is_exhausted(self) -> bool:
        """Whether every check has ended."""
        return all(pair.state in _ENDED for pair in self._pairs)

    def form(self, locals_: Iterable[Local], remotes: Iterable[Remote]) -> None:
        """Pair all candidates, and thaw one pair of each foundation.

        What is sent from a reflexive candidate leaves from its base, so the base stands in its
        place, and of pairs that are then the same the best remains (RFC 8445 section 6.1.2.4).
        """
        known = tuple(locals_)
        hosts = {local.base: local for local in reversed(known) if local.endpoint == local.base}
        pairs = [
            self.make(hosts.get(local.base, local), remote)
            for local in known
            for remote in remotes
            if can_pair(local, remote)
        ]
        for pair in sorted(pairs, key=attrgetter("priority"), reverse=True):
            if self.find(pair.local.base, pair.remote.endpoint) is None:
                self._pairs.append(pair)
        self._sort()
        del self._pairs[MAX_PAIRS:]
        self.thaw()

    def make(self, local: Local, remote: Remote) -> Pair:
        """Return a pair with its priority; it is not in the list."""
        priority = pair_priority(
            local.candidate.priority,
            remote.candidate.priority,
            is_controlling=self._is_controlling,
        )
        return Pair(local, remote, priority)

    def find(self, base: Endpoint, remote: Endpoint) -> Pair | None:
        """Return the pair that is checked from ``base`` to ``remote``."""
        for pair in self._pairs:
            if pair.remote.endpoint == remote and pair.local.base == base:
                return pair
        return None

    def trigger(self, pair: Pair) -> None:
        """Have a pair checked before all others (RFC 8445 section 7.3.1.4)."""
        pair.state = PairState.WAITING
        if pair not in self._pairs:
            self._pairs.append(pair)
            self._sort()
        if pair not in self._triggered:
            self._triggered.append(pair)

    def next_pair(self) -> Pair | None:
        """Return the pair to be checked now, and forget that it was triggered."""
        if self._triggered:
            return self._triggered.popleft()
        return next((pair for pair in self._pairs if pair.state is PairState.WAITING), None)

    def thaw(self) -> None:
        """Where nothing waits, let the best frozen pair wait of each foundation that is idle.

        Idle is a foundation of which no pair is being checked (RFC 8445 section 6.1.4.2).
        """
        if self.has_work:
            return
        busy = {pair.foundation for pair in self._pairs if pair.state is PairState.IN_PROGRESS}
        for pair in self._pairs:
            if pair.state is PairState.FROZEN and pair.foundation not in busy:
                busy.add(pair.foundation)
                pair.state = PairState.WAITING

    def succeed(self, pair: Pair) -> None:
        """Note a success, and thaw what is likely to fare alike."""
        pair.state = PairState.SUCCEEDED
        for other in self._pairs:
            if other.state is PairState.FROZEN and other.foundation == pair.foundation:
                other.state = PairState.WAITING

    def better_than(self, pair: Pair) -> bool:
        """Return whether a check that has not ended could prove a better pair."""
        return any(
            other.state not in _ENDED and other.priority > pair.priority for other in self._pairs
        )

    def take_role(self, *, is_controlling: bool) -> None:
        """Compute all priorities anew, after a change of roles (RFC 8445 section 7.3.1.1)."""
        self._is_controlling = is_controlling
        for pair in self._pairs:
            pair.priority = self.make(pair.local, pair.remote).priority
        self._sort()

    def stop(self) -> None:
        """Drop all that has not been checked (RFC 8445 section 8.1.2)."""
        self._triggered.clear()
        self._pairs = [pair for pair in self._pairs if pair.state in _ENDED]

    def _sort(self) -> None:
        self._pairs.sort(key=attrgetter("priority"), reverse=True)
