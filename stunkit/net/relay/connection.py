"""A relay on the network: one connection to it, over UDP, TCP or TLS, and what is allocated there.

RFC 8656 section 3.1 has the transports, section 7 the allocation. It is kept alive while the relay
is open, and released when it is closed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import (
    HandshakeFailed,
    NoAnswer,
    Unreachable,
)
from stunkit.net.drive import Driver
from stunkit.net.transport.secure import Secure, TimedSession
from stunkit.net.transport.udp import describe_errno, source_address
from stunkit.protocol.allocation import Allocation
from stunkit.protocol.allocation_event import (
    Allocated,
    Arrived,
    Event,
    Lost,
    Permitted,
    Rejected,
    Released,
)
from stunkit.protocol.schedule import Schedule
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport

CONNECT_TIMEOUT = 5.0  # seconds for a connection; people do not wait longer
TLS_TIMEOUT = 8.0  # seconds for a connection and a handshake
RELEASE_TIMEOUT = 1.0  # seconds for the answer to the last request; the rest is the server's
SCHEDULE = Schedule(rc=4, rm=8, ti=7.5)  # 7.5 s over any transport: a preflight has no 39.5 s

OnData = Callable[[bytes, Endpoint, float], None]  # data, peer, when


class Site(NamedTuple):
    """Where a relay is, and how it is reached: the endpoint, the transport, the name to show."""

    server: Endpoint
    transport: Transport
    name: str


class Relay:
    """One connection to a relay, and the allocation that it holds; use it with ``async with``.

    ``secure`` is needed for TLS. ``on_data`` hears of peers' datagrams.
    """

    def __init__(
        self,
        site: Site,
        credentials: TurnCredentials | None,
        *,
        bind: Endpoint | None = None,
        secure: Secure | None = None,
        on_data: OnData | None = None,
    ) -> None:
        self.site = site
        self.allocated: Allocated | None = None
        self.session: TimedSession | None = None
        self.began = 0.0  # when it began to open, and when it was open; on the loop's clock
        self.opened: float | None = None
        self._bind = bind
        self._secure = secure
        self.on_data = on_data
        self._machine = Allocation(
            site.server,
            os.urandom,
            login=None if credentials is None else credentials.login(),
            is_stream=site.transport is not Transport.UDP,
            schedule=SCHEDULE,
        )
        self._driver: Driver[Event] = Driver(self._machine, self._on_event)
        self._waiting: dict[Method, asyncio.Future[Event]] = {}

    @property
    def now(self) -> float:
        """The time of what ``on_data`` hears, in seconds."""
        return self._driver.now

    @property
    def has_fixed_port(self) -> bool:
        """Whether another attempt would be from the same port."""
        return self._bind is not None and self._bind.port != 0

    @property
    def local(self) -> Endpoint:
        """Where we ask from."""
        return self._machine.local

    @property
    def relayed(self) -> Endpoint:
        """Where peers reach us: the relay candidate. Raises ValueError before there is one."""
        if self.allocated is None:
            raise ValueError("nothing is allocated")
        return self.allocated.relayed[0]

    @property
    def mapped(self) -> Endpoint | None:
        """As what the relay sees us: the related address of the relay candidate."""
        return None if self.allocated is None else self.allocated.mapped

    async def open(self) -> None:
        """Open the socket, the connection or the TLS session.

        Raises Unreachable, over TLS Untrusted and HandshakeFailed.
        """
        self.began = self.now
        self._machine.local = await self._connect()
        self.opened = self.now

    async def allocate(self, family: Family | None = None) -> Allocated | Rejected:
        """Ask for a relayed address; of IPv4 unless ``family`` says otherwise."""
        waiting = self._expect(Method.ALLOCATE)
        self._machine.allocate(self.now, family=family)
        event = await self._outcome(waiting)
        if isinstance(event, Allocated):
            self.allocated = event
            return event
        return _rejected(event, Method.ALLOCATE)

    async def permit(self, *peers: Endpoint) -> Permitted | Rejected:
        """Ask that peers may send to the relayed address."""
        waiting = self._expect(Method.CREATE_PERMISSION)
        self._machine.permit(peers, self.now)
        event = await self._outcome(waiting)
        return event if isinstance(event, Permitted) else _rejected(event, Method.CREATE_PERMISSION)

    def send(self, data: bytes, peer: Endpoint) -> None:
        """Send a datagram to a peer that is permitted."""
        self._machine.send(data, peer)
        self._driver.flush()

    async def close(self) -> None:
        """Release the allocation, for which the server gets a moment, and close the connection."""
        try:
            if self._machine.may_exist:
                waiting = self._expect(Method.REFRESH)
                self._machine.release(self.now)
                async with asyncio.timeout(RELEASE_TIMEOUT):
                    await self._outcome(waiting)
        except TimeoutError:
            pass  # it has been asked more than once; the server's own timer does the rest
        finally:
            self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _connect(self) -> Endpoint:
        server, transport, name = self.site
        limit = CONNECT_TIMEOUT if transport is Transport.TCP else TLS_TIMEOUT
        try:
            if transport is Transport.UDP:
                return self._driver.open_udp(self._source(server))
            async with asyncio.timeout(limit):
                if transport is Transport.TCP or self._secure is None:
                    return await self._driver.connect(server, self._bind)
                self.session = self._secure.session(name)
                return await self._secure.connect(self._driver, server, self.session, self._bind)
        except TimeoutError as error:
            if self.session is not None and self.session.is_begun:
                raise HandshakeFailed("no answer to the TLS handshake") from error
            raise NoAnswer(1, limit) from error
        except OSError as error:
            reason = describe_errno(error.errno) if error.errno else str(error).lower()
            raise Unreachable(reason) from error

    def _source(self, server: Endpoint) -> Endpoint:
        if self._bind is None:
            return source_address(server)
        if self._bind.is_wildcard:
            return source_address(server).with_port(self._bind.port)
        return self._bind

    def _expect(self, method: Method) -> asyncio.Future[Event]:
        self._waiting[method] = asyncio.get_running_loop().create_future()
        return self._waiting[method]

    async def _outcome(self, waiting: asyncio.Future[Event]) -> Event:
        self._driver.flush()
        return await waiting

    def _on_event(self, event: Event) -> None:
        match event:
            case Arrived(data, peer):
                if self.on_data is not None:
                    self.on_data(data, peer, self.now)
            case Allocated():
                self._settle(Method.ALLOCATE, event)
            case Permitted():
                self._settle(Method.CREATE_PERMISSION, event)
            case Released():
                self._settle(Method.REFRESH, event)
            case Rejected():
                self._settle(event.method, event)
            case Lost():
                for method in list(self._waiting):
                    self._settle(method, event)
            case _:  # renewals, and ICMP about peers
                return

    def _settle(self, method: Method, event: Event) -> None:
        waiting = self._waiting.pop(method, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(event)


def _rejected(event: Event, method: Method) -> Rejected:
    if isinstance(event, Rejected):
        return event
    reason = event.reason if isinstance(event, Lost) else "the connection was closed"
    return Rejected(method, Unreachable(reason))
