"""The preflight on loopback: nothing here has a gateway, so no router is asked."""

import asyncio

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError, UsageError
from stunkit.net import preflight as module
from stunkit.net.gathered import Wanted
from stunkit.net.preflight import News, preflight
from stunkit.net.preflight_report import Part, Preflight
from stunkit.wire.uri import Uri
from tests.integration.behavior import quartet, without_udp
from tests.integration.loopback import endpoint_of_server, refusing, serving, silent

LOOPBACK = Endpoint.parse("127.0.0.1", port=0)


def wanted(*servers: object, **more: object) -> Wanted:
    uris = [Uri.parse(f"stun:{one}") for one in servers]
    return Wanted(uris, bind=LOOPBACK, **{"timeout": 8.0, **more})


async def test_finds_everything_out_at_once():
    news: list[News] = []
    async with quartet() as server:
        found = await preflight(wanted(server), on_news=news.append)
    assert found.report(Family.IPV4).legacy == "open internet"
    assert [one.candidate.type for one in found.gathered.candidates] == ["host", "srflx"]
    assert found.quality.answered == found.quality.sent == 80
    assert found.gateway.gateway is None
    assert found.problems == {Part.RELAYS: "none was named"}
    assert found.facts.ipv4.udp is True
    assert found.elapsed < 7
    ended = [one.part for one in news if one.is_done]
    assert sorted(ended) == sorted(Part)
    assert any(one.text.startswith("IPv4 seen as") for one in news if one.part is Part.NAT)
    assert any(one.text.endswith("%") for one in news if one.part is Part.QUALITY)


async def test_looks_only_at_the_parts_that_are_asked_for():
    async with quartet() as server:
        found = await preflight(wanted(server), parts=[Part.NAT, Part.ROUTER])
    assert found.report(Family.IPV4).udp is True
    assert found.gateway is not None
    assert (found.gathered, found.quality) == (None, None)
    assert found.elapsed < 4


async def test_quality_needs_time():
    async with quartet() as server:
        found = await preflight(wanted(server, timeout=3.5), parts=[Part.NAT, Part.QUALITY])
    assert found.quality is None
    assert "not enough time" in found.problems[Part.QUALITY]


async def test_silence_ends_in_time_and_is_no_error():
    with silent("127.0.0.1") as server:
        found = await preflight(wanted(server, timeout=4.0))
    assert found.elapsed < 4.0
    assert found.facts.ipv4.udp is None
    assert not found.is_heard
    assert found.problems[Part.QUALITY] == "no server answered over UDP"
    assert found.problems[Part.ROUTER] == "no server answered over UDP and IPv4"


@pytest.mark.alone
async def test_hardly_any_time_leaves_hardly_anything_known():
    with silent("127.0.0.1") as server:
        found = await preflight(wanted(server, timeout=0.05))
    assert not found.is_heard
    assert found.elapsed < 1.0


async def test_blocked_udp_is_told():
    async with without_udp() as server:
        found = await preflight(wanted(server))
    assert found.facts.ipv4.udp is False
    assert found.elapsed < 8


async def test_server_that_is_dead_delays_nobody():
    with refusing("127.0.0.1") as dead:
        async with serving("127.0.0.1") as server:
            both = wanted(dead, endpoint_of_server(server))
            found = await preflight(both, parts=[Part.NAT, Part.CANDIDATES, Part.QUALITY])
    assert found.quality.answered == 80
    assert found.elapsed < 7.5


async def test_part_that_hangs_or_fails_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch):
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    async def fail(*_: object, **__: object) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(module, "discover", hang)
    monkeypatch.setattr(module.gateway, "ask_gateway", fail)
    async with serving("127.0.0.1") as server:
        asked = wanted(endpoint_of_server(server), timeout=7.5)
        found = await preflight(asked)
    assert found.nat is None
    assert found.problems[Part.NAT] == "it was not done in time"
    assert found.problems[Part.ROUTER] == "permission denied"
    assert found.gathered.was_answered
    assert found.quality.answered > 40
    assert found.elapsed < 7.5


async def test_refuses_what_cannot_be_asked():
    with pytest.raises(UsageError, match="not supported here"):
        await preflight(Wanted([Uri.parse("turn:127.0.0.1")], bind=LOOPBACK, timeout=3.0))
    with pytest.raises(UsageError, match="does not begin with turn"):
        await preflight(wanted("127.0.0.1:9", relays=[Uri.parse("stun:127.0.0.1")], timeout=3.0))


async def test_address_that_is_not_ours_cannot_be_bound():
    bind = Endpoint.parse("192.0.2.1", port=0)
    asked = Wanted([Uri.parse("stun:127.0.0.1:9")], bind=bind, timeout=3.0)
    with pytest.raises(StartError, match=r"192\.0\.2\.1"):
        await preflight(asked)


async def test_port_to_ask_from_is_that_of_the_discovery_alone():
    async with quartet() as server:
        with silent("127.0.0.1") as taken:
            port = taken.port
        bind = Endpoint.parse(f"127.0.0.1:{port}")
        found: Preflight = await preflight(
            Wanted([Uri.parse(f"stun:{server}")], bind=bind, timeout=8.0)
        )
    assert found.report(Family.IPV4).local == bind
    assert found.quality.answered == 80
