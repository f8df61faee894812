import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.bench.latency import Histogram

SHARES = (0.01, 0.5, 0.9, 0.99, 0.999, 1.0)
BOUND = 1 / 256  # relative; half the width of a bucket

durations = st.lists(st.floats(1e-8, 3600.0), min_size=1, max_size=300)


def histogram(seconds) -> Histogram:
    made = Histogram()
    made.add(np.asarray(seconds, float))
    return made


@given(durations)
def test_percentiles_are_those_of_the_sorted_durations(seconds):
    ordered = sorted(seconds)
    for share, told in zip(SHARES, histogram(seconds).percentiles(*SHARES), strict=True):
        truth = ordered[max(math.ceil(share * len(ordered)), 1) - 1]
        assert told == pytest.approx(truth, rel=BOUND)


@given(durations)
def test_ends_and_mean_are_exact(seconds):
    told = histogram(seconds).latency()
    assert told.least == min(seconds)
    assert told.most == max(seconds)
    assert told.mean == pytest.approx(sum(seconds) / len(seconds))
    assert told.least <= told.p50 <= told.p90 <= told.p99 <= told.p999 <= told.most


@given(st.lists(durations, min_size=1, max_size=5))
def test_parts_make_the_same_whole(parts):
    whole = histogram([one for part in parts for one in part])
    gathered = Histogram()
    for part in parts:
        gathered.add(np.asarray(part))
    assert gathered.percentiles(*SHARES) == whole.percentiles(*SHARES)
    assert gathered.count == whole.count == sum(map(len, parts))


def test_takes_more_at_a_time_than_it_lets_wait():
    many = histogram(np.full(100_000, 0.25))
    assert many.count == 100_000
    assert many.percentiles(0.5) == [0.25]


def test_memory_does_not_grow():
    made = histogram([1.0])
    before = made._counts.nbytes + made._pending.nbytes
    for _ in range(50):
        made.add(np.random.default_rng(1).exponential(0.01, 10_000))
    assert made._counts.nbytes + made._pending.nbytes == before < 1 << 17


@pytest.mark.parametrize("odd", [0.0, -1.0, 1e-12])
def test_what_is_next_to_nothing_counts_as_that(odd):
    low, high = histogram([odd, 1.0]).percentiles(0.5, 1.0)
    assert low < 1e-8
    assert high == pytest.approx(1.0, rel=BOUND)


def test_what_took_longer_than_anything_counts_as_very_long():
    low, high = histogram([1.0, 1e9]).percentiles(0.5, 1.0)
    assert low == pytest.approx(1.0, rel=BOUND)
    assert high > 3600


def test_knows_nothing_of_nothing():
    assert Histogram().latency() is None
    assert Histogram().percentiles(0.5, 0.99) == [0.0, 0.0]
