"""*Rehearse* where something is missing: each fault has a sentence and a way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stunkit.lab import Namespace
from tests.browser.chromium import Chromium, Page
from tests.browser.page.module import call
from tests.browser.page.world import INSECURE, SITE, SPY, faults, host, serve, stage, text, until

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

CODES = ("malformed", "already-joined", "alone")  # of the protocol, that no page of ours meets


@pytest.fixture(scope="module")
def place() -> Iterator[Namespace]:
    with host() as namespace, serve(namespace):
        yield namespace


@pytest.fixture(scope="module")
def browser(place: Namespace) -> Iterator[Chromium]:
    with Chromium(place) as found:
        yield found


def told(page: Page) -> str:
    until(page, "!document.querySelector('#notice').hidden")
    assert faults(page) == []
    return text(page, "notice")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_room_that_never_was(browser: Chromium):
    page = browser.page(f"{SITE}/rehearse#{'x' * 22}")
    press(page, "Join")
    assert "There is no such room" in told(page)
    press(page, "Make a new room")
    until(page, "location.hash === '' && document.readyState === 'complete'")
    press(page, "Make a room")
    stage(page, "waiting")


@pytest.mark.parametrize("name", ["abc%", "x" * 257, "%00"])
def test_a_link_that_names_no_room(browser: Chromium, name: str):
    page = browser.page(f"{SITE}/rehearse#{name}")
    assert "There is no such room" in told(page)
    press(page, "Make a room")
    stage(page, "waiting")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "may not be used by this page"),
        ("NotFoundError", "There is no camera or microphone"),
        ("NotReadableError", "in use by another program"),
    ],
)
def test_a_camera_that_cannot_be_had(browser: Chromium, name: str, words: str):
    page = browser.page("about:blank")
    throws = f"async () => {{ throw new DOMException('', {name!r}) }}"
    page.add_init_script(
        f"if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = {throws}"
    )
    page.goto(f"{SITE}/rehearse")
    page.get_by_label("Camera", exact=True).click()
    assert words in told(page)
    assert not page.get_by_label("Camera", exact=True).is_checked()
    press(page, "Go on without")
    until(page, "document.querySelector('#notice').hidden")
    press(page, "Make a room")
    stage(page, "waiting")


def test_a_page_without_https_has_no_camera_and_goes_on(browser: Chromium):
    page = browser.page(f"{INSECURE}/rehearse")
    assert "only to pages that came over HTTPS" in told(page)
    assert page.get_by_label("Camera", exact=True).is_disabled()
    press(page, "Make a room")
    stage(page, "waiting")


def test_a_browser_without_webrtc(browser: Chromium):
    page = browser.page("about:blank")
    page.add_init_script("delete globalThis.RTCPeerConnection")
    page.goto(f"{SITE}/rehearse")
    assert "This browser has no WebRTC" in told(page)
    assert page.get_by_role("button", name="Make a room").is_disabled()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, "cannot keep rooms"),
        (429, "too many requests"),
        (200, "The server does not answer"),  # but whoever is between
        (None, "The server does not answer"),
    ],
)
def test_a_server_that_makes_no_room(browser: Chromium, status: int | None, words: str):
    page = browser.page(f"{SITE}/rehearse")
    page.route(
        "**/rooms",
        lambda route: route.abort() if status is None else route.fulfill(status=status, body="no"),
    )
    press(page, "Make a room")
    assert words in told(page)


def test_a_server_that_is_away_when_somebody_waits(browser: Chromium):
    page = browser.page("about:blank")
    page.add_init_script(SPY)
    page.goto(f"{SITE}/rehearse")
    press(page, "Make a room")
    stage(page, "waiting")
    page.evaluate("sockets[0].close()")
    until(page, "document.querySelector('#status').textContent.startsWith('The server is away')")
    until(page, "document.querySelector('#status').textContent === ''")
    assert page.evaluate("document.querySelector('main').dataset.stage") == "waiting"


def test_every_final_fault_has_a_sentence_and_a_way_out(bare: Page):
    from stunkit.signal.fault import Fault

    codes = [str(one) for one in Fault if str(one) not in CODES]
    found = call(bare, "problem", "a[0].map(m.describe)", codes)
    for one in found:
        assert "unforeseen" not in one["sentence"], one
        assert one["wayOut"]
    odd = call(bare, "problem", "m.describe('odd')")
    assert (odd["action"], "odd" in odd["sentence"]) == ("reload", True)
