import pytest

from stunkit.signal.message import Join
from stunkit.signal.room import Room
from stunkit.signal.seat import Limits
from stunkit.signal.snapshot import dump, load
from tests.unit.signal.test_room import candidate


def test_another_goes_on_where_it_was():
    room = Room(0.0)
    room.join("a", Join("r"), "A", 1.0)
    assert load(dump(room), Limits()).seats == room.seats  # one of them is free
    room.join("b", Join("r"), "B", 2.0)
    room.receive("a", candidate(1), 3.0)
    room.drop("b", 4.0)
    other = load(dump(room).encode(), room.limits)
    assert other.seats == room.seats
    assert (other.made, other.vacant_since, other.session) == (0.0, 0.0, 2)
    assert other.deadline() == room.deadline()
    assert other.sends() == []
    assert other.kept_characters == room.kept_characters > 0


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[2,0,0,0,[]]", "[1,0,0,0,[[1]]]", "[1,0,0,0,[]]", "[1,0,0,0,7]"]
)
def test_refuses_what_is_none(text: str):
    with pytest.raises(ValueError, match="no room of ours"):
        load(text, Limits())
