from __future__ import annotations

from html.parser import HTMLParser

import pytest

from stunkit.cli.render.redaction import redacted
from stunkit.cli.render.rehearsal_report import to_html
from tests.rehearsals import CALL, NOTHING, document

VOID = {"meta", "br"}


class Nesting(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        del attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("seen", [CALL, NOTHING])
def test_page_is_whole_and_runs_nothing(seen):
    page = to_html(document(seen))
    nesting = Nesting()
    nesting.feed(page)
    assert nesting.open == []
    assert "<script" not in page


def test_page_has_the_verdict_the_figures_and_the_candidates():
    page = to_html(document())
    assert "Connected through a relay" in page
    assert "It goes through the relay of this end." in page
    assert "915 pictures of 640 x 480" in page
    assert "2026-11-23 07:00:00 UTC" in page
    assert "2001:db8::2" in page
    assert "Candidates" not in to_html(document(NOTHING))


def test_redacted_page_has_no_address():
    page = to_html(redacted(document()), is_redacted=True)
    assert "198.51.100.9" not in page
    assert "2001:db8::2" not in page
    assert "Addresses are replaced" in page
