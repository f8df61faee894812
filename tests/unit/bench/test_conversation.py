import pytest

from stunkit.bench.conversation import Conversation
from stunkit.bench.result import Tally
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.unit.bench.answers import (
    IPV4,
    IPV6,
    OTHER,
    SECRET,
    answer,
    columns,
    model,
    transaction_id,
)

each_family = pytest.mark.parametrize("mapped", [IPV4, IPV6], ids=["ipv4", "ipv6"])


def asked(count: int, mapped=IPV4) -> tuple[Conversation, Tally]:
    conversation = Conversation(SECRET, 64)
    conversation.learn(model(mapped))
    conversation.ledger.open(count, 1.5)
    return conversation, Tally(sent=count)


@each_family
def test_counts_right_answers_and_tells_their_times(mapped):
    conversation, tally = asked(3, mapped)
    right = conversation.hear(columns(*(answer(n, mapped) for n in range(3))), tally)
    assert right.numbers.tolist() == [0, 1, 2]
    assert right.sent.tolist() == [1.5] * 3
    assert right.arrived.tolist() == [20.0, 21.0, 22.0]
    assert tally == Tally(sent=3, answered=3)


@each_family
def test_sorts_what_comes_together(mapped):
    conversation, tally = asked(6, mapped)
    conversation.ledger.expire(9.0)
    conversation.ledger.open(4, 10.0)  # numbers 6 to 9
    tally.sent, tally.lost = 10, 6
    refusal = Message.build(
        MessageClass.ERROR_RESPONSE, Method.BINDING, transaction_id(9), [ErrorCode(400)]
    ).raw
    right = conversation.hear(
        columns(
            b"noise",  # strange
            answer(7, mapped),
            answer(8, OTHER[mapped]),  # wrong
            answer(7, mapped),  # duplicate
            answer(40, mapped),  # strange: nobody asked yet
            answer(0, mapped),  # late
            refusal,
            answer(8, mapped),  # duplicate of the wrong one
        ),
        tally,
    )
    assert right.numbers.tolist() == [7]
    assert right.sent.tolist() == [10.0]
    assert right.arrived.tolist() == [21.0]
    assert tally == Tally(
        sent=10, answered=1, wrong=1, refused=1, lost=6, duplicate=2, late=1, strange=2
    )
    assert tally.in_flight == conversation.ledger.waiting == 1


def test_an_answer_unlike_the_model_may_be_right():
    conversation, tally = asked(2)
    longer = Message.decode(answer(1, IPV4)).append(0x8022, b"more").raw
    right = conversation.hear(columns(answer(0, IPV4), longer), tally)
    assert right.numbers.tolist() == [0, 1]
    assert tally == Tally(sent=2, answered=2)


def test_noise_alone_ends_nothing():
    conversation, tally = asked(2)
    assert conversation.hear(columns(b"", b"x" * 300), tally).numbers.tolist() == []
    assert tally == Tally(sent=2, strange=2)


def test_needs_a_model():
    conversation = Conversation(SECRET, 64)
    with pytest.raises(ValueError, match="no model"):
        conversation.hear(columns(answer(0, IPV4)), Tally())
    with pytest.raises(ValueError, match="without a mapped address"):
        conversation.learn(Message.request(Method.BINDING, bytes(12)))
