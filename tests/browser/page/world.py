"""A host with a server of ours and browsers on it, in a namespace of its own.

It has two addresses that the server uses and no NAT. The site is on loopback, where a page is in a
secure context, and at an address, where it is in none.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stunkit.lab import Namespace, Service
from stunkit.lab.command import configure_links
from tests.browser.axe import violations
from tests.browser.chromium import Page

ADDRESS = "203.0.113.2"
SITE = "http://127.0.0.1:8080"
INSECURE = f"http://{ADDRESS}:8080"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PATIENCE = 60.0  # seconds
NETWORK = (
    "link set lo up",
    "link add eth0 type veth peer name port0",
    "link set eth0 up",
    "link set port0 up",
    f"address add {ADDRESS}/24 dev eth0",
    "address add 203.0.113.3/24 dev eth0",
    "route add default via 203.0.113.1",
)
SERVE = (
    *("-m", "stunkit", "serve", "--listen", f"{ADDRESS}:3478", "--alternate", "203.0.113.3:3479"),
    *("--web", "127.0.0.1:8080", "--web", f"{ADDRESS}:8080"),
)


@contextmanager
def host() -> Iterator[Namespace]:
    with Namespace("host") as namespace:
        namespace.call(configure_links, "set up a network", list(NETWORK))
        yield namespace


def serve(namespace: Namespace, *options: str) -> Service:
    return Service(namespace, [sys.executable, *SERVE, *options], ready="ready")


def until(page: Page, condition: str) -> None:
    """Wait until an expression is true; polled from here, since the page's policy has no eval."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        if time.monotonic() > deadline:
            stage = page.locator("main").inner_text()
            raise AssertionError(f"it never became true: {condition}; the page says: {stage}")
        page.wait_for_timeout(50)


SPY = """
const Native = WebSocket;
globalThis.sockets = [];
globalThis.WebSocket = class extends Native {
  constructor(...all) { super(...all); sockets.push(this); }
};
"""  # lets a test cut a connection


def stage(page: Page, *names: str) -> None:
    """Wait until the page is at one of these stages."""
    until(page, f"{list(names)!r}.includes(document.querySelector('main').dataset.stage)")


def text(page: Page, name: str) -> str:
    found: str = page.locator(f"#{name}").inner_text()
    return found


def faults(page: Page) -> list[str]:
    """What keeps somebody from using the page as it stands, in light and in dark."""
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {one}" for one in violations(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("it is wider than the window")
    return found


def listen(page: Page) -> list[str]:
    """Return a list of what goes wrong in the page, as it grows."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    return found


def open_at(browser: Any, url: str, **options: Any) -> tuple[Page, list[str]]:
    """Open a page and return it with the list of what goes wrong in it."""
    page = browser.page("about:blank", **options)
    found = listen(page)
    page.goto(url)
    return page, found
