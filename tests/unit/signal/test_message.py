import json

import pytest

from stunkit.errors import SignalError
from stunkit.signal import message
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import (
    Bye,
    Join,
    Joined,
    Kind,
    Peer,
    PeerState,
    Problem,
    Relay,
    format_join,
    format_joined,
    format_peer,
    format_problem,
    format_relay,
    parse,
)
from tests.signalling import candidate_of, sdp_of

PLACE = {"session": 1, "seq": 2}
VIDEO = sdp_of(1) + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"


def relay(kind: Kind, **content):
    return Relay(kind, 1, 2, content)


def said(**members) -> str:
    return json.dumps(members)


@pytest.mark.parametrize(
    "value",
    [
        relay(Kind.OFFER, sdp=VIDEO),
        relay(Kind.ANSWER, sdp=sdp_of(1).replace("\r\n", "\n")),
        relay(Kind.OFFER, sdp=sdp_of(1).replace("s=-", "s=Grüße")),
        relay(Kind.CANDIDATE, candidate=candidate_of(1)),
        relay(Kind.END_OF_CANDIDATES),
    ],
)
def test_reads_what_it_writes_of_what_peers_say(value: Relay):
    assert parse(format_relay(value)) == value


@pytest.mark.parametrize(
    "value", [Join("r"), Join("r", "t"), Join("r", "t", 3, 0), Join("r", None, 3, 7)]
)
def test_reads_what_it_writes_of_joins(value: Join):
    assert parse(format_join(value)) == value


def test_reads_a_bye():
    assert parse('{"type": "bye"}') == Bye()


def test_takes_a_candidate_without_what_may_be_missing():
    text = said(type="candidate", candidate={**candidate_of(1), "sdpMid": None}, **PLACE)
    assert parse(text).content["candidate"]["sdpMid"] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("NaN", "it is not JSON"),
        ("[" * 60_000, "it is not JSON"),
        ("1" * 5_000, "it is not JSON"),
        ("[]", "it is no object"),
        ("x" * 65_537, "it is longer than 65536 characters"),
        ("{}", "its type is none that a client sends"),
        (said(type="joined"), "its type is none that a client sends"),
        (said(type=["offer"]), "its type is none that a client sends"),
        ('{"type": "bye", "type": "bye"}', "it has a member twice"),
        (said(type="bye", more=1), "it has a member that its type does not have"),
        (said(type="join", version=1), "it needs a room"),
        (said(type="join", version=1, room=""), "it needs a room"),
        (said(type="join", version=1, room=7), "room has to be text"),
        (said(type="join", version=1, room="x" * 257), "room is longer than 256 characters"),
        (said(type="join", version=1, room="a\nb"), "room has a control character"),
        ('{"type":"join","version":1,"room":"\\ud800"}', "room is not Unicode"),
        (said(type="join", version=1, room="r", session=1), "session and received go together"),
        (said(type="offer", sdp=VIDEO), "it needs session and seq"),
        (said(type="offer", sdp=VIDEO, session=0, seq=1), "session has to be a whole number"),
        (said(type="offer", sdp=VIDEO, session=1, seq=True), "seq has to be a whole number"),
        (said(type="offer", sdp=VIDEO, session=1, seq=1 << 53), "seq has to be a whole number"),
        (said(type="offer", **PLACE), "sdp has to be text"),
        (said(type="offer", sdp=VIDEO, more=1, **PLACE), "it has a member"),
        (said(type="offer", sdp="x=1", **PLACE), "sdp has to begin with v=0"),
        (said(type="offer", sdp="v=0\n" * 2_001, **PLACE), "sdp has to begin with v=0"),
        (said(type="offer", sdp="v=0\r\nhello\r\n", **PLACE), "line 2 of sdp is none"),
        (said(type="offer", sdp="v=0\r\ns=\x1b[2J\r\n", **PLACE), "line 2 of sdp is none"),
        (said(type="offer", sdp="v=0\r\n\r\n", **PLACE), "line 2 of sdp is none"),
        (said(type="offer", sdp="v=0\na=candidate:x", **PLACE), "line 2 of sdp: its component"),
        (said(type="answer", sdp="v" * 49_153, **PLACE), "sdp is longer than 49152 characters"),
        (said(type="candidate", candidate="x", **PLACE), "candidate has to be an object"),
        (said(type="candidate", candidate={}, **PLACE), "candidate needs sdpMid or sdpMLineIndex"),
        (said(type="candidate", candidate={"sdpMid": "0"}, **PLACE), "candidate is none"),
        (said(type="candidate", candidate={"a": 1}, **PLACE), "it has a member"),
        (
            said(type="candidate", candidate={"candidate": "x" * 1_025}, **PLACE),
            "candidate is longer than 1024 characters",
        ),
        (said(type="end-of-candidates", sdp="", **PLACE), "it has a member"),
    ],
)
def test_refuses_what_is_none(text: str, reason: str):
    with pytest.raises(SignalError, match=reason) as refused:
        parse(text)
    assert refused.value.code == Fault.MALFORMED


@pytest.mark.parametrize("version", [None, 2, "1", 1.0, True])
def test_refuses_another_version(version):
    with pytest.raises(SignalError, match="speaks version 1") as refused:
        parse(said(type="join", version=version, room="r"))
    assert refused.value.code == Fault.UNSUPPORTED_VERSION


def test_writes_what_a_client_is_told():
    servers = [IceServer(("stun:a:3478",)), IceServer(("turn:b",), "ann", "pw")]
    told = Joined(1, "t", 3, resumed=False, received=0, peer=True, expires=9.12345)
    told = told._replace(ice_servers=servers)
    joined = json.loads(format_joined(told))
    assert joined == {
        "type": "joined",
        "version": message.VERSION,
        "polite": True,
        "token": "t",
        "session": 3,
        "resumed": False,
        "received": 0,
        "peer": True,
        "expires": 9.123,
        "ice_servers": [
            {"urls": ["stun:a:3478"]},
            {"urls": ["turn:b"], "username": "ann", "credential": "pw"},
        ],
    }
    peer = json.loads(format_peer(Peer(PeerState.LOST, 3)))
    assert peer == {"type": "peer", "state": "lost", "session": 3}
    problem = json.loads(format_problem(Problem(Fault.FULL, "both")))
    assert problem == {"type": "error", "code": "full", "reason": "both", "final": True}
