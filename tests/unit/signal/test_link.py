"""Links to sites and rooms."""

from __future__ import annotations

import pytest

from stunkit.errors import UsageError
from stunkit.signal.link import RoomLink, Website

ROOM = "EHZpk1-XahbAnSC7X3cFDg"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("stun.example.org", "https://stun.example.org"),
        ("stun.example.org:8443", "https://stun.example.org:8443"),
        ("stun.example.org/", "https://stun.example.org"),
        ("https://stun.example.org:443/", "https://stun.example.org"),
        ("http://stun.example.org", "http://stun.example.org"),
        ("192.0.2.1", "https://192.0.2.1"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("2001:db8::1", "https://[2001:db8::1]"),
        ("localhost", "http://localhost:8080"),
        ("127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("[::1]", "http://[::1]:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_site_is_secure_but_on_loopback(text, url):
    site = Website.parse(text)
    assert str(site) == url
    assert Website.parse(url) == site


def test_addresses_of_a_site():
    site = Website.parse("stun.example.org")
    assert site.url("/rooms") == "https://stun.example.org/rooms"
    assert site.url("/signal", is_socket=True) == "wss://stun.example.org/signal"
    local = Website.parse("localhost")
    assert local.url("/signal", is_socket=True) == "ws://localhost:8080/signal"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("stun.example.org:3478", "https://stun.example.org"),
        ("stun:stun.example.org", "https://stun.example.org"),
        ("stuns:stun.example.org:5349?transport=tcp", "https://stun.example.org"),
        ("127.0.0.1:3478", "http://127.0.0.1:8080"),
        ("https://stun.example.org:8443", "https://stun.example.org:8443"),
    ],
)
def test_site_of_a_stun_server_is_at_its_host(text, url):
    assert str(Website.of_server(text)) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://stun.example.org",
        "https://",
        "https://a b",
        "https://stun.example.org:99999",
        "https://user:secret@stun.example.org",
        "host:port",
        "ho st",
    ],
)
def test_refuses_what_is_no_site(text):
    with pytest.raises(UsageError) as caught:
        Website.parse(text)
    assert "secret" not in str(caught.value)


def test_refuses_a_relay_as_a_site():
    with pytest.raises(UsageError):
        Website.of_server("turn:turn.example.org")


def test_room_link_is_read_and_written():
    link = RoomLink.parse(f" https://stun.example.org/rehearse#{ROOM}\n")
    assert link == RoomLink(Website(is_secure=True, host="stun.example.org", port=443), ROOM)
    assert str(link) == f"https://stun.example.org/rehearse#{ROOM}"
    assert RoomLink.parse(f"http://localhost:8080/#{ROOM}").site.port == 8080


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"stun.example.org/rehearse#{ROOM}",
        "https://stun.example.org/rehearse",
        "https://stun.example.org/rehearse#",
        "https://stun.example.org/rehearse#a b",
        f"ftp://stun.example.org/rehearse#{ROOM}",
        "https://stun.example.org/rehearse#" + "x" * 257,
    ],
)
def test_refuses_what_is_no_link_to_a_room(text):
    with pytest.raises(UsageError):
        RoomLink.parse(text)
