"""An inquiry: a machine that asks with probes and ends in one finding.

What every test of a NAT has in common: the five verbs of ``protocol.machine``, a limit of time,
and a finding that is told once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from stunkit.endpoint import Endpoint
from stunkit.nat.prober import Prober
from stunkit.protocol.machine import Outgoing

Finding = TypeVar("Finding")

SILENT_AFTER = 6.0  # seconds without any answer after which nobody is taken to answer


class Inquiry(ABC, Generic[Finding]):
    """Asks until ``_advance`` is done or time is up. ``random`` gives so many random bytes."""

    def __init__(self, now: float, random: Callable[[int], bytes], timeout: float) -> None:
        self._started = now
        self._end = now + timeout
        self._now = now
        self._prober = Prober(random)
        self._is_done = False
        self._is_told = False

    @property
    def is_done(self) -> bool:
        """Whether the finding will not change any more."""
        return self._is_done

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram that arrived at one of the sockets."""
        if self._prober.receive(data, source, local, now) is not None:
            self._go_on(now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that a server cannot be reached from a socket."""
        self._prober.unreachable(remote, local, reason)
        self._go_on(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        self._prober.tick(now)
        self._go_on(now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent."""
        return self._prober.sends()

    def events(self) -> list[Finding]:
        """Hand over the finding, once, when it is done."""
        if self._is_done and not self._is_told:
            self._is_told = True
            return [self._find()]
        return []

    def deadline(self) -> float | None:
        """Return when time is to pass next."""
        if self._is_done:
            return None
        times = [self._end, self._prober.deadline(), self._alarm()]
        if self._prober.is_listening(self._now):
            times.append(self._now + self._prober.patience)
        return min(time for time in times if time is not None)

    def _go_on(self, now: float) -> None:
        self._now = now
        if self._is_done:
            return
        is_silent = not self._prober.received and now >= self._started + SILENT_AFTER
        self._is_done = self._advance(now) or is_silent or now >= self._end
        if self._is_done:
            self._prober.stop_all()

    def _alarm(self) -> float | None:
        """Return when something other than a probe is due."""
        return None

    @abstractmethod
    def _advance(self, now: float) -> bool:
        """Start what has become possible, stop what is settled; return whether that was all."""

    @abstractmethod
    def _find(self) -> Finding:
        """Return what is known by now."""
