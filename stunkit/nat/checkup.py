"""A checkup: whether one mapping that nobody has used for a while is still there.

Another socket asks the server, with RESPONSE-PORT, to answer to the mapping (RFC 5780 section 4.6).
An answer shows that it lives. Silence shows that it has ended only where the same question about a
fresh mapping, asked side by side by the same socket, is answered, and chance is ruled out.

RESPONSE-PORT chooses the mapping's port; its address is that of the request. So the socket that
asks has to have the same public address as the mapping, and so has the fresh one: where a NAT has
several, more sockets are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.nat.probe import Probe
from stunkit.nat.prober import Prober
from stunkit.wire.attributes.behavior import ResponsePort
from stunkit.wire.registry import Code

HELPERS = 10  # sockets, at the most, among which two with the right public address are looked for


class Health(NamedTuple):
    """What a checkup showed: alive or not, None for neither; why; and whether any other could.

    ``age`` is in seconds since the mapping was last used: if alive, it had at least that; if not,
    at most that.
    """

    is_alive: bool | None
    why: str
    age: float = 0.0
    is_hopeless: bool = False


class Checkup:
    """Checks the mapping of ``patient``, an answered probe, when ``due``.

    ``sockets`` are those that may help, two of them at first; they are asked at once.
    """

    def __init__(
        self, prober: Prober, patient: Probe, due: float, sockets: Sequence[Endpoint], now: float
    ) -> None:
        self._prober = prober
        self._patient = patient
        self._server = patient.server
        self.due = due
        self._spare = list(sockets[:HELPERS])
        self._helpers: list[Probe] = []
        self._check: Probe | None = None
        self._control: Probe | None = None
        for _ in range(2):
            self._ask_helper(now)

    def advance(self, now: float) -> Health | None:
        """Ask what can be asked; return what it showed once that is clear."""
        prober = self._prober
        for helper in self._helpers:
            if prober.is_settled(helper, now):
                prober.stop(helper)
        if self._check is None or self._control is None:
            return self._begin(now)
        health = self._judge(self._check, self._control, now)
        if health is not None:
            prober.stop(self._check, self._control)
        return health

    def _ask_helper(self, now: float) -> None:
        local = self._spare.pop(0)
        self._helpers.append(self._prober.ask("helper", local, self._server, now))

    def _begin(self, now: float) -> Health | None:
        """Start the question and its control when the two sockets for it are known."""
        mapped = self._patient.mapped
        able = [
            helper
            for helper in self._helpers
            if mapped is not None and helper.mapped and helper.mapped.packed == mapped.packed
        ]
        if mapped is not None and len(able) >= 2:
            if now >= self.due:
                asker, fresh = able[:2]
                self._check = self._ask("check", asker, self._patient, now)
                self._control = self._ask("control", asker, fresh, now)
            return None
        if not all(self._prober.is_settled(helper, now) for helper in self._helpers):
            return None
        if not self._spare:
            return Health(None, "no two sockets were seen with the same public address as it")
        self._ask_helper(now)
        return None

    def _ask(self, name: str, asker: Probe, owner: Probe, now: float) -> Probe:
        """Have ``asker``'s socket ask for an answer to ``owner``'s mapping."""
        port = ResponsePort(0 if owner.mapped is None else owner.mapped.port)
        is_control = name == "control"
        return self._prober.ask(
            f"{name} of {self._patient.name}",
            asker.local,
            self._server,
            now,
            port,
            arrival=owner.local,
            solicited=is_control,
        )

    def _judge(self, check: Probe, control: Probe, now: float) -> Health | None:
        prober = self._prober
        if check.answer is not None:
            age = check.sent_at[0] - self._last_use
            return Health(is_alive=True, why=f"an answer came in at an age of {age:.1f} s", age=age)
        code = check.code or control.code
        if check.refusal or control.refusal:
            why = f"the server refuses RESPONSE-PORT (code {code})"
            if code == Code.UNKNOWN_ATTRIBUTE:
                why = "the server does not know RESPONSE-PORT (420)"
            return Health(None, why, is_hopeless=True)
        if control.stray or control.misplaced:
            return Health(None, "the server does not do what RESPONSE-PORT says", is_hopeless=True)
        if not (prober.is_settled(control, now) and prober.is_silent(check, now, control)):
            return None
        if control.answer is None:
            return Health(None, "the control, a fresh mapping, had no answer either")
        if not self._is_same_address(control):
            return Health(None, "the public address of the socket that asked has changed")
        tries = check.tries(now - prober.patience)
        chance = prober.worst_odds(now, control).chance(tries)
        age = check.sent_at[-1] + prober.patience - self._patient.sent_at[0]
        why = f"{tries} answers did not come in at an age of {age:.1f} s, while those to a fresh"
        why += f" mapping did (by chance: under {chance:.0e})"
        return Health(is_alive=False, why=why, age=age)

    @property
    def _last_use(self) -> float:
        """When the mapping can have been used last, at the latest."""
        patient = self._patient
        return max(patient.replies[-1].at, patient.sent_at[-1] + self._prober.patience)

    def _is_same_address(self, control: Probe) -> bool:
        """Return whether the answers went to the public address that the mapping has."""
        wanted = self._patient.mapped
        return bool(control.mapped and wanted and control.mapped.packed == wanted.packed)
