"""Which mapping an answer to a stranger leaves by: the one that he sent to, or one of its own.

The endpoint of the server that sent to a socket unasked (``filtering``) is asked a plain question
from that socket: it sees either the mapped endpoint that it had sent to, or another. RFC 4787
leaves open which, and both are met:

- Where mappings depend on the destination and strangers are let in, some NATs map by destination
  alone, others keep the session that the stranger began.
- Where one mapping serves all, it is that one; but some NATs let a stranger whom they keep out
  occupy the mapped endpoint, and displace what is sent to him later.

In a call each end is a stranger to the other at first, so this decides whether two such NATs meet.
"""

from __future__ import annotations

from stunkit.behavior import Mapping
from stunkit.endpoint import Endpoint
from stunkit.nat.filtering import FilteringProbes
from stunkit.nat.probe import Probe
from stunkit.nat.prober import Prober


class CallbackProbes:
    """Asks back whoever sent unasked, once the tests of filtering have ended."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._before: Endpoint | None = None
        self.probe: Probe | None = None
        self.again: Probe | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the probes."""
        return tuple(one.name for one in (self.probe, self.again) if one is not None)

    def advance(
        self, mapping: Mapping | None, both: FilteringProbes, port: FilteringProbes, now: float
    ) -> bool:
        """Ask what there is to ask; return whether that was all.

        ``both`` tested with another address and port, ``port`` with another port alone.
        """
        prober = self._prober
        if self.probe is None:
            test = _choose(mapping, both, port)
            if test is None:
                return True
            asked = test.test if test.test.answer is not None else test.plain
            self._before = _seen(asked)
            self.probe = prober.ask(
                f"answer to {test.test.expected}", test.test.local, test.test.expected, now
            )
        if not prober.is_settled(self.probe, now):
            return False
        prober.stop(self.probe)
        if self.again is None and _seen(self.probe) not in {None, self._before}:
            server = both.test.server
            self.again = prober.ask("socket of answer", self.probe.local, server, now)
        if self.again is None:
            return True
        is_done = prober.is_settled(self.again, now)
        if is_done:
            prober.stop(self.again)
        return is_done

    def judge(self) -> tuple[bool | None, str]:
        """Return whether an answer leaves by the mapping that the stranger sent to, and why."""
        if self.probe is None:
            return None, "nobody could be asked back who had sent unasked"
        caller, seen = self.probe.server, _seen(self.probe)
        if self._before is None or seen is None:
            return None, f"{caller} did not say where it saw the answer come from"
        if seen == self._before:
            return True, f"{caller} saw the answer come from {seen}, which it had sent to unasked"
        if _seen(self.again) != self._before:
            return None, f"the mapping moved while we looked: it was {self._before}"
        return False, f"{caller} had sent to {self._before} unasked, and saw {seen} answer"


def _choose(
    mapping: Mapping | None, both: FilteringProbes, port: FilteringProbes
) -> FilteringProbes | None:
    """Return the test whose sender is asked back.

    Where mappings depend on the destination, that is one that got in: nobody else is answered.
    """
    if mapping is None:
        return None
    tests = [(test, test.judge().let_in) for test in (both, port)]
    serves_all = mapping is Mapping.ENDPOINT_INDEPENDENT
    return next(
        (test for test, let_in in tests if let_in or (serves_all and let_in is False)), None
    )


def _seen(probe: Probe | None) -> Endpoint | None:
    """Return the mapped endpoint that an answer names, if it is beyond doubt."""
    sighting = None if probe is None else probe.sighting
    return None if sighting is None or sighting.doubt else sighting.mixed
