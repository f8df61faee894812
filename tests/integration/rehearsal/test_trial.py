"""Which relay is taken, out of real ones of which not all can be reached."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stunkit.endpoint import Endpoint
from stunkit.rehearsal.servers import Chosen, choose
from stunkit.rehearsal.trial import HEAD_START, TIMEOUT, settle
from stunkit.signal.ice_server import IceServer
from tests.integration.loopback import free_port
from tests.integration.turnserver import PASSWORD, PEERS, USERNAME, USERS, turnserver


def offered(server: Endpoint, *transports: str, password: str = PASSWORD) -> Chosen:
    urls = tuple(f"turn:{server}?transport={one}" for one in transports)
    return choose([IceServer(urls, USERNAME, password)])


def taken(chosen: Chosen) -> str:
    assert chosen.relay is not None
    return str(chosen.relay.uri.carrier)


async def test_the_cheapest_that_gives_an_address_is_taken(tmp_path: Path):
    with turnserver(tmp_path, *USERS, *PEERS) as server:
        chosen = await settle(offered(server, "tcp", "udp"))
    assert taken(chosen) == "udp"
    assert [str(way.uri.carrier) for way in chosen.others] == ["tcp"]


async def test_where_udp_is_silent_the_one_over_tcp_is_taken(tmp_path: Path):
    loop = asyncio.get_running_loop()
    with turnserver(tmp_path, *USERS, *PEERS, "--no-udp") as server:
        began = loop.time()
        chosen = await settle(offered(server, "udp", "tcp"))
        took = loop.time() - began
    assert taken(chosen) == "tcp"
    assert [str(way.uri.carrier) for way in chosen.others] == ["udp"]
    assert took < TIMEOUT


async def test_nothing_changes_where_none_gives_one(tmp_path: Path):
    with turnserver(tmp_path, *USERS, *PEERS) as server:
        wrong = offered(server, "udp", "tcp", password="wrong")
        assert await settle(wrong) == wrong
    nobody = offered(Endpoint.of("127.0.0.1", free_port("127.0.0.1")), "udp", "tcp")
    assert await settle(nobody) == nobody


async def test_one_alone_is_not_asked():
    for chosen in (Chosen(), offered(Endpoint.of("127.0.0.1", 9), "udp")):
        began = asyncio.get_running_loop().time()
        assert await settle(chosen) is chosen
        assert asyncio.get_running_loop().time() - began < HEAD_START
