from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.net.resolve import Service, order_services

records = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 65535),
        st.sampled_from(["a.example", "b.example", "c.example"]),
        st.integers(1, 65535),
    ),
    max_size=8,
)


@given(records, st.randoms(use_true_random=False))
def test_gives_every_record_once_and_lower_priorities_first(records, random_source):
    services = order_services(records, random_source)
    assert Counter(services) == Counter(Service(host, port) for _, _, host, port in records)
    rank = {(host, port): [] for _, _, host, port in records}
    for priority, _, host, port in records:
        rank[host, port].append(priority)
    if all(len(ranks) == 1 for ranks in rank.values()):
        ranks = [rank[service.host, service.port][0] for service in services]
        assert ranks == sorted(ranks)


@given(records)
def test_leaves_the_records_that_it_was_given_alone(records):
    before = list(records)
    order_services(records, Random(1))
    assert records == before


def test_draws_the_first_by_weight():
    records = [(1, 10, "tenth", 1), (1, 30, "third", 1), (1, 60, "most", 1)]
    firsts = Counter(draw_first(records, seed) for seed in range(4000))
    # RFC 2782 draws from 0 to the sum inclusive: close to the weights, not exactly they
    assert firsts["tenth"] == pytest.approx(400, abs=100)
    assert firsts["third"] == pytest.approx(1200, abs=150)
    assert firsts["most"] == pytest.approx(2400, abs=150)


def test_gives_weight_zero_a_small_chance_and_not_none():
    records = [(1, 99, "heavy", 1), (1, 0, "light", 1)]
    firsts = Counter(draw_first(records, seed) for seed in range(4000))
    assert 0 < firsts["light"] < 200


def test_draws_evenly_enough_when_no_record_has_a_weight():
    records = [(1, 0, "one", 1), (1, 0, "two", 1)]
    assert len(order_services(records, Random(1))) == 2


def draw_first(records, seed: int) -> str:
    return order_services(records, Random(seed))[0].host
