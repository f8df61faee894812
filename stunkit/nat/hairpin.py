"""Hairpinning: whether the NAT turns back what comes from inside (RFC 5780 section 3.4).

Socket H1 learns its mapped endpoint from the server; socket H2 sends Binding requests to that
endpoint. One that arrives at H1 was turned back. Silence counts only when chance is ruled out, as
H2's questions to the server, asked side by side, are answered, and when H1 still has the same
mapped endpoint afterwards.

H1 has sent nothing to H2's mapped endpoint: a NAT that filters what it turns back does not hairpin
in the sense that a first packet needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stunkit.endpoint import Endpoint
from stunkit.nat.inquiry import Inquiry
from stunkit.nat.probe import Probe
from stunkit.nat.report import Evidence

TIMEOUT = 20.0  # seconds for the whole test
SOCKETS = 2  # local endpoints that it wants


class HairpinTest(Inquiry[Evidence]):
    """A machine (``protocol.machine``) that ends in the evidence for "hairpin".

    ``sockets``: ``SOCKETS`` fresh local endpoints, on the address that datagrams to the server
    leave from. ``random`` gives so many random bytes.
    """

    def __init__(
        self,
        server: Endpoint,
        sockets: Sequence[Endpoint],
        now: float,
        random: Callable[[int], bytes],
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__(now, random, timeout)
        self._owner = self._prober.ask("owner", sockets[0], server, now)
        self._sender = sockets[1]
        self._probe: Probe | None = None
        self._companion: Probe | None = None
        self._again: Probe | None = None
        self._came_from: Endpoint | None = None
        self._silence = ""

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram that arrived at one of the sockets: an answer, or what was turned back.

        The request has no attributes, so that it comes back as it was, byte for byte.
        """
        probe = self._probe
        if probe is not None and local == self._owner.local and data == probe.request.raw:
            self._came_from = source
            self._go_on(now)
        else:
            super().receive(data, source, local, now)

    def _advance(self, now: float) -> bool:
        prober, owner = self._prober, self._owner
        if not prober.is_settled(owner, now):
            return False
        prober.stop(owner)
        if self._mapped is None or self._came_from is not None:
            return True
        if self._probe is None or self._companion is None:
            self._probe = prober.ask("hairpin", self._sender, self._mapped, now, solicited=False)
            self._companion = prober.ask("companion", self._sender, owner.server, now)
        if not self._silence:
            probe, companion = self._probe, self._companion
            is_settled = prober.is_settled(companion, now)
            if not (is_settled and prober.is_silent(probe, now, companion)):
                return False
            if companion.answer is None:
                return True
            tries = probe.tries(now - prober.patience)
            chance = prober.worst_odds(now, companion).chance(tries)
            self._silence = (
                f"{tries} requests to our own mapped endpoint {self._mapped} did not come back "
                f"(by chance: under {chance:.0e})"
            )
            prober.stop(probe, companion)
        if self._again is None:
            self._again = prober.ask("owner again", owner.local, owner.server, now)
        return prober.is_settled(self._again, now)

    @property
    def _mapped(self) -> Endpoint | None:
        """The owner's mapped endpoint, None where there is nothing to send to."""
        return None if self._obstacle else self._owner.mapped

    @property
    def _obstacle(self) -> str:
        """Why the test cannot be made, or an empty string."""
        sighting = self._owner.sighting
        if sighting is None or sighting.mapped is None:
            return f"no answer from {self._owner.server} says where it sees us"
        if sighting.doubt:
            return sighting.doubt
        if not sighting.is_safe:
            return "there is only MAPPED-ADDRESS, which a gateway may rewrite"
        if sighting.mapped == sighting.local:
            return "there is no NAT, and who sends to itself learns nothing"
        return ""

    def _find(self) -> Evidence:
        value, why = self._judge()
        probes = (self._owner, self._probe, self._companion, self._again)
        names = tuple(probe.name for probe in probes if probe is not None)
        return Evidence("hairpin", value, why, names)

    def _judge(self) -> tuple[bool | None, str]:
        if self._obstacle:
            return None, self._obstacle
        mapped = self._owner.mapped
        if self._came_from is not None:
            if self._came_from == self._sender:
                why = f"it came back from {self._sender}, not from a mapped endpoint"
                return None, f"{why} (RFC 4787 section 6)"
            return True, f"a request to our own mapped endpoint {mapped} came back to us"
        if self._companion is None or self._companion.answer is None:
            return None, "the sending socket had no answer from the server"
        if not self._silence:
            return None, "tries without an arrival may all have been lost"
        again = None if self._again is None else self._again.mapped
        if again is None:
            return None, "the mapping that was sent to could not be seen again, so it may be gone"
        if again != mapped:
            return None, f"the mapping moved while we looked: from {mapped} to {again}"
        return False, self._silence
