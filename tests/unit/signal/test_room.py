import json

import pytest

from stunkit.signal.event import Event, Happening
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import Join, Kind
from stunkit.signal.room import Room
from stunkit.signal.seat import Limits
from tests.signalling import candidate_of, sdp_of

BYE = '{"type": "bye"}'


def said(room: Room) -> dict[str, list]:
    """Return what each connection is told, by its type, or its code for an error."""
    told: dict[str, list] = {}
    for out in room.sends():
        told.setdefault(out.connection, []).append(json.loads(out.text))
    return told


def brief(room: Room) -> list[tuple[str, str]]:
    """Return who is told what, in short."""
    words = []
    for out in room.sends():
        message = json.loads(out.text)
        words.append((out.connection, message.get("state") or message.get("code", message["type"])))
    return words


def offer(seq: int = 1, session: int = 2) -> str:
    return json.dumps({"type": "offer", "sdp": sdp_of(seq), "session": session, "seq": seq})


def candidate(seq: int, session: int = 2) -> str:
    members = {"candidate": candidate_of(seq), "session": session, "seq": seq}
    return json.dumps({"type": "candidate", **members})


@pytest.fixture
def room() -> Room:
    """Two peers on the connections a and b, whose tokens are A and B."""
    room = Room(0.0)
    room.join("a", Join("r"), "A", 1.0)
    room.join("b", Join("r"), "B", 2.0)
    room.sends()
    room.events()
    return room


def test_first_is_impolite_and_second_polite():
    room = Room(0.0)
    room.join("a", Join("r"), "A", 1.0)
    room.join("b", Join("r"), "B", 2.0)
    told = said(room)
    assert [one["type"] for one in told["a"]] == ["joined", "peer"]
    assert (told["a"][0]["polite"], told["a"][0]["peer"], told["a"][0]["token"]) == (
        False,
        False,
        "A",
    )
    assert told["a"][1] == {"type": "peer", "state": "joined", "session": 2}
    assert (told["b"][0]["polite"], told["b"][0]["peer"], told["b"][0]["session"]) == (
        True,
        True,
        2,
    )
    assert told["b"][0]["expires"] == Limits().lifetime - 2.0
    assert [event.what for event in room.events()] == [Happening.JOINED] * 2
    assert room.connections == ["a", "b"]


def test_carries_what_they_say(room: Room):
    room.receive("a", offer(), 3.0)
    room.receive("a", candidate(2), 3.0)
    room.receive("b", candidate(1), 3.0)
    told = said(room)
    assert [(one["type"], one["seq"]) for one in told["b"]] == [("offer", 1), ("candidate", 2)]
    assert told["b"][0]["sdp"] == sdp_of(1)
    assert told["a"][0]["candidate"] == candidate_of(1)


def test_carries_both_offers_when_they_meet(room: Room):
    room.receive("a", offer(), 3.0)
    room.receive("b", offer(), 3.0)
    assert brief(room) == [("b", "offer"), ("a", "offer")]


def test_has_no_third_seat(room: Room):
    room.join("c", Join("r"), "C", 3.0)
    room.join("d", Join("r", "no token of theirs"), "D", 3.0)
    outs = room.sends()
    assert [(out.connection, out.fault, out.is_last) for out in outs] == [
        ("c", Fault.FULL, True),
        ("d", Fault.FULL, True),
    ]
    room.receive("c", offer(), 4.0)
    assert brief(room) == [("c", "not-joined")]


def test_joining_twice_changes_nothing(room: Room):
    room.join("a", Join("r"), "X", 3.0)
    room.receive("a", '{"type": "join", "version": 1, "room": "r"}', 3.0)
    assert brief(room) == [("a", "already-joined"), ("a", "already-joined")]
    assert room.session == 2


def test_goes_on_after_a_lost_connection(room: Room):
    room.receive("a", offer(), 3.0)
    room.sends()  # lost on its way
    room.drop("b", 4.0)
    room.receive("a", candidate(2), 5.0)
    assert brief(room) == [("a", "lost")]
    room.join("b2", Join("r", "B", 2, 0), "X", 6.0)
    told = said(room)
    assert [one["type"] for one in told["b2"]] == ["joined", "offer", "candidate"]
    assert (told["b2"][0]["resumed"], told["b2"][0]["received"]) == (True, 0)
    assert told["a"] == [{"type": "peer", "state": "resumed", "session": 2}]
    happened = [event.what for event in room.events() if event.kind is None]
    assert happened == [Happening.LOST, Happening.RESUMED]


def test_says_that_the_other_is_lost_to_who_comes_back(room: Room):
    room.drop("b", 4.0)
    room.drop("a", 5.0)
    room.sends()
    room.join("a2", Join("r", "A", 2, 0), "X", 6.0)
    lost = {"type": "peer", "state": "lost", "session": 2}
    assert said(room)["a2"][1:] == [lost]
    room.join("b2", Join("r", "B", 2, 0), "X", 7.0)
    told = said(room)
    assert told["a2"] == [{**lost, "state": "resumed"}]
    assert [one["type"] for one in told["b2"]] == ["joined"]


def test_says_what_it_has_to_who_comes_back(room: Room):
    room.receive("b", offer(), 3.0)
    room.sends()
    room.join("b2", Join("r", "B", 2, 0), "X", 4.0)
    told = said(room)
    assert told["b"][0]["code"] == "replaced"
    assert told["b2"][0]["received"] == 1
    assert "a" not in told  # it never knew
    room.receive("b2", offer(), 5.0)  # said again, to be sure
    assert room.sends() == []


def test_who_comes_back_anew_begins_a_session(room: Room):
    room.receive("a", offer(), 3.0)
    room.drop("b", 4.0)
    room.join("b2", Join("r", "B"), "X", 5.0)
    told = said(room)
    assert (told["b2"][0]["resumed"], told["b2"][0]["session"]) == (False, 3)
    assert told["b2"][0]["token"] == "B"
    assert told["a"][-1] == {"type": "peer", "state": "joined", "session": 3}
    room.receive("a", candidate(2, session=2), 6.0)  # it was on its way
    assert room.sends() == []
    room.receive("a", offer(1, session=3), 6.0)
    assert brief(room) == [("b2", "offer")]


def test_who_needs_what_is_forgotten_begins_a_session(room: Room):
    room.receive("a", offer(), 3.0)
    room.acknowledge("b", 1, 1)  # of another session
    room.acknowledge("z", 2, 1)  # nobody's
    room.acknowledge("b", 2, 1)
    assert room.kept_characters == 0
    room.join("b2", Join("r", "B", 2, 0), "X", 4.0)
    assert said(room)["b2"][0]["resumed"] is False


def test_a_seat_is_kept_for_a_while(room: Room):
    room.drop("b", 10.0)
    room.join("c", Join("r"), "C", 69.9)
    assert brief(room) == [("a", "lost"), ("c", "full")]
    assert room.deadline() == 70.0
    room.join("c", Join("r"), "C", 70.0)
    assert brief(room) == [("a", "left"), ("c", "joined"), ("a", "joined")]
    room.join("b2", Join("r", "B", 2, 0), "X", 71.0)
    assert brief(room) == [("b2", "full")]


def test_who_leaves_makes_room(room: Room):
    room.receive("a", BYE, 3.0)
    assert brief(room) == [("b", "left")]
    room.receive("b", offer(), 4.0)
    assert brief(room) == [("b", "alone")]
    room.join("c", Join("r"), "C", 5.0)
    assert said(room)["c"][0]["polite"] is False  # the first seat is free
    room.receive("a", offer(), 6.0)
    assert brief(room) == [("a", "not-joined")]


def test_refuses_a_session_that_is_none_yet(room: Room):
    room.receive("a", offer(session=3), 3.0)
    assert brief(room) == [("a", "malformed")]


def test_garbage_is_refused_so_many_times(room: Room):
    for _ in range(Limits().faults):
        room.receive("a", "garbage", 3.0)
    assert {fault for _, fault in brief(room)} == {"malformed"}
    room.receive("a", "garbage", 3.0)
    assert brief(room) == [("a", "too-many"), ("b", "lost")]
    assert room.connections == ["b"]


def test_another_version_ends_the_connection(room: Room):
    room.receive("a", '{"type": "join", "version": 2, "room": "r"}', 3.0)
    assert brief(room) == [("a", "unsupported-version"), ("b", "lost")]


def test_who_says_too_much_is_shown_out(room: Room):
    for seq in range(1, 300):
        room.receive("a", candidate(seq), 3.0)
    words = brief(room)
    assert words.count(("b", "candidate")) == Limits().burst
    assert words.count(("a", "too-many")) == 1
    assert room.connections == ["b"]
    room.join("a2", Join("r", "A", 2, 0), "X", 3.0)
    room.receive("a2", candidate(300), 3.0)  # coming back makes nothing good
    assert brief(room)[-2:] == [("a2", "too-many"), ("b", "lost")]


def test_is_closed_when_its_time_is_over(room: Room):
    end = Limits().lifetime
    assert room.deadline() == end == room.end()
    room.tick(end)
    outs = room.sends()
    assert [(out.connection, out.fault) for out in outs] == [
        ("a", Fault.EXPIRED),
        ("b", Fault.EXPIRED),
    ]
    assert room.closed == "the room's time is over"
    assert room.deadline() is None
    room.receive("a", offer(), end + 1)
    room.close(Fault.EXPIRED, "again")
    room.tick(end + 2)
    assert room.sends() == []
    room.join("c", Join("r"), "C", end + 3)
    assert brief(room) == [("c", "no-such-room")]


def test_is_closed_when_nobody_comes():
    room = Room(5.0)
    assert room.deadline() == room.end() == 605.0
    room.tick(605.0)
    assert room.closed == "nobody was in the room for long"
    assert [event.what for event in room.events()] == [Happening.CLOSED]


def test_is_closed_when_nobody_comes_back(room: Room):
    room.drop("a", 10.0)
    room.drop("b", 20.0)
    assert room.end() == 20.0 + 60.0 + 600.0
    assert room.deadline() == 70.0
    room.tick(1000.0)
    assert room.closed


def test_closes_for_everybody(room: Room):
    room.close(Fault.GOING_AWAY, "the server ends")
    assert brief(room) == [("a", "going-away"), ("b", "going-away")]


def test_says_what_a_connection_has_missed(room: Room):
    for seq in (1, 2, 3):
        room.receive("a", candidate(seq), 3.0)
    assert [out.seq for out in room.missed("b", 1)] == [2, 3]
    assert room.missed("z", 0) == []


def test_what_does_not_concern_it_does_no_harm(room: Room):
    room.drop("z", 3.0)
    room.tick(3.0)
    assert room.sends() == []
    assert room.events() == []


OWN = "a-token-of-22-letters."


def test_a_client_whose_first_answer_was_lost_has_its_seat_by_its_own_token():
    room = Room(0.0)
    room.join("a", Join("r", OWN), "A", 1.0)
    room.join("b", Join("r"), "B", 1.0)
    assert said(room)["a"][0]["token"] == OWN
    room.join("again", Join("r", OWN), "C", 2.0)
    told = said(room)
    assert told["a"][0]["code"] == "replaced"
    assert (told["again"][0]["type"], told["again"][0]["token"]) == ("joined", OWN)


def test_a_token_that_could_be_guessed_is_replaced():
    room = Room(0.0)
    room.join("a", Join("r", OWN[:-1]), "A", 1.0)
    assert said(room)["a"][0]["token"] == "A"


def test_a_token_of_ones_own_opens_no_room_that_is_full(room: Room):
    room.join("c", Join("r", OWN), "C", 3.0)
    assert brief(room) == [("c", "full")]


def test_tells_who_joins_and_who_comes_back_of_ice_servers_that_last_as_long_as_the_room():
    asked = []

    def ice_servers(lifetime: float) -> list[IceServer]:
        asked.append(lifetime)
        return [IceServer(("turn:relay.example",), "name", "word")]

    room = Room(0.0, Limits(lifetime=100.0))
    room.join("a", Join("r", OWN), "A", 10.0, ice_servers)
    room.drop("a", 20.0)
    room.join("b", Join("r", OWN, 1, 0), "B", 30.0, ice_servers)
    expected = [{"urls": ["turn:relay.example"], "username": "name", "credential": "word"}]
    told = said(room)
    assert told["a"][0]["ice_servers"] == told["b"][0]["ice_servers"] == expected
    assert asked == [90.0, 70.0]


def test_says_of_what_kind_each_thing_was_that_it_passed_on(room: Room):
    room.receive("a", offer(), 3.0)
    room.receive("a", offer(), 3.0)
    assert room.events() == [Event(Happening.RELAYED, 0, Kind.OFFER)]
