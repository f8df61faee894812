"""axe-core finds what it should, under a strict policy, and leaves the page as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import Chromium, Page

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

GOOD = """<!doctype html><html lang="en"><head><title>test</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'">
</head><body><main><h1>Here</h1><p>Something.</p>PLACE</main></body></html>"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with Chromium() as browser:
        yield browser.page()


def test_finds_nothing_in_a_good_page(page: Page):
    page.set_content(GOOD.replace("PLACE", ""))
    assert violations(page) == []


def test_says_what_is_wrong_and_where(page: Page):
    page.set_content(GOOD.replace("PLACE", '<p id="dim">'))
    page.evaluate("dim.append('Hardly to be read'); dim.style.color = '#ccc'")
    (found,) = violations(page)
    assert found.startswith('color-contrast (serious): #dim <p id="dim"')
    assert "Fix any of the following" in found


def test_leaves_the_page_as_it_was(page: Page):
    page.set_content(GOOD.replace("PLACE", "<input>"))
    look = "[document.documentElement.outerHTML, Object.keys(globalThis).sort()]"
    before = page.evaluate(look)
    assert [one.partition(" ")[0] for one in violations(page)] == ["label"]
    assert page.evaluate(look) == before
