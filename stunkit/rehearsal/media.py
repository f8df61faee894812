"""Media: what this end sends, and what it counts of what comes.

Rules of this file: a source belongs to one connection, which stops it; a file is opened anew for
each.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stunkit.call.rehearsal import Picture
from stunkit.errors import UsageError

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack


@dataclass(frozen=True, slots=True)
class Sources:
    """What is sent: files, else what is made up; nothing of a kind that is switched off."""

    video_file: str | None = None
    audio_file: str | None = None
    has_video: bool = True
    has_audio: bool = True

    def check(self) -> None:
        """See that files can be read, and have what they are given for. Raises UsageError."""
        for track in (self._file("video"), self._file("audio")):
            if track is not None:
                track.stop()

    def tracks(self) -> list[MediaStreamTrack]:
        """Return a track of each kind that is sent. Raises UsageError."""
        from stunkit.rehearsal.synthetic import TestCard, Tone  # noqa: PLC0415 (slow to import)

        tracks: list[MediaStreamTrack] = []
        if self.has_audio:
            tracks.append(self._file("audio") or Tone())
        if self.has_video:
            tracks.append(self._file("video") or TestCard())
        return tracks

    def _file(self, kind: str) -> MediaStreamTrack | None:
        path = self.video_file if kind == "video" else self.audio_file
        if path is None:
            return None
        import av  # noqa: PLC0415 (slow to import)
        from aiortc.contrib.media import MediaPlayer  # noqa: PLC0415 (slow to import)

        what = f"a file with {kind}"
        if not Path(path).is_file():  # it would open devices and addresses, too
            raise UsageError(what, path, "there is no such file")
        try:
            player = MediaPlayer(path, loop=True)
        except (av.FFmpegError, OSError, AssertionError) as error:
            reason = getattr(error, "strerror", None) or "it cannot be repeated"
            raise UsageError(what, path, str(reason).lower()) from None
        track = player.video if kind == "video" else player.audio
        other = player.audio if kind == "video" else player.video
        if other is not None:
            other.stop()
        if track is None:
            raise UsageError(what, path, "it has none")
        return track


class Sink:
    """Takes what comes from the other end, and counts it."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.audio_frames = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, track: MediaStreamTrack) -> None:
        """Take a track until it ends."""
        self._tasks.add(asyncio.ensure_future(self._consume(track)))

    def stop(self) -> None:
        """Take no more."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _consume(self, track: MediaStreamTrack) -> None:
        from aiortc.mediastreams import MediaStreamError  # noqa: PLC0415 (slow to import)

        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if track.kind == "video":
                    self._see(frame.width, frame.height)  # type: ignore[union-attr]
                else:
                    self.audio_frames += 1

    def _see(self, width: int, height: int) -> None:
        before = self.picture or Picture(0, width, height)
        self.picture = Picture(before.frames_decoded + 1, width, height)
