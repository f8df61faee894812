"""A picture and a tone to send where there is no camera: the picture moves, and counts its frames.

Rules of this file: a frame costs next to nothing, since one process may send many.
"""

from __future__ import annotations

import asyncio
import math
import time
from array import array
from collections.abc import Callable
from fractions import Fraction
from functools import cache

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT = 384, 216  # pixels; the planes' lines have no padding then
FRAME_RATE = 15  # frames a second
CLOCK_RATE = 90_000  # of video over RTP (RFC 3551 section 4.3)
SAMPLE_RATE = 48_000  # of Opus (RFC 7587 section 4.1)
PACKET = 960  # samples: 20 ms
PACKETS = SAMPLE_RATE // PACKET  # a second
PITCH = 440.0  # Hz
LOUDNESS = 2_000  # of 32,767: it is heard, and wakes nobody

# Colour bars of ITU-R BT.601 at three quarters: luma, blue and red difference.
BARS = (
    (180, 128, 128),  # white
    (162, 44, 142),  # yellow
    (131, 156, 44),  # cyan
    (112, 72, 58),  # green
    (84, 184, 198),  # magenta
    (65, 100, 212),  # red
    (35, 212, 114),  # blue
    (16, 128, 128),  # black
)
# Digits of three by five dots, the rows from above, three bits each.
DIGITS = (
    0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71111, 0o75757, 0o75717,
)  # fmt: skip
DOT = 8  # pixels
SWEEP = 12  # pixels: the width of the line that moves
STEP = 4  # pixels that it moves with each frame


class Pacer:
    """Lets frames pass when it is time for them, and never makes up for many at once."""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._next: float | None = None

    async def wait(self) -> None:
        """Wait until the next frame is due."""
        now = self._clock()
        if self._next is None or now - self._next > 1.0:  # seconds: it was held up
            self._next = now
        await asyncio.sleep(max(0.0, self._next - now))
        self._next += self._interval


class TestCard(MediaStreamTrack):
    """Colour bars with a line that moves and a number that rises."""

    __test__ = False  # no test of pytest's
    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._pacer = Pacer(1 / FRAME_RATE)
        self._number = 0
        self._luma, *self._chroma = _bars()

    async def recv(self) -> VideoFrame:
        """Return the next frame."""
        await self._pacer.wait()
        if self.readyState != "live":
            raise MediaStreamError
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        planes = (draw(self._luma, self._number), *self._chroma)
        for plane, data in zip(frame.planes, planes, strict=True):
            plane.update(_padded(data, plane.line_size, plane.height))
        frame.pts = self._number * CLOCK_RATE // FRAME_RATE
        frame.time_base = Fraction(1, CLOCK_RATE)
        self._number += 1
        return frame


class Tone(MediaStreamTrack):
    """A quiet tone of 440 Hz that comes and goes each second."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pacer = Pacer(PACKET / SAMPLE_RATE)
        self._number = 0

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms."""
        await self._pacer.wait()
        if self.readyState != "live":
            raise MediaStreamError
        frame = AudioFrame(format="s16", layout="mono", samples=PACKET)
        frame.planes[0].update(sound(self._number % PACKETS))
        frame.pts = self._number * PACKET
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._number += 1
        return frame


def draw(background: bytes, number: int) -> bytes:
    """Return the luma of a frame: the line, and the number in white on black."""
    luma = bytearray(background)
    left = number * STEP % (WIDTH - SWEEP)
    for row in range(HEIGHT):
        start = row * WIDTH + left
        luma[start : start + SWEEP] = b"\xeb" * SWEEP
    text = f"{number:06d}"
    top, edge = HEIGHT // 2 - 4 * DOT, (WIDTH - 4 * DOT * len(text)) // 2 - DOT
    width = (4 * len(text) + 1) * DOT
    for row in range(7 * DOT):
        start = (top + row) * WIDTH + edge
        line = row // DOT - 1
        luma[start : start + width] = _line(text, line) if 0 <= line < 5 else b"\x10" * width
    return bytes(luma)


@cache
def sound(packet: int) -> bytes:
    """Return the 16-bit samples of one packet of the second that repeats."""
    samples = array("h")
    for number in range(packet * PACKET, (packet + 1) * PACKET):
        envelope = math.sin(math.pi * number / SAMPLE_RATE)
        samples.append(
            round(LOUDNESS * envelope * math.sin(2 * math.pi * PITCH * number / SAMPLE_RATE))
        )
    return samples.tobytes()


def _line(text: str, line: int) -> bytes:
    """Return one line of dots of a number."""
    dots = [False]
    for digit in text:
        bits = DIGITS[int(digit)] >> (3 * (4 - line)) & 7
        dots += [bool(bits & 4), bool(bits & 2), bool(bits & 1), False]
    return b"".join((b"\xeb" if dot else b"\x10") * DOT for dot in dots)


def _bars() -> list[bytes]:
    """Return the three planes of the background."""
    planes = []
    for which, shrink in enumerate((1, 2, 2)):
        width = WIDTH // shrink // len(BARS)
        row = b"".join(bytes([bar[which]]) * width for bar in BARS)
        planes.append(row * (HEIGHT // shrink))
    return planes


def _padded(data: bytes, line_size: int, height: int) -> bytes:
    """Return a plane with lines as long as the library has them."""
    width = len(data) // height
    if width == line_size:
        return data
    padding = bytes(line_size - width)
    return b"".join(data[at : at + width] + padding for at in range(0, len(data), width))
