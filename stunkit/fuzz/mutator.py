"""A structure-aware mutator: it breaks STUN messages where parsers look.

Random bytes end at a parser's first check. What this makes gets past each check and fails at the
next: whole attributes come and go, one length is wrong by one, FINGERPRINT is right over rubbish
(RFC 8489 sections 5, 14 and 14.7).

Rules of this file: no dependency beyond the codec; the random source is an argument, and the same
source makes the same bytes.
"""

from __future__ import annotations

from random import Random
from zlib import crc32

from stunkit.fuzz.seeds import Seeds, attribute, seeds
from stunkit.wire.fingerprint import XOR
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE

KINDS = (  # message types (RFC 8489 section 5); Binding requests and their answers more often
    *(0x0001, 0x0001, 0x0001, 0x0011, 0x0101, 0x0101, 0x0111),
    *(0x0002, 0x0003, 0x3EEF, 0x4001, 0x8001),
)
LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 20, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFC, 0xFFFF)
MAX_SIZE = 65_507  # bytes; what a UDP datagram over IPv4 can carry (RFC 768, RFC 791)


class Mutator:
    """Makes and mutates messages. ``source`` is all its chance; ``stock`` what it starts from."""

    def __init__(self, source: Random, stock: Seeds | None = None) -> None:
        self.random = source.random
        self.bytes = source.randbytes
        self.seeds, self.pieces, self.types = stock or seeds()
        self.spoilers = (
            self.flip_bit,
            self.flip_bit,
            self.set_byte,
            self.set_length,
            self.set_length,
            self.set_header_length,
            self.set_kind,
            self.truncate,
            self.truncate_and_say_so,
            self.truncate_and_say_so,
            self.splice,
        )

    def below(self, limit: int) -> int:
        """Return a number from 0 to less than the limit, quickly."""
        return int(self.random() * limit)

    def datagram(self) -> bytes:
        """Make one datagram."""
        chance = self.random()
        if chance < 0.03:
            return self.bytes(self.below(120))
        if chance < 0.08:
            size = 4 * self.below(30)
            head = KINDS[self.below(len(KINDS))].to_bytes(2, "big") + size.to_bytes(2, "big")
            return head + MAGIC_COOKIE + self.bytes(12 + size)
        head, attributes = self.seeds[self.below(len(self.seeds))]
        pieces = self.rearranged(attributes) if chance < 0.65 else list(attributes)
        return self._finish(head, pieces, spoiled=0.5)

    def mutate(self, data: bytes, max_size: int = MAX_SIZE) -> bytes:
        """Return the datagram with something changed; what is no message becomes more of one."""
        parts = split(data)
        if parts is None:
            return self.datagram()[:max_size]
        if self.random() < 0.6:
            made = self._finish(parts[0], self.rearranged(parts[1]), spoiled=0.3)
        else:
            made = self.spoil(data)
        return made[:max_size]

    def stream(self, most: int = 6) -> list[bytes]:
        """Return datagrams, one after the other, cut anywhere."""
        whole = b"".join(self.datagram() for _ in range(1 + self.below(most)))
        cuts = sorted(self.below(len(whole) + 1) for _ in range(self.below(most)))
        return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    def _finish(self, head: bytes, pieces: list[bytes], *, spoiled: float) -> bytes:
        """Put a message together; with some chance sign it, and spoil it."""
        body = b"".join(pieces)
        raw = head[:2] + (len(body) & 0xFFFF).to_bytes(2, "big") + head[2:] + body
        if self.random() < 0.2:
            raw = raw[:2] + (len(body) + 8 & 0xFFFF).to_bytes(2, "big") + raw[4:]
            raw += b"\x80\x28\0\4" + (crc32(raw) ^ XOR).to_bytes(4, "big")
        return self.spoil(raw) if self.random() < spoiled else raw

    def spoil(self, data: bytes) -> bytes:
        """Return the datagram with one to three things wrong."""
        raw = bytearray(data)
        for _ in range(1 + self.below(3)):
            self.spoilers[self.below(len(self.spoilers))](raw)
        return bytes(raw)

    def rearranged(self, attributes: tuple[bytes, ...]) -> list[bytes]:
        """Insert, remove, repeat, swap or make up some attributes; each stays whole."""
        pieces = list(attributes)
        for _ in range(1 + self.below(3)):
            chance = self.random()
            place = self.below(len(pieces) + 1)
            if chance < 0.4:
                pieces.insert(place, self.pieces[self.below(len(self.pieces))])
            elif chance < 0.7 or not pieces:
                number = self.types[self.below(len(self.types))]
                pieces.insert(place, attribute(number, self.bytes(self.below(33))))
            elif chance < 0.8:
                del pieces[place - 1]
            elif chance < 0.9:
                pieces.insert(place, pieces[self.below(len(pieces))])
            else:
                other = self.below(len(pieces))
                pieces[place - 1], pieces[other] = pieces[other], pieces[place - 1]
        return pieces

    def flip_bit(self, raw: bytearray) -> None:
        """Flip any bit."""
        if raw:
            raw[self.below(len(raw))] ^= 1 << self.below(8)

    def set_byte(self, raw: bytearray) -> None:
        """Set any byte behind the length in the header."""
        if len(raw) > 4:
            raw[4 + self.below(len(raw) - 4)] = self.below(256)

    def set_kind(self, raw: bytearray) -> None:
        """Set class and method."""
        raw[:2] = KINDS[self.below(len(KINDS))].to_bytes(2, "big")

    def set_header_length(self, raw: bytearray) -> None:
        """Set the length in the header to one that is wrong, mostly by little."""
        length = len(raw) - HEADER_SIZE + self.below(17) - 8
        if self.random() < 0.2:
            length = LENGTHS[self.below(len(LENGTHS))]
        raw[2:4] = (length & 0xFFFF).to_bytes(2, "big")

    def set_length(self, raw: bytearray) -> None:
        """Set the length of one of the attributes."""
        offset = HEADER_SIZE
        for _ in range(self.below(4)):
            length = int.from_bytes(raw[offset + 2 : offset + 4], "big")
            if offset + length + 12 > len(raw):
                break
            offset += 4 + (length + 3 & ~3)
        if offset + 4 <= len(raw):
            length = len(raw) - offset - 4 + self.below(9) - 4
            if self.random() < 0.5:
                length = LENGTHS[self.below(len(LENGTHS))]
            raw[offset + 2 : offset + 4] = (length & 0xFFFF).to_bytes(2, "big")

    def truncate(self, raw: bytearray) -> None:
        """Cut the end off."""
        del raw[self.below(len(raw) + 1) :]

    def truncate_and_say_so(self, raw: bytearray) -> None:
        """Cut the end off, and make the length in the header fit."""
        if len(raw) > HEADER_SIZE:
            del raw[HEADER_SIZE + (self.below(len(raw) - HEADER_SIZE) & ~3) :]
            raw[2:4] = (len(raw) - HEADER_SIZE & 0xFFFF).to_bytes(2, "big")

    def splice(self, raw: bytearray) -> None:
        """Put the end of another message in the place of this one's."""
        if len(raw) > HEADER_SIZE:
            head, attributes = self.seeds[self.below(len(self.seeds))]
            other = head + b"".join(attributes)
            del raw[HEADER_SIZE + (self.below(len(raw) - HEADER_SIZE) & ~3) :]
            raw += other[self.below(len(other)) & ~1 :]
            del raw[len(raw) & ~3 :]
            raw[2:4] = (len(raw) - HEADER_SIZE & 0xFFFF).to_bytes(2, "big")


def split(data: bytes) -> tuple[bytes, tuple[bytes, ...]] | None:
    """Take a datagram apart as far as it can be read; None for less than a header.

    The last piece is whatever remains when a length leads out of the datagram.
    """
    if len(data) < HEADER_SIZE:
        return None
    pieces, offset = [], HEADER_SIZE
    while offset < len(data):
        size = 4 + (int.from_bytes(data[offset + 2 : offset + 4], "big") + 3 & ~3)
        pieces.append(data[offset : offset + size])
        offset += size
    return data[:2] + data[4:HEADER_SIZE], tuple(pieces)
