from stunkit.signal.message import Kind, Relay
from stunkit.signal.seat import Limits, Seat

END = Relay(Kind.END_OF_CANDIDATES, 1, 9, {})
TEXT = '{"type":"end-of-candidates","session":1,"seq":9}'


def numbers(seat: Seat, received: int = 0) -> list[int]:
    return [seq for seq, _ in seat.since(received)]


def test_numbers_what_it_is_told():
    seat = Seat("t")
    assert seat.put(END._replace(seq=1), "as it came", Limits()) == "as it came"
    assert '"seq":2' in seat.put(END, "with another number", Limits())
    assert numbers(seat) == [1, 2]
    assert numbers(seat, 1) == [2]


def test_resumes_after_any_number_that_it_keeps():
    seat = Seat("t")
    for _ in range(5):
        seat.put(END, TEXT, Limits())
    seat.acknowledge(2)
    assert [n for n in range(8) if seat.can_resume(n)] == [2, 3, 4, 5]
    seat.acknowledge(9)
    assert [n for n in range(8) if seat.can_resume(n)] == [5]
    assert seat.kept_characters == 0


def test_forgets_the_oldest_of_what_is_too_much():
    seat, limits = Seat("t"), Limits(kept_messages=3)
    for _ in range(5):
        seat.put(END, TEXT, limits)
    assert numbers(seat) == [3, 4, 5]
    assert not seat.can_resume(1)
    size = len(seat.put(END, TEXT, limits))
    small = Limits(kept_characters=2 * size)
    seat.put(END, TEXT, small)
    assert numbers(seat) == [6, 7]
    assert seat.kept_characters == 2 * size


def test_renews():
    seat = Seat("t", received=4)
    seat.put(END, TEXT, Limits())
    seat.renew()
    assert (seat.received, seat.sent, seat.kept_characters, numbers(seat)) == (0, 0, 0, [])


def test_admits_a_burst_and_then_a_rate():
    seat, limits = Seat("t"), Limits(rate=10.0, burst=3)
    assert [seat.admit(5.0, limits) for _ in range(4)] == [True, True, True, False]
    assert seat.admit(5.11, limits)
    assert not seat.admit(5.12, limits)
    assert [seat.admit(60.0, limits) for _ in range(4)] == [True, True, True, False]


def test_admits_as_before_when_the_clock_is_set_back():
    seat, limits = Seat("t"), Limits(rate=10.0, burst=3)
    assert [seat.admit(5_000.0, limits) for _ in range(4)] == [True, True, True, False]
    assert [seat.admit(1_000.0, limits) for _ in range(4)] == [True, True, True, False]
    assert seat.admit(1_000.2, limits)
