"""Fragments: whether datagrams larger than the MTU get through (RFC 5780 section 4.8).

PADDING makes the request, and the answer to it, so long that they have to travel in fragments. An
answer that does shows that fragments pass both ways. Silence counts only when a request with little
PADDING, asked side by side, is answered with PADDING, and when chance is ruled out, which is as
much likelier as there are fragments to lose.

Two lengths are asked, since there are servers that read no more than one MTU of a datagram.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stunkit.endpoint import Endpoint
from stunkit.nat.inquiry import Inquiry
from stunkit.nat.probe import Probe
from stunkit.nat.report import Evidence
from stunkit.wire.attributes.behavior import Padding
from stunkit.wire.message import HEADER_SIZE
from stunkit.wire.registry import AttributeType, Code

TIMEOUT = 20.0  # seconds for the whole test
SOCKETS = 1  # local endpoints that it wants
MTU = 1500  # bytes; Ethernet's
WHOLE = 1200  # bytes of a request that needs no fragments; IPv6 has to carry 1280
LARGE = (MTU, 2 * MTU)  # bytes of requests that do, without the IP and UDP headers
FRAGMENTS = 3  # that the longest of them takes


class FragmentsTest(Inquiry[Evidence]):
    """A machine (``protocol.machine``) that ends in the evidence for "fragments".

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
        local = sockets[0]
        self._small = self._prober.ask("whole", local, server, now, _padding(WHOLE))
        self._large = tuple(
            self._prober.ask(f"{size} bytes", local, server, now, _padding(size), solicited=False)
            for size in LARGE
        )
        self._silence = ""

    def _advance(self, now: float) -> bool:
        prober, small = self._prober, self._small
        if self._obstacle or self._passed is not None:
            return True
        if not prober.is_settled(small, now) or prober.rtt is None:
            return False
        if small.answer is None:
            return True
        odds = prober.worst_odds(now, small)
        tries = []
        for probe in self._large:
            if probe.answer or probe.refusal:
                prober.stop(probe)
                continue
            tries.append(probe.tries(now - prober.patience))
            if tries[-1] < odds.tries_needed(FRAGMENTS):
                return False
        if len(tries) == len(LARGE):
            chance = odds.chance(min(tries), FRAGMENTS)
            self._silence = (
                f"{min(tries)} requests of more than {MTU} bytes had no answer, while one of "
                f"{WHOLE} bytes had (by chance: under {chance:.0e})"
            )
        return True

    @property
    def _passed(self) -> Probe | None:
        """A probe whose answer came in fragments."""
        fitting = (probe for probe in self._large if probe.answer is not None)
        return next((probe for probe in fitting if _size(probe) >= MTU), None)

    @property
    def _obstacle(self) -> str:
        """Why the test cannot be made with this server, or an empty string."""
        for probe in (self._small, *self._large):
            if probe.refusal is not None:
                if probe.code == Code.UNKNOWN_ATTRIBUTE:
                    return "the server does not know PADDING (420)"
                return f"the server refuses PADDING (code {probe.code})"
        answer = self._small.answer
        if answer is not None and answer.value(AttributeType.PADDING) is None:
            return "the server does not answer with PADDING"
        return ""

    def _find(self) -> Evidence:
        value, why = self._judge()
        names = tuple(probe.name for probe in (self._small, *self._large))
        return Evidence("fragments", value, why, names)

    def _judge(self) -> tuple[bool | None, str]:
        passed = self._passed
        if passed is not None:
            size = len(passed.request.raw)
            return True, f"a request of {size} bytes had an answer of {_size(passed)} bytes"
        if self._obstacle:
            return None, self._obstacle
        if self._small.answer is None:
            return None, f"no answer even to a request of {WHOLE} bytes"
        short = next((probe for probe in self._large if probe.answer is not None), None)
        if short is not None:
            size = len(short.request.raw)
            why = f"a request of {size} bytes had an answer of only {_size(short)}"
            return None, f"{why}, which needs no fragments"
        if self._silence:
            return False, self._silence
        return None, "tries without an answer may all have been lost"


def _padding(size: int) -> Padding:
    """Return what makes a request so many bytes long."""
    return Padding(bytes(size - HEADER_SIZE - 4))


def _size(probe: Probe) -> int:
    return 0 if probe.answer is None else len(probe.answer.raw)
