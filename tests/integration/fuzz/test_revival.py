import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError, UsageError
from stunkit.fuzz import revival
from stunkit.fuzz.carrier import Road
from stunkit.fuzz.pulse import State
from stunkit.fuzz.revival import Revival
from stunkit.fuzz.stand import StunServer
from stunkit.wire.uri import Uri
from tests.integration.fuzz.servers import planted

BAD = bytes.fromhex("000100002112a44200000000000000000000000000240000")
GOOD = bytes.fromhex("000100002112a442") + bytes(12)


def road(port: int) -> Road:
    endpoint = Endpoint.of("127.0.0.1", port)
    return Road(endpoint, Uri.parse(f"stun:{endpoint}"))


def make(port: int, command: str | None) -> Revival:
    return Revival(road(port), command, 0.3, 2000, lambda _: False)


def test_a_server_fails_again_and_again_and_is_brought_back():
    with planted("ends") as server:
        one = make(server.port, server.restart)
        try:
            assert not one.fails([GOOD])
            for _ in range(2):
                assert one.fails([GOOD, BAD])
                assert one.verdict.state is State.SILENT
            assert not one.is_lost
        finally:
            one.leave()


def test_a_server_that_is_well_is_not_brought_back():
    with StunServer() as server:
        one = make(server.port, None)
        assert not one.fails([GOOD] * 100)
        one.leave()


def test_a_server_that_does_not_come_back_is_lost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(revival, "BACK", 0.3)
    one = make(9, "true")
    assert not one.fails([BAD])
    assert one.is_lost
    assert not one.bring_back()
    one.leave()


def test_a_command_that_is_none_is_refused():
    with pytest.raises(UsageError, match="it is empty"):
        make(9, " ")
    with pytest.raises(UsageError, match="quotation"):
        make(9, "'")
    with pytest.raises(StartError, match="no such file"):
        make(9, "/no/such/program").bring_back()
