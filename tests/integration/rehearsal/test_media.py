"""What is sent from files, and what is counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import pytest

from stunkit.call.rehearsal import Picture
from stunkit.errors import UsageError
from stunkit.rehearsal.media import Sink, Sources
from stunkit.rehearsal.synthetic import TestCard, Tone


@pytest.fixture
def film(tmp_path: Path) -> str:
    """A file with ten pictures and no sound."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    return str(path)


def test_sends_a_card_and_a_tone_of_its_own():
    tracks = Sources().tracks()
    assert [type(track) for track in tracks] == [Tone, TestCard]
    assert Sources(has_video=False, has_audio=False).tracks() == []


async def test_counts_the_pictures_of_a_file(film):
    sources = Sources(video_file=film, has_audio=False)
    sources.check()
    (track,) = sources.tracks()
    sink = Sink()
    sink.add(track)
    async with asyncio.timeout(20):
        while sink.picture is None or sink.picture.frames_decoded < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # it begins again
    assert sink.picture == Picture(sink.picture.frames_decoded, 64, 48)
    sink.stop()
    track.stop()


async def test_counts_sound():
    sink, tone = Sink(), Tone()
    sink.add(tone)
    while not sink.audio_frames:  # noqa: ASYNC110 (it has no event)
        await asyncio.sleep(0.01)
    tone.stop()
    sink.stop()
    assert sink.picture is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: Sources(video_file="nowhere"), "there is no such file"),
        (lambda _: Sources(audio_file="http://example.org/"), "there is no such file"),
        (lambda film: Sources(audio_file=film), "it has none"),
        (lambda _: Sources(video_file=__file__), "invalid data"),
    ],
)
def test_says_what_is_wrong_with_a_file(make, reason, film):
    with pytest.raises(UsageError, match=reason):
        make(film).check()
