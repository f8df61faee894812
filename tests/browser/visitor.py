"""A visitor: a person at the page *Rehearse*, who sees headings, buttons and fields.

    one = Visitor(browser.page(ignore_https_errors=True))
    link = one.make_room("https://198.51.100.1")
    one.await_heading("Connected directly")

Rules of this file: what is there is found by its role and its name, as a screen reader has them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, expect

PATIENCE = 60_000  # milliseconds; a call that fails takes Chromium 15 to 30 seconds


class Visitor:
    """Somebody with a browser, and the ``errors`` in its console.

    ``has_camera`` turns on the camera and the microphone.
    """

    def __init__(self, page: Page, *, has_camera: bool = False) -> None:
        self.page = page
        self.has_camera = has_camera
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._read)

    def _read(self, message: ConsoleMessage) -> None:
        if message.type == "error":  # such as what the content security policy has stopped
            self.errors.append(message.text)

    def make_room(self, url: str) -> str:
        """Make a room, and return its link."""
        self.page.goto(f"{url}/rehearse")
        self._join("Make a room")
        link = self.page.get_by_role("textbox", name="Link")
        expect(link).to_have_value(re.compile("#."), timeout=PATIENCE)
        return link.input_value()

    def join(self, link: str) -> None:
        """Open a link that somebody has sent, and go in."""
        self.page.goto(link)
        self._join("Join")

    def _join(self, name: str) -> None:
        for label in ("Camera", "Microphone"):
            self.page.get_by_role("checkbox", name=label, exact=True).set_checked(self.has_camera)
        self.page.get_by_role("button", name=name, exact=True).click()

    def await_heading(self, text: str) -> None:
        """Wait until the page says so in its first line."""
        heading = self.page.get_by_role("heading", level=1)
        try:
            expect(heading).to_contain_text(text, timeout=PATIENCE)
        except AssertionError as error:
            whole = self.page.get_by_role("main").inner_text()
            raise AssertionError(f"{error}\n\nAll that it says: {whole}") from None

    def await_notice(self, text: str) -> None:
        """Wait until the page tells of a problem."""
        expect(self.page.get_by_role("alert")).to_contain_text(text, timeout=PATIENCE)

    def say(self, text: str) -> None:
        field = self.page.get_by_role("textbox", name="Message")
        field.fill(text)
        field.press("Enter")

    def await_chat(self, text: str) -> None:
        """Wait until somebody else has said something."""
        expect(self.page.get_by_role("log")).to_contain_text(f"They: {text}", timeout=PATIENCE)

    def frames(self) -> int:
        """Return how many frames of the other end's picture have been shown."""
        picture = self.page.get_by_label("Picture of the other end")
        count: int = picture.evaluate("video => video.getVideoPlaybackQuality().totalVideoFrames")
        return count

    def await_frames(self, more: int) -> None:
        """Wait until so many more have been."""
        wanted = self.frames() + more
        picture = self.page.get_by_label("Picture of the other end").element_handle()
        self.page.wait_for_function(
            "([video, wanted]) => video.getVideoPlaybackQuality().totalVideoFrames >= wanted",
            arg=[picture, wanted],
            timeout=PATIENCE,
        )

    def end(self) -> None:
        """End the call."""
        self.page.get_by_role("button", name="End", exact=True).click()

    def document(self) -> dict[str, Any]:
        """Download what the page knows of the call."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Download JSON").click()
        document: dict[str, Any] = json.loads(Path(download.value.path()).read_text("utf-8"))
        return document
