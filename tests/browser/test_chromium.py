"""The harness itself: what other tests take for granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from stunkit.lab import Lab, Namespace, find_kind
from tests.browser.chromium import BrowserError, Chromium

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine


@pytest.fixture(scope="module")
def browser():
    with Namespace("alone") as namespace, Chromium(namespace, media=True) as browser:
        yield browser


def test_says_its_version(browser: Chromium):
    assert int(browser.version.partition(".")[0]) > 100


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("6 * 7", 42),
        ("[1, {a: null}]", [1, {"a": None}]),
        ("undefined", None),
        ("new Promise(done => setTimeout(() => done('late'), 1))", "late"),
        ("(async () => isSecureContext)()", True),
    ],
)
def test_evaluates(browser: Chromium, script: str, value: object):
    assert browser.page().evaluate(script) == value


@pytest.mark.parametrize("script", ["nobody", "Promise.reject(new Error('nobody'))", "= nobody"])
def test_says_what_a_script_throws(browser: Chromium, script: str):
    with pytest.raises(BrowserError, match=r"nobody|SyntaxError"):
        browser.page().evaluate(script)


def test_pages_keep_apart_what_they_know(browser: Chromium):
    one, other = browser.page(), browser.page()
    one.evaluate("globalThis.known = 1")
    assert one.evaluate("known") == 1
    assert other.evaluate("typeof known") == "undefined"


def test_has_a_camera_and_a_microphone(browser: Chromium):
    script = "navigator.mediaDevices.getUserMedia({audio: true, video: true})"
    kinds = browser.page().evaluate(f"{script}.then(stream => stream.getTracks().map(t => t.kind))")
    assert sorted(kinds) == ["audio", "video"]


def test_two_browsers_are_in_two_namespaces():
    kind = find_kind("port-restricted")
    gather = """new Promise(done => {
        const connection = new RTCPeerConnection()
        connection.onicecandidate = event => event.candidate && done(event.candidate.address)
        connection.createDataChannel("")
        connection.setLocalDescription()
    })"""
    with (
        Lab(kind, kind) as lab,
        Chromium(lab.sides[0].client, media=True) as one,
        Chromium(lab.sides[1].client, media=True) as other,
    ):
        addresses = [browser.page().evaluate(gather) for browser in (one, other)]
    assert addresses == ["10.0.0.2", "10.0.1.2"]


def test_leaves_nothing_behind():
    with Namespace("alone") as namespace:
        with Chromium(namespace) as browser:
            home, process = browser.home, Path(f"/proc/{browser.pid}")
            assert home.is_dir()
            assert "chromium" in (process / "cmdline").read_text()
        assert not process.exists()
        assert not home.exists()
