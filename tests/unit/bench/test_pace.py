import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.bench.pace import Pace

START = 1000.0


def numbers(*values: int):
    return np.array(values, np.uint64)


def test_calls_each_request_when_it_is_due():
    pace = Pace(rate=10, sockets=1, start=START, duration=1)
    assert list(pace.call(START)) == [(0, 1)]
    assert list(pace.call(START + 0.05)) == []
    assert pace.next == pytest.approx(START + 0.1)
    assert list(pace.call(START + 0.35)) == [(0, 3)]


def test_lets_the_sockets_take_turns():
    pace = Pace(rate=10, sockets=3, start=START, duration=1)
    assert list(pace.call(START + 0.35)) == [(0, 2), (1, 1), (2, 1)]  # requests 0 1 2 3
    assert list(pace.call(START + 0.55)) == [(1, 1), (2, 1)]  # requests 4 5


def test_ends_with_the_duration():
    pace = Pace(rate=10, sockets=2, start=START, duration=1)
    assert sum(count for _, count in pace.call(START + 60)) == pace.total == 10
    assert pace.next == math.inf
    assert list(pace.call(START + 61)) == []


def test_sends_once_at_least():
    assert Pace(rate=0.1, sockets=1, start=START, duration=1).total == 1


def test_intended_times_are_those_of_the_timetable_and_not_of_the_calls():
    pace = Pace(rate=10, sockets=2, start=START, duration=1)
    list(pace.call(START + 60))
    assert pace.intended(0, numbers(0, 1, 2)) == pytest.approx([1000.0, 1000.2, 1000.4])
    assert pace.intended(1, numbers(0, 1, 2)) == pytest.approx([1000.1, 1000.3, 1000.5])


@given(
    st.floats(0.5, 1e5),
    st.integers(1, 50),
    st.lists(st.floats(0, 0.05), min_size=1, max_size=30),
)
def test_calls_every_request_once_and_none_early(rate, sockets, steps):
    pace = Pace(rate, sockets, START, duration=sum(steps))
    taken = [0] * sockets
    now = START
    for step in steps:
        now += step
        for socket, count in pace.call(now):
            fresh = np.arange(taken[socket], taken[socket] + count, dtype=np.uint64)
            assert count > 0
            assert (pace.intended(socket, fresh) <= now + 1e-6).all()
            taken[socket] += count
        assert sum(taken) == pace.called
        assert max(taken) - min(taken) <= 1
        assert pace.next >= now - 1e-6
