"""One family's path; what ``discover`` shows of it from outside is tested there."""

import asyncio
import socket

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Refused, ResolutionError
from stunkit.net.discovery.path import HURRY, QUIET, Path, Plan, silent_report
from stunkit.net.discovery.silence import Judgment
from stunkit.wire.uri import Uri
from tests.integration.behavior import without_udp
from tests.integration.loopback import (
    endpoint_of_server,
    fake,
    refusing,
    refusing_with,
    serving,
    silent,
)

ANY = Endpoint.of("127.0.0.1", 0)


def path(*servers: Endpoint | str, timeout=5.0, on_news=None) -> Path:
    names = [Uri.parse(str(server)) for server in servers]
    plan = Plan(asyncio.get_running_loop().time() + timeout, on_news=on_news)
    return Path(Family.IPV4, names, plan)


@pytest.fixture
def mute():
    with silent("127.0.0.1") as endpoint:
        yield endpoint


async def test_a_blocked_path_is_called_so_within_seconds():
    loop = asyncio.get_running_loop()
    began, news = loop.time(), []
    async with without_udp() as server:
        report = await path(server, on_news=lambda *one: news.append(one)).measure()
    assert report is not None
    assert report.udp is False
    assert report.legacy == "UDP blocked"
    assert report.local is not None
    assert loop.time() - began < 4
    assert (Family.IPV4, "silent over UDP, asked over TCP") in news


async def test_a_blocked_path_with_several_servers_is_called_so(mute):
    async with without_udp() as one, without_udp("127.0.0.2") as two:
        measured = path(one, two, mute)
        report = await measured.measure()
    assert report is not None
    assert report.udp is False
    assert not measured.is_heard


async def test_hurried_ends_while_nobody_has_answered(mute):
    loop = asyncio.get_running_loop()
    began = loop.time()
    # over TCP somebody accepts the connection and says nothing
    with socket.create_server((mute.host, mute.port)):
        hurried = path(mute)
        hurried.hurry()
        report = await hurried.measure()
    assert report is not None
    assert report.udp is None
    assert QUIET + HURRY - 0.01 < loop.time() - began < QUIET + HURRY + 0.25


async def test_hurried_still_waits_for_the_proof_of_a_block():
    async with without_udp() as server:
        hurried = path(server)
        hurried.hurry()
        report = await hurried.measure()
    assert report is not None
    assert report.udp is False


async def test_hurried_still_measures_what_has_answered():
    async with serving("127.0.0.1") as server:
        heard = path(endpoint_of_server(server))
        heard.hurry()
        report = await heard.measure()
    assert heard.is_heard
    assert report is not None
    assert report.nat is False


@pytest.mark.parametrize("count", [1, 2])
async def test_notes_that_a_server_refuses(count):
    with refusing("127.0.0.1") as closed:
        async with fake("127.0.0.1", refusing_with(401, "Unauthorized")) as server:
            asked = path(*[server, closed][:count])
            report = await asked.measure()
    assert report is not None
    assert report.udp is True
    assert report.mapped is None
    assert isinstance(asked.asked[0].error, Refused)


async def test_says_that_the_name_server_is_slow(monkeypatch):
    async def never(uri, *, family):
        await asyncio.Event().wait()

    monkeypatch.setattr("stunkit.net.discovery.path.resolve", never)
    slow = path("stun.example.org", timeout=0.1)
    assert await slow.measure() is None
    assert isinstance(slow.asked[0].error, ResolutionError)


async def test_takes_turns_among_names_with_many_addresses(monkeypatch):
    asked = []

    async def many(uri, *, family):
        return [Endpoint.of(f"127.0.{uri.host[0]}.{n}", 9) for n in range(1, 9)]

    async def spy(servers, *rest):
        asked.extend(servers)
        raise OSError(98, "stop here")

    monkeypatch.setattr("stunkit.net.discovery.path.resolve", many)
    monkeypatch.setattr("stunkit.net.discovery.path.source_address", lambda _: ANY)
    monkeypatch.setattr("stunkit.net.discovery.path.scout", spy)
    with pytest.raises(OSError, match="stop here"):
        await path("1.example", "2.example").measure()
    hosts = ["127.0.1.1", "127.0.2.1", "127.0.1.2", "127.0.2.2", "127.0.1.3", "127.0.2.3"]
    assert [one.host for one in asked] == hosts


@pytest.mark.parametrize("udp", [True, False, None])
def test_a_silent_report_knows_nothing_but_the_silence(udp):
    report = silent_report(None, Judgment(udp, "because", ("a probe",)))
    assert report.udp is udp
    assert report.nat is report.mapping is report.filtering is report.mapped is None
    assert report.evidence[0] == ("udp", udp, "because", ("a probe",))
    assert all(one.why for one in report.evidence)
