"""One STUN server and one relay, out of what a site hands out."""

from __future__ import annotations

import pytest
from aiortc.rtcicetransport import connection_kwargs

from stunkit.rehearsal.servers import choose, configuration
from stunkit.signal.ice_server import IceServer


def turn(*urls: str) -> IceServer:
    return IceServer(urls, "u", "c")


def test_takes_the_first_stun_server_and_the_cheapest_relay():
    servers = [
        IceServer(("stun:a.example:3478", "stun:b.example")),
        turn("turns:t.example?transport=tcp", "turn:t.example?transport=tcp", "turn:t.example"),
    ]
    chosen = choose(servers)
    assert str(chosen.stun) == "stun:a.example:3478"
    assert chosen.relay is not None
    assert str(chosen.relay.uri) == "turn:t.example"
    others = ["turn:t.example?transport=tcp", "turns:t.example?transport=tcp"]
    assert [str(way.uri) for way in chosen.others] == others


@pytest.mark.parametrize(
    "server",
    [
        IceServer(("nonsense:", "stun:", "", "turn:[::1]", "stun:[2001:db8::1]:3478")),
        IceServer(("turn:t.example",)),  # without a name it lets nobody in
        IceServer(("stuns:a.example", "http://a.example")),
        turn("turns:t.example?transport=udp"),  # DTLS
    ],
)
def test_passes_over_what_aiortc_cannot_use(server):
    assert choose([server]) == (None, None, ())


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("turn:t.example", ("t.example", 3478, "udp", False)),
        ("turn:t.example:99?transport=tcp", ("t.example", 99, "tcp", False)),
        ("turns:t.example", ("t.example", 5349, "tcp", True)),
        ("turns:t.example:443?transport=tcp", ("t.example", 443, "tcp", True)),
    ],
)
def test_aiortc_understands_what_it_is_given(uri, expected):
    chosen = choose([IceServer(("stun:10.0.0.1",)), turn(uri)])
    found = connection_kwargs(configuration(chosen, offers=True).iceServers)
    assert found == {
        "stun_server": ("10.0.0.1", 3478),
        "turn_server": expected[:2],
        "turn_transport": expected[2],
        "turn_ssl": expected[3],
        "turn_username": "u",
        "turn_password": "c",
    }


def test_no_server_is_not_one_of_aiortcs_choice():
    assert configuration(choose([]), offers=False).iceServers == []
