"""Asking servers where they see us: Binding requests over UDP, TCP and TLS.

An ``Asker`` holds one client machine and shares one UDP socket among all servers that are reached
from the same local address: what they answer is then about the same mapping and can be compared.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.errors import Unreachable
from stunkit.net.drive import Driver
from stunkit.net.transport.secure import Secure
from stunkit.net.transport.tls import ALPN
from stunkit.net.transport.udp import describe_errno, source_address
from stunkit.protocol.client import Answered, Client, Event, Failed
from stunkit.protocol.login import ROUNDS, Login, Signature
from stunkit.protocol.schedule import Schedule
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport


class Asker:
    """Sends Binding requests and waits for their answers; use it with ``async with``.

    ``bind`` is the local address and port to ask from (port 0: any). Over TLS, servers are believed
    whom the system's roots vouch for, or those in ``ca_file``. ``login`` makes a login for closed
    servers, each of which gets its own.
    """

    def __init__(
        self,
        *,
        bind: Endpoint | None = None,
        schedule: Schedule | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        login: Callable[[], Login] | None = None,
    ) -> None:
        self._bind = bind
        self._login = login
        self._logins: dict[tuple[Endpoint, Transport], Login] = {}
        self._ca_file = ca_file
        self._secure: Secure | None = None  # slow to make, and few ask over TLS
        self._client = Client(schedule)
        self._driver: Driver[Event] = Driver(self._client, self._on_event)
        self._waiting: dict[bytes, asyncio.Future[Answered | Failed]] = {}
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

    async def open(
        self,
        server: Endpoint,
        transport: Transport = Transport.UDP,
        *,
        name: str | None = None,
    ) -> Endpoint:
        """Return the local endpoint to ask a server from: a shared socket, or a new connection.

        ``name`` is what a server over TLS has to show a certificate for; without one, its address.
        Raises Unreachable, and over TLS Untrusted and HandshakeFailed.
        """
        try:
            if transport is Transport.TLS:
                return await self._connect_tls(server, name or server.host)
            if transport is Transport.TCP:
                return await self._driver.connect(server, self._bind)
            return self.listen(self._source(server))
        except OSError as error:
            reason = describe_errno(error.errno) if error.errno else str(error).lower()
            raise Unreachable(reason) from error

    def listen(self, source: Endpoint) -> Endpoint:
        """Open the UDP socket that servers are asked from by way of ``source``, unless it is open.

        Returns where it is bound. Raises OSError.
        """
        if source not in self._sockets:
            self._sockets[source] = self._driver.open_udp(source)
        return self._sockets[source]

    async def _connect_tls(self, server: Endpoint, name: str) -> Endpoint:
        """Open a TLS connection. Raises OSError when there is no connection at all."""
        if self._secure is None:
            self._secure = Secure(self._ca_file, ALPN)
        return await self._secure.connect(
            self._driver, server, self._secure.session(name), self._bind
        )

    async def ask(
        self,
        server: Endpoint,
        local: Endpoint,
        transport: Transport = Transport.UDP,
    ) -> Answered:
        """Send a Binding request from ``local``, which ``open`` gave, and return its answer.

        With a login it asks again as the server's challenges want it. Waits as
        long as the schedule says, or until ``give_up``. Raises TransactionError: NoAnswer, Refused,
        InvalidAnswer or Unreachable.
        """
        if self._login is None:
            request = Message.request(Method.BINDING, os.urandom(12))
            outcome = await self._ask(request, None, server, local, transport)
        else:
            key = server, transport
            if key not in self._logins:
                self._logins[key] = self._login()
            outcome = await self._ask_as(self._logins[key], server, local, transport)
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome

    async def _ask_as(
        self, login: Login, server: Endpoint, local: Endpoint, transport: Transport
    ) -> Answered | Failed:
        """Ask in as many rounds as it takes to be let in, or to know that we are not."""
        for _ in range(ROUNDS):
            request, signature = login.request(os.urandom(12))
            outcome = await self._ask(request, signature, server, local, transport)
            if outcome.response is None or not login.learn(request, outcome.response):
                break
        return outcome

    async def _ask(
        self,
        request: Message,
        signature: Signature | None,
        server: Endpoint,
        local: Endpoint,
        transport: Transport,
    ) -> Answered | Failed:
        """Carry out one transaction."""
        transaction_id = request.transaction_id
        future: asyncio.Future[Answered | Failed] = asyncio.get_running_loop().create_future()
        self._waiting[transaction_id] = future
        reliable = transport is not Transport.UDP
        self._client.request(
            request, server, local, self._driver.now, reliable=reliable, signature=signature
        )
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
            future.set_result(event)
