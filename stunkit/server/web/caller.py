"""A caller: one WebSocket, from its first message to its end.

Rules of this file: who does not read is cut off, so nobody waits for anybody else.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServers, no_ice_servers
from stunkit.signal.room import Outgoing

if TYPE_CHECKING:
    from aiohttp import web

CLOSE_CODE = 4000  # of WebSocket, with the fault's word as its reason; RFC 6455 section 7.4.2
MOST_UNSENT = 131_072  # bytes that wait for who does not read
HEARTBEAT = 15.0  # seconds between two pings
SILENCE = 40.0  # seconds without a sign of life until somebody has vanished
JOIN_TIMEOUT = 10.0  # seconds to say where to


class Caller:
    """Who is at the other end, and which ``ice_servers`` it is told of.

    ``room`` is what it has asked for, None before that.
    """

    def __init__(
        self,
        name: str,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        now: float,
        ice_servers: IceServers = no_ice_servers,
    ) -> None:
        self.name = name
        self.ice_servers = ice_servers
        self.room: str | None = None
        self.since = self.heard = self._pinged = now
        self._socket = socket
        self._transport = transport
        self._mark = b"0:0"  # session and number of what was sent last
        self._ending: asyncio.Task[bool] | None = None
        # Writing never waits: who has too much unread is cut off before that.
        transport.set_write_buffer_limits(high=4 * MOST_UNSENT)

    @property
    def is_ending(self) -> bool:
        """Whether it has been told its last."""
        return self._ending is not None or self._transport.is_closing()

    async def send(self, out: Outgoing) -> None:
        """Send a text, and end the connection where it is the last."""
        if self.is_ending:
            return
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            self.abort()
            return
        if out.seq:
            self._mark = b"%d:%d" % (out.session, out.seq)
        with contextlib.suppress(ConnectionError):  # whoever reads from it learns of that, too
            await self._socket.send_str(out.text)
        if out.is_last and out.fault is not None:
            self.end(out.fault)

    def end(self, fault: Fault) -> None:
        """Close it, and say why."""
        if self._ending is None:
            self._ending = asyncio.ensure_future(
                self._socket.close(code=CLOSE_CODE, message=fault.encode())
            )

    def abort(self) -> None:
        """Close it without a word."""
        self._transport.abort()

    async def ended(self) -> None:
        """Wait until what closes it has done so."""
        if self._ending is not None:
            with contextlib.suppress(ConnectionError):
                await self._ending

    def is_due(self, now: float) -> bool:
        """Whether ``beat`` has something to do."""
        if now < self._pinged:  # the clock was set back
            self.since = self.heard = self._pinged = now
        return now - self._pinged > HEARTBEAT or self._is_gone(now)

    def _is_gone(self, now: float) -> bool:
        is_late = self.room is None and now - self.since > JOIN_TIMEOUT
        return is_late or now - self.heard > SILENCE

    async def beat(self, now: float) -> bool:
        """Ask for a sign of life when it is time; return whether it was."""
        if self._is_gone(now):
            self.abort()
        elif now - self._pinged > HEARTBEAT and not self.is_ending:
            self._pinged = now
            # What was sent before the ping is there when the pong comes.
            with contextlib.suppress(ConnectionError):
                await self._socket.ping(self._mark)
            return True
        return False


def parse_mark(data: bytes) -> tuple[int, int]:
    """Return session and number of a pong; zeros for one that is none of ours."""
    session, _, seq = data.partition(b":")
    if session.isdigit() and seq.isdigit() and len(data) <= 40:
        return int(session), int(seq)
    return 0, 0
