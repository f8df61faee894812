"""Naming a server: ``stun:``, ``stuns:`` (RFC 7064), ``turn:`` and ``turns:`` (RFC 7065) URIs.

People may leave the scheme out: ``HOST``, ``HOST:PORT``, ``[v6]:PORT`` mean ``stun:``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from stunkit.endpoint import split_host_port
from stunkit.errors import UsageError

DEFAULT_PORT = 3478  # RFC 8489 section 18.6
DEFAULT_TLS_PORT = 5349  # RFC 8489 section 18.6

_WHAT = "a STUN or TURN server"
_PUNCTUATION = frozenset("-._~%!$&'()*+,;=")  # of a host name; RFC 3986 section 3.2.2


class Scheme(StrEnum):
    """The four schemes; those that end in s use TLS."""

    STUN = "stun"
    STUNS = "stuns"
    TURN = "turn"
    TURNS = "turns"

    @property
    def is_secure(self) -> bool:
        """Whether the connection is TLS (or DTLS)."""
        return self in (Scheme.STUNS, Scheme.TURNS)

    @property
    def is_relay(self) -> bool:
        """Whether it names a TURN server."""
        return self in (Scheme.TURN, Scheme.TURNS)


class Transport(StrEnum):
    """What carries the messages."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"  # over TCP


NAMED = (Transport.UDP, Transport.TCP)  # what a URI can say; TLS is in its scheme
_SCHEMES = frozenset(Scheme)


@dataclass(frozen=True, slots=True)
class Uri:
    """A server's name. ``port`` and ``transport`` are None where the text has none."""

    scheme: Scheme
    host: str
    port: int | None = None
    transport: Transport | None = None

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Parse a URI, or the short forms without a scheme.

        ``?transport=`` is read with all four schemes: RFC 7064 gives it to turn: only, but
        everybody writes ``stun:host?transport=tcp``. Raises UsageError.
        """
        word, colon, rest = text.partition(":")
        if colon and word.lower() in _SCHEMES:
            scheme = Scheme(word.lower())
        else:
            scheme, rest = Scheme.STUN, text
        authority, question, query = rest.partition("?")
        transport = _parse_transport(text, query) if question else None
        host, port = split_host_port(authority)
        if ":" in host or authority.startswith("["):
            try:
                IPv6Address(host)
            except ValueError as error:
                raise UsageError(_WHAT, text, str(error)) from None
        if not all(map(_belongs_to_name, host.replace(":", ""))):
            raise UsageError(_WHAT, text, f"{host!r} is not a host name")
        return cls(scheme, host, port, transport)

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, so that nothing is to be resolved."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def default_port(self) -> int:
        """3478, or 5349 for TLS."""
        return DEFAULT_TLS_PORT if self.scheme.is_secure else DEFAULT_PORT

    @property
    def carrier(self) -> Transport:
        """The transport to use: TLS for the schemes that end in s, else what is named, else UDP.

        UDP for such a scheme that names it: that would be DTLS.
        """
        if self.scheme.is_secure and self.transport is not Transport.UDP:
            return Transport.TLS
        return self.transport or Transport.UDP

    def format(self) -> str:
        """Return the URI in its full form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        query = "" if self.transport is None else f"?transport={self.transport}"
        return f"{self.scheme}:{host}{port}{query}"

    def __str__(self) -> str:
        return self.format()


def _belongs_to_name(character: str) -> bool:
    """Whether a host name may hold it; beyond ASCII, resolving decides (scripts need marks)."""
    if character.isascii():
        return character.isalnum() or character in _PUNCTUATION
    return not character.isspace()


def _parse_transport(text: str, query: str) -> Transport:
    key, _, value = query.partition("=")
    if key != "transport" or value.lower() not in NAMED:
        raise UsageError(_WHAT, text, f"{query!r} is not transport=udp or transport=tcp")
    return Transport(value.lower())
