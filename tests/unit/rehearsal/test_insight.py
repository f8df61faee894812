"""What libraries know and do not tell."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stunkit.call.rehearsal import Pair, Spot
from stunkit.rehearsal import insight
from stunkit.rehearsal.servers import Chosen, Way
from stunkit.wire.uri import Uri

RELAYED = Chosen(None, Way(Uri.parse("turns:t.example"), "u", "c"))


def aioice(kind: str, port: int):
    return SimpleNamespace(type=kind, transport="UDP", host="10.0.0.2", port=port)


def aiortc(kind: str, port: int):
    return SimpleNamespace(type=kind, protocol="udp", ip="10.0.0.2", port=port)


def connection(**ice):
    transport = SimpleNamespace(transport=SimpleNamespace(transport=SimpleNamespace(**ice)))
    return SimpleNamespace(sctp=transport)


def test_finds_the_selected_pair():
    pair = SimpleNamespace(local_candidate=aioice("relay", 1), remote_candidate=aioice("host", 2))
    pc = connection(_connection=SimpleNamespace(_nominated={1: pair}))
    local = Spot("relay", "udp", "10.0.0.2", 1, "tls")
    expected = Pair(local, Spot("host", "udp", "10.0.0.2", 2))
    assert insight.selected_pair(pc, RELAYED) == expected


def test_finds_candidates():
    gatherer = SimpleNamespace(getLocalCandidates=lambda: [aiortc("host", 1), aiortc("relay", 2)])
    pc = connection(iceGatherer=gatherer, getRemoteCandidates=lambda: [aiortc("prflx", 3)])
    local = insight.local_spots(pc, RELAYED)
    assert [(one.type, one.relay_protocol) for one in local] == [("host", None), ("relay", "tls")]
    assert insight.local_spots(pc, Chosen())[1].relay_protocol is None
    assert insight.remote_spots(pc) == (Spot("prflx", "udp", "10.0.0.2", 3),)


@pytest.mark.parametrize(
    "pc",
    [
        SimpleNamespace(),
        SimpleNamespace(sctp=None),
        connection(),
        connection(_connection=SimpleNamespace(_nominated={})),
        connection(_connection=SimpleNamespace(_nominated={1: object()})),
    ],
)
def test_what_is_elsewhere_is_unknown(pc):
    assert insight.selected_pair(pc, Chosen()) is None
    assert insight.local_spots(pc, Chosen()) == ()
    assert insight.remote_spots(pc) == ()


def test_finds_a_clock_rate():
    assert (
        insight.clock_rate(SimpleNamespace(_codecs=[SimpleNamespace(clockRate=48_000)])) == 48_000
    )
    for odd in (SimpleNamespace(), SimpleNamespace(_codecs=[]), SimpleNamespace(_codecs=None)):
        assert insight.clock_rate(odd) is None
