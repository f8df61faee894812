"""Gathering on loopback, with servers that do what a test wants them to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer, Refused, ResolutionError, StartError, UsageError
from stunkit.ice.candidate import CandidateType
from stunkit.ice.hosts import Omission
from stunkit.net import gather as module
from stunkit.net.gather import gather
from stunkit.net.gathered import Gathered, Gleaned, Wanted
from stunkit.net.host import interfaces
from stunkit.net.relay.allocation import allocate
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.uri import Transport, Uri
from tests.integration.loopback import (
    endpoint_of_server,
    fake,
    refusing,
    refusing_with,
    saying,
    serving,
    silent,
    success,
)
from tests.integration.turnserver import PASSWORD, USERNAME, USERS, turnserver

HERE = Endpoint.of("127.0.0.1", 0)
HOST, REFLEXIVE, RELAYED = (
    CandidateType.HOST,
    CandidateType.SERVER_REFLEXIVE,
    CandidateType.RELAYED,
)
SHORT = 0.4  # seconds for runs in which somebody is silent


def wanted(*servers: object, **more: object) -> Wanted:
    uris = [Uri.parse(f"stun:{one}" if isinstance(one, Endpoint) else str(one)) for one in servers]
    return Wanted(uris, **({"bind": HERE} | more))


def of_type(gathered: Gathered, kind: CandidateType) -> list[Gleaned]:
    return [one for one in gathered.candidates if one.candidate.type is kind]


async def test_host_candidates_come_without_any_server():
    gathered = await gather(wanted())
    (one,) = gathered.candidates
    assert (one.candidate.type, one.candidate.address) == (HOST, "127.0.0.1")
    assert one.candidate.port == one.base.port != 0
    assert (one.candidate.related_address, one.candidate.foundation) == (None, "1")
    assert one.address.interface.name == "lo"
    assert gathered.was_answered is None


async def test_what_a_server_sees_is_a_candidate():
    async with fake("127.0.0.1", saying("192.31.196.7")) as server:
        gathered = await gather(wanted(server))
    (seen,) = of_type(gathered, REFLEXIVE)
    assert (seen.candidate.address, seen.candidate.port) == ("192.31.196.7", 4000)
    assert seen.candidate.related_port == seen.base.port
    assert seen.server == server
    assert seen.rtt is not None
    assert gathered.was_answered is True


async def test_all_servers_are_asked_from_one_socket():
    sources = []

    def see(request, source):
        sources.append(source)
        return success(request, XorMappedAddress(source))

    async with fake("127.0.0.1", see) as one, fake("127.0.0.1", see) as other:
        gathered = await gather(wanted(one, other))
    assert len(sources) == 2
    assert len(set(sources)) == 1
    assert len(gathered.answers) == 2
    assert len(of_type(gathered, REFLEXIVE)) == 1  # both saw the same


async def test_servers_that_see_different_ports_give_a_candidate_each():
    async with (
        fake("127.0.0.1", saying("192.31.196.7", 4000)) as one,
        fake("127.0.0.1", saying("192.31.196.7", 5000)) as other,
    ):
        gathered = await gather(wanted(one, other))
    found = of_type(gathered, REFLEXIVE)
    assert {one.candidate.port for one in found} == {4000, 5000}
    assert len({one.candidate.priority for one in found}) == 2


async def test_a_candidate_is_told_when_it_comes_though_others_are_silent(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", SHORT)
    told: list[tuple[float, Gleaned]] = []
    loop = asyncio.get_running_loop()
    async with fake("127.0.0.1", saying("192.31.196.7")) as server:
        with silent("127.0.0.1") as dead:
            began = loop.time()
            gathered = await gather(
                wanted(dead, server, timeout=30),
                lambda one: told.append((loop.time() - began, one)),
            )
    assert [one.candidate.type for _, one in told] == [HOST, REFLEXIVE]
    assert told[-1][0] < gathered.elapsed
    assert SHORT <= gathered.elapsed < 10
    (missing,) = gathered.misses
    assert isinstance(missing.error, NoAnswer)
    assert missing.uri == Uri.parse(f"stun:{dead}")


async def test_a_run_ends_in_time_when_nobody_answers():
    with silent("127.0.0.1") as dead:
        gathered = await gather(wanted(dead, timeout=SHORT))
    assert gathered.was_answered is False
    assert SHORT <= gathered.elapsed < 10
    assert isinstance(gathered.misses[0].error, NoAnswer)


async def test_a_closed_port_is_known_at_once():
    with refusing("127.0.0.1") as closed:
        gathered = await gather(wanted(closed, timeout=30))
    assert gathered.elapsed < 5
    assert str(gathered.misses[0].error) == "connection refused"


async def test_a_refusal_is_kept():
    async with fake("127.0.0.1", refusing_with(500, "Server Error")) as server:
        gathered = await gather(wanted(server))
    error = gathered.misses[0].error
    assert isinstance(error, Refused)
    assert error.code == 500
    assert gathered.was_answered is False


async def test_a_name_that_leads_nowhere_is_one_miss():
    gathered = await gather(Wanted([Uri.parse("stun:nowhere.invalid:3478")], everything=True))
    errors = [one.error for one in gathered.misses]
    assert len(errors) == len({one.base.family for one in gathered.candidates})
    assert all(isinstance(error, ResolutionError) for error in errors)


async def test_a_name_server_that_is_silent_delays_nobody(monkeypatch):
    async def never(*_: object, **__: object) -> list[Endpoint]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(module, "resolve", never)
    gathered = await gather(wanted("stun:slow.example", timeout=SHORT))
    (missing,) = gathered.misses
    assert "the name server has not answered yet" in str(missing.error)
    assert gathered.elapsed < 10


async def test_a_server_over_tcp_is_not_asked():
    gathered = await gather(wanted("stuns:127.0.0.1", "stun:127.0.0.1?transport=tcp"))
    assert [type(one.error) for one in gathered.misses] == [UsageError, UsageError]


async def test_servers_of_one_family_are_asked_from_that_family_alone():
    async with serving("127.0.0.1") as server:
        uri = Uri.parse(f"stun:{endpoint_of_server(server)}")
        gathered = await gather(Wanted([uri], everything=True))
    assert Family.IPV6 in {one.base.family for one in of_type(gathered, HOST)}
    assert {one.base.family for one in of_type(gathered, REFLEXIVE)} == {Family.IPV4}
    assert {one.family for one in gathered.answers} == {Family.IPV4}


async def test_a_family_that_is_not_wanted_is_left_alone():
    gathered = await gather(Wanted(family=Family.IPV6, everything=True))
    assert {one.base.family for one in gathered.candidates} == {Family.IPV6}


async def test_everything_takes_loopback_too():
    usual = await gather(Wanted())
    both = await gather(Wanted(everything=True))
    assert {one.candidate.address for one in both.candidates} > {"127.0.0.1", "::1"}
    left = {one.host for one, reason in usual.omitted if reason is Omission.LOOPBACK}
    taken = {one.candidate.address for one in usual.candidates}
    assert left == {"127.0.0.1", "::1"} or "127.0.0.1" in taken


async def test_link_local_candidate_says_no_scope():
    gathered = await gather(Wanted(everything=True))
    assert all("%" not in one.candidate.address for one in gathered.candidates)


async def test_the_port_that_is_asked_for_is_taken():
    with silent("127.0.0.1") as taken:
        port = taken.port
    gathered = await gather(wanted(bind=HERE.with_port(port)))
    assert gathered.candidates[0].candidate.port == port


@pytest.mark.parametrize("bind", [Endpoint.of("192.0.2.77", 0), None])
async def test_a_bind_that_cannot_be_had_is_an_error(bind: Endpoint | None):
    with silent("127.0.0.1") as taken, pytest.raises(StartError, match="cannot bind"):
        await gather(wanted(bind=bind or taken))


async def test_an_address_that_has_gone_is_missed_and_the_others_are_used(monkeypatch):
    (usual,) = [one for one in interfaces.list_addresses() if one.host == "127.0.0.1"]
    gone = interfaces.replace(usual, endpoint=Endpoint.of("192.0.2.77", 0))
    monkeypatch.setattr(module, "list_addresses", lambda: [gone, usual])
    gathered = await gather(Wanted())
    assert [one.candidate.address for one in gathered.candidates] == ["127.0.0.1"]
    (missing,) = gathered.misses
    assert (missing.type, missing.address) == (HOST, gone)


async def test_nothing_stays_open_when_it_is_cancelled():
    with silent("127.0.0.1") as dead:
        run = asyncio.create_task(gather(wanted(dead, timeout=30)))
        await asyncio.sleep(0)  # it has begun
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Relays


@pytest.fixture
def relay(tmp_path: Path):
    with turnserver(tmp_path, *USERS) as server:
        yield server


def turn(server: Endpoint, transport: str | None = None) -> Uri:
    return Uri.parse(f"turn:{server}" + (f"?transport={transport}" if transport else ""))


async def test_a_relay_is_asked_over_udp_and_tcp_unless_its_uri_says_which(relay: Endpoint):
    credentials = TurnCredentials(USERNAME, PASSWORD)
    gathered = await gather(wanted(relays=[turn(relay)], credentials=credentials))
    found = of_type(gathered, RELAYED)
    assert [one.transport for one in found] == [Transport.UDP, Transport.TCP]
    assert all(one.candidate.address == "127.0.0.1" for one in found)
    assert all(one.candidate.related_port is not None for one in found)
    assert found[0].candidate.foundation != found[1].candidate.foundation
    assert gathered.was_answered is True
    one = await gather(wanted(relays=[turn(relay, "tcp")], credentials=credentials))
    assert [each.transport for each in of_type(one, RELAYED)] == [Transport.TCP]


async def test_a_relay_that_refuses_is_missed_with_the_code(relay: Endpoint):
    credentials = TurnCredentials(USERNAME, "wrong")
    gathered = await gather(wanted(relays=[turn(relay, "udp")], credentials=credentials))
    (missing,) = gathered.misses
    assert isinstance(missing.error, Refused)
    assert (missing.type, missing.error.code, missing.transport) == (RELAYED, 401, Transport.UDP)


async def test_a_relay_that_is_silent_ends_with_the_run():
    with silent("127.0.0.1") as dead:
        gathered = await gather(wanted(relays=[turn(dead, "udp")], timeout=SHORT))
    (missing,) = gathered.misses
    assert "no answer" in str(missing.error) or "nothing came of it" in str(missing.error)
    assert gathered.elapsed < 10


async def test_allocations_are_released(relay: Endpoint, monkeypatch):
    relays = []

    async def keep(*arguments: object, **options: object):
        relays.append(await allocate(*arguments, **options))
        return relays[-1]

    monkeypatch.setattr(module, "allocate", keep)
    credentials = TurnCredentials(USERNAME, PASSWORD)
    gathered = await gather(wanted(relays=[turn(relay)], credentials=credentials))
    assert len(relays) == len(of_type(gathered, RELAYED)) == 2
    assert not any(one._machine.may_exist for one in relays)  # the relay has said so
