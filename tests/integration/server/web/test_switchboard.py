import pytest

from stunkit.errors import SignalError
from stunkit.server.web.caller import HEARTBEAT, Caller
from stunkit.server.web.store import LocalStore, no_such_room
from stunkit.server.web.switchboard import Switchboard
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import Join, format_join
from stunkit.signal.seat import Limits
from tests.integration.server.web.test_caller import Wire
from tests.unit.signal.test_room import candidate


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def board():
    board = Switchboard(LocalStore(Limits(), 10), Clock())
    await board.start()
    yield board
    board.callers.clear()  # nobody is there who would end it
    await board.stop()


def call(board: Switchboard) -> tuple[Caller, Wire]:
    wire = Wire()
    caller = Caller(board.name(), wire, wire, board.now())
    board.callers[caller.name] = caller
    return caller, wire


async def meet(board: Switchboard):
    room = await board.make()
    calls = [call(board), call(board)]
    for caller, _ in calls:
        await board.hear(caller, format_join(Join(room)))
    return room, *calls


async def test_a_pong_says_what_has_arrived(board: Switchboard):
    room, (one, _), (other, _) = await meet(board)
    await board.hear(one, candidate(1))
    assert board.store.rooms[room].kept_characters > 0
    await board.pong(other, b"2:1")
    assert board.store.rooms[room].kept_characters == 0
    await board.pong(other, b"nonsense")


async def test_notices_who_has_vanished(board: Switchboard):
    _, (one, wire), (other, lost) = await meet(board)
    board._clock.now += 30.0
    await board.pong(one, b"0:0")
    board._clock.now += 15.0
    await board._step()
    assert lost.done[-1] == "abort"
    await board.leave(other)
    assert '"lost"' in wire.done[-1]
    board._clock.now += 30.0
    await board.pong(one, b"0:0")
    board._clock.now += 30.0
    await board._step()
    assert '"left"' in str(wire.done)


async def test_looks_after_callers_when_the_clock_is_set_back(board: Switchboard):
    _, (_, wire), _ = await meet(board)
    board._clock.now -= 600.0
    await board._step()
    board._clock.now += HEARTBEAT + 1.0
    await board._step()
    assert wire.done[-1] != "abort"
    board._clock.now += 30.0
    await board._step()
    assert wire.done[-1] == "abort"


async def test_tells_who_is_wrong(board: Switchboard):
    caller, wire = call(board)
    await board.hear(caller, "garbage")
    await caller.ended()
    assert '"malformed"' in wire.done[0]
    assert wire.done[1] == (4000, b"malformed")
    late, wire = call(board)
    await board.hear(late, format_join(Join("none")))
    await late.ended()
    assert wire.done[-1] == (4000, b"no-such-room")
    await board.leave(late)


async def test_has_all_come_back_when_something_may_be_lost(board: Switchboard):
    _, (one, wire), _ = await meet(board)
    board._lose()
    await one.ended()
    assert wire.done[-1] == (4000, b"unavailable")


async def test_a_room_hears_later_who_left_while_the_store_was_away(board: Switchboard):
    room, (one, wire), (other, _) = await meet(board)
    change = board.store.change

    async def fail(*_: object) -> None:
        raise SignalError(Fault.UNAVAILABLE, "the store is away")

    board.store.change = fail
    await board.leave(other)
    with pytest.raises(SignalError):
        await board._step()
    assert board.store.rooms[room].connections == [one.name, other.name]
    board.store.change = change
    await board._step()
    assert board.store.rooms[room].connections == [one.name]
    assert '"lost"' in wire.done[-1]
    assert not board._unsaid


async def test_tells_all_whose_room_is_gone(board: Switchboard):
    _, *calls = await meet(board)

    async def tend(*_: object) -> None:
        raise no_such_room()

    board.store.tend = tend
    board._clock.now += HEARTBEAT + 1.0
    await board._step()
    for caller, wire in calls:
        await caller.ended()
        assert wire.done[-1] == (4000, b"no-such-room")


async def test_counts_what_it_does(board: Switchboard):
    _, (one, _), (other, _) = await meet(board)
    await board.hear(one, candidate(1))
    await board.hear(one, "garbage")
    await board.leave(other)
    await board._step()
    tally = board._tally
    assert tally.relayed["candidate"] == 1
    assert tally.refused["malformed"] == 1
    assert (tally.happened["joined"], tally.happened["lost"]) == (2, 1)
    assert (tally.made, tally.connections, tally.rooms, tally.store_errors) == (1, 1, 1, 0)
    assert sum(tally.refused.values()) == 1


async def test_hands_ice_servers_to_who_joins(board: Switchboard):
    caller, wire = call(board)
    caller.ice_servers = lambda lifetime: [IceServer((f"turn:for-{lifetime:.0f}",))]
    await board.hear(caller, format_join(Join(await board.make())))
    assert '"ice_servers":[{"urls":["turn:for-43200"]}]' in wire.done[0]
