"""The answers to plain requests, without taking the requests apart.

Nearly all requests that a server sees are plain: a Binding request with nothing in it that changes
the answer. What ``respond`` says to one of them depends on the transaction id and the source alone,
and on these linearly: each is copied, or XORed, into fixed places of fixed bytes. So a template is
made by asking ``respond`` once, and filled by exclusive or.

Plain are: no attributes; the same from a classic client (RFC 3489); and with the magic cookie,
SOFTWARE, FINGERPRINT, or both in this order, in no more than 128 bytes. Everything else is for
``respond`` itself.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from zlib import crc32

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Site
from stunkit.wire.fingerprint import SIZE as FINGERPRINT_SIZE
from stunkit.wire.fingerprint import XOR
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE, Message
from stunkit.wire.registry import AttributeType

LONGEST = 128  # bytes of a plain request: nobody's SOFTWARE is longer, and somebody pays for it
REQUEST = b"\0\1"  # the type of a Binding request
BLANK = REQUEST + b"\0\0"  # one without attributes
SOFTWARE = AttributeType.SOFTWARE.to_bytes(2, "big")
FINGERPRINT = AttributeType.FINGERPRINT.to_bytes(2, "big") + b"\0\4"
ADDRESS_SIZE = {Family.IPV4: 4, Family.IPV6: 16}  # bytes
_NOBODY = {Family.IPV4: Endpoint(bytes(4), 0), Family.IPV6: Endpoint(bytes(16), 0)}


class Plain(IntEnum):
    """The kinds of plain requests: those that get an answer of the same shape."""

    MODERN = 1
    MARKED = 2  # with a FINGERPRINT, so the answer has one
    CLASSIC = 3


_MODERN = Plain.MODERN
_number = int.from_bytes  # half the time goes into finding it
BLANK_MODERN = BLANK + MAGIC_COOKIE

# One of each kind, with nothing in its transaction id.
_SPECIMENS = {
    Plain.MODERN: BLANK + MAGIC_COOKIE + bytes(12),
    Plain.CLASSIC: BLANK + bytes(16),
    Plain.MARKED: bytes.fromhex("000100082112a442 000000000000000000000000 80280004 b2aaf9f6"),
}


def plain_kind(data: bytes) -> Plain | None:
    """Return which kind of plain request a datagram is, or None when it is none."""
    size = len(data)
    if size == HEADER_SIZE:
        if data.startswith(BLANK_MODERN):
            return _MODERN
        return Plain.CLASSIC if data.startswith(BLANK) else None
    if not HEADER_SIZE < size <= LONGEST or data[:2] != REQUEST or data[4:8] != MAGIC_COOKIE:
        return None
    if int.from_bytes(data[2:4], "big") != size - HEADER_SIZE or size & 3:
        return None
    end = HEADER_SIZE
    if data[end : end + 2] == SOFTWARE:
        end += 4 + (int.from_bytes(data[end + 2 : end + 4], "big") + 3 & ~3)
        if end == size:
            return Plain.MODERN
    if end + FINGERPRINT_SIZE != size or data[end : end + 4] != FINGERPRINT:
        return None
    is_right = int.from_bytes(data[end + 4 :], "big") == crc32(data[:end]) ^ XOR
    return Plain.MARKED if is_right else None


def is_not_stun(data: bytes) -> bool:
    """Return whether ``Message.decode`` would call a datagram NotStun, at a tenth of the cost."""
    size = len(data)
    if size < HEADER_SIZE or data[0] > 0x3F or size & 3:
        return True
    return int.from_bytes(data[2:4], "big") != size - HEADER_SIZE


class Template:
    """The answer to one kind of plain request that arrives at one of a server's endpoints.

    For whoever fills many at once: ``raw`` is the answer to a transaction id and a source that are
    all zeros, without the CRC of FINGERPRINT at its end; the transaction id (``id_size`` bytes,
    from ``id_start`` in the request) is XORed in at ``id_offsets``, the source at
    ``source_offsets``: its port, then its address.
    """

    def __init__(self, kind: Plain, answer: Message, family: Family) -> None:
        self.kind = kind
        self.has_fingerprint = kind is Plain.MARKED
        self.raw = answer.raw[:-4] if self.has_fingerprint else answer.raw
        self.size = len(answer.raw)
        self.id_start, self.id_size = (4, 16) if kind is Plain.CLASSIC else (8, 12)
        self.id_offsets = [self.id_start]
        self.source_offsets = []
        self.source_size = 2 + ADDRESS_SIZE[family]
        for number in (AttributeType.MAPPED_ADDRESS, AttributeType.XOR_MAPPED_ADDRESS):
            offset = answer.offset(number)
            if offset is None:
                continue
            self.source_offsets.append(offset + 6)  # after the attribute's header and the family
            if number == AttributeType.XOR_MAPPED_ADDRESS and family is Family.IPV6:
                self.id_offsets.append(offset + 12)  # after the cookie; RFC 8489 section 14.2
        self._length = len(self.raw)
        self.base = _number(self.raw, "big")
        self.id_factor = self._factor(self.id_offsets, self.id_size)
        self.source_factor = self._factor(self.source_offsets, self.source_size)

    def _factor(self, offsets: list[int], size: int) -> int:
        """Return what a number is multiplied by to stand at all these places at once."""
        return sum(1 << 8 * (len(self.raw) - offset - size) for offset in offsets)

    def fill(self, request: bytes, source: int) -> bytes:
        """Return the answer to a request of this kind; ``source`` is its port, then its address."""
        identity = _number(request[self.id_start : 20], "big")
        value = self.base ^ identity * self.id_factor ^ source * self.source_factor
        answer = value.to_bytes(self._length, "big")
        if self.has_fingerprint:
            answer += (crc32(answer[:-4]) ^ XOR).to_bytes(4, "big")
        return answer


def make_templates(site: Site, local: Endpoint, family: Family) -> dict[Plain, Template]:
    """Return a template for each kind of plain request that this server answers with success."""
    site = replace(site, refused_ports=frozenset())  # nobody's port is 0
    templates = {}
    for kind, request in _SPECIMENS.items():
        response = respond(Received(request, _NOBODY[family], local), site)
        if response.disposition is Disposition.ANSWERED:
            templates[kind] = Template(kind, Message.decode(response.data), family)
    return templates
