import asyncio
import os
import signal
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stunkit.errors import SignalError
from stunkit.server.web.redis_store import PREFIX, RedisStore
from stunkit.signal.message import Join
from stunkit.signal.room import Outgoing
from stunkit.signal.seat import Limits
from tests.integration.command import Serve, end, serve
from tests.integration.loopback import free_port
from tests.integration.server.web.calling import calling, make_room, meet, negotiate

OPTIONS = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--loglevel", "warning"]


class Redis:
    """Debian's Redis on loopback, without a file."""

    def __init__(self, folder, password: str = "") -> None:
        self._more = ["--requirepass", password] if password else []
        self.port = free_port("127.0.0.1")
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--dir", str(self._folder), *OPTIONS]
        command += self._more
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def answers(self) -> None:
        """Wait until it does; the test's own time limit ends it."""
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@pytest.fixture
async def redis(tmp_path):
    one = Redis(tmp_path)
    one.start()
    await one.answers()
    yield one
    one.kill()


@asynccontextmanager
async def server(redis: Redis, *more: str):
    """Run a server process and yield it with its place."""
    options = ("--web", "127.0.0.1:0", "--signal-store", redis.url, *more)
    async with serve("127.0.0.1:0", options=options) as running:
        yield running, place_of(running)


def place_of(running: Serve) -> str:
    (line,) = [one for one in running.lines if one.startswith("signalling on ws://")]
    return line.split("/")[2]


async def test_two_on_different_processes_connect(redis):
    async with server(redis) as (_, here), server(redis) as (_, there):
        room = await make_room(here)
        async with calling(here, there) as (one, other):
            await meet(one, other, room)
            await negotiate(one, other)
            await one.say(type="bye")
            assert (await other.until("peer"))["state"] == "left"


async def test_several_workers_carry_a_room(redis):
    async with server(redis, "--workers", "2") as (_, place):
        for _ in range(4):
            room = await make_room(place)
            async with calling(place, place) as (one, other):
                await meet(one, other, room)
                await negotiate(one, other)


async def test_comes_back_to_another_process_when_its_own_is_killed(redis):
    async with server(redis) as (first, here), server(redis) as (_, there):
        room = await make_room(here)
        async with calling(here, there, there) as (one, other, again):
            await meet(one, other, room)
            await one.offer()
            await other.until("offer")
            await other.answer()
            await one.until("answer")
            os.kill(first.process.pid, signal.SIGKILL)
            await end(first.process)
            await other.candidate()  # nobody hears where it is sent
            assert (await other.until("peer"))["state"] == "lost"
            token, session = one.joined["token"], one.joined["session"]
            assert (await again.join(room, token, session, 1))["resumed"] is True
            assert (await again.hear())["type"] == "candidate"
            assert (await other.until("peer"))["state"] == "resumed"


async def test_says_so_while_redis_is_gone_and_works_again(redis):
    async with server(redis) as (_, here), server(redis) as (_, there):
        room = await make_room(here)
        async with calling(here, there) as (one, other):
            await meet(one, other, room)
            redis.kill()
            ends = await asyncio.gather(one.end(), other.end())  # both read, so both are told
            assert ends == [(4000, ""), (4000, "")]
        with pytest.raises(AssertionError, match="the store of rooms cannot be reached"):
            await make_room(here)
        async with calling(here) as (late,):
            assert (await late.join(room))["code"] == "unavailable"
        redis.start()
        await redis.answers()
        for place in (here, there):
            await works_again(place)
        room = await make_room(there)
        async with calling(here, there) as (one, other):
            await meet(one, other, room)
            await negotiate(one, other)


async def works_again(place: str) -> None:
    while True:
        try:
            await make_room(place)
        except AssertionError:
            await asyncio.sleep(0.05)
        else:
            return


async def test_bounds_rooms_of_all_servers_together(redis):
    more = ("--web-max-rooms", "2")
    async with server(redis, *more) as (_, here), server(redis, *more) as (_, there):
        await make_room(here)
        await make_room(there)
        with pytest.raises(AssertionError, match="there are too many rooms"):
            await make_room(here)


@asynccontextmanager
async def opened(redis: Redis, limits: Limits):
    """Yield a store of this very process, and what it delivers."""
    store, delivered = RedisStore(redis.url, None, limits, 10), []

    async def deliver(out: Outgoing) -> None:
        delivered.append(out)

    await store.start(deliver, lambda: None, lambda _: None)
    try:
        yield store, delivered
    finally:
        await store.stop()


async def test_who_is_in_a_room_hears_that_its_time_is_over(redis):
    async with opened(redis, Limits(lifetime=0.2)) as (store, delivered):
        await store.make("r", 0.0)
        name = f"{store.process}.1"
        await store.change("r", lambda room: room.join(name, Join("r"), "t" * 22, 0.1), 0.1)
        await asyncio.sleep(0.5)  # by Redis's own clock it is over, too
        await store.tend("r", 0.7)
        async with asyncio.timeout(10):
            while len(delivered) < 2:  # noqa: ASYNC110 (what it looks at has no event)
                await asyncio.sleep(0.01)
        assert delivered[-1].fault == "expired"
        with pytest.raises(SignalError, match="no such room"):
            await store.tend("r", 0.8)


async def test_a_room_that_is_not_understood_is_unavailable(redis):
    async with opened(redis, Limits()) as (store, _):
        await store._redis.set(f"{PREFIX}room:r", "[9]")
        with pytest.raises(SignalError, match="another version") as caught:
            await store.tend("r", 0.0)
        assert (caught.value.code, store.errors) == ("unavailable", 1)


async def test_opens_a_store_with_a_password_that_nobody_sees(tmp_path):
    locked = Redis(tmp_path, "open sesame")
    locked.start()
    await locked.answers()
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    try:
        more = ("--web-store-password-file", str(file), "--user", "root")
        async with server(locked, *more) as (running, place):
            async with calling(place, place) as (one, other):
                await meet(one, other, await make_room(place))
                await negotiate(one, other)
            seen = await asyncio.to_thread(Path(f"/proc/{running.process.pid}/cmdline").read_text)
            assert "--web-store-password-file" in seen
            assert "sesame" not in seen
            assert not [line for line in running.lines if "sesame" in line]
    finally:
        locked.kill()
