"""Whatever comes, a TURN client's allocation takes it and raises nothing."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.protocol.allocation import Allocation
from stunkit.protocol.allocation_event import Allocated, Rejected
from stunkit.protocol.login import Login
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.relaying import PASSWORD, USERNAME, ScriptedRelay
from tests.strategies import attribute_lists, datagrams

SERVER = Endpoint.parse("192.0.2.1:3478")
LOCAL = Endpoint.parse("198.51.100.7:5000")


def machine() -> Allocation:
    numbers = count(1)
    made = Allocation(
        SERVER, lambda size: next(numbers).to_bytes(size, "big"), login=Login(USERNAME, PASSWORD)
    )
    made.local = LOCAL
    return made


@given(st.lists(datagrams, max_size=5))
def test_takes_any_bytes(noise: list[bytes]):
    made = machine()
    made.allocate(0.0)
    for data in noise:
        made.receive(data, SERVER, LOCAL, 0.1)
    made.sends()
    assert not [event for event in made.events() if isinstance(event, Allocated)]


@given(
    st.sampled_from((MessageClass.SUCCESS_RESPONSE, MessageClass.ERROR_RESPONSE)), attribute_lists
)
def test_any_answer_to_the_first_request_ends_it_or_asks_on(kind, attributes):
    made = machine()
    made.allocate(0.0)
    [sent] = made.sends()
    identity = Message.decode(sent.data).transaction_id
    answer = Message.build(kind, Method.ALLOCATE, identity, attributes)
    made.receive(answer.raw, SERVER, LOCAL, 0.1)
    events, sends = made.events(), made.sends()
    assert len(events) + len(sends) <= 1
    assert all(isinstance(event, Allocated | Rejected) for event in events)


@given(st.lists(st.booleans(), min_size=40, max_size=40))
def test_under_loss_it_is_allocated_or_rejected_and_then_released(losses: list[bool]):
    made, relay, lost = machine(), ScriptedRelay(), iter(losses)
    made.allocate(0.0)
    first = converse(made, relay, lost)
    assert isinstance(first, Allocated | Rejected)
    made.release(1000.0)
    converse(made, relay, lost)
    assert made.deadline() is None


def converse(made: Allocation, relay: ScriptedRelay, lost) -> object:
    """Carry messages, of which some are lost, until there is an event."""
    now = 0.0
    while True:
        for outgoing in made.sends():
            answer = relay.answer(outgoing.data, LOCAL)
            if answer is not None and not next(lost, False):
                made.receive(answer, SERVER, LOCAL, now)
        events = made.events()
        if events:
            return events[0]
        if (deadline := made.deadline()) is not None:
            now = max(now, deadline)
            made.tick(now)
