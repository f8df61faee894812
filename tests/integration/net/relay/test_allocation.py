"""From a relay's URI to an allocation that is held open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer, Refused, ResolutionError, Untrusted, UsageError
from stunkit.net.relay.allocation import allocate
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport, Uri
from tests.integration.certificates import Authority
from tests.integration.loopback import silent
from tests.integration.turnserver import PASSWORD, PEERS, USERNAME, USERS, turnserver

ANN = TurnCredentials(USERNAME, PASSWORD)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, authority: Authority) -> Iterator[Endpoint]:
    pair = authority.issue()
    options = (*USERS, *PEERS, f"--cert={pair.certificate}", f"--pkey={pair.key}")
    with turnserver(tmp_path_factory.mktemp("coturn"), *options) as server:
        yield server


@pytest.mark.parametrize("transport", Transport)
async def test_holds_an_allocation_over_each_transport(transport, server, authority: Authority):
    uri = Uri.parse(f"turn:{server}")
    async with await allocate(uri, ANN, transport=transport, ca_file=authority.file) as relay:
        assert relay.site.transport is transport
        assert relay.relayed.host == "127.0.0.1"
        assert relay.mapped == relay.local
        assert relay.allocated.lifetime == 600


async def test_the_uri_says_over_what_unless_it_is_told(server, authority: Authority):
    for text, transport in (
        (f"turn:{server}", Transport.UDP),
        (f"turn:{server}?transport=tcp", Transport.TCP),
        (f"turns:{server}", Transport.TLS),
    ):
        async with await allocate(Uri.parse(text), ANN, ca_file=authority.file) as relay:
            assert relay.site.transport is transport


async def test_bind_decides_the_family(server: Endpoint):
    uri = Uri.parse(f"turn:localhost:{server.port}")
    bind = Endpoint.parse("127.0.0.1:0")
    async with await allocate(uri, ANN, bind=bind) as relay:
        assert relay.site.server == server
    with pytest.raises(ResolutionError):
        await allocate(Uri.parse(f"turn:{server}"), ANN, bind=Endpoint.parse("[::1]:0"))


async def test_tries_the_next_address(server: Endpoint):
    # coturn listens on IPv4 alone, and a name may lead to IPv6 first
    async with await allocate(Uri.parse(f"turn:localhost:{server.port}"), ANN) as relay:
        assert relay.site.server.family is Family.IPV4


async def test_says_why_there_is_none(server: Endpoint):
    uri = Uri.parse(f"turn:{server}")
    with pytest.raises(Refused) as caught:
        await allocate(uri, TurnCredentials(USERNAME, "wrong"))
    assert caught.value.code == 401
    with pytest.raises(Refused) as caught:
        await allocate(uri, ANN, family=Family.IPV6)
    assert caught.value.code == 440
    with pytest.raises(Untrusted):
        await allocate(uri, ANN, transport=Transport.TLS)


async def test_ends_in_time():
    with silent("127.0.0.1") as server, pytest.raises(NoAnswer):
        await allocate(Uri.parse(f"turn:{server}"), ANN, timeout=0.2)


@pytest.mark.parametrize("text", ["stun:a.example", "turns:a.example?transport=udp"])
async def test_refuses_what_is_no_relay(text: str):
    with pytest.raises(UsageError):
        await allocate(Uri.parse(text), ANN)
