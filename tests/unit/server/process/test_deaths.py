import logging

import pytest

from stunkit.errors import StartError
from stunkit.server.process.deaths import SHORT_LIFE, SHORT_LIVES, Deaths


@pytest.fixture
def deaths() -> Deaths:
    return Deaths()


def die(deaths: Deaths, times: int, age: float, how: str = "killed") -> None:
    for _ in range(times):
        deaths.add("worker 1 (pid 7)", how, age)


def test_tells_of_each(deaths: Deaths, caplog):
    with caplog.at_level(logging.WARNING):
        die(deaths, 1, 2.34)
    assert caplog.messages == ["worker 1 (pid 7): killed after 2.3 s; replacing it"]


def test_too_many_young_ones_in_a_row_are_the_end(deaths: Deaths, caplog):
    die(deaths, SHORT_LIVES - 2, SHORT_LIFE - 0.01)
    die(deaths, 1, 0.0, "crashed")
    with pytest.raises(StartError) as caught, caplog.at_level(logging.WARNING):
        die(deaths, 1, 0.0)
    assert str(caught.value) == (
        "25 workers in a row lived less than 1 s (killed: 24, crashed: 1);"
        " what they had to say stands above, on stderr"
    )
    assert caplog.messages[-1] == "worker 1 (pid 7): killed after 0.0 s; stopping the server"


def test_one_that_lived_makes_good_for_all_before(deaths: Deaths):
    die(deaths, SHORT_LIVES - 1, 0.0)
    die(deaths, 1, SHORT_LIFE)
    die(deaths, SHORT_LIVES - 1, 0.0)


def test_old_ones_never_are_the_end(deaths: Deaths):
    die(deaths, 2 * SHORT_LIVES, SHORT_LIFE)
