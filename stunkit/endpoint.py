"""Endpoint: an IP address, a port and, for IPv6, a scope.

The one form in which stunkit passes addresses about: the 2-tuples and 4-tuples of the socket
module stop at ``net``. The address is kept in its packed form, which is what the wire wants, and
IPv4-mapped IPv6 addresses (``::ffff:192.0.2.1``) become the IPv4 address that they stand for, so
that two spellings of one address are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from stunkit.errors import UsageError

IPV4_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 section 2.5.5.2


class Family(StrEnum):
    """An address family, by the name that output uses."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and a port.

    ``packed`` is 4 or 16 bytes in network order, ``port`` is 0 to 65535, ``scope`` is the zone
    index of a link-local IPv6 address (0: none, as always with IPv4).
    """

    packed: bytes
    port: int
    scope: int = 0

    def __post_init__(self) -> None:
        packed = self.packed
        if len(packed) == 16 and packed[:12] == IPV4_MAPPED:
            packed = packed[12:]
            object.__setattr__(self, "packed", packed)
        if len(packed) == 4:
            if self.scope:
                object.__setattr__(self, "scope", 0)
        elif len(packed) != 16:
            raise ValueError(f"an address has 4 or 16 bytes, not {len(packed)}")
        elif not 0 <= self.scope <= 0xFFFFFFFF:
            raise ValueError(f"a scope has 32 bits, {self.scope} does not fit")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"a port is 0 to 65535, not {self.port}")

    @classmethod
    def of(cls, address: str | IPv4Address | IPv6Address, port: int) -> Endpoint:
        """Make an endpoint of an address and a port.

        Raises UsageError when the address is none or the port is out of range.
        """
        try:
            ip = ip_address(address)
            return cls(ip.packed, port, _scope_number(getattr(ip, "scope_id", None) or "0"))
        except ValueError as error:
            raise UsageError("an address and port", f"{address}:{port}", str(error)) from None

    @classmethod
    def parse(cls, text: str, *, port: int | None = None) -> Endpoint:
        """Parse ``192.0.2.1:3478`` or ``[2001:db8::1]:3478``.

        With ``port`` given, the text may leave the port out (``192.0.2.1``, ``2001:db8::1``).
        Raises UsageError.
        """
        host, number = split_host_port(text)
        if number is None:
            if port is None:
                raise UsageError("an address and port", text, "it has no port")
            number = port
        return cls.of(host, number)

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """The address as a value of the ``ipaddress`` module, with its scope."""
        if self.scope:
            return IPv6Address(f"{IPv6Address(self.packed)}%{self.scope}")
        return IPv4Address(self.packed) if len(self.packed) == 4 else IPv6Address(self.packed)

    @property
    def host(self) -> str:
        """The address as text: ``192.0.2.1``, ``2001:db8::1``, ``fe80::1%2``."""
        if len(self.packed) == 4:
            return ".".join(map(str, self.packed))
        return str(self.address)

    @property
    def family(self) -> Family:
        """IPv4 or IPv6."""
        return Family.IPV4 if len(self.packed) == 4 else Family.IPV6

    @property
    def is_wildcard(self) -> bool:
        """Whether the address is ``0.0.0.0`` or ``::``."""
        return not any(self.packed)

    def with_port(self, port: int) -> Endpoint:
        """Return the same address with another port."""
        return Endpoint(self.packed, port, self.scope)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if len(self.packed) == 4 else f"[{self.host}]:{self.port}"


def _scope_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"its scope {text!r} is not the number of an interface")
    return int(text)


def split_host_port(text: str) -> tuple[str, int | None]:
    """Split ``HOST``, ``HOST:PORT``, ``[V6]``, ``[V6]:PORT`` or a bare IPv6 address.

    The host comes without brackets; the port is None where the text has none. Raises UsageError.
    """
    what = "HOST, HOST:PORT or [IPv6]:PORT"
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise UsageError(what, text, "the bracket is not closed before the port")
        number = rest[1:] if rest else None
    elif text.count(":") > 1:
        host, number = text, None
    else:
        host, colon, rest = text.partition(":")
        number = rest if colon else None
    if not host:
        raise UsageError(what, text, "it has no host")
    if number is None:
        return host, None
    if not (number.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535):
        raise UsageError(what, text, f"{number!r} is not a port from 0 to 65535")
    return host, int(number)
