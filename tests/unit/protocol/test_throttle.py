from ipaddress import IPv4Address, IPv6Address, ip_network

import numpy as np
import pytest

from stunkit.protocol.throttle import (
    BUCKETS_BITS,
    LEAST_RATE,
    ROTATION_NS,
    TABLE_SIZE,
    Limit,
    Ration,
    Throttle,
)

SECOND = 1_000_000_000  # nanoseconds
NOW = 1000 * ROTATION_NS  # a key has just come into use
SECRET = bytes(range(32))


def v4(text: str) -> bytes:
    return IPv4Address(text).packed


def v6(text: str) -> bytes:
    return IPv6Address(text).packed


CLIENT = v4("192.0.2.1")


def throttle(**limit: object) -> Throttle:
    return Throttle(Limit(**limit), SECRET)


def admitted(made: Throttle, packed: bytes, now_ns: int, times: int = 1000) -> int:
    """How many of so many answers in one moment a source gets."""
    return sum(made.admit(packed, now_ns) for _ in range(times))


def test_gives_a_burst_and_then_the_rate():
    made = throttle(rate=100, burst=200)
    assert admitted(made, CLIENT, NOW) == 200
    assert admitted(made, CLIENT, NOW + SECOND // 100 - 1) == 0
    assert admitted(made, CLIENT, NOW + SECOND // 100) == 1
    assert admitted(made, CLIENT, NOW + SECOND) == 99


def test_fills_no_higher_than_the_burst():
    made = throttle(rate=100, burst=20)
    assert admitted(made, CLIENT, NOW) == 20
    assert admitted(made, CLIENT, NOW + 30 * SECOND) == 20


def test_refills_whatever_was_refused_meanwhile():
    made = throttle(rate=100, burst=20)
    admitted(made, CLIENT, NOW, 100_000)
    assert admitted(made, CLIENT, NOW + SECOND // 10) == 10


def test_counts_the_other_sources_apart():
    made = throttle(rate=10, burst=10)
    assert admitted(made, CLIENT, NOW) == 10
    assert admitted(made, v4("192.0.2.2"), NOW) == 10
    assert admitted(made, v6("2001:db8::1"), NOW) == 10


@pytest.mark.parametrize(
    ("limit", "one", "same", "other"),
    [
        ({}, v4("192.0.2.1"), v4("192.0.2.1"), v4("192.0.2.0")),
        ({"prefix4": 24}, v4("192.0.2.1"), v4("192.0.2.255"), v4("192.0.3.1")),
        ({"prefix4": 1}, v4("1.2.3.4"), v4("127.255.255.255"), v4("128.0.0.0")),
        ({}, v6("2001:db8::1"), v6("2001:db8::ffff:0:0:1"), v6("2001:db8:0:1::1")),
        ({"prefix6": 128}, v6("2001:db8::1"), v6("2001:db8::1"), v6("2001:db8::2")),
        ({"prefix6": 127}, v6("2001:db8::2"), v6("2001:db8::3"), v6("2001:db8::4")),
        ({"prefix6": 65}, v6("2001:db8::1"), v6("2001:db8::2"), v6("2001:db8::8000:0:0:0")),
        ({"prefix6": 48}, v6("2001:db8::1"), v6("2001:db8:0:ffff::"), v6("2001:db8:1::")),
        ({"prefix6": 1}, v6("2001:db8::1"), v6("::1"), v6("8000::")),
    ],
)
def test_counts_sources_of_one_prefix_together(
    limit: dict[str, int], one: bytes, same: bytes, other: bytes
):
    made = throttle(rate=10, burst=10, **limit)
    assert admitted(made, one, NOW, 6) == 6
    assert admitted(made, same, NOW) == 4
    assert admitted(made, other, NOW) == 10


@pytest.mark.parametrize("length", range(1, 33))
def test_knows_every_ipv4_prefix(length: int):
    made = throttle(rate=10, burst=10, prefix4=length)
    inside = (int.from_bytes(CLIENT, "big") ^ (1 << 32 - length) - 1).to_bytes(4, "big")
    outside = (int.from_bytes(CLIENT, "big") ^ 1 << 32 - length).to_bytes(4, "big")
    assert admitted(made, CLIENT, NOW, 10) == 10
    assert not made.admit(inside, NOW)
    assert made.admit(outside, NOW)


@pytest.mark.parametrize("length", range(1, 129))
def test_knows_every_ipv6_prefix(length: int):
    client = int(IPv6Address("2001:db8:1234:5678:9abc:def0:1234:5678"))
    made = throttle(rate=10, burst=10, prefix6=length)
    inside = (client ^ (1 << 128 - length) - 1).to_bytes(16, "big")
    outside = (client ^ 1 << 128 - length).to_bytes(16, "big")
    assert admitted(made, client.to_bytes(16, "big"), NOW, 10) == 10
    assert not made.admit(inside, NOW)
    assert made.admit(outside, NOW)


def test_lets_those_on_the_list_have_what_they_want():
    allow = tuple(map(ip_network, ("192.0.2.0/30", "2001:db8::/32", "203.0.113.9/32")))
    made = throttle(rate=10, burst=10, allow=allow)
    for packed in (v4("192.0.2.0"), v4("192.0.2.3"), v4("203.0.113.9"), v6("2001:db8:ffff::1")):
        assert made.is_allowed(packed)
        assert admitted(made, packed, NOW) == 1000
    for packed in (v4("192.0.2.4"), v4("203.0.113.8"), v6("2001:db9::"), v6("2001:db7:ffff::")):
        assert not made.is_allowed(packed)
        assert admitted(made, packed, NOW) == 10


def test_charges_nothing_to_those_on_the_list():
    made = throttle(rate=10, burst=10, allow=(ip_network("192.0.2.0/24"),))
    admitted(made, CLIENT, NOW)
    assert not any(made.cells)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"rate": 9.9}, "the rate is at least 10 a second, not 9.9"),
        ({"rate": 0}, "the rate is at least 10 a second, not 0"),
        ({"rate": float("nan")}, "the rate is at least 10 a second, not nan"),
        ({"burst": 9}, "the burst is at least 10, not 9"),
        ({"prefix4": 0}, "an IPv4 prefix has 1 to 32 bits, not 0"),
        ({"prefix4": 33}, "an IPv4 prefix has 1 to 32 bits, not 33"),
        ({"prefix6": 0}, "an IPv6 prefix has 1 to 128 bits, not 0"),
        ({"prefix6": 129}, "an IPv6 prefix has 1 to 128 bits, not 129"),
    ],
)
def test_refuses_a_limit_that_makes_no_sense(limit: dict[str, float], reason: str):
    with pytest.raises(ValueError, match=reason):
        Limit(**limit)


@pytest.mark.parametrize("rate", [10, 10.0001, 11, 333.3, 1e9, float("inf")])
def test_gives_everyone_ten_a_second_at_least(rate: float):
    made = throttle(rate=rate, burst=10)
    interval = int(SECOND // LEAST_RATE)  # RFC 5780 section 5
    assert all(made.admit(CLIENT, NOW + number * interval) for number in range(2000))


def test_is_as_large_as_it_says_whoever_comes():
    table = memoryview(bytearray(TABLE_SIZE))
    made = Throttle(Limit(), SECRET, table)
    assert len(made.cells) == 1 << BUCKETS_BITS
    for number in range(5000):
        made.admit(number.to_bytes(4, "big"), NOW)
        made.admit(number.to_bytes(16, "little"), NOW)
    assert made.cells.nbytes == table.nbytes == TABLE_SIZE == 2 << 20


def test_shares_its_table_with_others_of_the_same_secret():
    table = memoryview(bytearray(TABLE_SIZE))
    one, other = (Throttle(Limit(rate=10, burst=10), SECRET, table) for _ in range(2))
    assert admitted(one, CLIENT, NOW, 6) == 6
    assert admitted(other, CLIENT, NOW) == 4


def test_changes_its_key_every_minute():
    made = throttle()
    first = made.factors(NOW)
    assert made.factors(NOW + ROTATION_NS - 1) == first
    second = made.factors(NOW + ROTATION_NS)
    assert not set(first) & set(second)
    assert made.factors(NOW) == first  # and back, for whoever is late
    assert made.factors(-1) == made.factors(-ROTATION_NS) != made.factors(0)


def test_keys_its_hash_with_odd_numbers_that_follow_from_the_secret():
    assert throttle().factors(NOW) == throttle().factors(NOW)
    assert throttle().factors(NOW) != Throttle(Limit(), bytes(32)).factors(NOW)
    for rotation in range(100):
        factors = throttle().factors(rotation * ROTATION_NS)
        assert len(set(factors)) == 3
        assert all(factor & 1 and factor < 1 << 64 for factor in factors)


def bucket_of(packed: bytes, now_ns: int, **limit: int) -> int:
    made = throttle(rate=10, burst=10, **limit)
    assert made.admit(packed, now_ns)
    (bucket,) = (place for place, cell in enumerate(made.cells) if cell)
    return bucket


def test_puts_a_source_elsewhere_with_every_key():
    places = {bucket_of(CLIENT, NOW + minute * ROTATION_NS) for minute in range(20)}
    assert len(places) > 15


@pytest.mark.parametrize(
    ("size", "shift"),
    [
        pytest.param(4, 0, id="ipv4-neighbours"),
        pytest.param(4, 8, id="ipv4-/24"),
        pytest.param(16, 64, id="ipv6-/64"),
        pytest.param(16, 80, id="ipv6-/48"),
        pytest.param(16, 96, id="ipv6-/32"),
    ],
)
def test_spreads_sources_over_its_buckets(size: int, shift: int):
    count, keys = 2000, 40
    sources = [(number << shift).to_bytes(size, "big") for number in range(count)]
    pairs = worst = 0  # of sources that share a bucket: pairs, and the most in one
    for minute in range(keys):
        now_ns = NOW + minute * ROTATION_NS
        made = throttle(rate=10, burst=count)
        assert all(made.admit(packed, now_ns) for packed in sources)
        cells = np.frombuffer(made.cells, np.int64)
        shared = (cells[cells > 0] - now_ns) // made.interval_ns
        assert shared.sum() == count
        pairs += int((shared * (shared - 1) // 2).sum())
        worst = max(worst, int(shared.max()))
    # Chance has 1 pair in 262,144 share. High bits of a product: at most 2 on average, but
    # neighbours tend to share all together or, with most keys, not at all.
    assert pairs <= 4 * keys * (count * (count - 1) // 2) / (1 << BUCKETS_BITS)
    assert worst <= 16


def test_rations_all_together():
    ration = Ration(100, 20)
    assert [ration.admit(20, NOW) for _ in range(25)] == [True] * 20 + [False] * 5
    assert ration.admit_many([20] * 50, NOW + SECOND // 10) == 10
    assert ration.admit_many([20] * 50, NOW + SECOND // 10) == 0
    assert ration.admit_many([], NOW + SECOND) == 0
    assert ration.admit_many([20] * 50, NOW + 10 * SECOND) == 20
    assert ration.admit_many([20] * 5, NOW + 20 * SECOND) == 5
    assert ration.admit_many([20] * 50, NOW + 20 * SECOND) == 15


def test_charges_a_long_datagram_for_the_time_that_it_takes():
    ration = Ration(10, 20)
    assert ration.admit_many([64 * 19, 20, 20], NOW) == 1  # 20 looks at once
    assert ration.admit(20, NOW + SECOND // 10)


def test_goes_on_under_another_limit_with_the_same_buckets():
    made = throttle(rate=10, burst=20)
    assert admitted(made, CLIENT, NOW, 5) == 5
    other = made.under(Limit(rate=10, burst=30, allow=(ip_network("203.0.113.0/24"),)))
    assert admitted(other, CLIENT, NOW) == 25
    assert admitted(other, v4("203.0.113.9"), NOW) == 1000
    assert admitted(made, CLIENT, NOW) == 0
    assert (made.limit.burst, other.limit.burst) == (20, 30)


def test_forgets_what_a_smaller_limit_would_wait_long_for():
    made = throttle(rate=10, burst=100_000)
    assert admitted(made, CLIENT, NOW, 100_000) == 100_000  # empty for nearly three hours
    assert admitted(made.under(Limit(rate=10, burst=10)), CLIENT, NOW) == 10
