"""NAT-PMP: asking a home router for its address outside (RFC 6886 sections 3.2 and 3.5).

Rules of this file: nothing here can make, change or end a mapping; there are no such requests.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address
from struct import Struct
from typing import NamedTuple, Self

from stunkit.errors import Malformed

PORT = 5351  # UDP, of the router; PCP has the same; RFC 6886 section 3.1
VERSION = 0
ADDRESS_REQUEST = bytes((VERSION, 0))  # the only one without effect; RFC 6886 section 3.2

_RESPONSE = 0x80  # added to the opcode of the request; RFC 6886 section 3.5
_HEAD = Struct("!BBHI")  # version, opcode, result, seconds since the start of the epoch
_SIZE = _HEAD.size + 4  # and an IPv4 address


class PmpResult(IntEnum):
    """Result codes (RFC 6886 section 3.5)."""

    SUCCESS = 0
    UNSUPPORTED_VERSION = 1
    NOT_AUTHORIZED = 2
    NETWORK_FAILURE = 3  # the router says that it has no address outside
    OUT_OF_RESOURCES = 4
    UNSUPPORTED_OPCODE = 5


class PmpAnswer(NamedTuple):
    """What a router says to ``ADDRESS_REQUEST``; ``external`` is None unless it succeeded.

    ``epoch`` counts seconds since the router lost its mappings.
    """

    result: int
    epoch: int
    external: IPv4Address | None

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode the answer to an address request. Raises Malformed."""
        if len(data) < _HEAD.size:
            raise _malformed(f"{len(data)} bytes are no answer")
        version, opcode, result, epoch = _HEAD.unpack_from(data)
        if version != VERSION:
            raise _malformed(f"the version is {version}")
        if opcode != _RESPONSE:
            raise _malformed(f"the opcode is {opcode}", 1)
        if result != PmpResult.SUCCESS:  # what follows means nothing, and may be left out
            return cls(result, epoch, None)
        if len(data) < _SIZE:
            raise _malformed("the address is cut off", _HEAD.size)
        return cls(result, epoch, IPv4Address(data[_HEAD.size : _SIZE]))


def _malformed(reason: str, offset: int = 0) -> Malformed:
    return Malformed(reason, place="NAT-PMP", offset=offset)
