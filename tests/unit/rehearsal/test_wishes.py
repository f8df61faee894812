from __future__ import annotations

import sys

import pytest

from stunkit.errors import StartError
from stunkit.rehearsal.wishes import Wishes, require


def test_wishes_are_for_picture_and_sound_without_end():
    wishes = Wishes()
    assert (wishes.sources.has_video, wishes.sources.has_audio) == (True, True)
    assert (wishes.seconds, wishes.call_seconds) == (None, None)


@pytest.mark.parametrize("name", ["aiohttp", "aiortc"])
def test_says_which_extra_is_missing(monkeypatch, name):
    require()
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StartError, match=rf"{name}.*stunkit\[rtc\]"):
        require()
