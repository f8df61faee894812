from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.link import INTERVAL, PATIENCE, WINDOW, Joined, Link, Parted, Window
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.partner import (
    LEAST_KEY,
    MOST_ANSWER,
    Codec,
    HandOver,
    Kind,
    LinkMessage,
    Outcome,
    Pair,
    encode_pair,
)

SECRET = bytes(range(LEAST_KEY))
A, B = Endpoint.parse("192.0.2.1:3480"), Endpoint.parse("192.0.2.2:3480")
ELSEWHERE = Endpoint.parse("203.0.113.66:3480")
CLIENT = Endpoint.parse("203.0.113.9:5000")
PAIRS = {end: Pair((end.with_port(3478), end.with_port(3479)), is_ready=True) for end in (A, B)}
NOW = 1000.0


def drawing(letter: int) -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: bytes((letter,)) + next(numbers).to_bytes(size - 1, "big")


def make(end: Endpoint, letter: int = 0) -> Link:
    """One end, with the beat that it begins with not yet on its way."""
    link = Link(SECRET, end, B if end == A else A, drawing(letter or (1 if end == A else 2)))
    link.tell(PAIRS[end], NOW)
    return link


def carry(sends: list[Outgoing], to: Link, now: float) -> None:
    for outgoing in sends:
        to.receive(outgoing.data, outgoing.local, outgoing.destination, now)


def settle(a: Link, b: Link, now: float) -> list[Outgoing]:
    """Carry all that either has to say until both are silent; return it."""
    said = []
    for _ in range(10):
        from_a, from_b = a.sends(), b.sends()
        said += from_a + from_b
        carry(from_a, b, now)
        carry(from_b, a, now)
        if not from_a and not from_b:
            return said
    raise AssertionError("they talk forever")


def joined() -> tuple[Link, Link]:
    a, b = make(A), make(B)
    settle(a, b, NOW)
    assert a.events() == [Joined(PAIRS[B])]
    assert b.events() == [Joined(PAIRS[A])]
    return a, b


def beating(a: Link, b: Link, start: float, until: float) -> float:
    now = start
    while now < until:
        now += INTERVAL
        a.tick(now)
        b.tick(now)
        settle(a, b, now)
    return now


def test_is_silent_before_it_has_something_to_tell():
    link = Link(SECRET, A, B, drawing(1))
    link.tick(NOW)
    assert (link.sends(), link.deadline(), link.pair) == ([], None, None)
    carry(make(B).sends(), link, NOW)
    assert link.sends() == []


def test_both_join_within_a_round_trip():
    a, b = joined()
    assert (a.pair, b.pair) == (PAIRS[B], PAIRS[A])


def test_joins_one_that_starts_later():
    a = make(A)
    a.sends()
    assert a.deadline() == NOW + INTERVAL
    b = make(B)
    settle(a, b, NOW + 0.1)
    assert (a.pair, b.pair) == (PAIRS[B], PAIRS[A])


def test_stays_up_while_both_beat():
    a, b = joined()
    beating(a, b, NOW, NOW + 60)
    assert (a.events(), b.events()) == ([], [])


def test_beats_at_its_interval():
    a, _ = joined()
    a.tick(NOW + INTERVAL)
    (beat,) = a.sends()
    assert a.deadline() == NOW + 2 * INTERVAL
    a.tick(NOW + 2 * INTERVAL - 0.001)
    assert a.sends() == []
    assert beat.destination == B
    assert beat.local == A


def test_is_down_when_no_round_trip_has_begun_for_its_patience():
    a, _ = joined()
    now = NOW
    while now < NOW + PATIENCE - INTERVAL:
        now += INTERVAL
        a.tick(now)
    assert a.events() == []
    a.sends()
    assert a.deadline() == NOW + PATIENCE
    a.tick(NOW + PATIENCE)
    assert a.events() == [Parted("no round trip for 1.5 s")]
    assert a.pair is None


def test_is_down_although_it_hears_when_it_is_not_heard():
    a, b = joined()
    now = NOW
    while now < NOW + PATIENCE:
        now += INTERVAL
        a.tick(now)
        b.tick(now)
        a.sends()  # lost
        carry(b.sends(), a, now)
    assert [type(event) for event in a.events()] == [Parted]
    assert [type(event) for event in b.events()] == [Parted]


def test_joins_again_after_it_was_down():
    a, b = joined()
    a.tick(NOW + PATIENCE)
    b.tick(NOW + PATIENCE)
    a.events(), b.events(), a.sends(), b.sends()
    beating(a, b, NOW + PATIENCE, NOW + PATIENCE + 1)
    assert a.events() == [Joined(PAIRS[B])]
    assert b.events() == [Joined(PAIRS[A])]


def test_partner_that_says_goodbye_is_believed_at_once():
    a, b = joined()
    a.part(NOW + 0.1)
    settle(a, b, NOW + 0.1)
    assert a.events() == [Parted("we end")]
    assert b.events() == [Parted("the partner ended")]
    assert b.deadline() == NOW + INTERVAL


def test_has_nobody_to_say_goodbye_to_when_it_is_down():
    a = make(A)
    a.sends()
    a.part(NOW)
    assert (a.sends(), a.events()) == ([], [])


def test_partner_that_starts_anew_is_joined_once_the_old_one_is_given_up():
    a, _ = joined()
    again = make(B, letter=3)
    settle(a, again, NOW + 0.1)
    assert a.events() == []  # the new one may be a replay, for all that it knows
    now = beating(a, again, NOW, NOW + PATIENCE + 3 * INTERVAL)
    assert a.events() == [Parted("no round trip for 1.5 s"), Joined(PAIRS[B])]
    assert again.pair == PAIRS[A]
    assert now < NOW + 3


def test_tells_at_once_what_has_changed():
    a, b = joined()
    changed = PAIRS[A]._replace(is_ready=False)
    a.tell(changed, NOW + 0.1)
    settle(a, b, NOW + 0.1)
    assert b.events() == [Joined(changed)]
    a.tell(changed, NOW + 0.1)
    assert a.sends() == []


def test_hands_an_answer_over():
    a, b = joined()
    assert a.hand_over(1, CLIENT, b"answer")
    settle(a, b, NOW + 0.1)
    assert b.events() == [HandOver(1, CLIENT, b"answer")]
    assert a.counts[Outcome.HANDED_OVER] == 1


def test_withholds_an_answer_while_it_is_down():
    a = make(A)
    a.sends()
    assert not a.hand_over(0, CLIENT, b"answer")
    assert a.sends() == []
    assert a.counts == {Outcome.WITHHELD: 1}


def test_withholds_an_answer_that_is_too_long():
    a, _ = joined()
    assert not a.hand_over(0, CLIENT, bytes(MOST_ANSWER + 1))
    assert a.hand_over(0, CLIENT, bytes(MOST_ANSWER))


def test_answer_handed_over_is_a_round_trip_as_well():
    a, b = make(A), make(B)
    carry(a.sends(), b, NOW)
    carry(b.sends(), a, NOW)
    a.sends()  # the beat that says so is lost
    assert a.hand_over(0, CLIENT, b"answer")
    settle(a, b, NOW)
    assert b.events() == [HandOver(0, CLIENT, b"answer")]
    beating(a, b, NOW, NOW + INTERVAL)
    assert b.pair == PAIRS[A]


def refused(to: Link, data: bytes, now: float, source: Endpoint = A) -> Outcome:
    """Return why a datagram is refused, once it is certain that nothing else came of it."""
    before, state = to.counts.copy(), (to.pair, to.deadline())
    to.receive(data, source, B, now)
    assert (to.sends(), to.events(), (to.pair, to.deadline())) == ([], [], state)
    ((outcome, number),) = (to.counts - before).items()
    assert number == 1
    return outcome


def handed_over(a: Link) -> bytes:
    a.hand_over(0, CLIENT, b"answer")
    (outgoing,) = a.sends()
    return outgoing.data


def test_refuses_what_comes_from_elsewhere():
    a, b = joined()
    assert refused(b, handed_over(a), NOW, ELSEWHERE) is Outcome.STRANGER


def test_refuses_a_forgery():
    a, b = joined()
    data = handed_over(a)
    for changed in (data[:-1] + bytes((data[-1] ^ 1,)), data[:60] + b"?" + data[61:]):
        assert refused(b, changed, NOW) is Outcome.FORGED
    assert refused(b, b"", NOW) is Outcome.MALFORMED


def test_refuses_a_replay():
    a, b = joined()
    data = handed_over(a)
    b.receive(data, A, B, NOW)
    assert len(b.events()) == 1
    assert refused(b, data, NOW) is Outcome.REPLAYED


def test_refuses_what_was_held_back():
    a, b = joined()
    data = handed_over(a)
    now = beating(a, b, NOW, NOW + PATIENCE)
    assert refused(b, data, now) is Outcome.STALE


def test_refuses_its_own():
    _, b = joined()
    assert refused(b, b"", NOW) is Outcome.MALFORMED
    b.tick(NOW + INTERVAL)
    (beat,) = b.sends()
    assert refused(b, beat.data, NOW + INTERVAL) is Outcome.REFLECTED


def test_refuses_what_an_old_session_heard():
    a, b = joined()
    data = handed_over(a)
    b.part(NOW)
    goodbye = b.sends()
    b.events()
    assert refused(b, data, NOW) is Outcome.STALE
    carry(goodbye, a, NOW)
    beating(a, b, NOW, NOW + INTERVAL)
    assert b.events() == [Joined(PAIRS[A])]
    assert refused(b, data, NOW + INTERVAL) is Outcome.STALE


def test_refuses_at_once_what_was_said_before_a_goodbye():
    a, b = joined()
    a.hand_over(0, CLIENT, b"answer")
    said = a.sends()
    carry(said, b, NOW)
    a.part(NOW)
    said += a.sends()
    carry(said[1:], b, NOW)
    assert len(b.events()) == 2
    for old in said:
        assert refused(b, old.data, NOW) is Outcome.STALE


def test_refuses_a_second_partner():
    _, b = joined()
    forged = LinkMessage(Kind.BEAT, b"x" * 16, b._session, 99, 1, encode_pair(PAIRS[A]))
    assert refused(b, Codec(SECRET).encode(forged), NOW) is Outcome.STALE


def test_is_not_joined_by_a_goodbye():
    b = make(B)
    b.sends()
    goodbye = LinkMessage(Kind.GOODBYE, b"x" * 16, b._session, 99, 1, b"")
    assert refused(b, Codec(SECRET).encode(goodbye), NOW) is Outcome.STALE


@pytest.mark.parametrize("kind", [Kind.BEAT, Kind.HAND_OVER])
def test_counts_what_is_authentic_and_makes_no_sense(kind: Kind):
    a, b = joined()
    number = b._window.highest + 1
    message = LinkMessage(kind, a._session, b._session, number, b._number, b"?")
    assert refused(b, Codec(SECRET).encode(message), NOW) is Outcome.MALFORMED


def test_tells_its_session_to_a_replay_and_forgets_it():
    a, _ = joined()
    a.tick(NOW + INTERVAL)
    (beat,) = a.sends()
    again = make(B, letter=3)
    again.sends()
    for _ in range(100):
        again.receive(beat.data, A, B, NOW + INTERVAL)
        (greeting,) = again.sends()
        assert len(greeting.data) == len(beat.data)
        assert greeting.destination == A
    assert again.pair is None
    assert again.events() == []
    assert len(again._beats) == 2


def test_ignores_icmp_errors():
    a, _ = joined()
    a.unreachable(B, A, "connection refused", NOW)
    assert (a.pair, a.events(), a.sends()) == (PAIRS[B], [], [])


def test_window_admits_each_number_once_and_none_from_far_behind():
    window = Window()
    assert window.admit(5)
    assert not window.admit(5)
    assert window.admit(3)
    assert not window.admit(3)
    assert window.admit(5 + WINDOW - 1)
    assert not window.admit(5)
    assert window.admit(6)
    assert not window.admit(4)
    assert window.admit(1 << 63)
    assert not window.admit((1 << 63) - WINDOW)
    assert window.admit((1 << 63) - WINDOW + 1)
    assert window.highest == 1 << 63
