"""Rooms in Redis, or Valkey, so that any number of processes carry one room.

A room is a key with its snapshot, which expires soon after the room would end. A change is a
transaction that watches the key: read, changed, written back unless somebody else was faster. What
the room wants sent is published in the same transaction, to a channel for each process, our own
too: so all processes see one order. A process whose channel nobody hears is dead, and so are its
connections.

Rules of this file: when Redis cannot be reached, or its channel to us was interrupted, nobody is
kept in the dark: what is asked for is unavailable, and who is connected has to come back; by its
token and numbers it goes on where it was, if the room is there still.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import secrets
from collections.abc import Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, WatchError

from stunkit.errors import SignalError
from stunkit.server.web.store import Change, Deliver, Note, no_such_room, too_many_rooms
from stunkit.signal.fault import Fault
from stunkit.signal.room import Outgoing, Room
from stunkit.signal.seat import Limits
from stunkit.signal.snapshot import dump, load

PREFIX = "stunkit:signal:1:"  # of all keys and channels; 1 is the version of what is there
ROOMS = f"{PREFIX}rooms"  # names, by when they end
MOST_ATTEMPTS = 50  # at a change, when others are faster again and again
MOST_SOCKETS = 32  # to Redis
TIMEOUT = 5.0  # seconds for an answer
PAUSE = 0.5  # seconds between two tries to be heard again
LINGER = 60.0  # seconds that a room outlasts its end, so that who is in it hears of that
UNREACHABLE = (RedisError, OSError, TimeoutError)

log = logging.getLogger(__name__)


class RedisStore:
    """Rooms in the database of a URL, which holds no password; it opens with ``password``."""

    def __init__(self, url: str, password: str | None, limits: Limits, most: int) -> None:
        self.process = secrets.token_hex(8)
        self.errors = 0
        self.limits = limits
        self.most = most
        self._redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url,
                password=password,
                max_connections=MOST_SOCKETS,
                timeout=TIMEOUT,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 0),  # a change is tried again whole, by whoever wants it
            )
        )
        self._hearing: asyncio.Task[None] | None = None
        self._is_heard = asyncio.Event()
        self._note: Note

    async def start(self, deliver: Deliver, lose: Callable[[], None], note: Note) -> None:
        """Hear what is published for this process; wait a moment until that is so."""
        self._note = note
        self._hearing = asyncio.create_task(self._hear_again_and_again(deliver, lose))
        with contextlib.suppress(TimeoutError):  # it may be there later
            async with asyncio.timeout(TIMEOUT):
                await self._is_heard.wait()

    async def stop(self) -> None:
        """Let go of every connection; the rooms stay for others, until they expire."""
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)
        with contextlib.suppress(*UNREACHABLE):
            await self._redis.aclose(close_connection_pool=True)

    async def make(self, name: str, now: float) -> None:
        """Have another room, if there may be one."""
        room = Room(now, self.limits)
        try:
            self._need_to_be_heard()
            await self._redis.zremrangebyscore(ROOMS, -math.inf, now)
            if await self._redis.zcard(ROOMS) >= self.most:
                raise too_many_rooms()
            async with self._redis.pipeline(transaction=True) as pipe:
                self._write(pipe, name, room, now)
                await pipe.execute()
        except UNREACHABLE as error:
            raise await self._unavailable(error) from error

    async def change(self, name: str, change: Change, now: float) -> None:
        """Change a room, as often as somebody else is faster."""
        await self._attempt(name, change, now, is_tending=False)

    async def tend(self, name: str, now: float) -> None:
        """Let time pass for a room, and see whether the others' processes are alive."""
        await self._attempt(name, lambda room: room.tick(now), now, is_tending=True)

    async def sweep(self, now: float) -> None:
        """Do nothing: rooms without anybody expire by themselves."""

    async def _attempt(self, name: str, change: Change, now: float, *, is_tending: bool) -> None:
        try:
            self._need_to_be_heard()
            for _ in range(MOST_ATTEMPTS):
                async with self._redis.pipeline(transaction=True) as pipe:
                    with contextlib.suppress(WatchError):
                        dead = await self._change_once(pipe, name, change, now, is_tending)
                        break
            else:
                self.errors += 1
                raise SignalError(Fault.UNAVAILABLE, "too much happens in this room at once")
        except UNREACHABLE as error:
            raise await self._unavailable(error) from error
        if dead:  # they were told something, and are not there

            def drop(room: Room) -> None:
                for one in dead:
                    room.drop(one, now)

            await self._attempt(name, drop, now, is_tending=False)

    async def _change_once(
        self,
        pipe: Any,  # noqa: ANN401 (redis-py has no whole types for it)
        name: str,
        change: Change,
        now: float,
        is_tending: bool,  # noqa: FBT001 (of this class alone)
    ) -> list[str]:
        """Try a change; return the connections that turned out to be dead. Raises WatchError."""
        key = _key(name)
        await pipe.watch(key)
        text = await pipe.get(key)
        if text is None:
            raise no_such_room()
        try:
            room = load(text, self.limits)
        except ValueError as error:
            self.errors += 1
            log.debug("signalling: %s", error)
            raise SignalError(Fault.UNAVAILABLE, "the room is of another version") from error
        if is_tending:
            for one in await self._dead(room):
                room.drop(one, now)
        change(room)
        sends: dict[str, list[Outgoing]] = {}
        for out in room.sends():
            sends.setdefault(_process(out.connection), []).append(out)
        after = dump(room)
        if not sends and not room.closed and after.encode() == text:
            return []
        pipe.multi()
        self._write(pipe, name, room, now)
        for process, outs in sends.items():
            pipe.publish(_channel(process), json.dumps(outs))
        results = await pipe.execute()
        self._note(room.events())
        counts = results[-len(sends) :] if sends else []
        heard = dict(zip(sends, counts, strict=True))
        return [one for one in room.connections if heard.get(_process(one)) == 0]

    def _write(self, pipe: Any, name: str, room: Room, now: float) -> None:  # noqa: ANN401
        """Put into a transaction what becomes of a room."""
        end = room.end()
        if room.closed or end <= now:
            pipe.delete(_key(name))
            pipe.zrem(ROOMS, name)
        else:
            pipe.set(_key(name), dump(room), px=math.ceil((end - now + LINGER) * 1e3))
            pipe.zadd(ROOMS, {name: end})

    async def _dead(self, room: Room) -> list[str]:
        """Return the connections in a room whose process does not hear."""
        others = [one for one in room.connections if _process(one) != self.process]
        if not others:
            return []
        channels = [_channel(_process(one)) for one in others]
        counts = await self._redis.pubsub_numsub(*channels)
        heard = {channel: count for channel, (_, count) in zip(channels, counts, strict=True)}
        return [one for one in others if not heard.get(_channel(_process(one)))]

    async def _hear_again_and_again(self, deliver: Deliver, lose: Callable[[], None]) -> None:
        """Deliver what is published for us; when that was interrupted, all have to come back."""
        is_told = False
        while True:
            try:
                await self._hear(deliver)
            except UNREACHABLE as error:
                if self._is_heard.is_set() or not is_told:
                    is_told = True
                    log.warning("signalling: the store cannot be reached: %s", error)
            except Exception:  # an outermost loop: those who call can go on
                log.exception("an error of ours while hearing from the store")
            if self._is_heard.is_set():
                self._is_heard.clear()
                lose()
            await asyncio.sleep(PAUSE)

    async def _hear(self, deliver: Deliver) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(_channel(self.process))
            is_asked = False
            while True:
                message = await channel.get_message(timeout=TIMEOUT)
                if message is None:
                    if is_asked:
                        raise TimeoutError("it is silent")
                    await channel.ping()
                    is_asked = True
                    continue
                is_asked = False
                if message["type"] == "subscribe":
                    self._is_heard.set()
                    log.info("signalling: the store is reached")
                elif message["type"] == "message":
                    for connection, text, fault, session, seq in json.loads(message["data"]):
                        known = None if fault is None else Fault(fault)
                        await deliver(Outgoing(connection, text, known, session, seq))

    def _need_to_be_heard(self) -> None:
        """Refuse what nobody would hear the answer of."""
        if not self._is_heard.is_set():
            self.errors += 1
            raise _unavailable()

    async def _unavailable(self, error: BaseException) -> SignalError:
        self.errors += 1
        log.debug("signalling: the store did not answer: %s", error)
        with contextlib.suppress(*UNREACHABLE):
            await self._redis.connection_pool.disconnect(inuse_connections=False)
        return _unavailable()


def _unavailable() -> SignalError:
    return SignalError(Fault.UNAVAILABLE, "the store of rooms cannot be reached; try again")


def _key(name: str) -> str:
    return f"{PREFIX}room:{name}"


def _channel(process: str) -> str:
    return f"{PREFIX}process:{process}"


def _process(connection: str) -> str:
    return connection.partition(".")[0]
