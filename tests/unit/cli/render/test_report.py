import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from stunkit.call.forecast import Peer, forecast
from stunkit.cli.render.report import to_html
from stunkit.net.preflight_report import Part
from stunkit.net.relay.report import RelayOutcome
from tests.preflights import (
    BLOCKED,
    FAILED,
    FIREWALL6,
    SILENT,
    SYMMETRIC,
    gathered,
    nat,
    preflight,
    relay,
    report,
    router,
)

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
EVIL = "</style><script>alert(1)</script><img src=x onerror='alert(2)'>\"&"
VOID = {"meta", "br"}
FOUND = [
    preflight(),
    preflight(BLOCKED),
    preflight(SILENT),
    preflight(SYMMETRIC, relays=(relay(), relay(RelayOutcome.TIMED_OUT, **FAILED))),
    preflight(nat=nat(SYMMETRIC, FIREWALL6), gateway=router("100.64.0.1")),
    preflight(
        nat=None, gateway=None, gathered=None, quality=None, problems=dict.fromkeys(Part, "")
    ),
]


def page(found, *peers: str, **more) -> str:
    foretold = forecast(found.facts, [Peer.parse(one) for one in peers], found.unproven)
    return to_html(found, foretold, now=NOW, **more)


class Outline(HTMLParser):
    """The tags of a page, which have to be closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("found", FOUND)
def test_page_is_well_formed_and_needs_nothing_else(found):
    text = page(found)
    outline = Outline(text)
    assert outline.open == []
    assert not outline.tags & {"script", "img", "link", "iframe", "object", "form"}
    names = {name for name, _ in outline.attributes}
    assert not names & {"src", "href", "style", "onclick", "onerror", "action"}
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_policy_allows_nothing_but_the_style_of_the_page():
    text = page(preflight())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        in text
    )
    assert text.index("Content-Security-Policy") < text.index("<style>")


@pytest.mark.parametrize("redacts", [True, False])
def test_text_of_strangers_stays_text(redacts):
    evil = relay(RelayOutcome.REFUSED, relayed=None, why=EVIL)
    found = preflight(SYMMETRIC, relays=(evil,), gathered=gathered(name=EVIL))
    text = page(found, redacts=redacts)
    outline = Outline(text)
    assert "script" not in outline.tags
    assert "img" not in outline.tags
    assert EVIL in "".join(outline.text)


def test_page_says_the_verdict_when_and_by_what():
    text = page(preflight(SYMMETRIC))
    assert "<h1>A call with someone behind a usual home router will not work" in text
    assert '<div class="verdict blocked">' in text
    assert "2026-01-02 03:04 UTC" in text
    assert "stunkit 0." in text


def test_page_shows_each_part():
    said = "".join(Outline(page(preflight(relays=(relay(),)), "symmetric")).text)
    for words in (
        "Why", "What would help", "Calls", "Quality", "Facts", "Relays", "Router", "Candidates",
        "Evidence", "MOS", "allocate", "10.0.0.2:40000", "two saw the same", "Token of this end",
    ):  # fmt: skip
        assert words in said


def test_relay_that_fails_is_unfolded():
    text = page(preflight(relays=(relay(), relay(RelayOutcome.TIMED_OUT, **FAILED))))
    assert text.count("<details open>") == 1
    assert '<span class="is-blocked">timed-out</span>' in text


def test_peer_that_is_asked_about_stands_out():
    assert '<tr class="asked"><th scope="row">symmetric</th>' in page(preflight(), "symmetric")
    assert 'class="asked"' not in page(preflight())


def test_redacted_page_has_no_address_but_says_what_they_are():
    found = preflight(relays=(relay(),), gateway=router("100.64.0.1"))
    text = page(found, redacts=True)
    addresses = re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", text)
    assert addresses == []
    assert "ipv4-private-1.invalid:40000" in text
    assert "Addresses are replaced" in text


def test_one_address_has_one_name_throughout_a_redacted_page():
    text = page(preflight(report()), redacts=True)
    assert {*re.findall(r"ipv4-documentation-\d+", text)} == {
        "ipv4-documentation-1",
        "ipv4-documentation-2",
    }
    figure = text.partition("<figure>")[2].partition("</figure>")[0]
    number = re.search(r"you are seen as</text>.*?(ipv4-documentation-\d)", figure)[1]
    assert f'<th scope="row">seen as</th><td>{number}.invalid:40000' in text
