import pytest

from stunkit.protocol.schedule import MAX_SERVERS, RoundTrip, RoundTrips, Schedule

SERVER = bytes((192, 0, 2, 1))
OTHER = bytes((192, 0, 2, 2))
ANY_RTO = Schedule(rto_min=0)


def packed(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_has_the_numbers_of_the_rfc_by_default():
    # RFC 8489 sections 6.2.1 and 6.2.2
    assert Schedule() == Schedule(rto=0.5, rc=7, rm=16, ti=39.5, rto_min=0.5)


def test_first_sample_makes_three_round_trips():
    # RFC 6298 rule 2.2: SRTT = 0.2, RTTVAR = 0.1, RTO = 0.2 + 4 * 0.1
    assert RoundTrip.first(0.2, 0.0).rto == pytest.approx(0.6)


def test_further_samples_are_smoothed():
    # RFC 6298 rule 2.3, by hand
    round_trip = RoundTrip.first(0.2, 0.0)
    round_trip.sample(0.4, 1.0)
    assert round_trip.rttvar == pytest.approx(0.125)  # 3/4 * 0.1 + 1/4 * |0.2 - 0.4|
    assert round_trip.srtt == pytest.approx(0.225)  # 7/8 * 0.2 + 1/8 * 0.4
    assert round_trip.rto == pytest.approx(0.725)
    round_trip.sample(0.2, 2.0)
    assert round_trip.rttvar == pytest.approx(0.1)  # 3/4 * 0.125 + 1/4 * |0.225 - 0.2|
    assert round_trip.srtt == pytest.approx(0.221875)  # 7/8 * 0.225 + 1/8 * 0.2
    assert round_trip.rto == pytest.approx(0.621875)


@pytest.mark.parametrize(
    ("rttvar", "rto"), [(0.0, 0.801), (0.0002, 0.801), (0.00025, 0.801), (0.001, 0.804)]
)
def test_variation_counts_for_a_millisecond_at_least(rttvar: float, rto: float):
    assert RoundTrip(0.8, rttvar, 0.0).rto == pytest.approx(rto)


def test_starts_with_the_schedule_when_a_server_is_new():
    assert RoundTrips().rto(SERVER, Schedule(rto=0.7), 0.0) == 0.7


def test_starts_with_what_was_learned_of_that_address_alone():
    round_trips = RoundTrips()
    round_trips.sample(SERVER, 0.2, 0.0)
    round_trips.sample(SERVER, 0.4, 1.0)
    assert round_trips.rto(SERVER, Schedule(), 1.0) == pytest.approx(0.725)
    assert round_trips.rto(OTHER, Schedule(), 1.0) == 0.5


def test_learned_timeout_is_never_under_the_minimum():
    round_trips = RoundTrips()
    round_trips.sample(SERVER, 0.02, 0.0)
    assert round_trips.rto(SERVER, Schedule(), 0.0) == 0.5
    assert round_trips.rto(SERVER, Schedule(rto_min=0.1), 0.0) == 0.1
    assert round_trips.rto(SERVER, ANY_RTO, 0.0) == pytest.approx(0.06)


def test_forgets_after_ten_minutes():
    round_trips = RoundTrips()
    round_trips.sample(SERVER, 0.4, 100.0)
    assert round_trips.rto(SERVER, Schedule(), 700.0) == pytest.approx(1.2)
    assert round_trips.rto(SERVER, Schedule(), 700.1) == 0.5


def test_each_sample_renews_what_is_known():
    round_trips = RoundTrips()
    round_trips.sample(SERVER, 0.4, 0.0)
    round_trips.sample(SERVER, 0.4, 600.0)
    assert round_trips.rto(SERVER, Schedule(), 1200.0) == pytest.approx(1.0)  # 0.4 + 4 * 0.15


def test_starts_anew_when_the_last_sample_is_stale():
    round_trips = RoundTrips()
    round_trips.sample(SERVER, 2.0, 0.0)
    round_trips.sample(SERVER, 0.4, 600.1)
    assert round_trips.rto(SERVER, Schedule(), 600.1) == pytest.approx(1.2)  # of 0.4 alone


def test_forgets_the_server_sampled_least_recently_when_there_are_too_many():
    round_trips = RoundTrips()
    for number in range(MAX_SERVERS):
        round_trips.sample(packed(number), 0.4, 0.0)
    round_trips.sample(packed(0), 0.4, 1.0)
    round_trips.sample(packed(MAX_SERVERS), 0.4, 2.0)
    known = [
        number
        for number in range(MAX_SERVERS + 1)
        if round_trips.rto(packed(number), Schedule(), 2.0) != 0.5
    ]
    assert MAX_SERVERS == 1024
    assert known == [0, *range(2, MAX_SERVERS + 1)]
