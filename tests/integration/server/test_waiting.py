import asyncio

from stunkit.net.transport.stream import Connection
from stunkit.server.waiting import Waiting

PATIENCE = 5.0  # seconds until a test fails in which nobody is late


def connection() -> Connection:
    return Connection(lambda *_: None, lambda *_: None)


class Late:
    """Waiting connections, and those that were late, in order."""

    def __init__(self, timeout: float) -> None:
        self.found: asyncio.Queue[Connection] = asyncio.Queue()
        self.waiting = Waiting(timeout, self.found.put_nowait)

    async def next(self) -> Connection:
        async with asyncio.timeout(PATIENCE):
            return await self.found.get()


async def test_hands_over_who_waits_too_long_the_oldest_first():
    late = Late(0.05)
    one, two = connection(), connection()
    late.waiting.add(one)
    late.waiting.add(two)
    assert list(late.waiting) == [one, two]
    assert [await late.next(), await late.next()] == [one, two]
    assert len(late.waiting) == 0
    late.waiting.add(one)  # the alarm is set again
    assert await late.next() is one


async def test_counts_anew_for_who_is_added_again():
    late = Late(0.1)
    one, two = connection(), connection()
    for each in (one, two, one):
        late.waiting.add(each)
    assert list(late.waiting) == [two, one]
    assert await late.next() is two


async def test_forgets_who_is_removed():
    late = Late(0.05)
    one, two = connection(), connection()
    late.waiting.add(one)
    late.waiting.add(two)
    late.waiting.remove(one)
    late.waiting.remove(one)
    assert one not in late.waiting
    assert two in late.waiting
    assert await late.next() is two
    assert late.found.empty()


async def test_takes_another_timeout_for_those_that_wait():
    late = Late(3600)
    one = connection()
    late.waiting.add(one)
    late.waiting.change(0.01)
    assert await late.next() is one
    late.waiting.change(0.01)  # with nobody there


async def test_hands_over_nobody_once_it_is_stopped():
    late = Late(0.01)
    late.waiting.add(connection())
    late.waiting.stop()
    late.waiting.stop()
    await asyncio.sleep(0.03)  # three times what would have been too long
    assert late.found.empty()
