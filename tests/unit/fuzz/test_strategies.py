import pytest
from hypothesis import Phase, find, given, settings

from stunkit.errors import Malformed, NotStun
from stunkit.fuzz import strategies as stun
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.integrity import check_integrity
from stunkit.wire.message import Message

SOME = settings(max_examples=500, phases=(Phase.generate,))


@given(stun.conversations())
def test_a_conversation_is_requests_with_their_answers(steps: tuple[stun.Step, ...]):
    asked: set[bytes] = set()
    for step in steps:
        message = Message.decode(step.data)
        assert message.is_request is step.is_from_client
        if step.is_from_client:
            asked.add(message.transaction_id)
        assert message.transaction_id in asked


def test_some_conversations_have_a_challenge_and_some_a_retransmission():
    def is_challenge(step: stun.Step) -> bool:
        return Message.decode(step.data).get(ErrorCode) is not None

    found = find(stun.conversations(), lambda s: any(map(is_challenge, s)), settings=SOME)
    signed = [check_integrity(Message.decode(step.data), b"no key") is False for step in found]
    assert sum(signed) >= 2  # the request after the challenge, and its answer
    find(stun.conversations(), lambda s: len({step.data for step in s}) < len(s), settings=SOME)


@given(stun.messages)
def test_messages_are_right(message: Message):
    assert Message.decode(message.raw) == message


def test_datagrams_are_right_and_wrong():
    def is_none(data: bytes) -> bool:
        try:
            Message.decode(data)
        except NotStun:
            return len(data) > 20
        except Malformed:
            return False
        return False

    find(stun.datagrams, is_none, settings=SOME)
    find(stun.almost_right_datagrams(), is_none, settings=SOME)
    find(stun.mutated_datagrams(), is_none, settings=SOME)
    find(stun.truncated_datagrams(), is_none, settings=SOME)


@given(stun.cut_streams())
def test_a_cut_stream_is_all_there(stream: tuple[list[bytes], list[bytes]]):
    whole, pieces = stream
    assert b"".join(whole) == b"".join(pieces)


def test_a_class_that_nobody_thought_of_is_refused():
    with pytest.raises(TypeError, match="Attribute"):
        stun.attributes_of(Attribute)
