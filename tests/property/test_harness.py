"""Each harness of the campaigns, for a moment: what is kept for it, and inputs of one seed."""

import pytest

from tests import harness

COUNTS = {"sdp": 60, "settings": 60, "partner": 120}  # the slow ones; a hundred a second and more


@pytest.mark.parametrize("name", harness.HARNESSES)
def test_whatever_was_found_once_is_not_found_again(name: str) -> None:
    kept = harness.corpus(name)
    assert kept
    for file, data in kept.items():
        try:
            harness.HARNESSES[name](data)
        except Exception as error:
            raise AssertionError(f"{file}: {error}") from error


@pytest.mark.parametrize("name", harness.HARNESSES)
def test_broken_inputs_break_no_rule(name: str) -> None:
    for data in harness.some_inputs(name, seed=1, count=COUNTS.get(name, 300)):
        try:
            harness.HARNESSES[name](data)
        except Exception as error:
            raise AssertionError(f"{data.hex()}: {error!r}") from error


def test_inputs_follow_from_the_seed() -> None:
    for name in harness.HARNESSES:
        assert harness.some_inputs(name, 5, 9) == harness.some_inputs(name, 5, 9)
        assert harness.some_inputs(name, 5, 9) != harness.some_inputs(name, 6, 9)
