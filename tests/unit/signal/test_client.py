"""The client of signalling: what it says, what it makes of what it hears, when it comes back."""

from __future__ import annotations

import json

import pytest

from stunkit.errors import SignalError
from stunkit.signal.client import (
    DOUBT,
    LEAST_WAIT,
    MOST_WAIT,
    PATIENCE,
    Client,
    Event,
    Heard,
    Over,
    PeerChanged,
    Session,
)
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import (
    Joined,
    Kind,
    Peer,
    PeerState,
    Problem,
    Relay,
    format_joined,
    format_peer,
    format_problem,
    format_relay,
)
from tests.signalling import candidate_of, sdp_of

END = {"type": "end-of-candidates"}


def joined(session=1, *, seat=0, resumed=False, received=0, peer=True) -> str:
    return format_joined(Joined(seat, "their-token", session, resumed, received, peer, 60.0))


def seated(**members) -> Client:
    """Return a client that has a seat in session 1, and has told that."""
    client = Client("room", "our-token")
    client.open(0.0)
    client.sends()
    client.receive(joined(**members), 0.0)
    client.events()
    return client


def relay(seq: int, session: int = 1) -> str:
    return format_relay(Relay(Kind.CANDIDATE, session, seq, {"candidate": candidate_of(seq)}))


def said(client: Client) -> list[dict]:
    return [json.loads(text) for text in client.sends()]


def test_joins_with_a_token_of_its_own_and_goes_on_with_that_of_the_server():
    client = Client("room", "our-token")
    assert client.wants_connection(0.0)
    client.open(0.0)
    join = {"type": "join", "version": 1, "room": "room", "token": "our-token"}
    assert said(client) == [join]
    client.receive(joined(), 0.0)
    client.lose(1.0)
    client.open(2.0)
    assert said(client) == [{**join, "token": "their-token", "session": 1, "received": 0}]


def test_tells_of_the_session_who_is_polite_and_which_servers_there_are():
    client = Client("room")
    client.open(0.0)
    members = json.loads(joined(seat=1, peer=False))
    servers = [
        {"urls": "stun:a"},
        {"urls": ["turn:b", 7], "username": "u", "credential": "c"},
        {"urls": []},
        "stun:c",
    ]
    client.receive(json.dumps({**members, "ice_servers": servers, "new": 1}), 0.0)
    ice = (IceServer(("stun:a",)), IceServer(("turn:b",), "u", "c"))
    assert client.events() == [Session(1, polite=True, has_peer=False, ice_servers=ice)]
    client.receive(format_peer(Peer(PeerState.JOINED, 2)), 0.0)
    assert client.events() == [Session(2, polite=True, has_peer=True, ice_servers=ice)]


def test_says_what_it_is_told_with_a_number():
    client = seated()
    client.say(1, "offer", {"sdp": sdp_of(1)})
    client.say(1, Kind.END_OF_CANDIDATES, {})
    offer = {"type": "offer", "session": 1, "seq": 1, "sdp": sdp_of(1)}
    assert said(client) == [offer, {**END, "session": 1, "seq": 2}]


def test_says_again_what_the_server_does_not_have_when_it_resumes():
    client = seated()
    client.say(1, "offer", {"sdp": sdp_of(1)})
    client.say(1, "end-of-candidates", {})
    client.sends()
    client.lose(1.0)
    client.say(1, "end-of-candidates", {})
    assert not client.sends(), "there is no connection"
    client.open(2.0)
    client.say(1, "end-of-candidates", {})
    assert [one["type"] for one in said(client)] == ["join"], "it has no seat yet"
    client.receive(joined(resumed=True, received=1), 2.0)
    assert [one["seq"] for one in said(client)] == [2, 3, 4]
    assert client.events() == []


def back(client: Client, *, peer: bool) -> list[Event]:
    """Have a client lose its connection and resume; return what it tells."""
    client.lose(1.0)
    client.open(2.0)
    client.receive(joined(resumed=True, peer=peer), 2.0)
    return client.events()


def test_tells_that_the_peer_left_meanwhile():
    client = seated()
    assert back(client, peer=False) == [PeerChanged(PeerState.LEFT)]
    assert back(client, peer=False) == []


def test_a_peer_that_was_lost_may_be_back_meanwhile():
    client = seated()
    client.receive(format_peer(Peer(PeerState.LOST, 1)), 1.0)
    client.events()
    assert back(client, peer=True) == [PeerChanged(PeerState.RESUMED)]
    assert back(client, peer=True) == []


def test_begins_anew_where_nothing_can_be_resumed():
    client = seated()
    client.say(1, "end-of-candidates", {})
    client.lose(1.0)
    client.open(2.0)
    client.sends()
    client.receive(joined(session=3), 2.0)
    assert client.events() == [Session(3, polite=False, has_peer=True)]
    client.say(1, "end-of-candidates", {})  # of a session that is over
    assert not client.sends()
    client.say(3, "end-of-candidates", {})
    assert [one["seq"] for one in said(client)] == [1]


def test_hears_each_thing_once_and_of_this_session():
    client = seated()
    for text in (relay(1), relay(1), relay(2, session=2), relay(2)):
        client.receive(text, 0.0)
    contents = [{"candidate": candidate_of(number)} for number in (1, 2)]
    assert client.events() == [Heard(1, Kind.CANDIDATE, content) for content in contents]


def test_comes_again_for_what_is_missing():
    client = seated()
    client.receive(relay(2), 5.0)
    assert not client.is_connected
    assert client.events() == []
    client.open(6.0)
    assert said(client)[0]["received"] == 0


@pytest.mark.parametrize("state", [PeerState.LOST, PeerState.RESUMED, PeerState.LEFT])
def test_tells_what_became_of_the_peer(state):
    client = seated()
    client.receive(format_peer(Peer(state, 1)), 0.0)
    assert client.events() == [PeerChanged(state)]


def test_news_of_a_peer_before_there_is_a_session_are_none():
    client = Client("room")
    client.open(0.0)
    client.receive(format_peer(Peer(PeerState.JOINED, 1)), 0.0)
    client.receive(relay(1), 0.0)
    assert client.events() == []


def test_waits_longer_each_time_that_a_connection_comes_to_nothing():
    client, now, waits = Client("room"), 0.0, []
    for _ in range(7):
        client.lose(now)
        deadline = client.deadline()
        assert deadline is not None
        waits.append(deadline - now)
        now = deadline
    assert waits == [LEAST_WAIT, 1.0, 2.0, 4.0, 8.0, MOST_WAIT, MOST_WAIT]
    client.open(now)
    client.receive(joined(), now)
    client.lose(now)
    assert client.deadline() == now + LEAST_WAIT


def test_does_not_come_back_when_everybody_does():
    client = Client("room", draw=lambda: 0.0)
    client.lose(0.0)
    assert client.deadline() == LEAST_WAIT / 2


def test_losing_what_is_lost_already_changes_nothing():
    client = seated()
    client.lose(1.0)
    client.lose(1.1)
    assert client.deadline() == 1.0 + LEAST_WAIT


def test_gives_up_a_connection_on_which_no_answer_comes():
    client = Client("room")
    client.open(0.0)
    client.tick(PATIENCE - 0.1)
    assert client.is_connected
    client.tick(PATIENCE)
    assert not client.is_connected
    client.receive(joined(), PATIENCE)
    assert client.events() == [], "it came too late"


@pytest.mark.parametrize(
    "fault", [Fault.NO_SUCH_ROOM, Fault.REPLACED, Fault.EXPIRED, Fault.UNSUPPORTED_VERSION]
)
def test_is_over_where_coming_back_does_not_help(fault):
    client = seated()
    client.receive(format_problem(Problem(fault, "because")), 0.0)
    assert client.events() == [Over(fault, "because")]
    assert client.is_over
    assert client.deadline() is None
    client.open(1.0)
    client.lose(1.0)
    client.renew(1.0)
    client.leave()
    client.say(1, "end-of-candidates", {})
    assert (client.sends(), client.events()) == ([], [])


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.GOING_AWAY, Fault.TOO_MANY])
def test_comes_back_after_a_final_fault_that_passes(fault):
    client = seated()
    client.receive(format_problem(Problem(fault, "because")), 1.0)
    assert client.events() == [Problem(fault, "because")]
    assert client.deadline() == 1.0 + LEAST_WAIT


def test_goes_on_after_a_fault_that_is_not_final():
    client = seated()
    client.receive(format_problem(Problem(Fault.ALONE, "nobody is there")), 1.0)
    assert client.events() == [Problem(Fault.ALONE, "nobody is there")]
    assert client.is_connected


@pytest.mark.parametrize(("final", "is_connected"), [(True, False), (False, True)])
def test_takes_a_fault_that_it_does_not_know_by_its_finality(final, is_connected):
    client = seated()
    text = json.dumps({"type": "error", "code": "new", "reason": "later", "final": final})
    client.receive(text, 1.0)
    (problem,) = client.events()
    assert isinstance(problem, Problem)
    assert problem.reason == "new: later"
    assert client.is_connected is is_connected


def full() -> str:
    return format_problem(Problem(Fault.FULL, "both seats are taken"))


def test_is_over_when_the_room_is_full():
    client = Client("room")
    client.open(0.0)
    client.receive(full(), 0.0)
    assert client.events() == [Over(Fault.FULL, "both seats are taken")]


def test_tries_for_a_while_where_the_room_may_be_full_of_itself():
    client = Client("room")
    client.open(0.0)
    client.lose(1.0)  # the answer may have been on its way
    client.open(2.0)
    client.receive(full(), 3.0)
    assert client.events() == [Problem(Fault.FULL, "both seats are taken")]
    client.open(1.0 + DOUBT)
    client.receive(full(), 1.0 + DOUBT)
    assert client.events() == [Over(Fault.FULL, "both seats are taken")]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"type":"joined"}', '{"type":"peer","state":"odd"}', "x" * 65_537]
)
def test_gives_up_a_connection_that_makes_no_sense(text):
    client = seated()
    client.receive(text, 1.0)
    (problem,) = client.events()
    assert isinstance(problem, Problem)
    assert problem.fault is Fault.MALFORMED
    assert not client.is_connected


@pytest.mark.parametrize(
    ("kind", "content"),
    [("offer", {"sdp": "no"}), ("candidate", {}), ("join", {}), ("end-of-candidates", {"x": 1})],
)
def test_refuses_to_say_what_no_server_takes(kind, content):
    client = seated()
    with pytest.raises(SignalError):
        client.say(1, kind, content)
    client.say(1, "end-of-candidates", {})
    assert [one["seq"] for one in said(client)] == [1], "nothing is left out"


def test_begins_a_new_session_on_a_new_connection_when_it_is_to():
    client = seated()
    client.say(1, "end-of-candidates", {})
    client.renew(5.0)
    assert not client.is_connected
    assert client.wants_connection(5.0)
    client.open(5.0)
    (join,) = said(client)
    assert join == {"type": "join", "version": 1, "room": "room", "token": "their-token"}


def test_says_goodbye_where_there_is_somebody_to_hear_it():
    client = seated()
    client.leave()
    assert said(client) == [{"type": "bye"}]
    assert client.events() == [Over(None, "left")]
    lonely = Client("room")
    lonely.leave()
    assert not lonely.sends()
    assert lonely.events() == [Over(None, "left")]
