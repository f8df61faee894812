"""A meter: figures of a call, from what its statistics say once a second.

The statistics are those of W3C WebRTC Statistics, as far as aiortc has them. Round trip and loss of
what is sent come from the other end's reports (RFC 3550 section 6.4.1).

Rules of this file: counters begin again with each session, and their sums do not. What the
statistics do not say is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from stunkit.call.rehearsal import UNKNOWN, Figures, Picture, Share

MOST_SAMPLES = 3_600  # seconds of round trips and jitter that are kept


class Sample(NamedTuple):
    """One second; None is unknown. Times are in seconds, loss is a share."""

    rtt: float | None = None
    jitter: float | None = None
    loss: Share = UNKNOWN
    kbps: Share = UNKNOWN


class _Counter:
    """Adds up what a number rises by; a late packet makes a loss smaller again."""

    def __init__(self) -> None:
        self.total = 0.0
        self.step = 0.0  # since the last look
        self._last = 0.0

    def take(self, value: float) -> None:
        self.step = value - self._last
        self.total += self.step
        self._last = value

    def restart(self) -> None:
        self._last = 0


class Meter:
    """Takes the statistics of one end."""

    def __init__(self) -> None:
        self.last = Sample()
        self.rtts: list[float] = []
        self.jitters: list[float] = []
        self._counters: dict[str, _Counter] = {}
        self._taken_at = 0.0
        self._elapsed = 0.0  # in sessions that were connected

    def begin(self, now: float) -> None:
        """Take the news that a session is connected: counters begin again."""
        for counter in self._counters.values():
            counter.restart()
        self._taken_at = now

    def take(self, stats: Iterable[Any], clock_rates: dict[str, int | None], now: float) -> Sample:
        """Take what ``getStats`` returns, and the RTP clock rates by kind of media."""
        stats = list(stats)
        sums = {
            name: sum(_number(one, field) or 0 for one in stats if one.type == kind)
            for name, (kind, field) in _SUMS.items()
        }
        transports = {one.id: one for one in stats if hasattr(one, "dtlsState")}
        sums["bytes_sent"] = sum(one.bytesSent for one in transports.values())
        sums["bytes_received"] = sum(one.bytesReceived for one in transports.values())
        for name, value in sums.items():
            self._counter(name).take(value)
        elapsed = now - self._taken_at
        self._taken_at = now
        self._elapsed += elapsed
        self.last = Sample(
            rtt=_mean(_number(one, "roundTripTime") for one in stats),
            jitter=_jitter(stats, clock_rates),
            loss=Share(self._loss("sent", is_step=True), self._loss("received", is_step=True)),
            kbps=Share(self._rate("bytes_sent", elapsed), self._rate("bytes_received", elapsed)),
        )
        _keep(self.rtts, self.last.rtt)
        _keep(self.jitters, self.last.jitter)
        return self.last

    def figures(self, video: Picture | None, chat_sent: int, chat_received: int) -> Figures:
        """Return all that has been seen."""
        kbps = UNKNOWN
        if self._elapsed > 0:
            sent, received = (self._counter(f"bytes_{way}").total for way in ("sent", "received"))
            kbps = Share(sent * 8e-3 / self._elapsed, received * 8e-3 / self._elapsed)
        return Figures(
            rtts=tuple(self.rtts),
            jitters=tuple(self.jitters),
            loss=Share(self._loss("sent"), self._loss("received")),
            kbps=kbps,
            video=video,
            chat_sent=chat_sent,
            chat_received=chat_received,
        )

    def _counter(self, name: str) -> _Counter:
        return self._counters.setdefault(name, _Counter())

    def _loss(self, way: str, *, is_step: bool = False) -> float | None:
        """Return the share of packets that were lost, of all or since the last look."""
        lost, arrived = self._counter(f"lost_{way}"), self._counter(f"arrived_{way}")
        numbers = (lost.step, arrived.step) if is_step else (lost.total, arrived.total)
        whole = sum(numbers)
        return min(1.0, max(0.0, numbers[0] / whole)) if whole > 0 else None

    def _rate(self, name: str, elapsed: float) -> float | None:
        return self._counter(name).step * 8e-3 / elapsed if elapsed > 0 else None


_SUMS = {
    "lost_received": ("inbound-rtp", "packetsLost"),
    "arrived_received": ("inbound-rtp", "packetsReceived"),
    "lost_sent": ("remote-inbound-rtp", "packetsLost"),
    "arrived_sent": ("remote-inbound-rtp", "packetsReceived"),
}


def _jitter(stats: list[Any], clock_rates: dict[str, int | None]) -> float | None:
    """Return the jitter of what is received; that of audio, whose packets are sent evenly."""
    for kind in ("audio", "video"):
        rate = clock_rates.get(kind)
        found = [one for one in stats if one.type == "inbound-rtp" and one.kind == kind]
        if found and rate and found[0].packetsReceived > 1:
            jitter: float = found[0].jitter / rate
            return jitter
    return None


def _number(one: object, field: str) -> float | None:
    value = getattr(one, field, None)
    return max(0, value) if isinstance(value, int | float) else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _keep(values: list[float], value: float | None) -> None:
    if value is not None:
        values.append(value)
        del values[:-MOST_SAMPLES]
