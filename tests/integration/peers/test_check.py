"""Servers of others put to the conformance cases: each claim rests on bytes, and stays the same."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aioice import stun

from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Endpoint
from stunkit.net.check import check
from stunkit.net.transport.sockaddr import endpoint_of
from tests.integration.certificates import Authority
from tests.integration.loopback import HOSTS, free_port
from tests.integration.peers.program import running

FAST = 2000.0  # datagrams a second: nobody is bothered on loopback
HERE, OTHER = "127.0.0.1", "127.0.0.2"

each_host = pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def coturn(tmp_path_factory, authority: Authority) -> int:
    """The port of coturn's server, which answers over UDP, TCP and TLS on both families."""
    folder = tmp_path_factory.mktemp("coturn")
    port = free_port(*HOSTS)
    pair = authority.issue()
    arguments = ["--stun-only", "-n", "--no-dtls", "--no-cli", "--relay-threads=1"]
    arguments += [f"--listening-ip={host}" for host in HOSTS]
    arguments += [f"--listening-port={port}", f"--tls-listening-port={port}", "--log-file=stdout"]
    arguments += [f"--cert={pair.certificate}", f"--pkey={pair.key}"]
    arguments += [f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    answers = [Endpoint.of(host, port) for host in HOSTS]
    with running(folder / "log", answers, "turnserver", *arguments):
        yield port


@pytest.fixture(scope="module")
def stund(tmp_path_factory) -> Endpoint:
    """The first endpoint of vovida's server, one of RFC 3489 with two addresses."""
    folder = tmp_path_factory.mktemp("vovida")
    first = other = Endpoint.of(HERE, free_port(HERE, OTHER))
    while other.port == first.port:
        other = Endpoint.of(OTHER, free_port(HERE, OTHER))
    arguments = ["-h", HERE, "-a", OTHER, "-p", first.port, "-o", other.port]
    with running(folder / "log", [first, other], "stund", *arguments):
        yield first


class Minimal(asyncio.DatagramProtocol):
    """A server as small as can be made of aioice's codec: it answers every request alike."""

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, source):
        try:
            request = stun.parse_message(data)
        except ValueError:
            return
        if request.message_class is not stun.Class.REQUEST:
            return
        answer = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = source[:2]
        self._transport.sendto(bytes(answer), source)


@asynccontextmanager
async def minimal(host):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Minimal, local_addr=(host, 0))
    try:
        yield endpoint_of(transport.get_extra_info("sockname"))
    finally:
        transport.close()


def outcomes(result):
    return {
        (way.transport, one.case.id): one.verdict.outcome
        for way in result.ways
        for one in way.results
    }


def groups_that(result, outcome):
    return {
        one.case.group
        for way in result.ways
        for one in way.results
        if one.verdict.outcome is outcome
    }


def assert_well_founded(result):
    """Hold that every claim stands on what was sent, and on what came back or did not."""
    for way in result.ways:
        assert way.is_answered or way.datagrams == 0
        for one in way.results:
            case, verdict = one
            assert verdict.outcome in Outcome
            if verdict.outcome is Outcome.FAIL and way.is_answered:
                assert verdict.why, case.id
                assert verdict.sent, case.id
                assert verdict.received or "loss would do that" in verdict.why, case.id


@each_host
async def test_coturn_answers_and_is_silent_as_it_should(host, coturn: int):
    result = await check(f"stun:{host}:{coturn}", rate=FAST)
    assert_well_founded(result)
    assert [way.is_answered for way in result.ways] == [True, True]
    assert not groups_that(result, Outcome.FAIL) & {"answer", "discard", "stream"}
    assert not groups_that(result, Outcome.UNKNOWN) & {"answer", "discard", "stream"}


async def test_coturn_answers_over_tls(coturn: int, authority: Authority):
    name = f"stuns:127.0.0.1:{coturn}"
    result = await check(name, rate=FAST, ca_file=authority.file)
    assert_well_founded(result)
    assert not groups_that(result, Outcome.FAIL) & {"answer", "discard", "stream"}


async def test_what_is_said_of_coturn_is_said_again(coturn: int):
    name = f"stun:127.0.0.1:{coturn}"
    first, second = [outcomes(await check(name, rate=FAST)) for _ in range(2)]
    assert first == second


async def test_vovidas_server_is_seen_to_obey_change_request(stund: Endpoint):
    result = await check(f"stun:{stund}?transport=udp", rate=FAST)
    assert_well_founded(result)
    found = outcomes(result)
    kept = ("other-address", "other-answers", "change-request", "other-of-other")
    kept += ("classic-id", "classic-mapped", "classic-source", "classic-changed")
    assert {found["udp", name] for name in kept} == {Outcome.PASS}
    assert not groups_that(result, Outcome.FAIL) & {"answer", "discard"}


@each_host
async def test_a_minimal_server_is_found_out_in_what_it_leaves_out(host):
    async with minimal(host.strip("[]")) as server:
        result = await check(f"stun:{server}?transport=udp", rate=FAST)
    assert_well_founded(result)
    found = outcomes(result)
    assert {name for (_, name), one in found.items() if one is Outcome.FAIL} == {
        "unknown-required",  # it looks at no attribute
        "change-refused",
        "change-nothing",
        "response-port",
        "padding",
        "padding-elsewhere",
        "cut-off",  # nor whether they fit
        "length-unaligned",
        "first-bits",  # nor at every bit of the header
        "classic-id",  # nor for clients of RFC 3489
    }
    assert found["udp", "mapped-address"] is Outcome.PASS
