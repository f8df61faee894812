from __future__ import annotations

from math import isclose
from sys import maxsize

import pytest

from stunkit.nat.odds import NEGLIGIBLE, Odds


@pytest.mark.parametrize(
    ("sent", "answered", "loss"),
    [
        (0, 0, 2 / 6),
        (4, 4, 2 / 10),
        (14, 14, 2 / 20),
        (14, 10, 6 / 20),
        (94, 44, 52 / 100),
        (4, 6, 2 / 10),  # duplicates make no path better than lossless
    ],
)
def test_loss_starts_cautious_and_follows_what_was_seen(sent: int, answered: int, loss: float):
    assert isclose(Odds(sent, answered).loss, loss)


@pytest.mark.parametrize(
    ("sent", "answered", "tries"),
    [
        (0, 0, 17),  # 1/3 to the 17th is 7.7e-9
        (14, 14, 8),  # 1/10 to the 8th is 1e-8
        (34, 34, 7),  # 1/20 to the 7th is 7.8e-10, to the 6th 1.6e-8
        (14, 6, 27),  # 1/2 to the 27th is 7.5e-9
        (94, 6, 175),  # 9/10 to the 175th is 9.8e-9
    ],
)
def test_tries_needed_make_chance_negligible_and_no_more(sent: int, answered: int, tries: int):
    odds = Odds(sent, answered)
    assert odds.tries_needed() == tries
    assert odds.chance(tries) <= NEGLIGIBLE * 1.000001 < odds.chance(tries - 1)


def test_silence_says_nothing_when_almost_everything_is_lost():
    assert Odds(sent=95, answered=5).tries_needed() == maxsize


def test_exchange_in_fragments_is_lost_with_each_of_them():
    odds = Odds(sent=14, answered=14)
    assert isclose(odds.chance(1), 0.1)
    assert isclose(odds.chance(1, 3), 1 - 0.9**3)
    assert isclose(odds.chance(2, 3), (1 - 0.9**3) ** 2)
    assert odds.tries_needed(3) == 15  # 0.271 to the 15th is 3e-9, to the 14th 1.2e-8
    assert Odds(sent=14, answered=6).tries_needed(4) == maxsize
