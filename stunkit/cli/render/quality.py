"""What a path does to voice: for a person, and as JSON."""

from __future__ import annotations

from typing import Any

from stunkit.call.quality import Quality
from stunkit.cli.render.text import printable

_MILLISECONDS = 1000.0


def to_document(quality: Quality) -> dict[str, Any]:
    """Return the part of a JSON document; null is unknown, and then "why" says why."""
    voice, span = quality.voice, quality.loss_range
    return {
        "rtt_ms": _ms(quality.rtt),
        "rtt_min_ms": _ms(quality.rtt_min),
        "rtt_max_ms": _ms(quality.rtt_max),
        "jitter_ms": _ms(quality.jitter),
        "loss": None if quality.loss is None else round(quality.loss, 4),
        "loss_range": None if span is None else [round(span.low, 4), round(span.high, 4)],
        "sent": quality.sent,
        "answered": quality.answered,
        "reordered": quality.reordered,
        "duplicates": quality.duplicates,
        "late": quality.late,
        "r": None if voice is None else round(voice.r, 1),
        "mos": None if voice is None else round(voice.mos, 2),
        "voice": "unknown" if voice is None else voice.grade.value,
        "why": printable(quality.why) or None,
    }


def sentence(quality: Quality) -> str:
    """Return how a call would sound, for a person."""
    voice = quality.voice
    if voice is None:
        return f"How a call would sound is unknown: {printable(quality.why)}."
    return f"A call over this path would sound {voice.grade.value} (MOS {voice.mos:.1f} of 4.5)."


def rows(quality: Quality) -> list[tuple[str, str]]:
    """Return what is known as rows of a table: what, and how much."""
    found = []
    if quality.rtt is not None and quality.rtt_min is not None and quality.rtt_max is not None:
        span = f"{_time(quality.rtt_min)} to {_time(quality.rtt_max)}"
        found.append(("round trip", f"{_time(quality.rtt)} ({span})"))
    if quality.jitter is not None:
        found.append(("jitter", _time(quality.jitter)))
    if quality.loss is not None and quality.loss_range is not None:
        lost = quality.sent - quality.answered
        span = f"{quality.loss_range.low:.0%} to {quality.loss_range.high:.0%}"
        found.append(("loss", f"{quality.loss:.1%} ({lost} of {quality.sent}; likely {span})"))
    counts = {
        "overtaken": quality.reordered,
        "doubled": quality.duplicates,
        "too late": quality.late,
    }
    found += [(what, str(count)) for what, count in counts.items() if count]
    if quality.voice is not None:
        found.append(("voice", f"{quality.voice.grade.value} (R {quality.voice.r:.0f})"))
    return found


def progress(share: float, quality: Quality) -> str:
    """Return a line for a progress bar, ``share`` of the way through."""
    words = f"{quality.answered} of {quality.sent} answered"
    if quality.rtt is not None:
        words += f", {_time(quality.rtt)}"
    return f"{share:.0%}: {words}"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * _MILLISECONDS, 3)


def _time(seconds: float) -> str:
    value = seconds * _MILLISECONDS
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
