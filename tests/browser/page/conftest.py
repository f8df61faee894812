"""A page that has our modules and no server: its requests are answered from the folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route

from stunkit.server.web import pages
from tests.browser.chromium import Chromium, Page

PLACE = "http://localhost"  # nothing is there, and it is a secure context


def answer(route: Route) -> None:
    file = pages.load().get(route.request.url.removeprefix(PLACE))
    if file is None:
        route.fulfill(status=404)
    else:
        route.fulfill(body=file.body, content_type=file.kind)


@pytest.fixture(scope="module")
def bare() -> Iterator[Page]:
    with Chromium() as browser:
        page = browser.page("about:blank")
        page.route(f"{PLACE}/**", answer)
        page.goto(f"{PLACE}/static/icon.svg")
        yield page
