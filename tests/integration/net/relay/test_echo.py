"""Data through a relay and back: what is counted, and each way in which a try can end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.relay.allocation import allocate
from stunkit.net.relay.echo import COUNT, Ending, Tally, echo_to_relay, echo_to_socket
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.attributes.address import XorRelayedAddress
from stunkit.wire.registry import Method
from stunkit.wire.uri import Uri
from tests.integration.turnserver import PASSWORD, PEERS, USERNAME, USERS, scripted, turnserver
from tests.relaying import ScriptedRelay

ANN = TurnCredentials(USERNAME, PASSWORD)
PEER = Endpoint.parse("192.0.2.1:1")


@pytest.fixture(scope="module")
def uri(tmp_path_factory) -> Iterator[Uri]:
    with turnserver(tmp_path_factory.mktemp("coturn"), *USERS, *PEERS) as server:
        yield Uri.parse(f"turn:{server}")


def test_counts_each_datagram_once_and_only_ours():
    times = iter(float(number) for number in range(100))
    tally = Tally(lambda: next(times))
    first, second = tally.next(), tally.next()
    tally.take(second)  # at 2, sent at 1
    tally.take(second)
    tally.take(first)  # at 4, sent at 0
    for strange in (b"", b"x" * len(first), first[:-2] + b"\0\0", first[:-2] + b"\0\x09"):
        tally.take(strange)
    echo = tally.echo(PEER)
    assert (echo.sent, echo.received, echo.rtt_min, echo.rtt_median) == (2, 2, 1.0, 2.5)
    assert echo.loss == 0
    assert not tally.is_complete.is_set()


def test_nothing_that_came_back_has_no_round_trip():
    tally = Tally(lambda: 0.0)
    tally.next()
    echo = tally.echo(PEER)
    assert (echo.loss, echo.rtt_min, echo.rtt_median) == (1, None, None)


async def test_comes_back_from_a_socket_and_from_a_second_relay(uri: Uri):
    async with await allocate(uri, ANN) as relay, await allocate(uri, ANN) as second:
        for bind in (None, Endpoint.parse("127.0.0.1:0")):
            one = await echo_to_socket(relay, bind)
            assert (one.ending, one.echo.received) == (Ending.CAME_BACK, COUNT)
        other = await echo_to_relay(relay, second)
        assert (other.ending, other.peer, other.echo.received) == (
            Ending.CAME_BACK,
            second.relayed,
            COUNT,
        )


async def test_what_the_relay_forbids_is_denied(tmp_path):
    with turnserver(tmp_path, *USERS) as server:
        uri = Uri.parse(f"turn:{server}")
        async with await allocate(uri, ANN) as relay, await allocate(uri, ANN) as second:
            for one in (await echo_to_socket(relay), await echo_to_relay(relay, second)):
                assert (one.ending, one.echo) == (Ending.DENIED, None)
                assert "forbid 127.0.0.1" in one.text


async def test_a_peer_of_another_family_cannot_be_tried(uri: Uri):
    async with await allocate(uri, ANN) as relay, await allocate(uri, ANN) as second:
        six = Endpoint.parse("[2001:db8::1]:1")
        second.allocated = second.allocated._replace(relayed=(six,))
        assert (await echo_to_relay(relay, second)).ending is Ending.IMPOSSIBLE


async def test_a_socket_that_nobody_sees_cannot_be_tried():
    relay = ScriptedRelay(
        realm=None,
        silent=frozenset({Method.BINDING}),
        grants={Method.ALLOCATE: (XorRelayedAddress(Endpoint.parse("127.0.0.1:9")),)},
    )
    async with (
        scripted(relay) as server,
        await allocate(Uri.parse(f"turn:{server}"), None) as one,
    ):
        tried = await echo_to_socket(one)
    assert tried.ending is Ending.IMPOSSIBLE
    assert "IPv4" in tried.text


async def test_a_socket_that_cannot_be_bound_cannot_be_tried(uri: Uri):
    async with await allocate(uri, ANN) as relay:
        tried = await echo_to_socket(relay, Endpoint.parse("192.0.2.1:0"))
    assert tried.ending is Ending.IMPOSSIBLE
    assert "no plain socket" in tried.text


async def test_says_whether_the_relay_answers_a_plain_socket(uri: Uri):
    async with await allocate(uri, ANN) as relay:
        assert (await echo_to_socket(relay)).is_udp_open
