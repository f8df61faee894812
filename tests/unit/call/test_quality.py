from __future__ import annotations

import pytest

from stunkit.call.quality import LEAST_ANSWERS, LEAST_SENT, assess, jitter, wilson
from stunkit.call.sampler import Answer, Samples

PACE = 0.05


def answers(*trips: float) -> tuple[Answer, ...]:
    return tuple(Answer(i, i * PACE, i * PACE + rtt) for i, rtt in enumerate(trips))


def test_jitter_is_the_rfcs_filter():
    # J += (|D| - J) / 16; RFC 3550 section 6.4.1
    first = 0.016 / 16
    second = first + (0.016 - first) / 16
    assert jitter(answers(0.1, 0.116, 0.1)) == pytest.approx(second)
    assert jitter(answers(0.1, 0.1, 0.1)) == pytest.approx(0.0)
    assert jitter(answers(0.1)) == jitter(()) == 0.0


def test_jitter_goes_by_the_order_of_arrival():
    one, two, three = answers(0.1, 0.2, 0.1)
    assert jitter((one, three, two)) == pytest.approx(0.1 / 16)


def test_a_clean_path_is_good():
    quality = assess(Samples(80, answers(*[0.02] * 80)))
    assert (quality.sent, quality.answered, quality.loss) == (80, 80, 0.0)
    assert quality.rtt == pytest.approx(0.02)
    assert quality.jitter == pytest.approx(0.0, abs=1e-9)
    assert quality.voice is not None
    assert quality.voice.grade == "good"
    assert quality.why == ""
    assert quality.loss_range is not None
    assert quality.loss_range.high == pytest.approx(0.046, abs=0.001)  # 0 of 80 is not 0 for sure


def test_the_round_trip_is_the_middle_one():
    quality = assess(Samples(80, answers(*[0.02] * 79, 3.0)))
    assert quality.rtt == pytest.approx(0.02)
    assert (quality.rtt_min, quality.rtt_max) == pytest.approx((0.02, 3.0))


def test_what_is_missing_is_lost():
    quality = assess(Samples(80, answers(*[0.02] * 60), duplicates=3, late=2))
    assert quality.loss == 0.25
    assert quality.loss_range is not None
    assert quality.loss_range.low < 0.25 < quality.loss_range.high
    assert (quality.duplicates, quality.late) == (3, 2)


def test_overtaken_answers_are_counted():
    a, b, c, d = answers(0.02, 0.02, 0.02, 0.02)
    assert assess(Samples(4, (a, b, c, d))).reordered == 0
    assert assess(Samples(4, (b, a, c, d))).reordered == 1
    assert assess(Samples(4, (d, a, b, c))).reordered == 3


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (Samples(0, ()), f"only 0 questions were asked, and {LEAST_SENT} are needed"),
        (
            Samples(3, answers(0.1), why="connection refused"),
            f"only 3 questions were asked, and {LEAST_SENT} are needed: connection refused",
        ),
        (Samples(80, ()), "none of 80 questions was answered"),
        (
            Samples(80, answers(*[0.1] * 5)),
            f"only 5 answers came, and {LEAST_ANSWERS} are needed",
        ),
    ],
)
def test_too_little_is_unknown(samples: Samples, why: str):
    quality = assess(samples)
    assert quality.voice is None
    assert quality.jitter is None
    assert quality.why == why


def test_silence_is_loss_and_no_round_trip():
    quality = assess(Samples(80, ()))
    assert quality.loss == 1.0
    assert quality.rtt is quality.rtt_min is quality.rtt_max is None


# Wilson 1927; the values are those of any statistics package
@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(0, 10, 0.0, 0.278), (1, 10, 0.018, 0.404), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0)],
)
def test_the_interval_is_wilsons(hits: int, tries: int, low: float, high: float):
    assert wilson(hits, tries) == pytest.approx((low, high), abs=0.001)
