from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.call.voice import (
    R_DEFAULT,
    Grade,
    Voice,
    delay_impairment,
    loss_impairment,
    opinion,
    rate,
)

shares = st.floats(0, 1)
times = st.floats(0, 5)


# clause 7.4 with mT = 100 ms and sT = 1
@pytest.mark.parametrize(
    ("delay", "cost"), [(0.0, 0.0), (0.1, 0.0), (0.15, 0.2), (0.2, 3.0), (0.3, 14.8), (0.4, 24.1)]
)
def test_delay_costs_what_the_model_says(delay: float, cost: float):
    assert delay_impairment(delay) == pytest.approx(cost, abs=0.1)


# clause 7.5 with Ie = 0 and Bpl = 25.1
@pytest.mark.parametrize(("loss", "cost"), [(0.0, 0.0), (0.01, 3.64), (0.251, 47.5), (1.0, 75.94)])
def test_loss_costs_what_the_model_says(loss: float, cost: float):
    assert loss_impairment(loss) == pytest.approx(cost, abs=0.01)


# G.107 annex B, table B.1: the limits of its categories
@pytest.mark.parametrize(
    ("r", "score"),
    [(-5, 1.0), (0, 1.0), (50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34), (100, 4.5)],
)
def test_scores_are_those_of_the_table(r: float, score: float):
    assert opinion(r) == pytest.approx(score, abs=0.01)


def test_a_perfect_path_is_the_models_default():
    voice = rate(0.0, 0.0, 0.0)
    assert voice.r == R_DEFAULT
    assert voice.mos == pytest.approx(4.41, abs=0.01)
    assert voice.grade is Grade.GOOD


def test_the_delay_is_half_the_round_trip_a_packet_and_the_buffer():
    assert rate(0.1, 0.0, 0.0).delay == pytest.approx(0.05 + 0.02 + 0.02)
    assert rate(0.1, 0.03, 0.0).delay == pytest.approx(0.05 + 0.02 + 0.06)


def test_loss_is_taken_for_that_of_both_ways():
    assert rate(0.0, 0.0, 1 - 0.9 * 0.9).r == pytest.approx(R_DEFAULT - loss_impairment(0.1))


@pytest.mark.parametrize(
    ("r", "grade"),
    [(80.0, Grade.GOOD), (79.9, Grade.FAIR), (70.0, Grade.FAIR), (69.9, Grade.POOR)],
)
def test_grades_are_the_categories_of_g_109(r: float, grade: Grade):
    assert Voice(0.1, r, opinion(r)).grade is grade


@given(times, times, shares, st.floats(0, 1), st.floats(0, 1))
def test_nothing_gets_better_by_getting_worse(
    rtt: float, jitter: float, loss: float, slower: float, shakier: float
):
    voice = rate(rtt, jitter, loss)
    assert 1.0 <= voice.mos <= 4.5
    assert rate(rtt + slower, jitter + shakier, loss).r <= voice.r + 1e-9
    assert rate(rtt, jitter, 1.0).r <= voice.r + 1e-9
