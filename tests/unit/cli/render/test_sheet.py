from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from stunkit.cli.render.sheet import Head, bullets, section, sheet, table

EVIL = "</style><script>alert(1)</script>"


def test_a_sheet_allows_nothing_but_its_style():
    page = sheet(Head("t", "direct", "k", "s", "m"), ["<p>body</p>"], "<p>foot</p>")
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert "<p>body</p><footer" in page
    assert "<p>foot</p></footer>" in page


def test_text_is_escaped():
    page = sheet(Head(EVIL, "direct", EVIL, EVIL, EVIL), [])
    parts = [section(EVIL), table([EVIL], [[EVIL, EVIL]]), bullets([EVIL]), page]
    assert not [part for part in parts if "<script>" in part]


def test_nothing_is_drawn_of_nothing():
    assert table(["a"], []) == bullets([]) == ""
    assert "<thead>" not in table((), [["a", "b"]])
