"""What a page sees of a host with several networks, before and after it may use the microphone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from stunkit.ice.browser import Shown, shown_to_page
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.scope import Scope, family_of, scope_of
from stunkit.lab import Namespace
from stunkit.lab.command import configure_links
from stunkit.net.gather import gather
from stunkit.net.gathered import Gleaned, Wanted
from tests.browser.chromium import MDNS, Chromium

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

GATHER = """new Promise(async done => {
    const connection = new RTCPeerConnection()
    const lines = []
    connection.onicecandidate = event => {
        if (event.candidate) lines.push(event.candidate.candidate)
        else done(lines)
    }
    connection.createDataChannel("x")
    await connection.setLocalDescription()
})"""
NETWORKS = (
    "link set lo up",
    "link add eth0 type veth peer name port0",
    "link add eth1 type veth peer name port1",
    "link add eth2 type veth peer name port2",
    *(f"link set {name} up" for name in ("eth0", "port0", "eth1", "port1")),
    "link set eth2 up",  # and nothing at its other end
    "address add 10.0.0.2/24 dev eth0",
    "address add fd00::2/64 dev eth0 nodad",
    "address add 10.0.1.2/24 dev eth1",
    "address add fd01::2/64 dev eth1 nodad",
    "address add 10.0.2.2/24 dev eth2",
    "address add fd01::3/64 dev eth1 nodad preferred_lft 0",
    "route add default via 10.0.0.1",
    "route add default via fd00::1",
)


@pytest.fixture
def host() -> Iterator[Namespace]:
    with Namespace("host") as made:
        made.call(configure_links, "set up networks", list(NETWORKS))
        yield made


def ours(host: Namespace) -> list[Gleaned]:
    return list(host.call(asyncio.run, gather(Wanted())).candidates)


def theirs(browser: Chromium) -> list[Candidate]:
    found = map(Candidate.parse, browser.page().evaluate(GATHER))
    return [one for one in found if one.transport == "udp"]


def of(gleaned: list[Gleaned], *shown: Shown) -> list[Gleaned]:
    return [one for one in gleaned if shown_to_page(CandidateType.HOST, one.address) in shown]


def test_a_page_with_permission_sees_the_addresses_that_we_gather(host: Namespace):
    with Chromium(host, media=True) as browser:
        seen = {one.address for one in theirs(browser)}
    assert seen == {one.candidate.address for one in ours(host)}
    assert seen == {"10.0.0.2", "fd00::2", "10.0.1.2", "fd01::2"}


def test_a_page_without_permission_sees_the_usual_addresses_as_names(host: Namespace):
    with Chromium(host) as browser:
        seen = theirs(browser)
    named = of(ours(host), Shown.MDNS)
    assert {one.candidate.address for one in named} == {"10.0.0.2", "fd00::2"}
    assert len(seen) == len(named)
    assert {scope_of(one.address) for one in seen} == {Scope.MDNS}


def test_it_is_the_default_routes_addresses_that_the_names_hide(host: Namespace):
    with Chromium(host, disabled=(MDNS,)) as browser:
        seen = {one.address for one in theirs(browser)}
    assert seen == {one.candidate.address for one in of(ours(host), Shown.MDNS)}
    assert {family_of(one) for one in seen} == {"ipv4", "ipv6"}
