import asyncio
import sys
from contextlib import closing

import pytest

from stunkit.net.loop import new_event_loop


def test_is_uvloops_where_that_is_installed():
    uvloop = pytest.importorskip("uvloop")
    with closing(new_event_loop()) as loop:
        assert isinstance(loop, uvloop.Loop)


def test_is_one_that_can_watch_a_socket_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with closing(new_event_loop()) as loop:
        assert isinstance(loop, asyncio.SelectorEventLoop)
