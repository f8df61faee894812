"""STUN in captured TCP: segments put in order, and messages cut out of what they carry.

STUN over TCP says its own length, and so does the ChannelData between (RFC 8489 section 6.2.2,
RFC 8656 section 12.5); ICE over TCP puts a length of two bytes before each (RFC 4571, RFC 6544).
The first bytes decide. A capture may begin in the middle, miss segments or hold TLS: then nothing
is read until a segment starts with a message again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from stunkit.dissect.packet import Segment
from stunkit.endpoint import Endpoint
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE

MOST_WAITING = 64  # segments that came before their turn, until the gap is given up
_SPACE = 1 << 32  # sequence numbers; RFC 9293 section 3.4
_FIRST_FRAMED = 10  # bytes that tell framed STUN: its length, and a header up to the cookie


class Framing(Enum):
    """How messages follow each other."""

    UNKNOWN = auto()
    BARE = auto()
    LENGTHS = auto()  # RFC 4571


@dataclass(slots=True)
class Framer:
    """Cuts messages out of one direction of a connection."""

    framing: Framing = Framing.UNKNOWN
    buffer: bytearray = field(default_factory=bytearray)
    is_beginning: bool = False  # what comes next is the first there is

    def lose(self) -> None:
        """Forget what has come: bytes are missing."""
        self.framing = Framing.UNKNOWN
        self.buffer.clear()
        self.is_beginning = False

    def begin(self) -> None:
        """Forget what has come: a new connection begins."""
        self.lose()
        self.is_beginning = True

    def receive(self, data: bytes) -> list[bytes]:
        """Take the payload of a segment; return the messages that it completes."""
        self.buffer += data
        if self.framing is Framing.UNKNOWN:
            if self.is_beginning and len(self.buffer) < HEADER_SIZE:
                return []
            self.framing = _framing(self.buffer)
            self.is_beginning = False
            if self.framing is Framing.UNKNOWN:
                self.buffer.clear()
                return []
        messages = []
        while size := self._next_size():
            if len(self.buffer) < size:
                break
            message = bytes(self.buffer[:size])
            del self.buffer[:size]
            if self.framing is Framing.LENGTHS:
                message = message[2:]
            messages.append(message)
        return messages

    def _next_size(self) -> int:
        """Return how long the next message is, 0 where that is not known."""
        buffer = self.buffer
        if self.framing is Framing.LENGTHS:
            return 2 + int.from_bytes(buffer[:2], "big") if len(buffer) >= 2 else 0
        if len(buffer) < 8:
            return 0
        length = int.from_bytes(buffer[2:4], "big")
        if buffer[0] <= 0x3F and buffer[4:8] == MAGIC_COOKIE:
            return HEADER_SIZE + length
        if buffer[0] >> 4 == 4:  # ChannelData; RFC 7983
            return 4 + (length + 3 & ~3)
        self.lose()
        return 0


def _framing(data: bytearray) -> Framing:
    if len(data) >= HEADER_SIZE and data[0] <= 0x3F and data[4:8] == MAGIC_COOKIE:
        return Framing.BARE
    if len(data) >= _FIRST_FRAMED and data[2] <= 0x3F and data[6:10] == MAGIC_COOKIE:
        return Framing.LENGTHS
    return Framing.UNKNOWN


@dataclass(slots=True)
class _Direction:
    """What one side of a connection has sent."""

    framer: Framer = field(default_factory=Framer)
    expected: int | None = None  # the sequence number that comes next
    received: int | None = None  # what the other side has acknowledged
    waiting: dict[int, Segment] = field(default_factory=dict)

    def receive(self, segment: Segment) -> list[bytes]:
        if segment.is_start:
            self.framer.begin()
            self.waiting.clear()
            self.received = None
            self.expected = (segment.sequence + 1) % _SPACE
            return []
        if segment.is_cut:
            self.framer.lose()
            self.waiting.clear()
            self.expected = None
            return []
        if not segment.payload:
            return []
        if self.expected is None:
            self.expected = segment.sequence
        self.waiting[segment.sequence] = segment
        messages = self._take()
        while self.waiting and self._is_gap_final():
            self.framer.lose()
            self.expected = min(self.waiting, key=self._distance)
            messages += self._take()
        return messages

    def _is_gap_final(self) -> bool:
        """Whether what is missing will not come: it has arrived, and the capture lacks it."""
        if len(self.waiting) > MOST_WAITING:
            return True
        after = self._distance(min(self.waiting, key=self._distance))
        return self.received is not None and self._distance(self.received) >= after

    def _distance(self, sequence: int) -> int:
        """Return how far a sequence number is ahead; negative behind."""
        ahead = (sequence - (self.expected or 0)) % _SPACE
        return ahead if ahead < _SPACE // 2 else ahead - _SPACE

    def _take(self) -> list[bytes]:
        """Give the framer all that is next in line; what has come twice is dropped."""
        messages: list[bytes] = []
        for sequence in sorted(self.waiting, key=self._distance):
            ahead = self._distance(sequence)
            if ahead > 0:
                break
            payload = self.waiting.pop(sequence).payload[-ahead:]
            if payload:
                messages += self.framer.receive(payload)
                self.expected = ((self.expected or 0) + len(payload)) % _SPACE
        return messages


class Streams:
    """All TCP connections of a capture."""

    def __init__(self) -> None:
        self._directions: dict[tuple[Endpoint, Endpoint], _Direction] = {}

    def receive(self, segment: Segment) -> list[bytes]:
        """Take a segment; return the messages that it completes."""
        key = segment.source, segment.destination
        direction = self._directions.setdefault(key, _Direction())
        if segment.received is not None and key[::-1] in self._directions:
            self._directions[key[::-1]].received = segment.received
        messages = direction.receive(segment)
        if segment.is_end and not direction.waiting:
            del self._directions[key]
        return messages
