from __future__ import annotations

import pytest

from stunkit.nat.probe import Probe
from stunkit.nat.prober import (
    MAX_FIRST_PACE,
    MAX_NEW,
    MAX_PACE,
    MIN_PACE,
    MIN_PATIENCE,
    Prober,
)
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.message import Message
from tests.unit.nat.exchange import LOCAL, LOCALS, OTHER, SERVER, prober, refusal, success


def run(one: Prober, until: float) -> list[float]:
    """Let time pass without any answer; return when datagrams left."""
    times = []
    now = 0.0
    while True:
        times += [now] * len(one.sends())
        deadline = one.deadline()
        if deadline is None or deadline > until:
            return times
        now = deadline
        one.tick(now)


def answer(one: Prober, probe: Probe, now: float) -> None:
    assert one.receive(success(probe.request), probe.server, probe.local, now) is probe


def test_request_is_a_binding_request_with_the_attributes():
    one = prober()
    probe = one.ask("question", LOCAL, SERVER, 0.0, ChangeRequest(change_port=True))
    (outgoing,) = one.sends()
    assert (outgoing.local, outgoing.destination) == (LOCAL, SERVER)
    message = Message.decode(outgoing.data)
    assert message.is_request
    assert message.get(ChangeRequest) == ChangeRequest(change_port=True)
    assert message == probe.request
    assert one.sends() == []


def test_transaction_ids_differ():
    one = prober()
    ids = {one.ask("question", LOCAL, SERVER, 0.0).request.transaction_id for _ in range(9)}
    assert len(ids) == 9


def test_pace_is_the_rfcs_until_a_round_trip_is_known():
    one = prober()
    one.ask("question", LOCAL, SERVER, 0.0)
    assert run(one, 8.0) == [0.0, 0.5, 1.5, 3.5, 5.5, 7.5]
    assert one.rtt is None
    assert (one.pace, one.patience) == (MAX_PACE, MAX_FIRST_PACE)


@pytest.mark.parametrize(
    ("rtt", "pace"), [(0.001, MIN_PACE), (0.02, MIN_PACE), (0.1, 0.1), (0.4, 0.4), (0.45, 0.45)]
)
def test_pace_follows_the_round_trip(rtt: float, pace: float):
    one = prober()
    silent = one.ask("silent", LOCALS[1], SERVER, 0.0)
    probe = one.ask("question", LOCAL, SERVER, 0.0)
    answer(one, probe, rtt)
    one.stop(probe)
    assert one.rtt == rtt
    assert one.pace == pytest.approx(pace)
    assert one.patience == pytest.approx(max(MIN_PATIENCE, 4 * rtt))
    one.sends()
    one.tick(rtt + pace)  # the one under way goes over to the new pace
    assert silent.sent_at == pytest.approx([0.0, rtt + pace])
    assert one.deadline() == pytest.approx(rtt + 2 * pace)


def test_later_round_trips_are_smoothed():
    one = prober()
    answer(one, one.ask("first", LOCAL, SERVER, 0.0), 0.1)
    answer(one, one.ask("second", LOCAL, SERVER, 1.0), 1.18)
    assert one.rtt == pytest.approx(0.11)


def test_answer_after_a_repetition_is_no_measurement():  # Karn's algorithm
    one = prober()
    answer(one, one.ask("first", LOCAL, SERVER, 0.0), 0.1)
    probe = one.ask("second", LOCAL, SERVER, 1.0)
    one.tick(1.1)
    assert len(probe.sent_at) == 2
    answer(one, probe, 1.15)
    assert one.rtt == 0.1


def test_first_answer_after_a_repetition_bounds_the_round_trip_until_one_is_measured():
    one = prober()
    probes = [one.ask(str(n), LOCALS[n], SERVER, 0.0) for n in range(4)]
    one.tick(0.5)
    answer(one, probes[0], 0.6)
    assert one.rtt == 0.6
    assert (one.pace, one.patience) == (MAX_PACE, pytest.approx(2.4))
    answer(one, probes[1], 0.7)  # no better bound
    assert one.rtt == 0.6
    late = one.ask("late", LOCAL, SERVER, 0.8)
    one.tick(1.3)
    answer(one, late, 1.35)
    assert one.rtt == pytest.approx(0.55)
    answer(one, one.ask("clean", LOCAL, SERVER, 2.0), 2.02)
    assert one.rtt == pytest.approx(0.02)
    answer(one, probes[2], 2.1)
    assert one.rtt == pytest.approx(0.02)


def test_second_reply_to_a_probe_is_no_measurement():
    one = prober()
    probe = one.ask("question", LOCAL, SERVER, 0.0)
    answer(one, probe, 0.1)
    answer(one, probe, 0.3)
    assert one.rtt == 0.1
    assert len(probe.replies) == 2


def test_no_more_than_ten_transactions_start_in_any_second():
    one = prober()
    probes = [one.ask(str(n), LOCALS[n % 16], SERVER, 0.05 * n) for n in range(25)]
    now = 1.2
    while one.deadline() is not None and now < 4.0:
        one.tick(now)
        now += 0.01
    starts = sorted(probe.sent_at[0] for probe in probes)
    assert starts == [probe.sent_at[0] for probe in probes]  # in the order of asking
    for start in starts:
        assert sum(start <= other < start + 1.0 for other in starts) <= MAX_NEW
    assert starts[-1] < 2.6  # and not much later than that makes necessary


def test_deadline_is_that_of_the_next_send_or_start():
    one = prober()
    assert one.deadline() is None
    probes = [one.ask(str(n), LOCAL, SERVER, 0.0) for n in range(11)]
    assert one.deadline() == 0.5
    one.stop(*probes[:10])
    assert one.deadline() == 1.0
    one.stop(probes[10])
    assert one.deadline() is None
    assert probes[10].sent_at == []


def test_deadline_of_a_start_comes_before_that_of_a_late_send():
    one = prober()
    probes = [one.ask(str(n), LOCAL, SERVER, 0.0) for n in range(11)]
    one.stop(*probes[1:10])
    one.tick(0.5)
    assert one.deadline() == 1.0  # the other's turn; the next send is at 1.5


def test_stopped_probe_is_sent_no_more_but_still_takes_answers():
    one = prober()
    probe = one.ask("question", LOCAL, SERVER, 0.0)
    one.stop(probe, None)
    one.stop(probe)
    assert run(one, 9.0) == [0.0]
    answer(one, probe, 0.1)
    assert probe.answer is not None


def test_stop_all_stops_what_waits_too():
    one = prober()
    for number in range(12):
        one.ask(str(number), LOCAL, SERVER, 0.0)
    one.sends()
    one.stop_all()
    assert run(one, 9.0) == []


@pytest.mark.parametrize(
    "data", [b"", b"GET / HTTP/1.1\r\n\r\n", bytes(20), b"\x01\x01" + bytes(18)]
)
def test_what_belongs_to_no_probe_is_ignored(data: bytes):
    one = prober()
    one.ask("question", LOCAL, SERVER, 0.0)
    assert one.receive(data, SERVER, LOCAL, 0.1) is None
    assert one.received == 0


def test_request_with_the_id_of_a_probe_is_no_answer():
    one = prober()
    probe = one.ask("question", LOCAL, SERVER, 0.0)
    assert one.receive(probe.request.raw, SERVER, LOCAL, 0.1) is None


def test_answer_to_what_was_never_sent_is_ignored():
    one = prober()
    probe = [one.ask(str(n), LOCAL, SERVER, 0.0) for n in range(11)][-1]
    assert one.receive(success(probe.request), SERVER, LOCAL, 0.1) is None


def test_late_answer_belongs_to_its_own_question_and_to_no_other():
    one = prober()
    early = one.ask("early", LOCAL, SERVER, 0.0)
    one.stop(early)
    late = one.ask("late", LOCAL, SERVER, 1.0)
    answer(one, early, 1.1)
    assert (early.answer is None, late.answer is None) == (False, True)


def test_odds_count_solicited_probes_that_somebody_answers():
    one = prober()
    heard = one.ask("heard", LOCAL, SERVER, 0.0)
    one.ask("unheard", LOCALS[1], OTHER, 0.0)
    silent = one.ask("silent", LOCALS[2], SERVER, 0.0, solicited=False)
    answer(one, heard, 0.05)
    one.receive(success(silent.request), SERVER, LOCALS[2], 0.05)
    for tenth in range(1, 11):
        one.tick(tenth / 10)
    assert len(heard.sent_at) == 11
    now = heard.sent_at[-1] + one.patience
    assert (one.odds(now).sent, one.odds(now).answered) == (11, 1)
    assert one.odds(heard.sent_at[1] + one.patience).sent == 2  # the others are under way
    for at in (1.01, 1.02, 1.03):
        answer(one, heard, at)
    assert one.odds(now).answered == 4
    assert one.odds(now, silent).sent == 0


def test_more_replies_than_tries_do_not_hide_losses_of_others():
    one = prober()
    probe = one.ask("doubled", LOCAL, SERVER, 0.0)
    one.stop(probe)
    for at in (0.01, 0.02, 0.03):
        answer(one, probe, at)
    assert one.odds(1.0).answered == one.odds(1.0).sent == 1


def test_worst_odds_are_those_of_the_control_when_its_way_is_worse():
    one = prober()
    for number in range(5):
        good = one.ask(str(number), LOCAL, SERVER, 0.0)
        answer(one, good, 0.01)
        one.stop(good)
    control = one.ask("control", LOCAL, SERVER, 0.0)
    answer(one, control, 0.01)
    for tenth in range(1, 11):
        one.tick(tenth / 10)
    assert one.worst_odds(9.0).sent == 16
    assert one.worst_odds(9.0, control).sent == 11
    assert one.worst_odds(9.0, control).loss == 12 / 17


def test_silence_takes_a_known_round_trip_and_enough_tries():
    one = prober()
    probe = one.ask("silent", LOCALS[1], SERVER, 0.0)
    for half in range(1, 60):
        one.tick(half / 2)
    assert not one.is_silent(probe, 30.0)  # so long nobody has answered
    answer(one, one.ask("other", LOCAL, SERVER, 30.0), 30.01)
    assert one.is_silent(probe, 30.5)
    fresh = one.ask("fresh", LOCAL, SERVER, 30.0)
    assert not one.is_silent(fresh, 30.5)


def test_unsent_probe_is_not_silent():
    one = prober()
    probes = [one.ask(str(n), LOCAL, SERVER, 0.0) for n in range(11)]
    answer(one, probes[0], 0.01)
    assert not one.is_silent(probes[10], 0.5)


def test_probe_is_settled_by_answer_refusal_the_system_or_being_stopped():
    one = prober()
    probes = [one.ask(str(n), LOCALS[n], SERVER, 0.0) for n in range(5)]
    assert not any(one.is_settled(probe, 0.0) for probe in probes)
    answer(one, probes[0], 0.01)
    one.receive(refusal(probes[1].request), SERVER, LOCALS[1], 0.01)
    one.unreachable(SERVER, LOCALS[2], "port unreachable")
    one.stop(probes[3])
    assert [one.is_settled(probe, 0.02) for probe in probes] == [True] * 4 + [False]
    assert probes[2].unreachable == "port unreachable"


def test_listening_lasts_as_long_as_an_answer_may_come():
    one = prober()
    assert not one.is_listening(0.0)
    probe = one.ask("question", LOCAL, SERVER, 0.0)
    assert one.is_listening(50.0)
    one.stop(probe)
    assert one.is_listening(MAX_FIRST_PACE - 0.1)
    assert not one.is_listening(MAX_FIRST_PACE)
