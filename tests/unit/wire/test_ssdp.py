from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.ssdp import GATEWAYS, GROUP, SsdpAnswer, search

ANSWER = (
    b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nst: upnp:rootdevice\r\n"
    b"SERVER: Debian/1 UPnP/1.1 Router/2\r\nlocation:  http://10.0.0.1:5000/root.xml \r\n\r\n"
)


def test_a_search_is_as_the_architecture_writes_it():
    lines = search(GATEWAYS[0], GROUP).decode().split("\r\n")
    assert lines == [
        "M-SEARCH * HTTP/1.1",
        "HOST: 239.255.255.250:1900",
        'MAN: "ssdp:discover"',
        "MX: 1",
        "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1",
        "",
        "",
    ]
    assert b"HOST: 10.0.0.1:1900\r\n" in search(GATEWAYS[0], Endpoint.of("10.0.0.1", 1900))


def test_decodes_an_answer():
    answer = SsdpAnswer.decode(ANSWER)
    assert answer == SsdpAnswer("http://10.0.0.1:5000/root.xml", "Debian/1 UPnP/1.1 Router/2")


def test_the_first_of_two_lines_counts():
    again = ANSWER[:-2] + b"LOCATION: http://192.0.2.66/\r\n\r\n"
    assert SsdpAnswer.decode(again).location == "http://10.0.0.1:5000/root.xml"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no answer"),
        (b"NOTIFY * HTTP/1.1\r\n\r\n", "no answer"),
        (ANSWER.replace(b"200 OK", b"404 Not Found"), "no answer"),
        (b"HTTP/1.1 200 OK\r\nST: x\r\n\r\n", "where the description is"),
        (b"HTTP/1.1 200 OK\r\nLOCATION:\r\n\r\n", "where the description is"),
        (ANSWER + bytes(2000), "bytes are over"),
    ],
)
def test_refuses_what_is_no_answer(data: bytes, reason: str):
    with pytest.raises(Malformed, match=reason):
        SsdpAnswer.decode(data)


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda rest: ANSWER[:17] + rest))
def test_any_bytes_are_an_answer_or_malformed(data: bytes):
    try:
        answer = SsdpAnswer.decode(data)
    except Malformed:
        return
    assert answer.location
