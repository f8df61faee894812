"""aioice: its gathering, and its STUN transactions, against our server."""

import asyncio

import aioice
import pytest
from aioice import ice, stun

from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Disposition
from stunkit.wire.message import Message
from tests.integration.loopback import HOSTS, PATIENCE
from tests.integration.peers.conftest import Ours


@pytest.fixture
def _loopback_counts(monkeypatch):
    """Let aioice gather from loopback, which it otherwise passes over."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: list(HOSTS))


@pytest.mark.usefixtures("_loopback_counts")
async def test_gathers_a_server_reflexive_candidate_from_our_server(ours: Ours):
    server = ours.endpoint("127.0.0.1")
    connection = aioice.Connection(
        ice_controlling=True, components=2, stun_server=(server.host, server.port)
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await connection.gather_candidates()
        hosts, reflexive = (
            [c for c in connection.local_candidates if c.type == kind] for kind in ("host", "srflx")
        )
    finally:
        await connection.close()
    assert len(hosts) == 4  # two components on two addresses
    assert {(c.host, c.port) for c in reflexive} == {(s.host, s.port) for s in ours.sources}
    assert [c.component for c in sorted(reflexive, key=lambda c: c.component)] == [1, 2]
    for candidate in reflexive:
        base = (candidate.related_address, candidate.related_port)
        assert base == (candidate.host, candidate.port)
        assert base in {(c.host, c.port) for c in hosts}
    assert {response.disposition for _, response in ours.exchanges} == {Disposition.ANSWERED}


class Receiver:
    """What aioice's protocol reports to, which is nothing here."""

    def protocol_lost(self, protocol: ice.StunProtocol) -> None:
        pass


@pytest.mark.parametrize("host", HOSTS)
async def test_is_answered_over_each_family(host: str, ours: Ours):
    # its gathering asks over IPv4 alone; its transactions carry both
    server = ours.endpoint(host)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        lambda: ice.StunProtocol(Receiver()), local_addr=(host, 0)
    )
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    try:
        async with asyncio.timeout(PATIENCE):
            response, source = await protocol.request(request, (server.host, server.port))
    finally:
        await protocol.close()
    (seen,) = ours.sources
    assert response.attributes["XOR-MAPPED-ADDRESS"] == (seen.host, seen.port)
    assert seen.host == host
    assert source == (server.host, server.port)


@pytest.mark.parametrize("host", HOSTS)
async def test_is_refused_what_our_server_does_not_understand(host: str, ours: Ours):
    server = ours.endpoint(host)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        lambda: ice.StunProtocol(Receiver()), local_addr=(host, 0)
    )
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["PRIORITY"] = 1  # must be understood, and is ICE's
    try:
        with pytest.raises(stun.TransactionFailed) as caught:
            await asyncio.wait_for(protocol.request(request, (server.host, server.port)), PATIENCE)
    finally:
        await protocol.close()
    assert caught.value.response.attributes["ERROR-CODE"][0] == 420


@pytest.mark.parametrize("host", HOSTS)
async def test_is_answered_with_a_fingerprint_that_it_accepts(host: str, ours: Ours):
    server = ours.endpoint(host)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        lambda: ice.StunProtocol(Receiver()), local_addr=(host, 0)
    )
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.add_fingerprint()
    try:
        async with asyncio.timeout(PATIENCE):
            response, _ = await protocol.request(request, (server.host, server.port))
    finally:
        await protocol.close()
    assert "FINGERPRINT" in response.attributes  # which aioice has checked
    assert Endpoint.of(*response.attributes["XOR-MAPPED-ADDRESS"]) == ours.sources[0]
    assert Message.decode(ours.exchanges[0][1].data).attributes[-1][0] == 0x8028
