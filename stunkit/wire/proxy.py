"""The PROXY protocol, versions 1 and 2: whom a proxy speaks for (HAProxy's proxy-protocol.txt).

A proxy that passes a TCP connection on puts a header before its first byte: a line of text in
version 1, binary in version 2. It names the client that the proxy saw, and the address that this
client asked.

Rules of this file: a header is believed by whoever trusts its sender; nothing here knows who that
is. What cannot be a header's beginning is malformed at once, however little of it has come.

Deviation: a header in several pieces is waited for, since TCP may cut anywhere; section 2.2 has it
rejected. Whoever waits bounds the time.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import NamedTuple, Self

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed

MAX_LINE = 107  # bytes of version 1, CR and LF included; section 2.1
# Bytes of version 2: addresses of any family (232) and what may follow them. Deviation: the field
# could say 65,551; nobody who sends so much wants to be understood.
MAX_SIZE = 4096

_WORD = b"PROXY "
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"  # section 2.2
_VERSION = 0x20
_LOCAL, _PROXY = 0, 1
_STREAM = 1
_TRANSPORTS = range(3)  # unspecified, stream, datagram
_FAMILIES = range(4)  # unspecified, IPv4, IPv6, Unix
_HEAD = Struct("!12sBBH")
_ADDRESSES = {1: Struct("!4s4sHH"), 2: Struct("!16s16sHH")}  # by family


class ProxyHeader(NamedTuple):
    """What a header says.

    ``size`` is in bytes. ``source`` is the client and ``destination`` what it asked; both are None
    where the header names nobody, or no address of IP: the connection's own count then.
    """

    size: int
    source: Endpoint | None = None
    destination: Endpoint | None = None

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """Decode the header that a connection begins with; None when there is more to come.

        Raises Malformed when no header begins like this.
        """
        if data.startswith(_SIGNATURE[:1]):
            return cls._decode_binary(data)
        if not data.startswith(_WORD[: len(data)]):
            raise _malformed("it is not there")
        line, end, _ = data[:MAX_LINE].partition(b"\r\n")
        if end:
            return cls._decode_line(line)
        if len(data) >= MAX_LINE:
            raise _malformed(f"a line of over {MAX_LINE} bytes", MAX_LINE)
        return None

    @classmethod
    def _decode_line(cls, line: bytes) -> Self:
        """Decode version 1, without its CR and LF (section 2.1)."""
        size = len(line) + 2
        _, protocol, *words = line.split(b" ")
        if protocol == b"UNKNOWN":  # what follows it is to be ignored
            return cls(size)
        if protocol not in (b"TCP4", b"TCP6") or len(words) != 4 or b"%" in line:
            raise _malformed("it is neither TCP4 nor TCP6 with two addresses and two ports", 6)
        parse = IPv4Address if protocol == b"TCP4" else IPv6Address
        try:
            source, destination = (
                Endpoint(parse(address.decode("ascii")).packed, _parse_port(port))
                for address, port in zip(words[:2], words[2:], strict=True)
            )
        except ValueError as error:
            raise _malformed(str(error), 11) from None
        return cls(size, source, destination)

    @classmethod
    def _decode_binary(cls, data: bytes) -> Self | None:
        """Decode version 2 (section 2.2)."""
        if not data.startswith(_SIGNATURE[: len(data)]):
            raise _malformed("it has not the signature of version 2")
        if len(data) < _HEAD.size:
            return None
        _, command, protocol, length = _HEAD.unpack_from(data)
        if command not in (_VERSION | _LOCAL, _VERSION | _PROXY):
            raise _malformed(f"version and command are 0x{command:02x}", 12)
        size = _HEAD.size + length
        if size > MAX_SIZE:
            raise _malformed(f"{size} bytes are over {MAX_SIZE}", 14)
        if len(data) < size:
            return None
        if command == _VERSION | _LOCAL:
            return cls(size)
        family, transport = protocol >> 4, protocol & 0xF
        if family not in _FAMILIES or transport not in _TRANSPORTS:
            raise _malformed(f"family and transport are 0x{protocol:02x}", 13)
        layout = _ADDRESSES.get(family)
        if layout is None or transport != _STREAM:
            return cls(size)
        if length < layout.size:
            raise _malformed(f"{length} bytes hold no two addresses", 14)
        packed, other, port, other_port = layout.unpack_from(data, _HEAD.size)
        return cls(size, Endpoint(packed, port), Endpoint(other, other_port))


def _parse_port(text: bytes) -> int:
    if not text.isdigit() or len(text) > 5 or (text[:1] == b"0" and len(text) > 1):
        raise ValueError(f"{text!r} is no port")
    return int(text)


def _malformed(reason: str, offset: int = 0) -> Malformed:
    return Malformed(reason, place="PROXY header", offset=offset)
