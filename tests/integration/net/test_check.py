"""The conformance cases on real sockets, put to our server and to others of known behavior."""

import asyncio

import pytest

from stunkit.conformance.catalogue import select
from stunkit.conformance.subject import Credential
from stunkit.conformance.verdict import Level, Outcome
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError, UsageError
from stunkit.net.check import check
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.server.settings.tls import TlsSettings
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.uri import Transport
from tests.integration.behavior import quartet, without_udp
from tests.integration.certificates import Authority
from tests.integration.loopback import (
    HOSTS,
    endpoint_of_server,
    fake,
    saying,
    serving,
    silent,
    success,
)

FAST = 2000.0  # datagrams a second: nobody is bothered on loopback
each_host = pytest.mark.parametrize("host", HOSTS)


def failed(result, *levels):
    return {
        one.case.id
        for way in result.ways
        for one in way.results
        if one.verdict.outcome is Outcome.FAIL and one.case.level in (levels or tuple(Level))
    }


def outcomes(result, name):
    return {
        way.transport: one.verdict.outcome
        for way in result.ways
        for one in way.results
        if one.case.id == name
    }


@each_host
async def test_our_server_breaks_nothing_over_udp_and_tcp(host):
    async with serving(host) as server:
        result = await check(f"stun:{endpoint_of_server(server)}", rate=FAST)
    assert [way.transport for way in result.ways] == ["udp", "tcp"]
    assert all(way.is_answered for way in result.ways)
    assert failed(result) == set()
    assert result.count(Outcome.UNKNOWN) == 0
    assert result.count(Outcome.PASS) > 80


async def test_our_server_with_two_addresses_breaks_nothing():
    async with quartet() as server:
        result = await check(f"stun:{server}", rate=FAST)
    assert failed(result) == set()
    assert outcomes(result, "change-request")[Transport.UDP] is Outcome.PASS
    assert outcomes(result, "other-answers")[Transport.UDP] is Outcome.PASS


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def secure(authority, host="127.0.0.1", **choices):
    pair = authority.issue(**choices)
    anywhere = (Endpoint.of(host, 0),)
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=anywhere)
    return serving(host, tls=tls)


def tls_uri(server):
    return f"stuns:{next(local for kind, local in server.endpoints if kind == 'tls')}"


@each_host
async def test_our_server_breaks_nothing_over_tls(host, authority):
    async with secure(authority, host) as server:
        result = await check(tls_uri(server), rate=FAST, ca_file=authority.file)
    (way,) = result.ways
    assert (way.transport, way.is_answered) == ("tls", True)
    assert failed(result) == set()
    assert outcomes(result, "certificate") == {Transport.TLS: Outcome.PASS}
    assert outcomes(result, "alpn") == {Transport.TLS: Outcome.PASS}


async def test_certificate_that_expired_is_the_fault_and_nothing_is_sent(authority):
    async with secure(authority, days=(-9, -2)) as server:
        result = await check(tls_uri(server), rate=FAST, ca_file=authority.file)
    assert failed(result) == {"certificate"}
    assert result.is_answered
    assert result.breaks_must
    assert result.ways[0].datagrams == 0


async def test_what_is_no_tls_is_skipped_and_nobody_answers():
    async with serving("127.0.0.1") as server:
        result = await check(f"stuns:{endpoint_of_server(server)}", rate=FAST)
    assert not result.is_answered
    assert failed(result) == set()


async def test_one_transport_is_asked_where_it_is_named():
    async with serving("127.0.0.1") as server:
        name = f"stun:{endpoint_of_server(server)}?transport=tcp"
        result = await check(name, rate=FAST, cases=select(["stream"]))
    assert [way.transport for way in result.ways] == ["tcp"]
    assert outcomes(result, "half-closed") == {Transport.TCP: Outcome.PASS}


async def test_both_families_are_asked_where_a_name_has_them():
    async with serving(*HOSTS) as server:
        port = endpoint_of_server(server).port
        ipv6 = next(local for _, local in server.endpoints if local.family is Family.IPV6)
        if ipv6.port == port:  # else no name leads to both
            result = await check(f"stun:localhost:{port}", rate=FAST, cases=select(["binding"]))
            assert {way.family for way in result.ways} == set(Family)
        result = await check(f"stun:localhost:{port}", family=Family.IPV4, rate=FAST)
    assert {way.family for way in result.ways} == {Family.IPV4}


async def test_a_server_without_tcp_breaks_a_must():
    async with fake("127.0.0.1", lambda m, source: success(m, XorMappedAddress(source))) as server:
        result = await check(f"stun:{server}", rate=FAST, cases=select(["answer"]))
    assert failed(result) == {"reachable"}
    assert outcomes(result, "reachable") == {
        Transport.UDP: Outcome.PASS,
        Transport.TCP: Outcome.FAIL,
    }


async def test_a_server_without_udp_is_unknown_there():
    async with without_udp() as server:
        result = await check(f"stun:{server}", rate=FAST, cases=select(["reachable", "binding"]))
    assert outcomes(result, "reachable") == {
        Transport.UDP: Outcome.UNKNOWN,
        Transport.TCP: Outcome.PASS,
    }


async def test_a_wrong_server_is_found_out():
    async with fake("127.0.0.1", saying("192.0.2.1")) as server:
        result = await check(f"stun:{server}?transport=udp", rate=FAST)
    # it answers everything with one address, and knows nothing of attributes
    assert failed(result, Level.MUST) >= {"mapped-address", "unknown-required", "indication"}
    assert "transaction-id" not in failed(result)
    (way,) = result.ways
    wrong = next(one for one in way.results if one.case.id == "unknown-required")
    assert wrong.verdict.sent[20:22] == b"\x7f\x53"
    assert wrong.verdict.received[:2] == b"\x01\x01"


async def test_nobody_is_nobody():
    with silent("127.0.0.1") as nobody:
        result = await check(f"stun:{nobody}?transport=udp", rate=FAST)
    assert not result.is_answered
    assert not result.breaks_must
    assert outcomes(result, "reachable") == {Transport.UDP: Outcome.UNKNOWN}


async def test_it_keeps_its_rate():
    loop = asyncio.get_running_loop()
    async with serving("127.0.0.1") as server:
        started = loop.time()
        name = f"stun:{endpoint_of_server(server)}?transport=udp"
        result = await check(name, cases=select(["answer", "discard"]), rate=100.0)
        elapsed = loop.time() - started
    (way,) = result.ways
    assert way.datagrams > 50
    assert way.datagrams / elapsed < 150


async def test_the_end_of_time_leaves_the_rest_unknown():
    async with serving("127.0.0.1") as server:
        name = f"stun:{endpoint_of_server(server)}?transport=udp"
        result = await check(name, timeout=0.5, rate=20.0)
    assert failed(result) == set()
    assert result.count(Outcome.UNKNOWN) > 10
    assert result.elapsed < 3


async def test_it_asks_from_where_it_is_told():
    sources = []

    def note(request, source):
        sources.append(source)
        return success(request, XorMappedAddress(source))

    async with fake("127.0.0.1", note) as server:
        bind = Endpoint.of("127.0.0.5", 0)
        await check(f"stun:{server}", bind=bind, rate=FAST, cases=select(["binding"]))
    assert {source.host for source in sources} == {"127.0.0.5"}


async def test_progress_is_told_case_by_case():
    told = []
    cases = select(["answer"])
    async with serving("127.0.0.1") as server:
        name = f"stun:{endpoint_of_server(server)}?transport=udp"
        await check(name, cases=cases, rate=FAST, on_progress=told.append)
    assert [one.done for one in told] == list(range(1, len(cases) + 1))
    assert {one.total for one in told} == {len(cases)}
    assert {one.result.case for one in told} == set(cases)


async def test_it_logs_in(tmp_path):
    path = tmp_path / "credentials"
    path.write_text("password me secret\n", "utf-8")
    path.chmod(0o600)
    settings = AuthenticationSettings(credentials_file=path, realm="stun.example")
    async with serving("127.0.0.1", authentication=settings) as server:
        name = f"stun:{endpoint_of_server(server)}"
        result = await check(name, credential=Credential("me", "secret"), rate=FAST)
    assert failed(result) == {"open-to-all"}
    assert not result.breaks_must
    assert set(outcomes(result, "login-sha256").values()) == {Outcome.PASS}


@pytest.mark.parametrize("name", ["turn:127.0.0.1", "stuns:127.0.0.1?transport=udp", "stun:a b"])
async def test_refuses_what_it_cannot_ask(name):
    with pytest.raises(UsageError):
        await check(name)


async def test_names_what_leads_nowhere():
    with pytest.raises(ResolutionError):
        await check("stun:127.0.0.1", family=Family.IPV6)
