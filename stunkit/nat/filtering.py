"""The filtering behavior, from answers that nobody asked the sender for (RFC 5780 section 4.4).

A socket that sends to nobody but A1:P1 asks it to answer from another endpoint. What comes in was
let in. Silence may have other reasons, each of which is ruled out first: the path loses datagrams
(``nat.odds``), this very socket has no way to the server and back (a plain question from it shows),
the server does not do what CHANGE-REQUEST says, or its other socket cannot reach us (``control``).
"""

from __future__ import annotations

from typing import NamedTuple

from stunkit.behavior import Filtering
from stunkit.endpoint import Endpoint
from stunkit.nat.control import Controls
from stunkit.nat.probe import Probe
from stunkit.nat.prober import Prober
from stunkit.wire.attributes.behavior import ChangeRequest


class Outcome(NamedTuple):
    """What one test showed: let in, kept out, or (None) neither, and why."""

    let_in: bool | None
    why: str


def classify_filtering(address: Outcome, port: Outcome) -> tuple[Filtering | None, str]:
    """Return the filtering that two tests prove, and why (RFC 4787 section 5).

    ``address``: an answer from another address; ``port``: one from another port of the address
    that was asked. None where they do not decide, or contradict each other.
    """
    if address.let_in:
        if port.let_in is False:
            return None, f"contradiction: {address.why}, but {port.why}"
        return Filtering.ENDPOINT_INDEPENDENT, address.why
    if port.let_in is False:
        return Filtering.ADDRESS_AND_PORT_DEPENDENT, port.why
    if port.let_in and address.let_in is False:
        return Filtering.ADDRESS_DEPENDENT, f"{port.why}; {address.why}"
    if port.let_in:
        return None, f"not address-and-port-dependent, but {address.why}"
    return None, port.why if address.let_in is False else address.why


class FilteringProbes:
    """One test, and what makes its silence mean something.

    ``test`` was asked with ``change``; ``plain`` is a question from the same socket without it,
    asked where needed.
    """

    def __init__(
        self, prober: Prober, test: Probe, change: ChangeRequest, plain: Probe | None = None
    ) -> None:
        self._prober = prober
        self._change = change
        self._is_possible = True
        self._silence = ""
        self.test = test
        self.plain = plain
        self.control: Probe | None = None

    @property
    def probes(self) -> list[Probe]:
        """The test, and what was asked because of its silence."""
        return [probe for probe in (self.test, self.plain, self.control) if probe is not None]

    def aim(self, target: Endpoint, *, is_possible: bool) -> None:
        """Learn from where the answer has to come, and whether that is elsewhere at all."""
        self._is_possible = is_possible
        self.test.expect(target)

    def advance(
        self, controls: Controls, receiver: Probe | None, senders: list[Probe], now: float
    ) -> bool:
        """Ask what silence needs, stop what is settled; return whether that was all.

        ``receiver`` is the probe from the mapping socket to the endpoint that has to answer.
        """
        is_done = self._is_done(controls, receiver, senders, now)
        if is_done:
            self._prober.stop(self.test, self.control)
        if self.plain is not None and self._prober.is_settled(self.plain, now):
            self._prober.stop(self.plain)
        return is_done

    def _is_done(
        self, controls: Controls, receiver: Probe | None, senders: list[Probe], now: float
    ) -> bool:
        test, prober = self.test, self._prober
        if not self._is_possible or self._silence:
            return True
        if test.answer or test.misplaced or test.refusal:
            return True
        if self.control is None:
            if receiver is None:
                return False
            name = f"control of {test.name}"
            self.control = controls.start(name, self._change, receiver, senders, now)
            return self.control is None and not controls.can_come(receiver, now)
        if self.plain is None:
            self.plain = prober.ask(f"socket of {test.name}", test.local, test.server, now)
        control, plain = self.control, self.plain
        if control.misplaced or control.refusal:
            return True
        if not (prober.is_settled(control, now) and prober.is_settled(plain, now)):
            return False
        if not prober.is_silent(test, now, control):
            return False
        if control.answer and plain.answer:
            tries = test.tries(now - prober.patience)
            chance = prober.worst_odds(now, control).chance(tries)
            self._silence = (
                f"{tries} answers from {test.expected} were kept out, "
                f"while its control came in (by chance: under {chance:.0e})"
            )
        return True

    def judge(self) -> Outcome:
        """Say what the test, its control and its socket show together."""
        test, control = self.test, self.control
        if not self._is_possible:
            return Outcome(None, "the server's other address is none")
        wrong = test.misplaced or (None if control is None else control.misplaced)
        if wrong is not None:
            why = f"the server answered from {wrong} instead of {test.expected}"
            return Outcome(None, f"{why}, so its silence and its answers prove nothing")
        if test.answer is not None:
            why = f"an answer from {test.expected}, which we never sent to, came in"
            return Outcome(let_in=True, why=why)
        if test.refusal is not None:
            return Outcome(None, "the server refuses to answer from elsewhere")
        if control is None or control.answer is None:
            why = f"{test.expected} could not be shown able to reach us"
            return Outcome(None, f"{why}, so its silence proves nothing")
        if self._silence:
            return Outcome(let_in=False, why=self._silence)
        if self.plain is None or self.plain.answer is None:
            why = f"the socket of this test had no answer at all from {test.server}"
            return Outcome(None, f"{why}, so its silence proves nothing")
        tries = len(test.sent_at)
        return Outcome(None, f"{tries} tries without an answer may all have been lost")
