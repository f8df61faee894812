import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.bench.ledger import Fate, Ledger


def numbers(*values: int):
    return np.array(values, np.uint64)


def fates(ledger: Ledger, *values: int) -> list[int]:
    told = ledger.close(numbers(*values)).fates
    return [Fate.WAITING] * len(values) if told is None else told.tolist()


def opened(count: int, capacity: int = 64, now: float = 1.0) -> Ledger:
    ledger = Ledger(capacity)
    ledger.open(count, now)
    return ledger


@pytest.mark.parametrize("capacity", [0, 3, -1])
def test_refuses_a_capacity_that_is_no_power_of_two(capacity):
    with pytest.raises(ValueError, match="power of two"):
        Ledger(capacity)


def test_tells_when_the_answered_requests_left():
    ledger = opened(2, now=1.0)
    ledger.open(2, 5.0)
    assert ledger.upcoming(2).tolist() == [4, 5]
    assert [part.tolist() for part in ledger.latest(3)] == [[1, 2, 3], [1.0, 5.0, 5.0]]
    assert ledger.close(numbers(3, 0, 2)).sent.tolist() == [5.0, 1.0, 5.0]
    assert ledger.close(numbers(1)).sent.tolist() == [1.0]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1,)], ids=str)
def test_first_answer_counts_and_others_are_duplicates(order):
    ledger = opened(3)
    assert fates(ledger, *order) == [Fate.WAITING] * len(order)
    assert ledger.waiting == 3 - len(order)
    assert fates(ledger, *order) == [Fate.ANSWERED] * len(order)
    assert ledger.waiting == 3 - len(order)


def test_tells_duplicates_that_come_together():
    assert fates(opened(3), 1, 1, 0, 1) == [
        Fate.WAITING,
        Fate.ANSWERED,
        Fate.WAITING,
        Fate.ANSWERED,
    ]


@pytest.mark.parametrize("number", [3, 4, 64, 2**63, 2**64 - 1])
def test_knows_no_request_that_has_not_left(number):
    ledger = opened(3)
    assert fates(ledger, number) == [Fate.UNKNOWN]
    assert fates(ledger, 0, number, 1) == [Fate.WAITING, Fate.UNKNOWN, Fate.WAITING]


def test_gives_up_what_left_before_a_moment():
    ledger = opened(3, now=1.0)
    ledger.open(2, 2.0)
    fates(ledger, 1)
    assert ledger.expire(1.5) == 2
    assert ledger.waiting == 2
    assert ledger.expire(1.5) == 0
    assert fates(ledger, 0, 1, 2, 3) == [Fate.LOST, Fate.ANSWERED, Fate.LOST, Fate.WAITING]
    assert ledger.expire(9.0) == 1
    assert ledger.waiting == 0


def test_has_room_again_for_what_was_given_up():
    ledger = opened(8, capacity=8)
    assert ledger.room == 0
    ledger.expire(9.0)
    assert ledger.room == 8
    ledger.open(3, 10.0)
    assert fates(ledger, 0, 7, 8, 10, 11) == [
        Fate.LOST,  # forgotten, so it was given up long ago
        Fate.LOST,
        Fate.WAITING,
        Fate.WAITING,
        Fate.UNKNOWN,
    ]


def test_does_not_count_answers_to_what_was_before():
    ledger = opened(2)
    fates(ledger, 0)
    ledger.expire(9.0)
    ledger.forget_counts()
    ledger.open(1, 10.0)
    assert fates(ledger, 0, 1, 2, 3) == [
        Fate.EARLIER,
        Fate.EARLIER,
        Fate.WAITING,
        Fate.UNKNOWN,
    ]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(1, 9)),
        st.tuples(st.just("close"), st.lists(st.integers(0, 60), max_size=12)),
        st.tuples(st.just("expire"), st.integers(0, 5)),
    ),
    max_size=40,
)


@given(steps)
def test_agrees_with_a_ledger_that_forgets_nothing(steps):
    ledger, truth, sent, now = Ledger(16), {}, {}, 0.0
    for what, value in steps:
        now += 1.0
        if what == "open" and value <= ledger.room:
            for number in ledger.upcoming(value).tolist():
                truth[number], sent[number] = Fate.WAITING, now
            ledger.open(value, now)
        elif what == "close":
            expected = []
            for number in value:
                known = truth.get(number, Fate.UNKNOWN)
                if known is not Fate.UNKNOWN and number < ledger.next - 16:
                    known = Fate.LOST  # out of the ring
                expected.append(known)
                if known is Fate.WAITING:
                    truth[number] = Fate.ANSWERED
            closed = ledger.close(numbers(*value))
            told = [Fate.WAITING] * len(value) if closed.fates is None else closed.fates.tolist()
            assert told == expected
            for number, fate, time in zip(value, told, closed.sent.tolist(), strict=True):
                assert fate != Fate.WAITING or time == sent[number]
        elif what == "expire":
            old = [n for n, fate in truth.items() if fate is Fate.WAITING and sent[n] < now - value]
            truth |= dict.fromkeys(old, Fate.LOST)
            assert ledger.expire(now - value) == len(old)
        assert ledger.waiting == sum(fate is Fate.WAITING for fate in truth.values())
