import pytest

from stunkit.server.web.caller import HEARTBEAT, MOST_UNSENT, SILENCE, Caller, parse_mark
from stunkit.signal.fault import Fault
from stunkit.signal.room import Outgoing


class Wire:
    """A WebSocket and its transport that remember what is done with them."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.unsent = 0

    def set_write_buffer_limits(self, *, high: int) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return "abort" in self.done

    def abort(self) -> None:
        self.done.append("abort")

    async def send_str(self, text: str) -> None:
        self.done.append(text)

    async def ping(self, data: bytes) -> None:
        self.done.append(data)

    async def close(self, *, code: int, message: bytes) -> bool:
        self.done.append((code, message))
        return True


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def caller(wire: Wire) -> Caller:
    return Caller("local.1", wire, wire, 0.0)


async def test_sends_until_its_last(caller: Caller, wire: Wire):
    await caller.send(Outgoing("local.1", "one"))
    await caller.send(Outgoing("local.1", "two", Fault.FULL))
    await caller.send(Outgoing("local.1", "three"))
    await caller.ended()
    assert wire.done == ["one", "two", (4000, b"full")]


async def test_cuts_off_who_does_not_read(caller: Caller, wire: Wire):
    wire.unsent = MOST_UNSENT + 1
    await caller.send(Outgoing("local.1", "one"))
    assert wire.done == ["abort"]
    assert wire.high > MOST_UNSENT


async def test_asks_for_a_sign_of_life_and_for_what_has_arrived(caller: Caller, wire: Wire):
    caller.room = "r"
    await caller.send(Outgoing("local.1", "one", None, 3, 7))
    assert not caller.is_due(HEARTBEAT)
    assert not await caller.beat(HEARTBEAT)
    assert caller.is_due(HEARTBEAT + 0.1)
    assert await caller.beat(HEARTBEAT + 0.1)
    assert not await caller.beat(HEARTBEAT + 0.2)
    assert wire.done == ["one", b"3:7"]
    assert caller.is_due(SILENCE + 0.1)
    await caller.beat(SILENCE + 0.1)
    assert wire.done[-1] == "abort"


async def test_does_not_wait_for_who_does_not_join(caller: Caller, wire: Wire):
    assert not caller.is_due(10.0)
    assert caller.is_due(10.1)
    await caller.beat(10.1)
    assert wire.done == ["abort"]


@pytest.mark.parametrize(
    ("data", "mark"),
    [
        (b"3:7", (3, 7)),
        (b"", (0, 0)),
        (b"3:-7", (0, 0)),
        (b"x:1", (0, 0)),
        (b"1:" + b"9" * 99, (0, 0)),
    ],
)
def test_reads_pongs(data: bytes, mark: tuple[int, int]):
    assert parse_mark(data) == mark
