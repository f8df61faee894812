"""Attributes of NAT behavior discovery (RFC 5780 section 7), and CHANGE-REQUEST of RFC 3489."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from stunkit.wire.attributes.attribute import Attribute, Number, Opaque
from stunkit.wire.registry import AttributeType

CHANGE_IP = 0x04  # RFC 5780 section 7.2
CHANGE_PORT = 0x02  # RFC 5780 section 7.2


@dataclass(frozen=True, slots=True)
class ChangeRequest(Attribute):
    """CHANGE-REQUEST: answer from the other address, the other port, or both (section 7.2)."""

    type = AttributeType.CHANGE_REQUEST
    change_ip: bool = False
    change_port: bool = False

    @property
    def flags(self) -> int:
        """The two flags as they stand on the wire: 4 for the address, 2 for the port."""
        return CHANGE_IP * self.change_ip | CHANGE_PORT * self.change_port

    def encode(self, transaction_id: bytes) -> bytes:
        return bytes((0, 0, 0, self.flags))

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, 4)
        return cls(bool(value[3] & CHANGE_IP), bool(value[3] & CHANGE_PORT))


class ResponsePort(Number):
    """RESPONSE-PORT: the port to answer to (section 7.5).

    Written with two bytes of padding in a length of 4; a length of 2 is read as well, since
    servers and clients disagree.
    """

    __slots__ = ()
    type = AttributeType.RESPONSE_PORT
    width = 2

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        cls.expect(value, 2, 4)
        return cls(int.from_bytes(value[:2], "big"))


class Padding(Opaque):
    """PADDING: bytes that make the datagram long enough to be fragmented (section 7.6)."""

    __slots__ = ()
    type = AttributeType.PADDING


class CacheTimeout(Number):
    """CACHE-TIMEOUT: seconds for which the server keeps a transaction (registry; RFC 5780 9.1)."""

    __slots__ = ()
    type = AttributeType.CACHE_TIMEOUT
