"""A real Chromium, in a network namespace or in none, that runs JavaScript for a test.

    with Chromium(lab.client) as browser:
        page = browser.page()
        page.evaluate("navigator.userAgent")
        page.evaluate("new Promise(done => setTimeout(() => done(42), 10))")

It speaks Chromium's own protocol (DevTools) over two pipes, so nothing listens anywhere and no
driver has to be installed. A page is a file, which makes it a secure context. With ``media`` it
may use the camera and the microphone, which are a green picture and a beep; then, as in life, its
candidates show local addresses, which mDNS names hide otherwise. Several browsers can run side by
side.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from stunkit.lab import Namespace

PROGRAM = "chromium"
PATIENCE = 60.0  # seconds for anything; a start takes two on an idle machine
TERMINATION = 5.0  # seconds between asking it to end and killing it
MDNS = "WebRtcHideLocalIpsWithMdns"  # the feature that hides local addresses behind names
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # root has no sandbox
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
)
MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# Its two pipes are descriptors 3 (it reads) and 4 (it writes), wherever ours are.
LAUNCH = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class BrowserError(Exception):
    """The browser ended, took too long, or a script in it threw."""


class Chromium:
    """A running browser with a profile of its own, which goes when it is closed.

    ``media`` grants its pages a camera and a microphone, ``disabled`` names features to switch
    off, such as MDNS.
    """

    def __init__(
        self,
        namespace: Namespace | None = None,
        *,
        media: bool = False,
        disabled: tuple[str, ...] = (),
    ) -> None:
        self.namespace = namespace
        options = [*OPTIONS, f"--disable-features={','.join(disabled)}"]
        self._options = [*options, *MEDIA] if media else options
        self._parts = ExitStack()
        self._number = 0
        self._buffer = b""
        self._events: deque[dict[str, Any]] = deque(maxlen=1000)  # nobody waits for most

    def open(self) -> None:
        """Start it and wait until it answers."""
        with ExitStack() as undo:
            self.profile = Path(undo.enter_context(profile_folder()))
            (self.profile / "page.html").write_text("<!doctype html><title>test</title>")
            theirs_in, self._writes = os.pipe()
            self._reads, theirs_out = os.pipe()
            undo.callback(os.close, self._reads)
            undo.callback(os.close, self._writes)
            errors = undo.enter_context((self.profile / "stderr").open("wb"))
            launch = [sys.executable, "-I", "-S", "-c", LAUNCH, str(theirs_in), str(theirs_out)]
            command = [*launch, PROGRAM, f"--user-data-dir={self.profile}", *self._options]
            start = subprocess.Popen if self.namespace is None else self._start_inside
            self.process = start(
                command,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=(theirs_in, theirs_out),
                env={**os.environ, "HOME": str(self.profile)},
                start_new_session=True,  # an interrupt from the terminal is not for it
            )
            undo.callback(self._end)
            os.close(theirs_in)
            os.close(theirs_out)
            self.version = self.call("Browser.getVersion")["product"]
            self._parts = undo.pop_all()

    def _start_inside(self, *arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        assert self.namespace is not None
        process: subprocess.Popen[bytes] = self.namespace.call(
            subprocess.Popen, *arguments, **options
        )
        return process

    def page(self, url: str = "") -> Page:
        """Open a page: an empty one, or that of an address such as chrome://webrtc-internals."""
        url = url or (self.profile / "page.html").as_uri()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable", session=session)
        self.call("Page.setLifecycleEventsEnabled", session=session, enabled=True)
        loader = self.call("Page.navigate", session=session, url=url)["loaderId"]
        self._wait({"loaderId": loader, "name": "load"}, session)
        return Page(self, session)

    def call(self, method: str, *, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writes, data) :]
        deadline = time.monotonic() + PATIENCE
        while (answer := self._receive(deadline)).get("id") != self._number:
            self._events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _wait(self, wanted: dict[str, str], session: str) -> None:
        """Wait for the event of a page that has these parameters."""
        deadline = time.monotonic() + PATIENCE
        while True:
            while self._events:
                event = self._events.popleft()
                is_ours = event.get("sessionId") == session
                if is_ours and wanted.items() <= event.get("params", {}).items():
                    return
            self._events.append(self._receive(deadline))

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = max(deadline - time.monotonic(), 0)
            if not select.select([self._reads], [], [], left)[0]:
                raise BrowserError(f"no answer in {PATIENCE} seconds; {self._said()}")
            data = os.read(self._reads, 1 << 20)
            if not data:
                raise BrowserError(f"it has ended; {self._said()}")
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def _said(self) -> str:
        return "it said: " + (self.profile / "stderr").read_text(errors="replace")[-2000:]

    def _end(self) -> None:
        """End it and every process that it started: they still write to the profile."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(TERMINATION)
        deadline = time.monotonic() + TERMINATION
        with contextlib.suppress(ProcessLookupError):  # when nobody is left
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.poll()
                time.sleep(0.01)

    def close(self) -> None:
        """End it and forget its profile."""
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


class Page:
    """A tab. Scripts in it share the global object."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def evaluate(self, script: str) -> Any:
        """Evaluate an expression, or wait for the promise that it is; the value as JSON has it.

        Raises BrowserError when it throws.
        """
        answer = self._browser.call(
            "Runtime.evaluate",
            session=self._session,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")


def profile_folder() -> TemporaryDirectory[str]:
    """A folder that goes even while the browser's last processes still write to it."""
    return TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
