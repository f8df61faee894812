"""Attributes of TURN (RFC 8656 section 18), so that messages to and from relays can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from stunkit.endpoint import Family
from stunkit.wire.attributes.attribute import Attribute, Flag, Number, Opaque
from stunkit.wire.attributes.error import decode_error, encode_error
from stunkit.wire.registry import AttributeType

_NUMBERS = {Family.IPV4: 1, Family.IPV6: 2}
_FAMILIES = {1: Family.IPV4, 2: Family.IPV6}


class ChannelNumber(Number):
    """CHANNEL-NUMBER (section 18.1)."""

    __slots__ = ()
    type = AttributeType.CHANNEL_NUMBER
    width = 2


class Lifetime(Number):
    """LIFETIME: seconds until the allocation expires (section 18.2)."""

    __slots__ = ()
    type = AttributeType.LIFETIME


class Data(Opaque):
    """DATA: what the peer sent or is to be sent (section 18.4)."""

    __slots__ = ()
    type = AttributeType.DATA


@dataclass(frozen=True, slots=True)
class AddressFamily(Attribute):
    """An address family and three reserved bytes."""

    family: Family

    def encode(self, transaction_id: bytes) -> bytes:
        return bytes((_NUMBERS[self.family], 0, 0, 0))

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, 4)
        return cls(_family(cls, value))


class RequestedAddressFamily(AddressFamily):
    """REQUESTED-ADDRESS-FAMILY (section 18.6)."""

    __slots__ = ()
    type = AttributeType.REQUESTED_ADDRESS_FAMILY


class AdditionalAddressFamily(AddressFamily):
    """ADDITIONAL-ADDRESS-FAMILY (section 18.11)."""

    __slots__ = ()
    type = AttributeType.ADDITIONAL_ADDRESS_FAMILY


@dataclass(frozen=True, slots=True)
class EvenPort(Attribute):
    """EVEN-PORT: an even port, and perhaps the next one too (section 18.7)."""

    type = AttributeType.EVEN_PORT
    reserve_next: bool = False

    def encode(self, transaction_id: bytes) -> bytes:
        return b"\x80" if self.reserve_next else b"\0"

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, 1)
        return cls(bool(value[0] & 0x80))


class RequestedTransport(Number):
    """REQUESTED-TRANSPORT: an IP protocol number, 17 for UDP (section 18.8)."""

    __slots__ = ()
    type = AttributeType.REQUESTED_TRANSPORT
    width = 1


class DontFragment(Flag):
    """DONT-FRAGMENT (section 18.9)."""

    __slots__ = ()
    type = AttributeType.DONT_FRAGMENT


class ReservationToken(Opaque):
    """RESERVATION-TOKEN (section 18.10)."""

    __slots__ = ()
    type = AttributeType.RESERVATION_TOKEN
    sizes = (8,)


@dataclass(frozen=True, slots=True)
class AddressErrorCode(Attribute):
    """ADDRESS-ERROR-CODE: why a family was not allocated (section 18.12)."""

    type = AttributeType.ADDRESS_ERROR_CODE
    family: Family
    code: int
    reason: str = ""

    def encode(self, transaction_id: bytes) -> bytes:
        error = encode_error(type(self), self.code, self.reason)
        return bytes((_NUMBERS[self.family],)) + error[1:]

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        code, reason = decode_error(cls, value)
        return cls(_family(cls, value), code, reason)


@dataclass(frozen=True, slots=True)
class Icmp(Attribute):
    """ICMP: why a datagram to the peer was dropped (section 18.13).

    ``data`` is the next hop's MTU in bytes for "too big", else 0.
    """

    type = AttributeType.ICMP
    icmp_type: int
    icmp_code: int
    data: int = 0

    def encode(self, transaction_id: bytes) -> bytes:
        if not (0 <= self.icmp_type <= 0x7F and 0 <= self.icmp_code <= 0x1FF):
            raise self.unencodable("an ICMP type has 7 bits and a code 9")
        if not 0 <= self.data <= 0xFFFFFFFF:
            raise self.unencodable("the error data has 32 bits")
        head = self.icmp_type << 9 | self.icmp_code
        return b"\0\0" + head.to_bytes(2, "big") + self.data.to_bytes(4, "big")

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, 8)
        head = int.from_bytes(value[2:4], "big")
        return cls(head >> 9, head & 0x1FF, int.from_bytes(value[4:], "big"))


def _family(kind: type[Attribute], value: bytes) -> Family:
    family = _FAMILIES.get(value[0])
    if family is None:
        raise kind.malformed(f"its family is {value[0]}, not 1 (IPv4) or 2 (IPv6)")
    return family
