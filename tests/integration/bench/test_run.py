"""Whole runs of the load generator, called from Python."""

import asyncio
import socket
import sys

import pytest

from stunkit.bench.options import Options
from stunkit.bench.run import Run, run
from stunkit.bench.sources import Source
from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer, Refused, ResolutionError, StartError, Unreachable, UsageError
from stunkit.net.transport import batch
from stunkit.wire.uri import Uri
from tests.integration.bench.crooked import crooked, right
from tests.integration.loopback import (
    HOSTS,
    endpoint_of_server,
    fake,
    refusing,
    refusing_with,
    saying,
    serving,
    silent,
)

QUICK = {"duration": 0.3, "warmup": 0.0}
each_family = pytest.mark.parametrize("host", HOSTS)


def options(server: object, **more) -> Options:
    return Options(server=Uri.parse(str(server)), **(QUICK | more))


@pytest.mark.parametrize("loop", [{}, {"rate": 2000.0}], ids=["closed", "open"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@each_family
async def test_agrees_with_what_our_server_counted(host, transport, loop):
    async with serving(host) as server:
        uri = f"stun:{endpoint_of_server(server)}?transport={transport}"
        result = await asyncio.to_thread(run, options(uri, sockets=3, **loop))
        received = server.counters.received
    tally = result.tally
    assert tally.sent + 3 == received  # each socket's first question comes before
    assert tally.answered == tally.sent > 50
    assert (tally.wrong, tally.refused, tally.lost, tally.strange, tally.duplicate) == (0,) * 5
    assert result.rate == pytest.approx(tally.answered / result.elapsed)
    assert 0.29 < result.elapsed < 3
    assert 0 < result.latency.least <= result.latency.p50 <= result.latency.most
    assert (result.behind is None) is (not loop)
    if loop:
        assert tally.sent == 600
        assert result.unsent == 0


async def test_does_not_count_the_warm_up():
    async with serving("127.0.0.1") as server:
        result = await asyncio.to_thread(
            run, options(endpoint_of_server(server), rate=100.0, warmup=0.2)
        )
        received = server.counters.received
    assert result.tally.sent == result.tally.answered == 30
    assert received == 8 + 20 + 30


async def test_keeps_no_more_in_flight_than_the_window():
    most = 0
    held = []

    def reply(_, request, source):
        nonlocal most
        held.append(right(request, source))
        most = max(most, len(held))
        if len(held) < 3:
            return []
        answers = list(held)
        held.clear()
        return answers

    with crooked(reply) as server:
        result = await asyncio.to_thread(run, options(server.endpoint, sockets=1, window=3))
    assert most == 3
    assert result.tally.answered >= 3


def test_counts_exactly_what_a_crooked_server_does():
    did = {"wrong": 0, "lost": 0, "duplicate": 0, "answered": 0}

    def reply(index, request, source):
        if index % 5 == 0:
            did["lost"] += 1
            return []
        is_wrong = index % 4 == 0
        did["wrong" if is_wrong else "answered"] += 1
        seen = source.with_port(source.port ^ 1) if is_wrong else source
        answer = right(request, seen)
        if index % 7:
            return [answer]
        did["duplicate"] += 1
        return [answer, answer]

    with crooked(reply) as server:
        result = run(options(server.endpoint, sockets=2, window=100, timeout=1.0, duration=1.5))
        received = server.received
    tally = result.tally
    told = {name: getattr(tally, name) for name in did}
    assert told == did
    assert tally.sent == received == sum(did.values()) - did["duplicate"] > 200
    assert (tally.late, tally.strange, tally.refused) == (0, 0, 0)


def test_counts_what_comes_too_late():
    held = []

    def reply(index, request, source):
        if index == 0:
            held.append(right(request, source))
            return []
        if index == 20:
            return [held[0], right(request, source)]
        return [right(request, source)]

    with crooked(reply) as server:
        result = run(
            options(server.endpoint, sockets=1, rate=40.0, timeout=0.2, duration=0.8, warmup=0.0)
        )
    assert (result.tally.lost, result.tally.late) == (1, 1)
    assert result.tally.answered == 31


def test_an_open_loop_sees_a_stall_in_all_that_it_held_up():
    def reply(index, request, source):
        if index == 100:
            import time

            time.sleep(0.2)  # the stall is what is measured
        return [right(request, source)]

    with crooked(reply) as server:
        result = run(options(server.endpoint, sockets=4, rate=500.0, duration=1.0))
    latency = result.latency
    assert result.tally.answered == result.tally.sent == 500
    assert latency.most >= 0.19
    assert latency.p90 >= 0.08  # a fifth of all waited, from 0 to 200 ms


def test_tells_refusals_of_a_server_that_changes_its_mind():
    from stunkit.wire.attributes.error import ErrorCode
    from stunkit.wire.registry import MessageClass
    from tests.integration.loopback import answer

    def reply(_index, request, _source):
        return [answer(MessageClass.ERROR_RESPONSE, request, ErrorCode(500, "no"))]

    with crooked(reply) as server:
        tally = run(options(server.endpoint)).tally
    assert tally.refused == tally.sent > 0
    assert tally.answered == 0


@each_family
async def test_understands_a_server_that_sees_us_elsewhere(host):
    """As behind a NAT: where the first answer sees a socket is where the others have to."""
    address = "203.0.113.9" if host == "127.0.0.1" else "2001:db8::9"
    async with fake(host, saying(address)) as server:
        result = await asyncio.to_thread(run, options(server))
    assert result.tally.answered == result.tally.sent > 0


async def test_sends_from_all_of_a_network():
    async with serving("127.0.0.1") as server:
        result = await asyncio.to_thread(
            run,
            options(
                endpoint_of_server(server),
                sockets=300,
                window=1,
                sources=(Source.parse("127.1.0.0/16"),),
            ),
        )
    assert (result.sockets, result.addresses) == (300, 300)
    assert result.tally.answered == result.tally.sent > 0


def test_ends_early_when_told():
    with crooked(lambda _, request, source: [right(request, source)]) as server:
        one = Run(options(server.endpoint, duration=60.0))
        shown = []

        def on_progress(progress):
            shown.append(progress)
            one.stop()

        result = one.go(on_progress)
    assert result.interrupted
    assert result.elapsed < 10
    assert result.tally.answered == result.tally.sent > 0
    assert shown[0].duration == 60.0
    assert shown[0].answered > 0
    assert shown[0].rate > 0


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]", "100.64.0.1", "0.0.0.0"])
def test_sends_nothing_to_a_public_server(host, monkeypatch):
    def touch(*_):
        pytest.fail("a socket was used")

    for name in ("connect", "bind", "sendto", "send"):
        monkeypatch.setattr(socket.socket, name, touch)
    monkeypatch.setattr("stunkit.bench.engine.Engine.__init__", touch)
    with pytest.raises(UsageError, match="its address is not private"):
        run(options(f"{host}:3478"))


def test_says_when_nobody_answers(monkeypatch):
    monkeypatch.setattr("stunkit.bench.engine.PATIENCE", 0.2)
    with silent("127.0.0.1") as server, pytest.raises(NoAnswer):
        run(options(server, timeout=0.2))


def test_says_when_the_port_is_closed():
    with refusing("127.0.0.1") as server, pytest.raises(Unreachable):
        run(options(server))


async def test_says_when_the_server_refuses():
    async with fake("127.0.0.1", refusing_with(401, "")) as server:
        with pytest.raises(Refused):
            await asyncio.to_thread(run, options(server))


def test_says_when_a_connection_cannot_be_made():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StartError, match="cannot reach"):
        run(options(f"stun:127.0.0.1:{port}?transport=tcp"))


def test_says_when_a_source_is_not_ours():
    with pytest.raises(StartError, match=r"from 203\.0\.113\.1:0: cannot assign"):
        run(options(Endpoint.of("127.0.0.1", 9), sources=(Source.parse("203.0.113.1"),)))


def test_says_when_the_server_has_no_address_of_the_family():
    with pytest.raises(ResolutionError):
        run(options("127.0.0.1:9", sources=(Source.parse("::1"),)))


@pytest.mark.parametrize(
    ("platform", "words"), [("linux", r"pip install 'stunkit\[fast\]'"), ("darwin", "Linux")]
)
def test_says_what_it_needs(platform, words, monkeypatch):
    monkeypatch.setattr(batch, "is_available", lambda: False)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(StartError, match=words):
        run(options("127.0.0.1:9"))
