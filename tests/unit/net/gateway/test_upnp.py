"""Where a gateway may send us; the conversation itself is in tests/lab/net/gateway/test_upnp.py."""

from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer
from stunkit.net.gateway.upnp import locate

GATEWAY = Endpoint.of("10.0.0.1", 0)


@pytest.mark.parametrize(
    ("url", "port", "path"),
    [
        ("http://10.0.0.1:5000/root.xml", 5000, "/root.xml"),
        ("http://10.0.0.1", 80, "/"),
        ("http://10.0.0.1:0/", 0, "/"),
        ("HTTP://10.0.0.1:49152/a/b?c=d#e", 49152, "/a/b?c=d"),
    ],
)
def test_a_place_of_its_own_is_asked(url: str, port: int, path: str):
    request = locate(url, GATEWAY)
    assert (request.server, request.path) == (GATEWAY.with_port(port), path)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.2/root.xml",
        "http://192.0.2.1:80/",
        "http://10.0.0.1@192.0.2.1/",
        "http://127.0.0.1/",
        "https://10.0.0.1/",
        "file:///etc/passwd",
        "ftp://10.0.0.1/",
        "//10.0.0.1/root.xml",
    ],
)
def test_another_device_is_not_asked(url: str):
    with pytest.raises(InvalidAnswer):
        locate(url, GATEWAY)


@pytest.mark.parametrize(
    "url",
    ["", "http://", "http://router.local/", "http://10.0.0.1:99999/", "http://[::1", "http://a:b/"],
)
def test_what_names_no_address_is_not_asked(url: str):
    with pytest.raises(InvalidAnswer, match="names no address"):
        locate(url, GATEWAY)


def test_a_place_is_relative_to_its_base_and_never_breaks_off():
    assert locate("ctl", GATEWAY, "http://10.0.0.1:80/a/").path == "/a/ctl"
    for base, url in (("http://10.0.0.1/", "//["), ("http://[::1", "/ctl")):
        with pytest.raises(InvalidAnswer, match="names no address"):
            locate(url, GATEWAY, base)


def test_a_place_cannot_break_out_of_its_line():
    for path in ("/a b", "/a\r\nHost: x", "/ä"):
        with pytest.raises(InvalidAnswer):
            locate(f"http://10.0.0.1{path}", GATEWAY).encode()
