import pytest

from stunkit.errors import SignalError
from stunkit.server.web.store import LocalStore
from stunkit.signal.event import Event, Happening
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
    await store.start(deliver, lambda: None, delivered.extend)
    await store.make("r", 0.0)
    return store, delivered


async def test_delivers_what_a_room_wants_sent(kept):
    store, delivered = kept
    await store.change("r", lambda room: room.join("local.1", Join("r"), "t", 1.0), 1.0)
    happened, out = delivered
    assert happened == Event(Happening.JOINED, 0)
    assert out.connection == "local.1"
    await store.tend("r", 2.0)
    await store.stop()
    assert not store.rooms


async def test_has_only_so_many_rooms(kept):
    store, _ = kept
    with pytest.raises(SignalError, match="too many rooms"):
        await store.make("other", 1.0)


async def test_looks_after_a_room_when_it_wants_that(kept):
    store, delivered = kept
    store.limits = Limits(patience=60.0)
    for n in ("1", "2"):
        await store.change("r", lambda r, n=n: r.join(f"local.{n}", Join("r"), n, 1.0), 1.0)
    await store.change("r", lambda room: room.drop("local.1", 100.0), 100.0)
    again = Join("r", "1")
    await store.change("r", lambda room: room.join("local.3", again, "", 150.0), 150.0)
    await store.sweep(160.0)  # it wanted that while one was lost
    assert len(store.rooms["r"].connections) == 2
    await store.change("r", lambda room: room.drop("local.2", 200.0), 200.0)
    await store.sweep(259.0)
    delivered.clear()
    await store.sweep(260.0)
    assert delivered[0] == Event(Happening.LEFT, 1)
    assert '"left"' in delivered[1].text
    assert len(store._queue) < 10


async def test_forgets_a_room_that_is_closed(kept):
    store, _ = kept
    await store.sweep(599.0)
    assert "r" in store.rooms
    await store.sweep(600.0)
    with pytest.raises(SignalError, match="no such room"):
        await store.change("r", lambda room: room.close(Fault.EXPIRED, "x"), 601.0)
