import pytest

from stunkit.dissect.flow import COPY_WINDOW, Outcome, Pair, Purpose, purpose_of
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorRelayedAddress
from stunkit.wire.attributes.behavior import ChangeRequest, Padding
from stunkit.wire.attributes.ice import IceControlled, Priority
from stunkit.wire.attributes.text import Software, Username
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method
from stunkit.wire.uri import Transport
from tests.packets import ALICE, BOB, SERVER
from tests.unit.dissect.conversing import answer, check, identity, request, run, sighting


def test_pairs_a_request_with_its_answer():
    flow, pairs = run(request(at=1.0), answer(at=1.25))
    assert pairs == [Pair.REQUEST, Pair.ANSWER]
    (one,) = flow.transactions
    assert (one.outcome, one.rtt, one.retransmissions) == (Outcome.SUCCESS, 0.25, 0)
    assert (one.mapped, one.answerer, one.name) == (ALICE, SERVER, "Binding")
    assert (flow.first, flow.last) == (1.0, 1.25)


def test_counts_retransmissions_and_then_knows_no_round_trip():
    flow, pairs = run(request(at=0.0), request(at=0.5), request(at=1.5), answer(at=1.6))
    assert pairs == [Pair.REQUEST, Pair.RETRANSMISSION, Pair.RETRANSMISSION, Pair.ANSWER]
    (one,) = flow.transactions
    assert (one.retransmissions, one.rtt, one.sent) == (2, None, [0.0, 0.5, 1.5])


def test_knows_no_round_trip_without_times():
    flow, _ = run(request(at=None), answer(at=None))
    assert flow.transactions[0].rtt is None
    assert (flow.first, flow.last) == (None, None)


def test_tells_copies_from_retransmissions():
    flow, pairs = run(
        request(at=0.0),
        request(at=COPY_WINDOW / 2),
        request(at=0.4, hops=63),
        request(at=0.5),
        answer(at=0.6),
        answer(at=0.6, hops=63),
        answer(at=0.9),
    )
    assert pairs == [
        Pair.REQUEST,
        Pair.COPY,
        Pair.COPY,
        Pair.RETRANSMISSION,
        Pair.ANSWER,
        Pair.COPY,
        Pair.REPEATED,
    ]
    assert (flow.copies, flow.transactions[0].repeated) == (3, 1)


def test_takes_nothing_in_a_stream_for_a_copy():
    _, pairs = run(request(transport=Transport.TCP), request(transport=Transport.TCP))
    assert pairs[1] is Pair.RETRANSMISSION


def test_names_a_retransmission_with_other_bytes():
    flow, pairs = run(request(at=0.0), request(1, [Software("new")], at=0.5))
    assert pairs[1] is Pair.ALTERED
    assert flow.transactions[0].altered == 1


def test_pairs_an_answer_from_elsewhere():
    flow, pairs = run(request(), answer(ends=(BOB, ALICE)))
    assert pairs[1] is Pair.ANSWER
    assert flow.transactions[0].answerer == BOB


def test_prefers_the_one_that_was_asked():
    flow, _ = run(
        request(), request(ends=(ALICE, BOB)), answer(ends=(SERVER, ALICE)), answer(at=0.03)
    )
    assert [one.answered for one in flow.transactions] == [0.02, None]


@pytest.mark.parametrize(
    "stranger",
    [
        answer(2),
        answer(ends=(SERVER, BOB)),
        answer(transport=Transport.TCP),
        answer(relay=BOB),
    ],
)
def test_knows_answers_without_request(stranger):
    flow, pairs = run(request(), stranger)
    assert pairs[1] is Pair.ORPHAN
    assert (flow.orphans, flow.transactions[0].outcome) == (1, Outcome.UNANSWERED)


def test_reads_what_an_answer_refuses_with():
    flow, _ = run(request(), answer(code=401))
    (one,) = flow.transactions
    assert one.outcome is Outcome.ERROR
    assert one.error is not None
    assert (one.error.code, one.mapped) == (401, None)


def test_reads_on_where_an_answer_cannot_be_read():
    broken = Message.build(MessageClass.ERROR_RESPONSE, 1, identity(1))
    broken = broken.append(0x0009, b"x").append(0x0020, b"x")
    flow, _ = run(request(), sighting(broken, 0.1, (SERVER, ALICE)))
    (one,) = flow.transactions
    assert (one.outcome, one.error, one.mapped) == (Outcome.ERROR, None, None)


def test_counts_what_is_no_transaction():
    indication = Message.build(MessageClass.INDICATION, Method.BINDING, identity(1))
    flow, pairs = run(
        sighting(indication, 0.0, (ALICE, SERVER)),
        sighting(None, 0.0, (ALICE, SERVER), data=b"\x00\x01"),
        sighting(None, 0.0, (ALICE, SERVER), data=b"\x40\x01\0\0"),
    )
    assert pairs == [Pair.INDICATION, Pair.BROKEN, Pair.CHANNEL_DATA]
    assert (flow.indications, flow.broken, flow.channel_data) == (1, 1, 1)


@pytest.mark.parametrize(
    ("method", "attributes", "purpose"),
    [
        (Method.BINDING, [], Purpose.QUERY),
        (Method.SHARED_SECRET, [], Purpose.QUERY),
        (Method.BINDING, [Username("a:b")], Purpose.QUERY),
        (Method.BINDING, [Username("a:b"), Priority(1)], Purpose.CHECK),
        (Method.BINDING, [Username("a:b"), IceControlled(1)], Purpose.CHECK),
        (Method.BINDING, [Username("ab"), Priority(1)], Purpose.QUERY),
        (Method.BINDING, [Priority(1)], Purpose.QUERY),
        (Method.BINDING, [ChangeRequest()], Purpose.BEHAVIOR),
        (Method.BINDING, [Padding(b"")], Purpose.BEHAVIOR),
        (Method.ALLOCATE, [], Purpose.TURN),
        (Method.CONNECT, [], Purpose.TURN),
        (0x777, [], Purpose.OTHER),
    ],
)
def test_tells_what_a_request_is_for(method, attributes, purpose):
    assert purpose_of(Message.request(method, bytes(12), attributes)) is purpose


def test_reads_on_where_a_username_is_no_text():
    message = Message.request(1, bytes(12), [Priority(1)])
    assert purpose_of(message.append(0x0006, b"\xff:")) is Purpose.QUERY


def test_reads_ufrags_role_and_nomination_of_a_check():
    flow, _ = run(check(1, "theirs:ours"), check(2, "theirs:ours", nominate=True), request(3))
    first, second, plain = flow.transactions
    assert (first.ufrags, first.role) == (("ours", "theirs"), "controlling")
    assert (first.is_nomination, second.is_nomination) == (False, True)
    assert (plain.ufrags, plain.role) == (None, None)


def test_reads_what_a_relay_allocated():
    endpoints = Endpoint.parse("192.0.2.1:49152"), Endpoint.parse("[2001:db8::1]:49152")
    both = [XorRelayedAddress(one) for one in endpoints]
    message = Message.build(MessageClass.SUCCESS_RESPONSE, Method.ALLOCATE, identity(1), both)
    message = message.append(AttributeType.XOR_RELAYED_ADDRESS, b"broken")
    flow, _ = run(request(method=Method.ALLOCATE), sighting(message, 0.1, (SERVER, ALICE)))
    assert flow.transactions[0].relayed == endpoints
    flow, _ = run(request(method=Method.ALLOCATE))
    assert flow.transactions[0].relayed == ()
