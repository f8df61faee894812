"""TLS as bytes in and bytes out: one side of one connection, on whatever carries the bytes.

STUN over TLS is STUN over TCP inside it (RFC 8489 section 6.2.3), with an ALPN name of its own
(RFC 7443). Contexts come from ``certificate``.

Rules of this file: it opens nothing and waits for nothing, so it is the same under every event
loop, and a connection costs what OpenSSL takes for it and no more: one unfinished record, and
``MAX_HANDSHAKE`` bytes before there is a session.
"""

from __future__ import annotations

import ssl

ALPN = "stun.nat-discovery"  # RFC 7443 section 6
HANDSHAKE = 0x16  # the first byte of a TLS connection (RFC 8446 section 5.1); STUN's is under 0x40
MAX_HANDSHAKE = 1 << 16  # bytes that a peer may send until there is a session: a long chain's room
READ_SIZE = 1 << 14  # bytes; what one record can hold (RFC 8446 section 5.1)


class TlsSession:
    """One side of a connection: the client that asks ``server_name``, or else the server.

    After every call, what ``take`` gives is to be sent. Errors are ``ssl.SSLError``; the session
    is then of no more use, and the alert for the other side is in ``take``.
    """

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_name is None,
            server_hostname=server_name,
        )
        self._received = 0  # bytes
        self.is_begun = False  # whether there is a connection for it
        self.is_secured = False  # whether the handshake is done
        self.is_over = False  # whether the other side has said that it is

    def start(self) -> None:
        """Begin the handshake: only a client has something to say."""
        self.is_begun = True
        self._shake()

    def receive(self, data: bytes | bytearray) -> bytes:
        """Take what arrived; return what it says, in plain. Raises ssl.SSLError."""
        self._incoming.write(data)
        if not self.is_secured:
            self._received += len(data)
            self._shake()
            if not self.is_secured:
                if self._received > MAX_HANDSHAKE:
                    reason = f"a handshake of over {MAX_HANDSHAKE} bytes"
                    raise ssl.SSLError(ssl.SSLErrorNumber.SSL_ERROR_SSL, reason)
                return b""
        plain = bytearray()
        while not self.is_over:
            try:
                part = self._object.read(READ_SIZE)
            except ssl.SSLWantReadError:
                break
            self.is_over = not part
            plain += part
        return bytes(plain)

    def send(self, data: bytes) -> None:
        """Encrypt what the other side shall read. Only once ``is_secured``."""
        self._object.write(data)

    def close(self) -> None:
        """Say that no more will come."""
        try:
            self._object.unwrap()
        except ssl.SSLError:  # it waits for the other side to say so too, or was never secured
            return

    def take(self) -> bytes:
        """Return what is to be sent, and forget it."""
        return self._outgoing.read()

    @property
    def alpn(self) -> str | None:
        """The protocol that both sides agreed upon."""
        return self._object.selected_alpn_protocol()

    @property
    def version(self) -> str | None:
        """The version of TLS, once there is a session."""
        return self._object.version()

    @property
    def certificate(self) -> dict[str, object]:
        """What the other side's certificate says, in the form of ``SSLSocket.getpeercert``."""
        return dict(self._object.getpeercert() or {})

    def _shake(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.is_secured = True
