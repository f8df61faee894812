from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from stunkit.endpoint import Endpoint
from stunkit.fuzz.carrier import Road
from stunkit.fuzz.pulse import QUICK, Pulse, State
from stunkit.fuzz.stand import StunServer
from stunkit.wire.uri import Uri
from tests.integration.loopback import free_port, silent

TIMEOUT = 0.3


def make(server: Endpoint, query: str = "") -> Pulse:
    road = Road(server, Uri.parse(f"stun:{server}{query}"))
    return Pulse(road, Random(1), TIMEOUT, lambda _: False)


@contextmanager
def asking(server: Endpoint, query: str = "") -> Iterator[Pulse]:
    pulse = make(server, query)
    try:
        yield pulse
    finally:
        pulse.close()


@pytest.mark.parametrize("query", ["", "?transport=tcp"])
def test_a_server_that_is_well(query: str):
    with StunServer() as server, asking(server.endpoint, query) as pulse:
        for _ in range(3):
            assert pulse.ask().state is State.WELL


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("wrong-id", "a transaction id that nobody has sent"),
        ("wrong-length", "no STUN message"),
        ("no-mapped", "no mapped address any more"),
        ("no-xor", "is right"),
    ],
)
def test_a_server_that_goes_wrong(fault: str, why: str):
    with StunServer() as server, asking(server.endpoint) as pulse:
        assert pulse.ask().state is State.WELL
        server.fault(fault)
        verdict = pulse.ask()
    assert verdict.state is State.WRONG
    assert why in verdict.why


def test_an_error_instead_of_an_answer_is_wrong():
    with StunServer() as server, asking(server.endpoint) as pulse:
        assert pulse.ask().state is State.WELL
    with StunServer(users={"a": "b"}, listen=(server.settings.listen[0],)) as closed:
        pulse = make(closed.endpoint)
        assert pulse.ask().state is State.WELL  # it was so from the start
        pulse.close()


def test_one_lost_answer_is_nothing():
    with StunServer() as server, asking(server.endpoint) as pulse:
        server.drop_next()
        assert pulse.ask(QUICK).state is State.WELL


def test_silence_and_a_closed_port():
    with silent("127.0.0.1") as server, asking(server) as pulse:
        assert pulse.ask(QUICK).why == "no answer"
    with asking(Endpoint.of("127.0.0.1", free_port("127.0.0.1"))) as pulse:
        assert pulse.ask(QUICK).why == "nobody listens on its port any more"


def test_a_restart_between_two_questions_is_seen():
    port = free_port("127.0.0.1")
    listen = (Endpoint.of("127.0.0.1", port),)
    with asking(listen[0], "?transport=tcp") as pulse:
        with StunServer(listen=listen):
            assert pulse.ask().state is State.WELL
        with StunServer(listen=listen):
            assert pulse.ask().state is State.RESTARTED


def test_an_answer_to_an_input_is_nobodys_mistake():
    with StunServer() as server:
        road = Road(server.endpoint, Uri.parse(server.uri))
        pulse = Pulse(road, Random(1), TIMEOUT, lambda _: True)
        server.fault("wrong-id")
        assert pulse.ask((0.0,)).state is State.SILENT
        pulse.close()
