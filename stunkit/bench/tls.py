"""The connections over TLS that the load leaves from (RFC 8489 section 6.2.3).

What OpenSSL has decrypted and nobody has read is no reason for the kernel to wake anybody, so a
connection is read until it has nothing more.
"""

from __future__ import annotations

import socket
import ssl

from stunkit.bench.channel import TcpChannel, open_tcp
from stunkit.endpoint import Endpoint
from stunkit.net.transport.certificate import explain


def open_tls(
    source: Endpoint | None, server: Endpoint, context: ssl.SSLContext, server_name: str
) -> socket.socket:
    """Return a TLS connection to the server.

    Raises OSError when there is no connection, Untrusted or HandshakeFailed when there is no TLS.
    """
    plain = open_tcp(source, server)
    try:
        return context.wrap_socket(plain, server_hostname=server_name)
    except (OSError, ValueError) as error:
        plain.close()
        raise explain(error, server_name) from error


class TlsChannel(TcpChannel):
    """A connection over TLS."""

    def _take(self, size: int) -> bytes:
        pieces = []
        try:
            while piece := super()._take(size):
                pieces.append(piece)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            if not pieces:
                raise BlockingIOError from error
        return b"".join(pieces)

    def _give(self, data: bytes) -> int:
        try:
            return super()._give(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error
