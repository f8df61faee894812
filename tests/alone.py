"""A test marked `alone` runs while no other does: it fills the machine, or measures its time.

The processes of pytest-xdist share a file for it. Each test holds that file's byte ROOM, together
with the others or, marked so, by itself. The byte DOOR is held by who comes in: who waits to be
alone keeps it until the others have left. Such tests come first in the order, so that one process
has them all and stays alone until they are done: at each wait the others have nothing to do.
A test that is run again after it has failed is alone too, and its time begins anew.

Windows has no such locks; there such tests run beside others.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_timeout import Settings
from xdist.workermanage import WorkerController

if sys.platform != "win32":
    import fcntl

DOOR, ROOM = 0, 1


class Turns:
    """A plugin of pytest; `path` is the file, None where one process runs all tests."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.file = None if path is None else os.open(path, os.O_RDWR | os.O_CREAT)
        self.limit: Settings | None = None  # of the test that runs
        self.stays = False  # alone, for the next test too

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        node.workerinput["turns"] = self.path

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        if self.file is not None:
            os.close(self.file)
        if self.path is not None and not hasattr(config, "workerinput"):
            Path(self.path).unlink()

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before the test's time begins
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        if not self.stays:
            self.enter(alone=is_marked(item))
        self.stays = is_marked(item) and nextitem is not None and is_marked(nextitem)
        try:
            return (yield)
        finally:
            if not self.stays:
                self.leave()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if getattr(item, "execution_count", 1) == 1 or self.limit is None:
            return
        item.config.hook.pytest_timeout_cancel_timer(item=item)
        self.leave()
        self.enter(alone=True)
        item.config.hook.pytest_timeout_set_timer(item=item, settings=self.limit)

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_set_timer(self, settings: Settings) -> None:
        self.limit = settings

    def enter(self, *, alone: bool) -> None:
        if self.file is not None and sys.platform != "win32":
            fcntl.lockf(self.file, fcntl.LOCK_EX, 1, DOOR)
            fcntl.lockf(self.file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, 1, ROOM)
            fcntl.lockf(self.file, fcntl.LOCK_UN, 1, DOOR)

    def leave(self) -> None:
        if self.file is not None and sys.platform != "win32":
            fcntl.lockf(self.file, fcntl.LOCK_UN, 1, ROOM)


def is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def take_turns(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        path = config.workerinput["turns"]
    elif config.getoption("numprocesses", None):
        handle, path = tempfile.mkstemp(prefix="stunkit-turns-")
        os.close(handle)
    else:
        path = None
    config.pluginmanager.register(Turns(path))
