import pytest

from stunkit.dissect.conversation import Conversation, conversations
from stunkit.dissect.flow import Purpose
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.packets import ALICE, BOB, SERVER
from tests.unit.dissect.conversing import answer, check, identity, request, run, sighting


def converse(*sightings) -> list[Conversation]:
    return conversations(run(*sightings)[0].transactions)


def test_adds_up_what_went_between_two_ends():
    (one,) = converse(
        request(1, at=0.0),
        answer(1, at=0.01),
        request(2, at=1.0),
        answer(2, at=1.03),
        request(3, at=2.0),
        answer(3, at=2.02, code=401),
        request(4, at=3.0),
        request(4, at=3.5),
        request(5, at=4.0),
        answer(5, at=4.1, ends=(BOB, ALICE)),
    )
    assert (one.asker, one.asked, one.purpose) == (ALICE, SERVER, Purpose.QUERY)
    assert (one.answered, one.unanswered, one.retransmissions, one.elsewhere) == (3, 1, 1, 1)
    assert one.errors == {"401 Because": 1}
    assert one.methods == {"Binding": 5}
    assert one.trips == pytest.approx((0.01, 0.025, 0.1, 4))
    assert one.mapped == (ALICE,)


def test_knows_no_round_trips_where_there_are_none():
    (one,) = converse(request())
    assert (one.trips, one.ufrags, one.nominator, one.relayed) == (None, None, None, ())


def test_counts_refusals_that_cannot_be_read():
    broken = Message.build(MessageClass.ERROR_RESPONSE, 1, identity(1))
    (one,) = converse(request(), sighting(broken, 0.1, (SERVER, ALICE)))
    assert one.errors == {"unreadable": 1}


def test_tells_purposes_and_directions_apart():
    found = converse(
        request(1),
        request(2, method=Method.ALLOCATE),
        request(3, ends=(SERVER, ALICE)),
        request(4, relay=BOB),
    )
    assert len(found) == 4


def test_takes_the_checks_of_two_agents_for_one_conversation():
    (one,) = converse(
        check(1, "bob:alice", ends=(ALICE, BOB)),
        answer(1, ends=(BOB, ALICE)),
        check(2, "alice:bob", ends=(BOB, ALICE)),
        answer(2, ends=(ALICE, BOB)),
        check(3, "bob:alice", ends=(ALICE, BOB), nominate=True, at=1.0),
        answer(3, ends=(BOB, ALICE), at=1.1),
    )
    assert (one.asker, one.ufrags, one.nominator) == (ALICE, ("alice", "bob"), ALICE)
    assert one.roles == {ALICE: "controlling", BOB: "controlling"}


def test_tells_sessions_apart_by_their_ufrags():
    ends = (ALICE, BOB)
    assert len(converse(check(1, "bob:alice", ends=ends), check(2, "bob2:alice2", ends=ends))) == 2


def test_knows_no_nomination_that_nobody_answered():
    (one,) = converse(check(1, "b:a", ends=(ALICE, BOB), nominate=True))
    assert one.nominator is None
