"""Conversations over TCP and TLS: one connection for each, driven by a protocol machine.

Unlike ``stream.Connection`` this lets a machine write half a message, finish early, and see what
is no STUN at all.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from typing import Protocol, TypeVar

from stunkit.conformance.subject import Handshake, Subject
from stunkit.endpoint import Endpoint
from stunkit.errors import NotStun, Untrusted
from stunkit.net.transport.certificate import client_context, explain
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of
from stunkit.net.transport.stream import CLOSED
from stunkit.net.transport.udp import describe_errno
from stunkit.protocol.machine import Machine
from stunkit.wire.stream import StreamDecoder
from stunkit.wire.uri import Transport

CONNECT_TIMEOUT = 4.0  # seconds; two retransmissions of a SYN
READ_SIZE = 65536  # bytes

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Counting(Machine[R], Protocol[R]):
    """A machine that counts what it sends."""

    sends_so_far: int


class Dialer:
    """Opens connections to a server.

    ``name`` is what it has to show a certificate for; ``bind`` where to ask from; ``ca_file`` holds
    the certificates to trust. Raises UsageError for such a file that holds none.
    """

    def __init__(
        self, name: str, bind: Endpoint | None, ca_file: str | os.PathLike[str] | None
    ) -> None:
        self._name = name.partition("%")[0].rstrip(".")
        self._bind = bind
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        if ca_file is not None:
            self._context = client_context(ca_file)

    async def shake(self, subject: Subject) -> Handshake:
        """Connect, and return how it went."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, writer = await self._connect(subject)
        except TimeoutError:
            return Handshake("no connection: nothing answers")
        except ssl.SSLError as error:
            wrong = explain(error, self._name)
            return Handshake(str(wrong), is_refused=True, is_untrusted=isinstance(wrong, Untrusted))
        except OSError as error:
            reason = describe_errno(error.errno) if error.errno else str(error).lower()
            is_refused = isinstance(error, ConnectionError)
            return Handshake(f"no connection: {reason}", is_refused=is_refused)
        session = writer.get_extra_info("ssl_object")
        writer.transport.abort()
        if session is None:
            return Handshake()
        return Handshake(version=session.version(), alpn=session.selected_alpn_protocol())

    async def converse(
        self,
        subject: Subject,
        make: Callable[[Subject], Counting[R]],
        on_end: Callable[[int], None],
    ) -> R:
        """Drive the machine that ``make`` makes over a connection of its own to its one event.

        ``on_end`` hears how many pieces were sent. Raises OSError where there is no connection.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await self._connect(subject)
        except TimeoutError:
            raise ConnectionError("there was no connection in time") from None
        local = endpoint_of(writer.get_extra_info("sockname"))
        machine = make(subject._replace(locals=(local, local)))
        try:
            return await _drive(machine, subject.server, local, reader, writer)
        finally:
            on_end(machine.sends_so_far)
            writer.transport.abort()

    async def _connect(self, subject: Subject) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        server, context = subject.server, None
        if subject.transport is Transport.TLS:
            if self._context is None:
                self._context = client_context(self._ca_file)
            context = self._context
        bind = self._bind
        return await asyncio.open_connection(
            f"{server.host.partition('%')[0]}%{server.scope}" if server.scope else server.host,
            server.port,
            family=ADDRESS_FAMILY[server.family],
            ssl=context,
            server_hostname=self._name if context is not None else None,
            local_addr=None if bind is None else (bind.host, 0),
        )


async def _drive(
    machine: Machine[R],
    server: Endpoint,
    local: Endpoint,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> R:
    loop = asyncio.get_running_loop()
    decoder = StreamDecoder()
    is_open = True
    while not (events := machine.events()):
        for outgoing in machine.sends():
            if is_open:
                _write(writer, outgoing.data)
        deadline = machine.deadline()
        wait = 0.0 if deadline is None else max(0.0, deadline - loop.time())
        if not is_open:
            await asyncio.sleep(wait)
            machine.tick(loop.time())
            continue
        try:
            data = await asyncio.wait_for(reader.read(READ_SIZE), wait)
        except TimeoutError:
            machine.tick(loop.time())
            continue
        except OSError as error:
            data, reason = b"", describe_errno(error.errno) if error.errno else str(error)
        else:
            reason = CLOSED
        if not data:
            is_open = False
            machine.unreachable(server, local, reason, loop.time())
        for message in _messages(decoder, data):
            machine.receive(message, server, local, loop.time())
    return events[0]


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write a piece; no bytes mean that no more will come."""
    if data:
        writer.write(data)
    else:
        writer.write_eof()


def _messages(decoder: StreamDecoder, data: bytes) -> list[bytes]:
    """Return the messages that bytes complete; what is no STUN came too."""
    try:
        return decoder.receive(data)
    except NotStun:
        return [data]
