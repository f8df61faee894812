"""The discovery on real sockets: the parts of ``stunkit.net`` that it is made of have their own."""

import asyncio

import pytest

from stunkit import discover
from stunkit.behavior import Filtering, Mapping
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError, UsageError
from stunkit.nat.report import Report
from stunkit.net.nat import NAT_SERVERS
from tests.integration.behavior import quartet
from tests.integration.loopback import endpoint_of_server, free_port, refusing, serving, silent


@pytest.fixture
async def server():
    """A server with two addresses: all that RFC 5780 asks for."""
    async with quartet() as endpoint:
        yield endpoint


@pytest.fixture
async def plain():
    """A server with one address."""
    async with serving("127.0.0.1") as running:
        yield endpoint_of_server(running)


def why(report: Report, claim: str) -> str:
    return next(one.why for one in report.evidence if one.claim == claim)


@pytest.mark.alone
async def test_finds_that_there_is_no_nat_and_no_filter(server):
    result = await discover([str(server)])
    report = result.ipv4
    assert report is not None
    assert report.udp is True
    assert report.nat is False
    assert report.mapping is Mapping.ENDPOINT_INDEPENDENT
    assert report.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert report.legacy == "open internet"
    assert report.local == report.mapped
    assert result.elapsed < 1.5
    assert result.ipv6 is None
    assert [(one.server, one.error) for one in result.asked] == [(server, None)]


async def test_looks_at_both_families_side_by_side():
    async with quartet() as first, serving("::1") as second:
        endpoints = [first, endpoint_of_server(second)]
        result = await discover([str(one) for one in endpoints])
    assert result.ipv4 is not None
    assert result.ipv4.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert result.ipv6 is not None
    assert result.ipv6.nat is False
    assert result.ipv6.filtering is None
    assert {one.family: one.server for one in result.asked} == {
        Family.IPV4: endpoints[0],
        Family.IPV6: endpoints[1],
    }


async def test_says_why_the_filtering_is_unknown_when_the_server_has_one_address(plain):
    report = (await discover([str(plain)])).ipv4
    assert report is not None
    assert report.nat is False
    assert report.filtering is None
    assert why(report, "filtering")


async def test_prefers_the_server_that_names_another_address(server, plain):
    result = await discover([str(plain), str(server)])
    assert result.ipv4 is not None
    assert result.ipv4.filtering is Filtering.ENDPOINT_INDEPENDENT


@pytest.mark.alone
async def test_is_not_held_up_by_a_dead_server(server):
    with refusing("127.0.0.1") as closed, silent("127.0.0.1") as mute:
        result = await discover([str(closed), str(mute), str(server)])
    assert result.ipv4 is not None
    assert result.ipv4.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert result.elapsed < 1.5


@pytest.mark.alone
async def test_is_not_held_up_by_a_family_in_which_nobody_answers(server):
    with silent("::1") as mute:
        result = await discover([str(server), str(mute)])
    assert result.ipv4 is not None
    assert result.ipv4.filtering is Filtering.ENDPOINT_INDEPENDENT
    assert result.ipv6 is not None
    assert result.ipv6.udp is None
    assert why(result.ipv6, "udp")
    assert result.elapsed < 1.5


async def test_a_family_without_a_server_has_no_report(server):
    result = await discover([str(server)], family=Family.IPV6)
    assert result.ipv4 is result.ipv6 is None
    assert "no ipv6 address" in str(result.asked[0].error)


async def test_a_family_without_a_route_has_no_report(server, monkeypatch):
    real = Endpoint.family.fget

    def no_route(destination):
        if real(destination) is Family.IPV6:
            raise OSError(101, "Network is unreachable")
        return Endpoint.of("127.0.0.1", 0)

    monkeypatch.setattr("stunkit.net.discovery.path.source_address", no_route)
    result = await discover([str(server), "[2001:db8::1]:3478"])
    assert result.ipv4 is not None
    assert result.ipv6 is None
    assert [str(one.error) for one in result.asked if one.family is Family.IPV6] == [
        "network is unreachable"
    ]


@pytest.mark.alone
async def test_nobody_there_is_unknown_and_not_blocked():
    with refusing("127.0.0.1") as closed:
        result = await discover([str(closed)])
    assert result.ipv4 is not None
    assert result.ipv4.udp is None
    assert result.ipv4.legacy is None
    assert "none over TCP" in why(result.ipv4, "udp")
    assert result.elapsed < 1.0


@pytest.mark.alone
async def test_ends_in_time():
    with silent("127.0.0.1") as mute:
        result = await discover([str(mute)], timeout=0.3)
    assert result.ipv4 is not None
    assert result.ipv4.udp is None
    assert 0.25 < result.elapsed < 0.6


async def test_asks_from_the_port_that_is_wanted(server):
    port = free_port("127.0.0.1", "127.0.0.3")
    report = (await discover([str(server)], bind=Endpoint.of("127.0.0.3", port))).ipv4
    assert report is not None
    assert report.local == report.mapped == Endpoint.of("127.0.0.3", port)
    assert report.filtering is Filtering.ENDPOINT_INDEPENDENT


async def test_finds_the_address_for_a_wildcard(server):
    port = free_port("127.0.0.1")
    report = (await discover([str(server)], bind=Endpoint.of("0.0.0.0", port))).ipv4
    assert report is not None
    assert report.local == Endpoint.of("127.0.0.1", port)


async def test_says_when_the_port_is_taken(server):
    with pytest.raises(StartError, match="cannot ask from") as caught:
        await discover([str(server)], bind=server)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    "texts",
    [
        ["stuns:stun.example.org?transport=udp"],
        ["turn:stun.example.org"],
        ["stun:a.example", "stun:a.example?transport=tcp"],
        ["stun:a.example", "stuns:a.example"],
    ],
)
async def test_refuses_servers_that_cannot_be_asked(texts):
    with pytest.raises(UsageError, match="ask about a NAT"):
        await discover(texts)


async def test_learns_over_tcp_where_we_are_seen_and_nothing_about_udp(server):
    result = await discover([f"stun:{server}?transport=tcp"])
    assert result.ipv6 is None
    report = result.ipv4
    assert report is not None
    assert report.mapped == report.local
    assert (report.udp, report.nat, report.mapping, report.filtering) == (None,) * 4
    assert [(one.server, one.error) for one in result.asked] == [(server, None)]


async def test_tells_the_news(server):
    news = []
    result = await discover([str(server)], on_news=lambda *one: news.append(one))
    assert result.ipv4 is not None
    assert (Family.IPV4, f"seen as {result.ipv4.mapped}") in news
    assert (Family.IPV4, "mapping endpoint-independent") in news
    assert (Family.IPV4, "filtering endpoint-independent") in news
    assert len(news) == len(set(news))


async def test_leaves_nothing_open_when_cancelled():
    with silent("127.0.0.1") as mute:
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(discover([str(mute)]), 0.05)
        assert asyncio.all_tasks() == before


def test_names_servers_of_its_own():
    assert len({uri.host for uri in NAT_SERVERS}) == len(NAT_SERVERS) >= 3
    assert all(uri.port is not None for uri in NAT_SERVERS)
