"""What a source gets is bounded, and who keeps within the rate is never refused."""

from __future__ import annotations

from ipaddress import ip_network

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Family
from stunkit.protocol.throttle import ROTATION_NS, TABLE_SIZE, Limit, Ration, Throttle
from stunkit.server.lanes.columns import ThrottleColumns

SECRET = bytes(range(32))

rates = st.floats(10, 1e6) | st.sampled_from([10.0, 100.0])
bursts = st.integers(10, 300)
limits = st.builds(Limit, rates, bursts, st.integers(1, 32), st.integers(1, 128))
packed = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
starts = st.integers(0, 1 << 60)
steps = st.lists(
    st.sampled_from([0, 0, 0, 1, 10**4, 10**6, 10**7, 10**8]) | st.integers(0, 2 * ROTATION_NS),
    max_size=400,
)


@given(limits, packed, starts, steps)
def test_source_gets_at_most_its_burst_and_its_rate(
    limit: Limit, source: bytes, start: int, steps: list[int]
):
    throttle, now_ns, got = Throttle(limit, SECRET), start, 0
    for step in steps:
        now_ns += step
        got += throttle.admit(source, now_ns)
    # A new key means a new bucket, which is full.
    keys = 1 + now_ns // ROTATION_NS - start // ROTATION_NS
    assert got <= limit.burst * keys + (now_ns - start) // throttle.interval_ns
    assert throttle.interval_ns >= int(1e9 / limit.rate)


@given(limits, packed, starts, st.lists(st.integers(0, 10**9), max_size=400))
def test_source_within_its_rate_is_never_refused(
    limit: Limit, source: bytes, start: int, pauses: list[int]
):
    throttle, now_ns = Throttle(limit, SECRET), start
    for pause in pauses:
        now_ns += throttle.interval_ns + pause
        assert throttle.admit(source, now_ns)


@given(limits, packed, starts, st.integers(0, 300))
def test_source_within_its_burst_is_never_refused(
    limit: Limit, source: bytes, start: int, count: int
):
    throttle = Throttle(limit, SECRET)
    admitted = [throttle.admit(source, start) for _ in range(count)]
    assert admitted == [number < limit.burst for number in range(count)]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Family, Limit, list[tuple[int, list[bytes]]]]:
    """A limit, perhaps with some on its list, and batches of sources, each at a time."""
    family = draw(st.sampled_from(Family))
    size = 4 if family is Family.IPV4 else 16
    sources = draw(st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=8))
    limit = draw(limits)
    allow = [
        ip_network((source, draw(st.integers(0, 8 * size))), strict=False)
        for source in draw(st.lists(st.sampled_from(sources), max_size=2))
    ]
    limit = Limit(limit.rate, limit.burst, limit.prefix4, limit.prefix6, tuple(allow))
    batch = st.lists(st.sampled_from(sources), min_size=1, max_size=60)
    times = draw(st.integers(1, 40))  # how often each batch comes in one
    now_ns, batches = draw(starts), []
    for step in draw(st.lists(st.sampled_from([0, 1, 10**7, 10**9, ROTATION_NS]), max_size=5)):
        now_ns += step
        batches.append((now_ns, draw(batch) * times))
    return family, limit, batches


@given(crowds())
def test_columns_judge_as_the_throttle_would(
    crowd: tuple[Family, Limit, list[tuple[int, list[bytes]]]],
):
    family, limit, batches = crowd
    tables = [bytearray(TABLE_SIZE) for _ in range(2)]
    one_by_one, shared = (Throttle(limit, SECRET, memoryview(table)) for table in tables)
    columns = ThrottleColumns(shared, family)
    for now_ns, sources in batches:
        rows = np.frombuffer(b"".join(sources), np.uint8).reshape(len(sources), -1)
        expected = [one_by_one.admit(source, now_ns) for source in sources]
        assert columns.admit(rows, now_ns).tolist() == expected
        assert tables[0] == tables[1]


@given(
    st.floats(1, 1e6),
    st.integers(1, 300),
    st.lists(st.tuples(st.integers(0, 10**9), st.lists(st.integers(0, 5000))), max_size=30),
)
def test_ration_gives_many_what_it_would_give_one_by_one(
    rate: float, burst: int, asked: list[tuple[int, list[int]]]
):
    one_by_one, at_once, now_ns = Ration(rate, burst), Ration(rate, burst), 0
    for pause, sizes in asked:
        now_ns += pause
        expected = sum(one_by_one.admit(size, now_ns) for size in sizes)
        assert at_once.admit_many(sizes, now_ns) == expected <= burst
