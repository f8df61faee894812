"""Attributes that hold an address and a port, plain or XORed (RFC 8489 sections 14.1, 14.2).

The plain ones are what a NAT's application layer gateway rewrites; XOR hides the address from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.registry import AttributeType

_COOKIE = 0x2112A442  # the magic cookie; RFC 8489 section 5
_ipv4 = Struct(">xBHI")  # a reserved byte, family, port, address
_FAMILY = {4: b"\0\x01", 16: b"\0\x02"}  # a reserved byte, then the family; by packed size


@dataclass(frozen=True, slots=True)
class Address(Attribute):
    """A plain address and port: 8 bytes for IPv4, 20 for IPv6."""

    endpoint: Endpoint

    def encode(self, transaction_id: bytes) -> bytes:
        packed = self.endpoint.packed
        return _FAMILY[len(packed)] + self.endpoint.port.to_bytes(2, "big") + packed

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        _check(cls, value)
        return cls(Endpoint(value[4:], value[2] << 8 | value[3]))


class XorAddress(Address):
    """The same, XORed with the magic cookie and, for IPv6, the transaction id.

    In a classic message, which has no cookie, the 16-byte transaction id stands in its place.
    """

    __slots__ = ()

    def encode(self, transaction_id: bytes) -> bytes:
        packed = self.endpoint.packed
        port = self.endpoint.port
        if len(packed) == 4 and len(transaction_id) == 12:  # by far the most frequent
            return _ipv4.pack(1, port ^ _COOKIE >> 16, int.from_bytes(packed) ^ _COOKIE)
        plain = port.to_bytes(2, "big") + packed
        return _FAMILY[len(packed)] + _xor(plain, transaction_id)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        if len(value) == 8 and len(transaction_id) == 12:
            family, port, address = _ipv4.unpack(value)
            if family == 1:
                packed = (address ^ _COOKIE).to_bytes(4)
                return cls(Endpoint(packed, port ^ _COOKIE >> 16))
        _check(cls, value)
        plain = _xor(value[2:], transaction_id)
        return cls(Endpoint(plain[2:], plain[0] << 8 | plain[1]))


class MappedAddress(Address):
    """MAPPED-ADDRESS: where the server sees the client (RFC 8489 section 14.1)."""

    __slots__ = ()
    type = AttributeType.MAPPED_ADDRESS


class XorMappedAddress(XorAddress):
    """XOR-MAPPED-ADDRESS: the same, out of a rewriting NAT's sight (RFC 8489 section 14.2)."""

    __slots__ = ()
    type = AttributeType.XOR_MAPPED_ADDRESS


class AlternateServer(Address):
    """ALTERNATE-SERVER: another server to ask (RFC 8489 section 14.15)."""

    __slots__ = ()
    type = AttributeType.ALTERNATE_SERVER


class ResponseOrigin(Address):
    """RESPONSE-ORIGIN: the socket that the answer left from (RFC 5780 section 7.3)."""

    __slots__ = ()
    type = AttributeType.RESPONSE_ORIGIN


class OtherAddress(Address):
    """OTHER-ADDRESS: the server's socket with other address and port (RFC 5780 section 7.4)."""

    __slots__ = ()
    type = AttributeType.OTHER_ADDRESS


class ResponseAddress(Address):
    """RESPONSE-ADDRESS: where to send the answer; unsafe, never obeyed (RFC 3489 11.2.2)."""

    __slots__ = ()
    type = AttributeType.RESPONSE_ADDRESS


class SourceAddress(Address):
    """SOURCE-ADDRESS: the socket that the answer left from (RFC 3489 section 11.2.5)."""

    __slots__ = ()
    type = AttributeType.SOURCE_ADDRESS


class ChangedAddress(Address):
    """CHANGED-ADDRESS: what RFC 5780 calls OTHER-ADDRESS (RFC 3489 section 11.2.3)."""

    __slots__ = ()
    type = AttributeType.CHANGED_ADDRESS


class ReflectedFrom(Address):
    """REFLECTED-FROM: who asked, where RESPONSE-ADDRESS was used (RFC 3489 section 11.2.11)."""

    __slots__ = ()
    type = AttributeType.REFLECTED_FROM


class XorPeerAddress(XorAddress):
    """XOR-PEER-ADDRESS: the peer as the TURN server sees it (RFC 8656 section 18.3)."""

    __slots__ = ()
    type = AttributeType.XOR_PEER_ADDRESS


class XorRelayedAddress(XorAddress):
    """XOR-RELAYED-ADDRESS: the address that TURN allocated (RFC 8656 section 18.5)."""

    __slots__ = ()
    type = AttributeType.XOR_RELAYED_ADDRESS


def _check(cls: type[Attribute], value: bytes) -> None:
    size = len(value)
    if size >= 2 and value[1] == 1:
        cls.expect(value, 8)
    elif size >= 2 and value[1] == 2:
        cls.expect(value, 20)
    else:
        cls.expect(value, 8, 20)
        raise cls.malformed(f"its family is {value[1]}, not 1 (IPv4) or 2 (IPv6)", offset=1)


def _xor(data: bytes, transaction_id: bytes) -> bytes:
    """XOR port and address: the port with the first two bytes of what the address takes."""
    pad = _COOKIE.to_bytes(4) + transaction_id if len(transaction_id) == 12 else transaction_id
    pad = pad[:2] + pad[: len(data) - 2]
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")
    return mixed.to_bytes(len(data), "big")
