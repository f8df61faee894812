"""Silence over UDP, against servers that answer over TCP alone."""

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.discovery.silence import REFUSED, Silence, conclude
from tests.integration.behavior import without_udp
from tests.integration.loopback import endpoint_of_server, refusing, serving

ANY = Endpoint.of("127.0.0.1", 0)
FIRST, SECOND = Endpoint.of("192.0.2.1", 3478), Endpoint.of("192.0.2.2", 3478)


async def judge(*servers):
    silence = Silence(servers, ANY)
    return await silence.judge(), silence.is_there


async def test_silence_of_a_server_that_answers_over_tcp_is_a_block():
    async with without_udp() as server:
        judgment, is_there = await judge(server)
    assert judgment.udp is False
    assert is_there
    assert f"{server} answers over TCP, but not over UDP, asked 30 times more" in judgment.why
    assert "by chance" in judgment.why
    assert judgment.probes == (f"TCP {server}", f"UDP {server}")


async def test_a_closed_port_of_one_server_is_no_block():
    async with without_udp(is_silent=False) as server:
        judgment, _ = await judge(server)
    assert judgment.udp is None
    assert "connection refused" in judgment.why


async def test_closed_ports_of_two_servers_are_a_block():
    async with (
        without_udp(is_silent=False) as one,
        without_udp("127.0.0.2", is_silent=False) as two,
    ):
        judgment, _ = await judge(one, two)
    assert judgment.udp is False


async def test_a_server_that_does_answer_over_udp_is_no_block():
    async with serving("127.0.0.1") as server:
        judgment, _ = await judge(endpoint_of_server(server))
    assert judgment.udp is True


async def test_nobody_over_tcp_either_is_unknown():
    with refusing("127.0.0.1") as closed:
        async with without_udp(answers=False) as server:
            judgment, is_there = await judge(server, closed)
    assert judgment.udp is None
    assert not is_there
    assert "none over TCP" in judgment.why
    assert f"{closed}: connection refused" in judgment.why


@pytest.mark.parametrize(
    ("outcomes", "udp"),
    [
        ({FIRST: (False, 30)}, False),
        ({FIRST: (True, 3)}, True),
        ({FIRST: (False, 30), SECOND: (True, 3)}, True),
        ({FIRST: (REFUSED, 0)}, None),
        ({FIRST: (REFUSED, 0), SECOND: (REFUSED, 0)}, False),
        ({FIRST: ("operation not permitted", 0)}, False),
        ({FIRST: (REFUSED, 0), SECOND: (False, 30)}, False),
    ],
)
def test_what_follows(outcomes, udp):
    verdict, why = conclude(outcomes)
    assert verdict is udp
    assert why
