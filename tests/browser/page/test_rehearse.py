"""*Rehearse*, two browsers and a server of ours: a call from the link to the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stunkit.lab import Namespace
from tests.browser.chromium import MDNS, Chromium, Page
from tests.browser.page.world import (
    PHONE,
    SITE,
    SPY,
    faults,
    host,
    open_at,
    serve,
    stage,
    text,
    until,
)

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

CUT = (
    "add table inet cut; add chain inet cut out { type filter hook output priority 0; };"
    "add rule inet cut out meta l4proto udp drop"
)
FRAMES = "document.querySelector('#theirs').getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture(scope="module")
def place() -> Iterator[Namespace]:
    with host() as namespace, serve(namespace):
        yield namespace


@pytest.fixture(scope="module")
def browsers(place: Namespace) -> Iterator[tuple[Chromium, Chromium]]:
    with Chromium(place, media=True) as one, Chromium(place, disabled=(MDNS,)) as other:
        yield one, other


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def make_room(page: Page) -> str:
    press(page, "Make a room")
    stage(page, "waiting")
    return page.get_by_label("Link", exact=True).input_value()


def meet(browsers: tuple[Chromium, Chromium], **options: object) -> tuple[Page, Page]:
    """Return two pages that are connected, the first with a camera."""
    one = browsers[0].page("about:blank")
    other = browsers[1].page("about:blank", **options)
    for page in (one, other):
        page.add_init_script(SPY)
    one.goto(f"{SITE}/rehearse")
    one.get_by_label("Camera", exact=True).check()
    one.get_by_label("Microphone", exact=True).check()
    other.goto(make_room(one))
    press(other, "Join")
    for page in (one, other):
        stage(page, "connected")
    return one, other


def chat(one: Page, other: Page, words: str) -> None:
    one.get_by_label("Message").fill(words)
    one.get_by_label("Message").press("Enter")
    until(other, f"document.querySelector('#log').textContent.endsWith({'They: ' + words!r})")


def test_a_call_from_the_link_to_the_report(browsers: tuple[Chromium, Chromium], tmp_path: Path):
    one, errors = open_at(browsers[0], f"{SITE}/rehearse")
    assert faults(one) == []
    one.get_by_label("Camera", exact=True).check()
    until(one, "document.querySelector('#ours').videoWidth > 640")  # no more the synthetic one
    link = make_room(one)
    assert link.startswith(f"{SITE}/rehearse#")
    until(one, "!document.querySelector('#qr').hidden")
    assert faults(one) == []

    other, other_errors = open_at(browsers[1], link, **PHONE)
    assert text(other, "sentence") == "You are invited to rehearse a call."
    assert faults(other) == []
    press(other, "Join")
    for page in (one, other):
        stage(page, "connected")
        until(page, f"{FRAMES} > 5")
        sentence = "Connected directly, without a relay."  # once all candidates are told
        until(page, f"document.querySelector('#sentence').textContent === {sentence!r}")
        until(page, "document.querySelectorAll('.step[data-state=done]').length === 8")
    chat(one, other, "hello from the one")
    chat(other, one, "hello <b>back</b>")
    until(one, "/[0-9] ms/.test(document.querySelector('#figures').textContent)")
    until(one, "/ to [0-9.]+ .bit/.test(document.querySelector('#figures').textContent)")
    assert "direct, host to" in text(one, "facts")
    for page in (one, other):
        assert faults(page) == []

    press(other, "End")
    for page in (one, other):
        stage(page, "ended")
        assert text(page, "kind").upper() == "CONNECTED DIRECTLY"
        assert faults(page) == []
    assert text(one, "status") == "The other end has left."
    assert one.evaluate("document.querySelector('#ours').srcObject") is None
    for name in ("JSON", "HTML"):
        with one.expect_download() as download:
            press(one, f"Download {name}")
        download.value.save_as(tmp_path / name)
    document = json.loads((tmp_path / "JSON").read_text())
    assert document["outcome"] == "direct"
    assert document["video"]["frames_decoded"] > 5
    assert document["chat"] == {"sent": 1, "received": 1}
    assert document["pair"]["local"]["address"] == "203.0.113.2"
    assert document["rtt_ms"]["median"] >= 0
    assert document["connected_after"] > 0
    assert document["problems"] == []
    assert "The call connects directly" in (tmp_path / "HTML").read_text()
    assert errors == other_errors == []


def test_steps_show_the_actual_things(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    for step, words in (
        ("stun", "stun:203.0.113.2:3478"),
        ("candidate", "typ host"),
        ("offer", "a=ice-ufrag"),
        ("answer", "a=ice-ufrag"),
        ("local", "m=audio"),
        ("remote", "a=fingerprint"),
        ("check", "succeeded"),
        ("connected", "there"),
    ):
        item = one.locator(f"[data-step={step}]")
        item.get_by_text("Look at it").click()
        until(
            one,
            f"document.querySelector('[data-step={step}] .things').textContent.includes({words!r})",
        )
        assert item.locator("pre").first.is_visible()
    assert faults(one) == []
    press(one, "End")
    stage(other, "ended")


def test_sound_and_picture_can_be_switched_off(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    tracks = "document.querySelector('#ours').srcObject.getTracks().map(t => [t.kind, t.enabled])"
    press(one, "Mute")
    assert dict(one.evaluate(tracks)) == {"audio": False, "video": True}
    press(one, "Picture off")
    assert dict(one.evaluate(tracks)) == {"audio": False, "video": False}
    assert one.get_by_role("button", name="Mute").get_attribute("aria-pressed") == "true"
    press(one, "Mute")
    assert dict(one.evaluate(tracks)) == {"audio": True, "video": False}
    press(one, "End")
    stage(other, "ended")


def test_a_call_outlives_the_server_and_comes_back_to_it(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    one.evaluate("sockets.at(-1).close()")
    until(one, "sockets.length === 2 && sockets[1].readyState === 1")
    chat(one, other, "still there")
    until(other, "document.querySelector('#status').textContent !== ''")
    press(one, "End")
    stage(other, "ended")
    assert text(other, "kind").upper() == "CONNECTED DIRECTLY"


def test_ice_is_restarted_when_the_path_breaks(
    place: Namespace, browsers: tuple[Chromium, Chromium]
):
    one, other = meet(browsers)
    place.run(["nft", CUT])
    for page in (one, other):
        until(page, "document.querySelector('#status').textContent.includes('another path')")
    offers = "[...document.querySelectorAll('[data-step=offer] pre')].map(one => one.textContent)"
    before = one.evaluate(offers)
    until(one, f"JSON.stringify({offers}) !== JSON.stringify({json.dumps(before)})")
    place.run(["nft", "delete table inet cut"])
    for page in (one, other):
        until(page, "document.querySelector('#facts').textContent.includes('Stateconnected')")
    chat(one, other, "back again")
    press(one, "End")
    stage(other, "ended")
    assert "ICE was restarted" in text(one, "reasons") + text(other, "reasons")


def test_whoever_comes_back_is_called_anew(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    link = one.evaluate("location.href")
    press(other, "End")
    stage(one, "ended")
    press(one, "Rehearse again")
    press(one, "Join")
    stage(one, "waiting")
    again = browsers[1].page(link)
    press(again, "Join")
    stage(one, "connected")
    stage(again, "connected")
    press(again, "End")
    stage(one, "ended")


def say_in(page: Page, *messages: dict[str, object]) -> None:
    """Have the server say something to a page, as it seems there."""
    for message in messages:
        data = json.dumps({"data": json.dumps(message)})
        page.evaluate(f"sockets.at(-1).dispatchEvent(new MessageEvent('message', {data}))")


def test_whoever_left_while_somebody_was_away_has_left(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    joined = {"type": "joined", "version": 1, "polite": False, "token": "t", "session": 2}
    gone = {"resumed": True, "received": 99, "peer": False, "expires": 60, "ice_servers": []}
    say_in(one, {**joined, **gone})
    stage(one, "ended")
    assert text(one, "status") == "The other end has left."
    assert text(one, "kind").upper() == "CONNECTED DIRECTLY"
    stage(other, "ended")


def test_a_call_whose_room_is_over_ends_when_it_is_lost(
    place: Namespace, browsers: tuple[Chromium, Chromium]
):
    one, other = meet(browsers)
    say_in(one, {"type": "error", "code": "expired", "reason": "over", "final": True})
    one.evaluate("sockets.at(-1).close()")
    until(one, "document.querySelector('#status').textContent.includes('The call goes on')")
    place.run(["nft", CUT])
    try:
        stage(one, "ended")
    finally:
        place.run(["nft", "delete table inet cut"])
    assert "there is no way to look for another path" in text(one, "status")
    assert text(one, "kind").upper() == "CONNECTED DIRECTLY"
    press(other, "End")


def test_a_camera_that_is_unplugged_is_told(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    one.evaluate(
        "document.querySelector('#ours').srcObject.getVideoTracks()[0]"
        ".dispatchEvent(new Event('ended'))"
    )
    until(one, "!document.querySelector('#notice').hidden")
    assert "The camera or microphone is gone" in text(one, "notice")
    assert faults(one) == []
    press(one, "End")
    stage(other, "ended")


def test_a_page_that_comes_back_out_of_history_begins_anew(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    one.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    stage(other, "ended")
    with one.expect_navigation():
        one.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    stage(one, "setup")
    assert text(one, "sentence") == "You are invited to rehearse a call."


def test_nobody_came(browsers: tuple[Chromium, Chromium]):
    page, errors = open_at(browsers[1], f"{SITE}/rehearse")
    make_room(page)
    press(page, "End")
    stage(page, "ended")
    assert text(page, "sentence") == "Nobody came to the other end."
    assert (faults(page), errors) == ([], [])


def test_a_third_one_is_told_that_the_room_is_full(browsers: tuple[Chromium, Chromium]):
    one, other = meet(browsers)
    third = browsers[1].page(one.evaluate("location.href"))
    press(third, "Join")
    until(third, "!document.querySelector('#notice').hidden")
    assert "Both seats of this room are taken." in text(third, "notice")
    assert faults(third) == []
    press(one, "End")
    stage(other, "ended")
    press(third, "Join again")
    stage(third, "waiting")
