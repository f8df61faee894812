"""The page *Rehearse* behind real NATs: two browsers, or a browser and a terminal.

The page is served by a real server, the relay is a real coturn, the NATs are the kernel's. What
comes of a call is what stunkit foretells of such networks, and what the kernel has translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stunkit.call.simulation import Outcome
from stunkit.cli.preflight import STATUSES
from stunkit.endpoint import Endpoint
from stunkit.lab import find_kind
from tests.browser.axe import violations
from tests.browser.chromium import Chromium, Page
from tests.browser.visitor import Visitor
from tests.lab.connections import connections
from tests.lab.rehearsals import Site, Terminal, assert_foretold, site

pytestmark = pytest.mark.timeout(300)  # browsers start slowly on a busy machine

HEADINGS = {
    Outcome.DIRECT: "Connected directly, without a relay",
    Outcome.RELAY: "Connected, through a relay",
    Outcome.BLOCKED: "a relay is needed",
}
SIZES = [(390, 844), (1280, 800)]  # of a phone and of a desk
FRAMES = 20  # of a picture that moves


@contextmanager
def visiting(place: Site, side: int, *, has_camera: bool = False) -> Iterator[Visitor]:
    """Have somebody in a network with a browser, and nothing wrong in its console."""
    with Chromium(place.lab.sides[side].client, media=True) as browser:
        visitor = Visitor(browser.page(ignore_https_errors=True), has_camera=has_camera)
        yield visitor
        assert visitor.errors == []


def looks(page: Page) -> list[str]:
    """Return what axe finds on phone and desk, in light and dark."""
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} {scheme} {one}" for one in violations(page)]
    return found


def translated(place: Site, side: int) -> set[str]:
    """Return the endpoints that a side's NAT has given to its client."""
    return {str(one.mapped) for one in connections(place.lab.sides[side].routers[-1])}


def place_of(spot: dict[str, Any]) -> str:
    return str(Endpoint.of(spot["address"], spot["port"]))


@pytest.mark.parametrize(
    ("kind", "other", "has_relay"),
    [
        ("symmetric", "restricted", False),
        ("symmetric", "symmetric", True),
        ("udp-blocked", "port-restricted", True),
    ],
)
def test_two_browsers_connect_as_foretold(tmp_path: Path, kind: str, other: str, has_relay: bool):
    with (
        site(find_kind(kind), find_kind(other), tmp_path, has_relay=has_relay) as place,
        visiting(place, 0, has_camera=True) as one,
        visiting(place, 1) as two,
    ):
        two.join(one.make_room(place.url))
        greet(one, two, HEADINGS[place.verdict.outcome])
        one.end()
        documents = one.document(), two.document()
        tracked = [translated(place, side) for side in (0, 1)]
    assert_foretold(place, *documents)
    for document, mapped in zip(documents, tracked, strict=True):
        assert document["end"] == "browser"
        local = document["pair"]["local"]
        if local["type"] == "relay":
            assert local["address"] == place.lab.server_addresses()[0]
        else:
            assert place_of(local) in mapped


def greet(one: Visitor, two: Visitor, heading: str) -> None:
    """Have two see and hear of each other."""
    for visitor in (one, two):
        visitor.await_heading(heading)
        visitor.await_frames(FRAMES)
    one.say("hello")
    two.await_chat("hello")
    two.say("hello yourself")
    one.await_chat("hello yourself")


def test_symmetric_nats_at_both_ends_need_a_relay(tmp_path: Path):
    kind = find_kind("symmetric")
    with (
        site(kind, kind, tmp_path) as place,
        visiting(place, 0) as one,
        visiting(place, 1) as two,
        Terminal(place, 0) as three,
        Terminal(place, 1, three.link()) as four,
        Terminal(place, 1) as five,  # all three calls wait side by side for what cannot come
    ):
        two.join(one.make_room(place.url))
        one.await_heading("Both ends are here")
        six = Visitor(one.page.context.new_page())
        six.join(five.link())
        assert looks(one.page) == []
        for visitor in (one, two, six):
            visitor.await_heading(HEADINGS[place.verdict.outcome])
        assert looks(one.page) == []
        shown = [visitor.document() for visitor in (one, two, six)]
        printed = [terminal.ended() for terminal in (three, four, five)]
    told = [document for _, document in printed]
    for ours, theirs in (shown[:2], told[:2], (shown[2], told[2])):
        assert_foretold(place, ours, theirs)
    assert {status for status, _ in printed} == {STATUSES[place.verdict.outcome]}
    for document in shown[:2]:
        reasons = " ".join(document["reasons"])
        assert "The NAT here takes another port for each destination" in reasons
        assert "The NAT of the other end takes another port for each destination" in reasons
    assert all("a relay (TURN) is needed" in " ".join(one["reasons"]) for one in (*shown, *told))


@pytest.mark.parametrize("is_browser_first", [True, False])
def test_a_browser_and_a_terminal_connect_as_foretold(tmp_path: Path, is_browser_first: bool):
    kinds = find_kind("symmetric"), find_kind("restricted")
    with site(*kinds, tmp_path) as place, visiting(place, 0) as visitor:
        link = visitor.make_room(place.url) if is_browser_first else None
        with Terminal(place, 1, link) as terminal:
            if link is None:
                visitor.join(terminal.link())
            documents = talk(place, visitor, terminal)
    assert_foretold(place, *documents)


def test_a_browser_and_a_terminal_connect_through_a_relay(tmp_path: Path):
    kinds = find_kind("port-restricted"), find_kind("symmetric")
    with (
        site(*kinds, tmp_path, has_relay=True) as place,
        visiting(place, 0) as visitor,
        Terminal(place, 1, visitor.make_room(place.url)) as terminal,
    ):
        documents = talk(place, visitor, terminal)
    assert_foretold(place, *documents)


def talk(place: Site, visitor: Visitor, terminal: Terminal) -> tuple[dict[str, Any], ...]:
    """Have them see and hear of each other, and end it at the terminal."""
    visitor.await_heading(HEADINGS[place.verdict.outcome])
    terminal.until("connected")
    visitor.await_frames(FRAMES)
    visitor.say("hello")
    terminal.until("hello")
    terminal.say("hello yourself")
    visitor.await_chat("hello yourself")
    _, document = terminal.end()
    visitor.await_heading("The call connects")
    return visitor.document(), document


def test_everybody_can_use_the_page_in_every_state(tmp_path: Path):
    kind = find_kind("port-restricted")
    found = {}
    with (
        site(kind, kind, tmp_path) as place,
        visiting(place, 0, has_camera=True) as one,
        visiting(place, 1) as two,
    ):
        one.page.goto(place.url)
        one.await_heading("The world sees you as 203.0.113.1")
        found["who am I"] = looks(one.page)
        one.page.goto(f"{place.url}/rehearse")
        found["setup"] = looks(one.page)
        link = one.make_room(place.url)
        found["waiting"] = looks(one.page)
        two.page.goto(link)
        found["invited"] = looks(two.page)
        two.join(link)
        greet(one, two, HEADINGS[Outcome.DIRECT])
        found["connected"] = looks(one.page)
        third = Visitor(two.page.context.new_page())
        third.join(link)
        third.await_notice("Both seats of this room are taken")
        found["full"] = looks(third.page)
        one.end()
        documents = [visitor.document() for visitor in (one, two)]
        found |= {"ended": looks(one.page), "left alone": looks(two.page)}
        third.join(f"{place.url}/rehearse#{'x' * 22}")
        third.await_notice("There is no such room")
        found["no room"] = looks(third.page)
    assert found == {state: [] for state in found}
    assert_foretold(place, *documents)
