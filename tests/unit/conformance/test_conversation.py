import pytest

from stunkit.conformance.conversation import (
    Arrival,
    Heard,
    decoded,
    describe,
    error_code,
    expect_error,
)
from stunkit.conformance.verdict import Judged, Outcome
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

HERE, THERE = Endpoint.of("127.0.0.1", 40000), Endpoint.of("127.0.0.1", 3478)
REQUEST = Message.request(Method.BINDING, bytes(12))


def answer(message_class=MessageClass.SUCCESS_RESPONSE, *attributes, identity=bytes(12)):
    return Message.build(message_class, Method.BINDING, identity, attributes)


def refusal(code):
    return answer(MessageClass.ERROR_RESPONSE, ErrorCode(code))


def heard(*messages, **more):
    arrivals = tuple(Arrival(message.raw, THERE, HERE, 0.01) for message in messages)
    return Heard(REQUEST.raw, arrivals, **more)


def outcome_of(call):
    with pytest.raises(Judged) as caught:
        call()
    return caught.value.verdict.outcome


def test_reply_is_the_answer_to_what_was_sent():
    other = answer(identity=bytes(11) + b"\1")
    assert heard(other, answer()).reply() == answer()


def test_silence_that_may_be_loss_is_unknown():
    silent = heard(tries=3, controls=2, answered=1, chance=0.2)
    assert not silent.is_silence
    assert outcome_of(silent.reply) is Outcome.UNKNOWN
    assert silent.expect_silence().outcome is Outcome.UNKNOWN
    assert "may be loss" in silent.silence


def test_sure_silence_fails_who_should_answer_and_passes_who_should_not():
    silent = heard(tries=9, controls=9, answered=9, chance=1e-6)
    assert outcome_of(silent.reply) is Outcome.FAIL
    assert silent.expect_silence().is_pass
    assert "once in 1,000,000 times" in silent.silence


def test_what_is_no_answer_is_unknown_where_one_was_due():
    assert outcome_of(heard(REQUEST).reply) is Outcome.UNKNOWN


def test_anything_that_comes_breaks_silence():
    assert heard(answer()).expect_silence().outcome is Outcome.FAIL
    junk = Heard(REQUEST.raw, (Arrival(b"junk", THERE, HERE, 0.01),))
    assert junk.expect_silence() == (Outcome.FAIL, "answered with something", None, None)


def test_a_stream_that_ends_has_answered_nothing():
    ended = heard(closed="reset")
    assert outcome_of(ended.reply) is Outcome.FAIL
    assert ended.expect_silence().is_pass
    assert ended.silence == "the server ended the connection (reset)"


def test_a_stream_that_had_ended_before_says_nothing():
    ended = heard(closed="reset", tries=0)
    assert outcome_of(ended.reply) is Outcome.UNKNOWN
    assert ended.expect_silence().outcome is Outcome.UNKNOWN


def test_an_error_is_no_success():
    assert outcome_of(heard(refusal(500)).success) is Outcome.FAIL
    assert not heard(refusal(500)).is_success
    assert heard(answer()).is_success


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (answer(), "a success"),
        (refusal(420), "error 420"),
        (answer(MessageClass.ERROR_RESPONSE), "an error without a code"),
        (REQUEST, "no response at all (Binding request)"),
    ],
)
def test_describes_a_response(message, words):
    assert describe(message) == words


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        (refusal(420), Outcome.PASS),
        (refusal(400), Outcome.FAIL),
        (answer(), Outcome.FAIL),
        (answer(MessageClass.ERROR_RESPONSE), Outcome.UNKNOWN),
    ],
)
def test_judges_an_error_by_its_code(message, outcome):
    assert expect_error(message, 420, 401).outcome is outcome


def test_a_broken_code_is_none():
    assert error_code(answer(MessageClass.ERROR_RESPONSE).append(0x0009, b"\0")) is None


def test_decodes_what_can_be():
    assert decoded(REQUEST.raw) == REQUEST
    assert decoded(b"GET /") is None
