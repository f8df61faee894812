"""*Who am I* against a server of ours: the sentence, the table, the reports, what can go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stunkit.lab import Namespace
from tests.browser.chromium import Chromium, Page
from tests.browser.page.world import ADDRESS, PHONE, SITE, faults, host, open_at, serve, text, until

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

KNOWN = "!['Asking', ''].includes(document.querySelector('#kind').textContent)"


@pytest.fixture(scope="module")
def place() -> Iterator[Namespace]:
    with host() as namespace, serve(namespace):
        yield namespace


@pytest.fixture(scope="module")
def browser(place: Namespace) -> Iterator[Chromium]:
    with Chromium(place) as found:
        yield found


def asked(page: Page) -> str:
    until(page, KNOWN)
    return text(page, "sentence")


def test_says_in_one_sentence_how_the_world_sees_us(browser: Chromium):
    page, errors = open_at(browser, SITE)
    assert asked(page) == (
        f"The world sees you as {ADDRESS}, with one port for all (endpoint-independent mapping):"
        " direct calls are likely to work."
    )
    assert "NAT\nunknown" in text(page, "facts")
    assert "203.0.113.2 and 203.0.113.3 both answered" in text(page, "facts")
    rows = page.locator("#candidates tr")
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == ["host", "srflx"]
    assert text(page, "ways").startswith("You have 2 ways to be reached: 1 address of this host")
    assert (faults(page), errors) == ([], [])


def test_knows_more_once_the_microphone_is_allowed(place: Namespace):
    with Chromium(place, media=True) as browser:
        page, errors = open_at(browser, SITE)
        assert asked(page) == (
            f"The world sees you as {ADDRESS}, without a NAT: direct calls are likely to work."
        )
        assert (errors, page.get_by_role("button", name="Show own").is_visible()) == ([], False)


def test_fits_a_phone(browser: Chromium):
    page, errors = open_at(browser, SITE, **PHONE)
    asked(page)
    assert (faults(page), errors) == ([], [])


def test_can_be_used_by_keyboard(browser: Chromium):
    page, _ = open_at(browser, SITE)
    asked(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Rehearse a call"


def test_reports_are_saved(browser: Chromium, tmp_path: Path):
    page, _ = open_at(browser, SITE)
    asked(page)
    for name in ("JSON", "HTML"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {name}").click()
        download.value.save_as(tmp_path / name)
    document = json.loads((tmp_path / "JSON").read_text())
    assert document["ipv4"]["mapping"] == "endpoint-independent"
    assert document["ipv4"]["seen"] == [ADDRESS]
    assert "Direct calls are likely" in (tmp_path / "HTML").read_text()


def test_asks_again(browser: Chromium):
    page, _ = open_at(browser, SITE)
    asked(page)
    before = text(page, "candidates")
    page.get_by_role("button", name="Ask again").click()
    until(page, "!document.querySelector('#again').disabled")
    assert asked(page).startswith("The world sees you as")
    assert text(page, "candidates") != before  # other ports


def test_silence_is_unknown(browser: Chromium):
    page = browser.page("about:blank")
    servers = {"version": "0", "ice_servers": [], "mapping_servers": ["stun:203.0.113.9:3478"]}
    page.route("**/config.json", lambda route: route.fulfill(json=servers))
    page.goto(SITE)
    until(page, "document.querySelector('#status').textContent.startsWith('Not all')")
    assert faults(page) == []
    until(page, "document.querySelector('#kind').textContent === 'Unknown'")
    sentence = "How the world sees you is unknown: nobody has answered over UDP so far."
    assert text(page, "sentence") == sentence
    assert "cannot tell these apart" in text(page, "remarks")


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        ("delete globalThis.RTCPeerConnection", "This browser has no WebRTC"),
        ("globalThis.fetch = () => Promise.reject(new TypeError())", "The server does not answer"),
    ],
)
def test_what_is_missing_is_said(browser: Chromium, spoiled: str, sentence: str):
    page = browser.page("about:blank")
    page.add_init_script(spoiled)
    page.goto(SITE)
    assert asked(page).startswith(sentence)
    assert faults(page) == []


def test_server_that_is_gone_is_said(browser: Chromium):
    page, _ = open_at(browser, SITE)
    asked(page)
    page.route("**/config.json", lambda route: route.abort())
    page.reload()
    assert asked(page).startswith("The server does not answer")
