from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.nat.probe import Probe, Reply
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.unit.nat.exchange import (
    LOCAL,
    LOCALS,
    MAPPED,
    OTHER,
    SERVER,
    refusal,
    respond,
    success,
)

REQUEST = Message.request(Method.BINDING, bytes(12))


def ask(expected: Endpoint = SERVER, arrival: Endpoint | None = None) -> Probe:
    return Probe("question", REQUEST, LOCAL, SERVER, expected, arrival)


def note(
    probe: Probe, data: bytes, source: Endpoint = SERVER, local: Endpoint = LOCAL, at: float = 1.0
) -> None:
    probe.note(Reply(Message.decode(data), source, local, at))


def test_first_success_from_who_was_expected_is_the_answer():
    probe = ask()
    note(probe, success(REQUEST, MAPPED))
    note(probe, success(REQUEST, MAPPED.with_port(1)))
    assert probe.answer == Message.decode(success(REQUEST, MAPPED))
    assert probe.mapped == MAPPED
    assert len(probe.replies) == 2


def test_nothing_is_known_before_an_answer():
    probe = ask()
    assert (probe.answer, probe.mapped, probe.code, probe.misplaced) == (None, None, None, None)


def test_success_from_elsewhere_is_misplaced_and_no_answer():
    probe = ask(expected=OTHER)
    note(probe, success(REQUEST))
    note(probe, success(REQUEST), OTHER.with_port(1))
    assert (probe.answer, probe.misplaced) == (None, SERVER)
    note(probe, success(REQUEST), OTHER)
    assert (probe.mapped, probe.misplaced) == (MAPPED, SERVER)


def test_success_at_another_socket_is_stray_where_the_socket_matters():
    probe = ask(arrival=LOCALS[3])
    note(probe, success(REQUEST))
    note(probe, success(REQUEST), local=LOCALS[4])
    assert (probe.answer, probe.stray) == (None, LOCAL)
    note(probe, success(REQUEST), local=LOCALS[3])
    assert probe.answer is not None


def test_refusal_counts_from_the_endpoint_that_was_asked():
    probe = ask(expected=OTHER)
    note(probe, refusal(REQUEST, 500), OTHER)
    assert (probe.refusal, probe.code) == (None, None)
    note(probe, refusal(REQUEST, 420))
    note(probe, refusal(REQUEST, 400))
    assert (probe.code, probe.answer) == (420, None)


def test_refusal_without_a_readable_code_has_none():
    probe = ask()
    note(probe, respond(REQUEST, MessageClass.ERROR_RESPONSE))
    assert probe.refusal is not None
    assert probe.code is None
    broken = Message.decode(respond(REQUEST, MessageClass.ERROR_RESPONSE)).append(0x0009, b"\0")
    probe = ask()
    note(probe, broken.raw)
    assert probe.code is None


def test_expecting_another_endpoint_judges_the_replies_again():
    probe = ask()
    note(probe, success(REQUEST, MAPPED.with_port(1)))
    note(probe, success(REQUEST), OTHER)
    probe.expect(OTHER)
    assert (probe.mapped, probe.misplaced) == (MAPPED, SERVER)
    assert len(probe.replies) == 2


def test_tries_are_those_whose_answers_would_be_here():
    probe = ask()
    probe.sent_at += [0.0, 0.5, 1.0]
    assert [probe.tries(before) for before in (-1.0, 0.0, 0.7, 1.0)] == [0, 1, 2, 3]
