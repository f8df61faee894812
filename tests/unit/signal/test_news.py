"""What a server says, as a client reads it."""

from __future__ import annotations

import json

import pytest

from stunkit.errors import SignalError
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import (
    Joined,
    Kind,
    Peer,
    PeerState,
    Problem,
    Relay,
    format_joined,
    format_peer,
    format_problem,
    format_relay,
)
from stunkit.signal.news import MOST_REASON, MOST_SERVERS, Welcome, parse_news

WELCOME = Welcome(
    polite=True,
    token="t",
    session=3,
    resumed=False,
    received=2,
    peer=True,
    expires=9.5,
)
JOINED = json.loads(
    format_joined(Joined(1, "t", 3, resumed=False, received=2, peer=True, expires=9.5))
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(JOINED), WELCOME),
        (json.dumps({**JOINED, "later": {"version": 2}}), WELCOME),
        (json.dumps({**JOINED, "expires": None}), WELCOME._replace(expires=None)),
        (json.dumps({**JOINED, "expires": 10**400}), WELCOME._replace(expires=None)),
        (json.dumps({**JOINED, "token": "\u00fc"}), WELCOME._replace(token="\u00fc")),
        (json.dumps({**JOINED, "ice_servers": "none"}), WELCOME),
        (
            format_problem(Problem(Fault.FULL, "it is full")),
            Problem(Fault.FULL, "it is full"),
        ),
        (format_peer(Peer(PeerState.LOST, 3)), Peer(PeerState.LOST, 3)),
        (
            format_relay(Relay(Kind.END_OF_CANDIDATES, 1, 2, {})),
            Relay(Kind.END_OF_CANDIDATES, 1, 2, {}),
        ),
    ],
)
def test_reads_what_a_server_says(text, message):
    assert parse_news(text) == message


@pytest.mark.parametrize(
    "members",
    [
        {"token": ""},
        {"token": 7},
        {"session": 0},
        {"session": True},
        {"polite": 1},
        {"received": -1},
        {"type": "welcome"},
        {"type": ["joined"]},
        {"type": None},
        {"token": "\ud800" * 22},
    ],
)
def test_refuses_a_message_without_what_is_needed(members):
    with pytest.raises(SignalError):
        parse_news(json.dumps({**JOINED, **members}))


@pytest.mark.parametrize("text", ["", "nothing", "7", "[" * 9_000, "x" * 65_537])
def test_refuses_what_is_no_message(text):
    with pytest.raises(SignalError):
        parse_news(text)


def test_takes_so_many_servers_and_no_more():
    servers = [{"urls": f"stun:{number}"} for number in range(50)]
    welcome = parse_news(json.dumps({**JOINED, "ice_servers": [7, *servers]}))
    assert isinstance(welcome, Welcome)
    assert len(welcome.ice_servers) == MOST_SERVERS - 1
    assert welcome.ice_servers[0] == IceServer(("stun:0",))


def test_shortens_a_reason():
    text = json.dumps({"type": "error", "code": "full", "reason": "x" * 9_999})
    assert len(parse_news(text).reason) == MOST_REASON
    assert parse_news('{"type":"error","code":"full","reason":7}').reason == ""
