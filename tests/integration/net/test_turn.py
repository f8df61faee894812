"""The preflight of relays: against a real coturn for each fault that it can be made to show, and
against a scripted relay for the others.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import UsageError
from stunkit.net.relay import connection
from stunkit.net.relay.allocation import allocate
from stunkit.net.relay.report import RelayOutcome as Outcome
from stunkit.net.relay.report import RelayReport, StepName, StepOutcome
from stunkit.net.turn import probe_relays, transports_of
from stunkit.protocol.schedule import Schedule
from stunkit.protocol.turn_credentials import TurnCredentials, turn_rest_credentials
from stunkit.wire.attributes.address import AlternateServer, XorMappedAddress, XorRelayedAddress
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.registry import Method
from stunkit.wire.uri import Transport, Uri
from tests.integration.certificates import Authority
from tests.integration.loopback import HOSTS, refusing, serving, silent
from tests.integration.turnserver import (
    PASSWORD,
    PEERS,
    REALM,
    SECRET,
    SECRETS,
    USERNAME,
    USERS,
    scripted,
    turnserver,
)
from tests.relaying import PASSWORD as SCRIPTED_PASSWORD
from tests.relaying import ScriptedRelay

ANN = TurnCredentials(USERNAME, PASSWORD)
SCRIPTED = TurnCredentials(USERNAME, SCRIPTED_PASSWORD)
MAPPED = XorMappedAddress(Endpoint.parse("127.0.0.1:7"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def relays(tmp_path_factory, authority: Authority) -> Iterator[dict[str, Endpoint]]:
    """One relay with users for each family, over UDP, TCP and TLS."""
    folder = tmp_path_factory.mktemp("coturn")
    pair = authority.issue()
    options = (*USERS, *PEERS, f"--cert={pair.certificate}", f"--pkey={pair.key}")
    with (
        turnserver(folder, *options) as four,
        turnserver(folder, *options, host="::1") as six,
    ):
        yield {"127.0.0.1": four, "::1": six}


@pytest.fixture
def relay(relays: dict[str, Endpoint]) -> Endpoint:
    return relays["127.0.0.1"]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., object]:
    """Start a relay with other options."""

    @contextmanager
    def run(*options: str):
        with turnserver(tmp_path, *options) as server:
            yield server

    return run


@pytest.fixture
def _impatient(monkeypatch):
    """Let silence be known sooner than the RFC's schedule has it."""
    monkeypatch.setattr(connection, "SCHEDULE", Schedule(rto=0.1, rc=2, rm=2, ti=0.5))


async def one(uri: str, credentials: TurnCredentials | None = ANN, **choices) -> RelayReport:
    """Probe one relay over one transport."""
    [report] = await probe_relays([uri], credentials, **choices)
    return report


def steps(report: RelayReport) -> list[tuple[StepName, StepOutcome]]:
    return [(step.name, step.outcome) for step in report.steps]


def udp(server: Endpoint) -> str:
    return f"turn:{server}?transport=udp"


def tcp(server: Endpoint) -> str:
    return f"turn:{server}?transport=tcp"


# What works


@pytest.mark.parametrize("host", HOSTS)
async def test_works_over_udp_and_tcp_and_tls_side_by_side(host, relays, authority: Authority):
    server = relays[host]
    news: list[RelayReport] = []
    family = server.family
    reports = await probe_relays(
        [f"turn:{server}", f"turns:{server}"],
        ANN,
        relayed_family=family,
        ca_file=authority.file,
        on_news=news.append,
    )
    assert [report.transport for report in reports] == [
        Transport.UDP,
        Transport.TCP,
        Transport.TLS,
    ]
    assert sorted(news, key=lambda report: report.transport) == sorted(
        reports, key=lambda report: report.transport
    )
    for report in reports:
        assert report.outcome is Outcome.WORKS, report
        assert report.is_usable is True
        assert report.server == server
        assert report.relayed.host == report.mapped.host == host
        assert report.lifetime == 600
        assert report.software.startswith("Coturn-")
        assert report.is_open is False
        assert (report.echo.sent, report.echo.received, report.echo.loss) == (12, 12, 0)
        assert 0 < report.echo.rtt_min <= report.rtt < 1
    last = [StepName.ALLOCATE, StepName.PERMISSION, StepName.ECHO]
    names = [[step.name for step in report.steps] for report in reports]
    assert names == [
        last,
        [StepName.CONNECT, *last],
        [StepName.CONNECT, StepName.TLS, *last],
    ]
    tls = reports[2].tls
    assert tls.version in ("TLSv1.2", "TLSv1.3")
    assert "127.0.0.1" in tls.names
    assert "trustme" in tls.issuer
    assert reports[2].days_left(time.time()) in (29, 30)


async def test_a_name_is_resolved_and_each_of_its_addresses_is_tried(relay: Endpoint):
    report = await one(f"turn:localhost:{relay.port}?transport=udp", family=Family.IPV4)
    assert report.outcome is Outcome.WORKS
    assert report.steps[0].name is StepName.RESOLVE
    assert "127.0.0.1" in report.steps[0].text


async def test_credentials_made_of_a_secret_work(run):
    with run(*SECRETS, *PEERS) as server:
        good = turn_rest_credentials(SECRET, "ann", time.time(), 60)
        assert (await one(udp(server), good)).outcome is Outcome.WORKS


async def test_an_open_relay_is_told(run):
    with run("--no-auth", *PEERS) as server:
        report = await one(udp(server), None)
    assert (report.outcome, report.is_open) == (Outcome.WORKS, True)
    assert "anyone may use" in report.why


async def test_nothing_is_left_on_the_relay(run, tmp_path: Path):
    with run(*USERS, *PEERS, "--verbose") as server:
        for report in await probe_relays([f"turn:{server}"], ANN):
            assert report.outcome is Outcome.WORKS
    log = (tmp_path / "0.log").read_text()
    assert len(re.findall(r"session \d+: new, .*lifetime=600", log)) == 2
    assert len(re.findall(r"session \d+: refreshed, .*lifetime=0", log)) == 2


async def test_probes_side_by_side_do_not_run_into_their_own_quota(run):
    with run(*USERS, *PEERS, "--user-quota=1") as server:
        reports = await probe_relays([f"turn:{server}"], ANN)
    assert [report.outcome for report in reports] == [Outcome.WORKS] * 2


# Who may


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_wrong_password_is_told(transport: str, relay: Endpoint):
    wrong = TurnCredentials(USERNAME, "wrong")
    report = await one(f"turn:{relay}?transport={transport}", wrong)
    assert report.outcome is Outcome.WRONG_CREDENTIALS
    assert "401" in report.why
    assert REALM in report.why
    assert steps(report)[-1] == (StepName.ALLOCATE, StepOutcome.FAILED)
    assert "wrong" not in repr(report).replace("wrong-credentials", "")


async def test_a_wrong_user_is_told(relay: Endpoint):
    report = await one(udp(relay), TurnCredentials("bob", PASSWORD))
    assert report.outcome is Outcome.WRONG_CREDENTIALS


async def test_a_user_of_another_realm_is_told_the_realm(run):
    # the key is made with the realm: one that is made for another does not fit
    key = "0x" + "00" * 16
    with run("--lt-cred-mech", f"--user={USERNAME}:{key}", "--realm=other.example") as server:
        report = await one(udp(server))
    assert report.outcome is Outcome.WRONG_CREDENTIALS
    assert "other.example" in report.why


async def test_no_credentials_are_told_apart_from_wrong_ones(relay: Endpoint):
    report = await one(udp(relay), None)
    assert report.outcome is Outcome.CREDENTIALS_NEEDED
    assert REALM in report.why


async def test_an_expired_credential_is_told_by_its_own_time(run):
    with run(*SECRETS, *PEERS) as server:
        report = await one(udp(server), turn_rest_credentials(SECRET, "ann", time.time(), -7200))
        assert report.outcome is Outcome.EXPIRED_CREDENTIALS
        assert "2 hours ago" in report.why
        report = await one(udp(server), turn_rest_credentials("south", "ann", time.time(), 7200))
        assert report.outcome is Outcome.WRONG_CREDENTIALS
        assert "secret" in report.why


async def test_a_users_quota_is_told(run):
    # Two allocations of others hold the quota, and nobody of this run.
    with run(*USERS, *PEERS, "--user-quota=1") as server:
        async with await allocate(Uri.parse(udp(server)), ANN):
            report = await one(udp(server))
    assert report.outcome is Outcome.QUOTA_REACHED
    assert "486" in report.why


async def test_a_total_quota_is_told(run):
    options = ("--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}", "--user=bob:b", "--total-quota=1")
    with run(*options, f"--realm={REALM}", *PEERS) as server:
        async with await allocate(Uri.parse(udp(server)), TurnCredentials("bob", "b")):
            assert (await one(udp(server))).outcome is Outcome.QUOTA_REACHED


async def test_a_denied_peer_is_named_and_nothing_is_claimed(run):
    with run(*USERS) as server:  # coturn forbids peers on loopback
        report = await one(udp(server))
    assert report.outcome is Outcome.PEER_DENIED
    assert report.is_usable is None
    assert "forbid 127.0.0.1" in report.why
    assert steps(report)[-2:] == [
        (StepName.PERMISSION, StepOutcome.FAILED),
        (StepName.ECHO, StepOutcome.UNKNOWN),
    ]


async def test_a_denied_range_is_the_servers_rule(run):
    with run(*USERS, *PEERS, "--denied-peer-ip=127.0.0.0-127.255.255.255") as server:
        report = await one(tcp(server))
    assert report.outcome is Outcome.PEER_DENIED


# What is given


async def test_an_address_that_leads_nowhere_is_told(run):
    # coturn knows its own addresses by both names, so that two of its allocations can talk
    with run(*USERS, *PEERS, "--external-ip=127.0.0.77/127.0.0.1") as server:
        report = await one(udp(server))
    assert report.outcome is Outcome.PORTS_UNREACHABLE
    assert report.is_usable is None
    assert report.relayed.host == "127.0.0.77"
    assert "between two relayed addresses 12 of 12" in report.why


async def test_an_address_that_cannot_be_tried_is_good_where_udp_is_known_to_be_blocked(run):
    with run(*USERS, *PEERS, "--external-ip=127.0.0.77/127.0.0.1") as server:
        report = await one(tcp(server), is_udp_open=False)
    assert report.outcome is Outcome.WORKS
    assert "UDP is filtered" in report.why


async def test_data_that_does_not_come_through_is_told():
    relay = ScriptedRelay(
        grants={Method.ALLOCATE: (XorRelayedAddress(Endpoint.parse("127.0.0.1:9")), MAPPED)}
    )
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.NO_DATA
    assert report.is_usable is False
    assert steps(report)[-1] == (StepName.ECHO, StepOutcome.FAILED)
    assert (report.echo.received, report.echo.loss, report.rtt) == (0, 1, None)


async def test_a_family_that_the_relay_lacks_is_told(run):
    with run(*USERS, *PEERS) as server:
        report = await one(udp(server), relayed_family=Family.IPV6)
    assert report.outcome is Outcome.FAMILY_UNSUPPORTED
    assert "440" in report.why


async def test_a_relay_without_a_port_left_is_told(run):
    with run(*USERS, *PEERS, "--min-port=50007", "--max-port=50007") as server:
        async with await allocate(Uri.parse(udp(server)), ANN):
            report = await one(udp(server))
    assert report.outcome is Outcome.NO_CAPACITY
    assert "508" in report.why


async def test_a_redirection_is_followed(run, relay: Endpoint):
    with run(*USERS, f"--alternate-server={relay}") as server:
        report = await one(udp(server))
    assert report.outcome is Outcome.WORKS, report
    assert (report.server, report.redirected_by) == (relay, server)
    assert (StepName.REDIRECT, StepOutcome.OK) in steps(report)


# The way there


async def test_names_and_ports_that_lead_nowhere_are_told_apart():
    with refusing("127.0.0.1") as refuser:
        reports = await probe_relays(["turn:nowhere.invalid", f"turn:{refuser}"], ANN)
    assert [report.outcome for report in reports] == [
        Outcome.NAME_NOT_FOUND,
        Outcome.NAME_NOT_FOUND,
        Outcome.REFUSED_CONNECTION,
        Outcome.REFUSED_CONNECTION,
    ]
    assert all(report.is_usable is False and report.remedy for report in reports)


async def test_silence_is_told_and_the_others_need_not_wait(relay: Endpoint):
    began = time.monotonic()
    heard: list[tuple[Outcome, float]] = []
    with silent("127.0.0.1") as server:
        await probe_relays(
            [udp(server), udp(relay)],
            ANN,
            timeout=3,
            on_news=lambda report: heard.append((report.outcome, time.monotonic() - began)),
        )
    (first, early), (second, late) = heard
    assert (first, second) == (Outcome.WORKS, Outcome.TIMED_OUT)
    assert early < 2.5
    assert late < 5


@pytest.mark.usefixtures("_impatient")
async def test_a_way_that_only_tcp_finds_is_told(run, relay: Endpoint):
    with run(*USERS, *PEERS, "--no-udp") as server, silent("127.0.0.1", server.port):
        first, second = await probe_relays([f"turn:{server}"], ANN)
    assert (first.outcome, second.outcome) == (Outcome.TIMED_OUT, Outcome.WORKS)
    assert "UDP is filtered" in first.why


@pytest.mark.usefixtures("_impatient")
async def test_a_stun_server_is_no_relay(run):
    with run("--stun-only") as coturn:
        async with serving("127.0.0.1") as ours:
            for server in (coturn, ours.endpoints[0][1]):
                for report in await probe_relays([f"turn:{server}"], ANN):
                    assert report.outcome is Outcome.NOT_TURN
                    assert "STUN" in report.why


@asynccontextmanager
async def web_server(tls=None):
    async def answer(reader, writer):
        with closing(writer), suppress(OSError):
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield Endpoint.of(*server.sockets[0].getsockname())


async def test_a_web_server_is_told(authority: Authority):
    async with web_server() as server:
        report = await one(tcp(server))
        assert report.outcome is Outcome.NOT_TURN
        assert "HTTP" in report.why
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())
    async with web_server(context) as server:
        report = await one(f"turns:{server}", ca_file=authority.file)
        assert report.outcome is Outcome.NOT_TURN
        assert (StepName.TLS, StepOutcome.OK) in steps(report)


async def test_a_connection_that_is_closed_is_told():
    async def answer(reader, writer):
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        report = await one(tcp(Endpoint.of(*server.sockets[0].getsockname())))
    assert report.outcome is Outcome.CLOSED


# Certificates


@pytest.mark.parametrize(
    ("names", "days", "outcome", "word"),
    [
        ((), (-3, -1), Outcome.CERTIFICATE_EXPIRED, "expired on"),
        ((), (1, 3), Outcome.CERTIFICATE_NOT_YET_VALID, "not valid before"),
        (("relay.example",), (-1, 3), Outcome.CERTIFICATE_WRONG_NAME, "relay.example"),
    ],
)
async def test_a_bad_certificate_is_told(run, authority, names, days, outcome, word):
    pair = authority.issue(*names, days=days)
    with run(*USERS, f"--cert={pair.certificate}", f"--pkey={pair.key}") as server:
        report = await one(f"turns:{server}", ca_file=authority.file)
    assert report.outcome is outcome
    assert word in report.why
    assert steps(report) == [
        (StepName.CONNECT, StepOutcome.OK),
        (StepName.TLS, StepOutcome.FAILED),
    ]


async def test_an_unknown_issuer_is_told(relay: Endpoint):
    report = await one(f"turns:{relay}")
    assert report.outcome is Outcome.CERTIFICATE_UNKNOWN_ISSUER


async def test_a_certificate_that_vouches_for_itself_is_told(run, tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"),
        *("-days", "2", "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "own.pem")),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    files = (f"--cert={tmp_path / 'own.pem'}", f"--pkey={tmp_path / 'key.pem'}")
    with run(*USERS, *files) as server:
        report = await one(f"turns:{server}")
    assert report.outcome is Outcome.CERTIFICATE_SELF_SIGNED


async def test_a_port_without_tls_is_told(run):
    with run(*USERS) as server:
        report = await one(f"turns:{server}", timeout=4)
    assert report.is_usable is False
    assert report.outcome in (Outcome.TLS_FAILED, Outcome.TIMED_OUT)


# What coturn cannot be made to say: a scripted relay


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (400, Outcome.BAD_REQUEST),
        (403, Outcome.FORBIDDEN),
        (437, Outcome.ALLOCATION_MISMATCH),
        (441, Outcome.OTHER_CREDENTIALS),
        (442, Outcome.TRANSPORT_UNSUPPORTED),
        (443, Outcome.FAMILY_MISMATCH),
        (500, Outcome.SERVER_ERROR),
        (699, Outcome.REFUSED),
    ],
)
async def test_each_code_has_its_name(code: int, outcome: Outcome):
    relay = ScriptedRelay(says={Method.ALLOCATE: (ErrorCode(code),)})
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is outcome
    assert str(code) in report.why
    # another port is tried where the server knows this one (RFC 8656 section 7.4)
    assert len(relay.asked) == (6 if code == 437 else 2)


async def test_an_attribute_that_the_relay_does_not_know_is_named():
    says = {Method.ALLOCATE: (ErrorCode(420), UnknownAttributes((0x19,)))}
    async with scripted(ScriptedRelay(says=says)) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.UNKNOWN_ATTRIBUTE
    assert "REQUESTED-TRANSPORT" in report.why


async def test_nonces_that_are_always_stale_are_told():
    async with scripted(ScriptedRelay(stale=99)) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.STALE_NONCE


async def test_a_permission_that_is_refused_for_another_reason_is_told():
    relay = ScriptedRelay(
        says={Method.CREATE_PERMISSION: (ErrorCode(441),)},
        grants={Method.ALLOCATE: (XorRelayedAddress(Endpoint.parse("127.0.0.1:9")),)},
    )
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.OTHER_CREDENTIALS
    assert "CreatePermission" in report.why
    assert relay.methods().count(Method.REFRESH) >= 1


@pytest.mark.usefixtures("_impatient")
async def test_a_permission_that_is_not_answered_proves_nothing():
    relay = ScriptedRelay(silent=frozenset({Method.CREATE_PERMISSION}))
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.UNPROVEN
    assert "to the request that permits" in report.why


async def test_two_relays_that_send_us_to_each_other_are_a_loop():
    first, second = ScriptedRelay(), ScriptedRelay()
    async with scripted(first) as one_server, scripted(second) as other_server:
        first.says = {Method.ALLOCATE: (ErrorCode(300), AlternateServer(other_server))}
        second.says = {Method.ALLOCATE: (ErrorCode(300), AlternateServer(one_server))}
        report = await one(udp(one_server), SCRIPTED)
    assert report.outcome is Outcome.REDIRECTED
    assert "loop" in report.why
    assert (len(first.asked), len(second.asked)) == (2, 2)


async def test_a_relay_that_sends_us_to_itself_is_a_loop():
    relay = ScriptedRelay()
    async with scripted(relay) as server:
        relay.says = {Method.ALLOCATE: (ErrorCode(300), AlternateServer(server))}
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.REDIRECTED
    assert len(relay.asked) == 2


async def test_a_chain_of_redirections_is_followed_once():
    relays = [ScriptedRelay() for _ in range(3)]
    async with (
        scripted(relays[0]) as first,
        scripted(relays[1]) as second,
        scripted(relays[2]) as third,
    ):
        relays[0].says = {Method.ALLOCATE: (ErrorCode(300), AlternateServer(second))}
        relays[1].says = {Method.ALLOCATE: (ErrorCode(300), AlternateServer(third))}
        report = await one(udp(first), SCRIPTED)
    assert report.outcome is Outcome.REDIRECTED
    assert relays[2].asked == []


@pytest.mark.usefixtures("_impatient")
async def test_an_unsigned_refusal_is_told_with_doubt():
    relay = ScriptedRelay(signs=False, says={Method.ALLOCATE: (ErrorCode(486),)})
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.QUOTA_REACHED
    assert "not signed" in report.why


async def test_a_success_without_a_relayed_address_is_invalid():
    relay = ScriptedRelay(grants={Method.ALLOCATE: ()})
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED)
    assert report.outcome is Outcome.INVALID_ANSWER
    assert relay.methods()[-1] is Method.REFRESH


async def test_a_relay_that_has_no_more_to_say_runs_into_the_time_limit():
    relay = ScriptedRelay(silent=frozenset({Method.CREATE_PERMISSION}))
    async with scripted(relay) as server:
        report = await one(udp(server), SCRIPTED, timeout=2)
    assert report.outcome is Outcome.UNPROVEN
    assert relay.methods()[-1] is Method.REFRESH  # it was let go none the less


# URIs


def test_a_uri_says_over_what_it_is_tried():
    for text, transports in (
        ("turn:a.example", (Transport.UDP, Transport.TCP)),
        ("turn:a.example?transport=udp", (Transport.UDP,)),
        ("turn:a.example?transport=tcp", (Transport.TCP,)),
        ("turns:a.example", (Transport.TLS,)),
        ("turns:a.example?transport=tcp", (Transport.TLS,)),
    ):
        assert transports_of(Uri.parse(text)) == transports


@pytest.mark.parametrize("text", ["stun:a.example", "a.example", "turns:a.example?transport=udp"])
async def test_what_is_no_relay_is_refused(text: str):
    with pytest.raises(UsageError):
        await probe_relays([text])
