import pytest

from stunkit.errors import StartError, UsageError
from stunkit.fuzz.stand import StunServer
from stunkit.net.whoami import whoami
from stunkit.wire.uri import Transport


async def test_a_client_of_ours_asks_it():
    with StunServer() as server:
        found = await whoami([server.uri, f"{server.uri}?transport=tcp"])
    assert [answer.error for answer in found.answers] == [None, None]


def test_it_is_one_under_any_settings():
    with StunServer(alternate=True, software="mine") as server:
        assert len(server.endpoints) == 8
        assert server.endpoints[0] == (Transport.UDP, server.endpoint)
        assert server.uri == f"stun:{server.host}:{server.port}"
        assert server.settings.software == "mine"


def test_it_ends_and_is_started_again():
    server = StunServer()
    with server:
        first = server.port
    with pytest.raises(StartError, match="does not run"):
        _ = server.port
    server.stop()
    with server:
        assert server.port
    assert first


def test_a_taken_port_is_refused_and_nothing_stays():
    with StunServer() as server, pytest.raises(StartError), StunServer(listen=(server.endpoint,)):
        pass


def test_an_unknown_fault_is_refused():
    with StunServer() as server:
        with pytest.raises(UsageError, match="there are amplifies"):
            server.fault("nonsense")
        with pytest.raises(UsageError, match="alternate"):
            server.fault("dead-other")
