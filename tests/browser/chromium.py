"""A real Chromium, in a network namespace or in none, driven by Playwright.

    with Chromium(lab.client, media=True) as browser:
        page = browser.page("https://198.51.100.1/", color_scheme="dark")
        page.get_by_role("button", name="Join").click()
        page.evaluate("new Promise(done => setTimeout(() => done(42), 10))")

A page is Playwright's own. It has a context for itself, so nothing is shared with another page, and
takes the options of one: viewport, color_scheme, is_mobile, ignore_https_errors and so on. Without
an address it is a file, which makes it a secure context. With ``media`` pages may use the camera
and the microphone, which are a green picture and a beep; then, as in life, candidates show local
addresses, which mDNS names hide otherwise. Several browsers can run side by side. The browser is
the system's, and talks with Playwright over two pipes: nothing is downloaded, and nothing listens.

Rules of this file: nothing of a browser outlives its test. While one is open, an event loop of
Playwright's is the running one in this thread, so asyncio belongs into other threads, and no
browser is a fixture of the whole session.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, ClassVar, Self

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, Playwright, sync_playwright

from stunkit.lab import Namespace

__all__ = ["MDNS", "BrowserError", "Chromium", "Page"]

PROGRAM = "chromium"
PATIENCE = 60_000  # milliseconds for a start, a click and the like; not for evaluate, which waits
MDNS = "WebRtcHideLocalIpsWithMdns"  # the feature that hides local addresses behind names
MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
LAUNCH = """#!/bin/sh
echo $$ >{pid}
exec {command} "$@"
"""


class Chromium:
    """A running browser with a home of its own, which goes when it is closed.

    ``media`` grants its pages a camera and a microphone, ``disabled`` names features to switch
    off, such as MDNS, and ``options`` are more words of its command line.
    """

    def __init__(
        self,
        namespace: Namespace | None = None,
        *,
        media: bool = False,
        disabled: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
    ) -> None:
        self.namespace = namespace
        self._options = [*(MEDIA if media else ()), *options]
        if disabled:
            self._options.append(f"--disable-features={','.join(disabled)}")
        self._parts = ExitStack()

    def open(self) -> None:
        """Start it and wait until it answers."""
        with ExitStack() as undo:
            home = TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
            self.home = Path(undo.enter_context(home))
            (self.home / "page.html").write_text("<!doctype html><title>test</title>")
            playwright = undo.enter_context(driver())
            self.browser = playwright.chromium.launch(
                executable_path=self._launcher(),
                args=self._options,
                chromium_sandbox=False,  # root has none
                env={**os.environ, "HOME": str(self.home)},
                handle_sigint=False,  # an interrupt from the terminal is not for it
                timeout=PATIENCE,
            )
            undo.callback(self.browser.close)
            self.version = self.browser.version
            self.pid = int((self.home / "pid").read_text())
            self._parts = undo.pop_all()

    def _launcher(self) -> Path:
        """Return a program that becomes the browser, in our namespace."""
        found = shutil.which(PROGRAM)
        assert found is not None
        command = [found]
        if self.namespace is not None:
            command = ["nsenter", f"--net={self.namespace.path}", *command]
        launcher = self.home / "launch"
        pid = shlex.quote(str(self.home / "pid"))
        launcher.write_text(LAUNCH.format(pid=pid, command=shlex.join(command)))
        launcher.chmod(0o700)
        return launcher

    def page(self, url: str = "", **options: Any) -> Page:
        """Open a page: an empty one, or that of an address such as chrome://webrtc-internals."""
        context = self.browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(url or (self.home / "page.html").as_uri())
        return page

    def close(self) -> None:
        """End it and forget its home."""
        self._parts.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Shared:
    """The driver of this process, if it runs, and how many browsers need it."""

    playwright: ClassVar[Playwright | None] = None
    users: ClassVar[int] = 0


@contextmanager
def driver() -> Iterator[Playwright]:
    """Give out Playwright's driver: it starts for the first browser and ends with the last."""
    if _Shared.playwright is None:
        _Shared.playwright = sync_playwright().start()
    _Shared.users += 1
    try:
        yield _Shared.playwright
    finally:
        _Shared.users -= 1
        if not _Shared.users:
            stopping, _Shared.playwright = _Shared.playwright, None
            stopping.stop()
