"""The test card and the tone."""

from __future__ import annotations

import asyncio
from array import array

import pytest
from aiortc.mediastreams import MediaStreamError

from stunkit.rehearsal import synthetic
from stunkit.rehearsal.synthetic import (
    DOT,
    HEIGHT,
    PACKET,
    PACKETS,
    SAMPLE_RATE,
    STEP,
    WIDTH,
    Pacer,
    TestCard,
    Tone,
    draw,
    sound,
)

DARK = bytes(WIDTH * HEIGHT)


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    """Have nobody sleep, and note for how long they would have."""
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return naps


def test_picture_moves_and_counts():
    frames = [draw(DARK, number) for number in range(3)]
    assert len(set(frames)) == 3
    assert {len(frame) for frame in frames} == {WIDTH * HEIGHT}
    assert frames[1][STEP] == frames[0][0] == 0xEB


def test_number_can_be_read():
    def dots(number: int) -> list[str]:
        frame = draw(DARK, number)
        top, left = HEIGHT // 2 - 4 * DOT, (WIDTH - 24 * DOT) // 2 - DOT
        return [
            "".join(
                "#" if frame[(top + (line + 1) * DOT) * WIDTH + left + dot * DOT] > 128 else "."
                for dot in range(25)
            )
            for line in range(5)
        ]

    assert dots(123_456) == [
        "..#..###.###.#.#.###.###.",
        ".##....#...#.#.#.#...#...",
        "..#..###.###.###.###.###.",
        "..#..#.....#...#...#.#.#.",
        ".###.###.###...#.###.###.",
    ]


async def test_card_gives_frames_in_time(naps):
    card = TestCard()
    frames = [await card.recv() for _ in range(3)]
    assert [(frame.width, frame.height) for frame in frames] == [(WIDTH, HEIGHT)] * 3
    assert [frame.pts for frame in frames] == [0, 6_000, 12_000]
    assert bytes(frames[0].planes[0])[:4] == b"\xeb" * 4
    assert len(naps) == 3
    card.stop()
    with pytest.raises(MediaStreamError):
        await card.recv()


async def test_tone_gives_packets_in_time(naps):
    tone = Tone()
    frames = [await tone.recv() for _ in range(2)]
    assert [frame.pts for frame in frames] == [0, PACKET]
    assert {frame.sample_rate for frame in frames} == {SAMPLE_RATE}
    tone.stop()
    with pytest.raises(MediaStreamError):
        await tone.recv()


def test_tone_comes_and_goes():
    samples = array("h", b"".join(map(sound, range(PACKETS))))
    assert len(samples) == SAMPLE_RATE
    assert abs(samples[0]) < 10
    assert 1_900 < max(samples[SAMPLE_RATE // 2 :][:200]) <= 2_000
    assert abs(samples[-1]) < 10


async def test_pacer_does_not_make_up_for_a_long_pause(naps):
    times = iter([0.0, 0.0, 5.0, 5.0])
    pacer = Pacer(0.5, lambda: next(times))
    for _ in range(4):
        await pacer.wait()
    assert naps == [0.0, 0.5, 0.0, 0.5]


def test_lines_are_padded_where_the_library_wants_it():
    assert synthetic._padded(b"abcd", 3, 2) == b"ab\0cd\0"
    assert synthetic._padded(b"abcd", 2, 2) == b"abcd"
