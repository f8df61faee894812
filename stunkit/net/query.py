"""Asking servers where they see us: Binding requests over UDP and TCP.

An ``Asker`` holds one client machine and shares one UDP socket among all servers that are reached
from the same local address: what they answer is then about the same mapping and can be compared.
"""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.errors import Unreachable
from stunkit.net.drive import Driver
from stunkit.net.udp import describe_errno, source_address
from stunkit.protocol.client import Answered, Client, Event, Failed
from stunkit.protocol.schedule import Schedule
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport


class Asker:
    """Sends Binding requests and waits for their answers; use it with ``async with``.

    ``bind`` is the local address and port to ask from (port 0: any).
    """

    def __init__(self, *, bind: Endpoint | None = None, schedule: Schedule | None = None) -> None:
        self._bind = bind
        self._client = Client(schedule)
        self._driver: Driver[Event] = Driver(self._client, self._on_event)
        self._waiting: dict[bytes, asyncio.Future[Answered]] = {}
        self._sockets: dict[Endpoint, Endpoint] = {}  # by the address that was to be bound

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._driver.close()

    async def open(self, server: Endpoint, transport: Transport = Transport.UDP) -> Endpoint:
        """Return the local endpoint to ask a server from: a shared socket, or a new connection.

        Raises Unreachable.
        """
        try:
            if transport is Transport.TCP:
                return await self._driver.connect(server, self._bind)
            source = self._source(server)
            if source not in self._sockets:
                self._sockets[source] = self._driver.open_udp(source)
            return self._sockets[source]
        except OSError as error:
            reason = describe_errno(error.errno) if error.errno else str(error).lower()
            raise Unreachable(reason) from error

    async def ask(
        self,
        server: Endpoint,
        local: Endpoint,
        transport: Transport = Transport.UDP,
    ) -> Answered:
        """Send a Binding request from ``local``, which ``open`` gave, and return its answer.

        Waits as long as the schedule says, or until ``give_up``. Raises TransactionError:
        NoAnswer, Refused, InvalidAnswer or Unreachable.
        """
        request = Message.request(Method.BINDING, os.urandom(12))
        transaction_id = request.transaction_id
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting[transaction_id] = future
        reliable = transport is Transport.TCP
        self._client.request(request, server, local, self._driver.now, reliable=reliable)
        self._driver.flush()
        try:
            return await future
        finally:
            del self._waiting[transaction_id]
            self._client.give_up(transaction_id, self._driver.now)
            self._driver.flush()

    def give_up(self) -> None:
        """End every request that is still waiting: its ``ask`` raises NoAnswer."""
        for transaction_id in list(self._waiting):
            self._client.give_up(transaction_id, self._driver.now)
        self._driver.flush()

    def _source(self, server: Endpoint) -> Endpoint:
        if self._bind is None:
            return source_address(server)
        if self._bind.is_wildcard:
            return source_address(server).with_port(self._bind.port)
        return self._bind

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Answered | Failed):
            future = self._waiting.get(event.request.transaction_id)
            if future is None or future.done():
                return
            if isinstance(event, Answered):
                future.set_result(event)
            else:
                future.set_exception(event.error)
