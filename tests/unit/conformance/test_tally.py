import pytest

from stunkit.conformance.tally import NEGLIGIBLE, Tally


def test_nothing_seen_rules_nothing_out():
    assert Tally().chance(1) == pytest.approx(1 / 2)
    assert Tally().chance(3) == pytest.approx(1 / 4)


def test_ten_answered_controls_of_ten_make_ten_silences_sure():
    assert Tally(10, 10).chance(10) < NEGLIGIBLE < Tally(10, 10).chance(5)


def test_lost_controls_make_silence_likelier():
    chances = [Tally(20, answered).chance(6) for answered in (20, 15, 10, 0)]
    assert chances == sorted(chances)
    assert chances[-1] > 0.7


def test_no_tries_are_silent_for_sure():
    assert Tally(5, 5).chance(0) == 1.0
