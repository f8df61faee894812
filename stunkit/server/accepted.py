"""How an accepted connection begins: whom it is from, and whether it is TLS.

A proxy that is trusted says first for whom it speaks (the PROXY protocol); from then on that client
is who the connection is from. On a port that speaks both, the first byte then tells TLS from plain
TCP (RFC 8489 section 8.1): STUN's is under 0x40, and never that of a handshake.

Rules of this file: until a connection has begun, its clock is that of handshakes, but for one that
may be plain TCP and has said nothing yet: that is no fault.
"""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.net.transport.stream import Connection
from stunkit.net.transport.tls import HANDSHAKE, TlsSession
from stunkit.wire.proxy import ProxyHeader
from stunkit.wire.uri import Transport

if TYPE_CHECKING:
    from stunkit.server.streams import Streams


class Reception(NamedTuple):
    """How connections begin.

    - ``context``: what new TLS connections get; without it there are none.
    - ``is_shared``: whether TLS is spoken on the ports of plain TCP as well.
    - ``timeout``: seconds for a handshake, a PROXY header included.
    - ``max_handshakes``: under way at a time; a newer one ends the oldest.
    - ``proxies``: whose connections have to begin with a PROXY header.
    """

    context: ssl.SSLContext | None = None
    is_shared: bool = False
    timeout: float = 5.0
    max_handshakes: int = 250
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    def is_proxy(self, remote: Endpoint) -> bool:
        """Return whether a connection from there has to begin with a PROXY header."""
        return any(remote.address in network for network in self.proxies)


class Accepted(Connection):
    """A connection that a client opened; it reports to its ``Streams``.

    ``transport`` is TLS on a port of TLS alone; elsewhere it shows.
    """

    def __init__(self, streams: Streams, transport: Transport) -> None:
        super().__init__(
            lambda data, _source, _local: streams.serve(self, data),
            streams.closed,
            max_message=streams.settings.max_message,
            max_unsent=streams.settings.max_unsent,
        )
        self.transport = transport
        self._streams = streams
        self._reception = streams.reception
        self._is_proxied = False
        self._has_begun = False
        self._beginning = b""  # what has come before it has begun

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BaseProtocol``."""
        super().connection_made(transport)
        self._is_proxied = self._reception.is_proxy(self.remote)
        self._streams.opened(self)
        if self._is_proxied or self.transport is Transport.TLS:
            self._streams.await_handshake(self)

    def arrived(self, data: bytes | bytearray) -> None:
        """Take what came over the wire; the first of it says what this is."""
        if self._has_begun:
            super().arrived(data)
            return
        self._beginning += data
        if self._is_proxied and not self._read_proxy_header():
            return
        if self._beginning:
            self._begin(self._beginning)

    def on_secured(self) -> None:
        """Stop the clock of handshakes."""
        super().on_secured()
        self._streams.end_handshake(self)

    def _read_proxy_header(self) -> bool:
        """Learn whom the proxy speaks for; return whether it has said so."""
        try:
            header = ProxyHeader.decode(self._beginning)
        except Malformed as error:
            self.abort(str(error))
            return False
        if header is None:
            return False
        self._is_proxied = False
        self._beginning = self._beginning[header.size :]
        self.remote = header.source or self.remote
        if self.transport is not Transport.TLS:
            self._streams.end_handshake(self)
        return True

    def _begin(self, data: bytes) -> None:
        """Decide what is spoken, and go on with it."""
        context, is_shared = self._reception.context, self._reception.is_shared
        if is_shared and context is not None and data[0] == HANDSHAKE:
            self.transport = Transport.TLS
            self._streams.await_handshake(self)
        if self.transport is Transport.TLS and context is not None:
            self.secure(TlsSession(context))
        self._has_begun = True
        self._beginning = b""
        super().arrived(data)
