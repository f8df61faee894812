import pytest

from stunkit.errors import SignalError
from stunkit.server.web.store import LocalStore
from stunkit.signal.fault import Fault
from stunkit.signal.message import Join
from stunkit.signal.seat import Limits


@pytest.fixture
async def kept():
    """Return a store of one room, and what it delivers."""
    delivered = []

    async def deliver(out) -> None:
        delivered.append(out)

    store = LocalStore(Limits(), 1)
    await store.start(deliver, lambda: None)
    await store.make("r", 0.0)
    return store, delivered


async def test_delivers_what_a_room_wants_sent(kept):
    store, delivered = kept
    await store.change("r", lambda room: room.join("local.1", Join("r"), "t", 1.0), 1.0)
    assert [out.connection for out in delivered] == ["local.1"]
    await store.tend("r", 2.0)
    await store.stop()
    assert not store.rooms


async def test_has_only_so_many_rooms(kept):
    store, _ = kept
    with pytest.raises(SignalError, match="too many rooms"):
        await store.make("other", 1.0)


async def test_forgets_a_room_that_is_closed(kept):
    store, _ = kept
    await store.sweep(599.0)
    assert "r" in store.rooms
    await store.sweep(600.0)
    with pytest.raises(SignalError, match="no such room"):
        await store.change("r", lambda room: room.close(Fault.EXPIRED, "x"), 601.0)
