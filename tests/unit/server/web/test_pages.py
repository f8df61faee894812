import re

import pytest

from stunkit.server.web import pages

FOLDER = pages.files("stunkit.server.web") / "page"


def test_serves_every_file_of_the_folder_and_two_pages_by_their_names():
    found = pages.load()
    names = {one.name for one in FOLDER.iterdir() if one.is_file()}
    assert {f"/static/{name}" for name in names} | {"/", "/rehearse"} == set(found)
    assert found["/"].body == (FOLDER / "index.html").read_bytes()
    assert found["/"].kind == "text/html; charset=utf-8"
    assert len({one.tag for one in found.values()}) == len(names)


@pytest.mark.parametrize("path", ["/", "/rehearse"])
def test_pages_keep_to_the_policy(path: str):
    text = pages.load()[path].body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    places = re.findall(r"\s(?:src|href)=[\"']?([^\"'\s>]+)", text)
    assert places
    for place in places:
        name = place.removeprefix("./").partition("#")[0].partition("?")[0]
        known = {"/" + name.lstrip("/"), "/static/" + name} & set(pages.load())
        assert known or name in ("", "/"), place


def test_lets_a_page_talk_to_its_own_host_alone():
    plain = pages.headers("a.example:8080", is_secure=False)
    policy = plain["Content-Security-Policy"]
    assert "connect-src 'self' ws://a.example:8080 wss://a.example:8080;" in policy
    assert "default-src 'none'" in policy
    assert "Strict-Transport-Security" not in plain
    secure = pages.headers("a.example", is_secure=True)
    assert "connect-src 'self' wss://a.example;" in secure["Content-Security-Policy"]
    assert secure["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("host", [None, "[::1]:80", "x; script-src *"])
def test_a_host_that_cannot_stand_in_a_policy_does_not(host: str | None):
    policy = pages.headers(host, is_secure=True)["Content-Security-Policy"]
    assert "connect-src 'self';" in policy
