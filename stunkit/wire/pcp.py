"""PCP: asking whether a router controls ports for others (RFC 6887 sections 7 and 14.1).

ANNOUNCE is the opcode without effect. A router's address outside is told by MAP alone, which makes
a mapping; so PCP shows here that it is there, and no address.

Rules of this file: nothing here can make, change or end a mapping; there are no such requests.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple, Self

from stunkit.endpoint import IPV4_MAPPED
from stunkit.errors import Malformed

PORT = 5351  # UDP, of the router; NAT-PMP has the same; RFC 6887 section 19.1
VERSION = 2
MAX_SIZE = 1100  # bytes; RFC 6887 section 7

_ANNOUNCE = 0
_RESPONSE = 0x80  # the R bit, in the opcode's byte
_REQUEST_HEAD = Struct("!BBHI16s")  # version, opcode, reserved, lifetime, the client's address
_HEAD = Struct("!BBBBII12x")  # version, opcode, reserved, result, lifetime, epoch, reserved
_PMP_HEAD = Struct("!BBHI")  # RFC 6886 section 3.5


class PcpResult(IntEnum):
    """Result codes (RFC 6887 section 7.4)."""

    SUCCESS = 0
    UNSUPP_VERSION = 1
    NOT_AUTHORIZED = 2
    MALFORMED_REQUEST = 3
    UNSUPP_OPCODE = 4
    UNSUPP_OPTION = 5
    MALFORMED_OPTION = 6
    NETWORK_FAILURE = 7
    NO_RESOURCES = 8
    UNSUPP_PROTOCOL = 9
    USER_EX_QUOTA = 10
    CANNOT_PROVIDE_EXTERNAL = 11
    ADDRESS_MISMATCH = 12  # it sees another address of ours than we wrote: a NAT is in between
    EXCESSIVE_REMOTE_PEERS = 13


class PcpAnswer(NamedTuple):
    """What a router says to ``announce``. ``epoch`` counts seconds since it lost its mappings.

    A router that speaks NAT-PMP alone answers UNSUPP_VERSION (RFC 6887 section 9).
    """

    result: int
    epoch: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode the answer to ``announce``. Raises Malformed."""
        if len(data) >= _PMP_HEAD.size and data[0] == 0:
            _, opcode, result, epoch = _PMP_HEAD.unpack_from(data)
            # RFC 6886 section 3.5 prints opcode 0; its erratum 3618 has the bit of a response
            if opcode in (0, _RESPONSE) and result == PcpResult.UNSUPP_VERSION:
                return cls(PcpResult.UNSUPP_VERSION, epoch)
        if not _HEAD.size <= len(data) <= MAX_SIZE or len(data) % 4:
            raise _malformed(f"{len(data)} bytes are no answer")
        version, opcode, _, result, _, epoch = _HEAD.unpack_from(data)
        if version != VERSION and result != PcpResult.UNSUPP_VERSION:
            raise _malformed(f"the version is {version}")
        if opcode != _RESPONSE | _ANNOUNCE:
            raise _malformed(f"the opcode is {opcode}", 1)
        return cls(result, epoch)


def announce(client: bytes) -> bytes:
    """Return a request that has no effect; ``client`` is our own address in packed form.

    RFC 6887 section 14.1.1: the lifetime is zero.
    """
    address = client if len(client) == 16 else IPV4_MAPPED + client
    return _REQUEST_HEAD.pack(VERSION, _ANNOUNCE, 0, 0, address)


def _malformed(reason: str, offset: int = 0) -> Malformed:
    return Malformed(reason, place="PCP", offset=offset)
