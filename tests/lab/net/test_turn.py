"""The preflight of relays behind real NATs and firewalls, with a real coturn outside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stunkit.lab import Lab, find_kind
from stunkit.lab.command import configure_filter, configure_links
from stunkit.lab.service import Service
from stunkit.net.relay import connection
from stunkit.net.relay.report import RelayOutcome as Outcome
from stunkit.net.relay.report import RelayReport, StepName, StepOutcome
from stunkit.net.turn import probe_relays
from stunkit.protocol.schedule import Schedule
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport
from tests.integration.certificates import Authority

USERNAME, PASSWORD = "ann", "a-secret-word"
ANN = TurnCredentials(USERNAME, PASSWORD)
RELAY_PORTS = "49152-65535"  # coturn's own
PRIVATE = "10.9.9.9"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@contextmanager
def relaying(lab: Lab, authority: Authority, folder: Path, *options: str) -> Iterator[str]:
    """Yield the address of a relay outside: UDP and TCP on 3478, TLS on 5349."""
    address = lab.server_addresses()[0]
    pair = authority.issue(address)
    command = ["turnserver", "-n", "--no-cli", "--no-dtls", "--relay-threads=1"]
    command += [f"--listening-ip={address}", f"--cert={pair.certificate}", f"--pkey={pair.key}"]
    command += ["--lt-cred-mech", "--realm=lab", f"--user={USERNAME}:{PASSWORD}"]
    command += ["--log-file=stdout", f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    command += options or (f"--relay-ip={address}",)
    with Service(lab.outside, command, ready="SQLite DB connection success"):
        yield address


def probe(lab: Lab, address: str, authority: Authority) -> dict[Transport, RelayReport]:
    """Probe the relay from inside, over all its transports."""
    uris = [f"turn:{address}", f"turns:{address}"]
    found = lab.client.call(asyncio.run, probe_relays(uris, ANN, ca_file=authority.file))
    return {report.transport: report for report in found}


@pytest.mark.parametrize("kind", ["public", "port-restricted", "symmetric", "carrier", "pool"])
def test_works_over_all_transports_from_behind(kind: str, authority: Authority, tmp_path: Path):
    with Lab(find_kind(kind)) as lab, relaying(lab, authority, tmp_path) as address:
        reports = probe(lab, address, authority)
        public = lab.sides[0].public_addresses()
    assert list(reports) == [Transport.UDP, Transport.TCP, Transport.TLS]
    for report in reports.values():
        assert report.outcome is Outcome.WORKS, report
        assert report.relayed.host == address
        assert report.mapped.host in public
        assert report.echo.peer.host in public  # a plain socket here
        assert report.echo.received == 12


def test_where_udp_is_blocked_the_others_allocate_and_it_is_said_so(
    authority: Authority, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(connection, "SCHEDULE", Schedule(rto=0.2, rc=2, rm=2, ti=5))
    with Lab(find_kind("udp-blocked")) as lab, relaying(lab, authority, tmp_path) as address:
        reports = probe(lab, address, authority)
    assert reports[Transport.UDP].outcome is Outcome.TIMED_OUT
    assert "UDP is filtered" in reports[Transport.UDP].why
    for transport in (Transport.TCP, Transport.TLS):
        report = reports[transport]
        assert (report.outcome, report.is_usable) == (Outcome.PORTS_UNREACHABLE, None)
        assert report.echo.peer.host == address  # the second relayed address
        assert "UDP is filtered on the way or at the relay" in report.why


def test_a_relay_that_lets_no_udp_in_is_not_said_to_work(
    authority: Authority, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(connection, "SCHEDULE", Schedule(rto=0.2, rc=2, rm=2, ti=5))
    rules = (
        "add table inet closed; add chain inet closed in"
        " { type filter hook input priority 0; policy accept; };"
        ' add rule inet closed in iifname "side0" meta l4proto udp drop;'
    )
    with Lab(find_kind("port-restricted")) as lab:
        lab.outside.call(configure_filter, "open TCP at the relay, and forget UDP", rules)
        with relaying(lab, authority, tmp_path) as address:
            reports = probe(lab, address, authority)
    assert reports[Transport.UDP].outcome is Outcome.TIMED_OUT
    assert [reports[one].is_usable for one in (Transport.TCP, Transport.TLS)] == [None, None]


def test_a_private_relayed_address_is_told(authority: Authority, tmp_path: Path):
    with Lab(find_kind("port-restricted")) as lab:
        line = f"address add {PRIVATE}/32 dev lo"
        lab.outside.call(configure_links, "give the relay a private address", [line])
        with relaying(lab, authority, tmp_path, f"--relay-ip={PRIVATE}") as address:
            report = probe(lab, address, authority)[Transport.UDP]
    assert report.outcome is Outcome.PRIVATE_RELAY
    assert report.is_usable is False
    assert report.relayed.host == PRIVATE
    assert f"{PRIVATE}:{report.relayed.port} is private" in report.why


@pytest.mark.parametrize(
    ("where", "outcome", "usable"),
    [('iifname "side0"', Outcome.PORTS_UNREACHABLE, None), ("", Outcome.NO_DATA, False)],
    ids=["from outside", "altogether"],
)
def test_closed_relay_ports_are_told(where, outcome, usable, authority, tmp_path: Path):
    rules = (
        "add table inet closed; add chain inet closed in"
        " { type filter hook input priority 0; policy accept; };"
        f" add rule inet closed in {where} udp dport {RELAY_PORTS} drop;"
    )
    with Lab(find_kind("port-restricted")) as lab:
        lab.outside.call(configure_filter, "close the relay's ports", rules)
        with relaying(lab, authority, tmp_path) as address:
            for report in probe(lab, address, authority).values():
                assert (report.outcome, report.is_usable) == (outcome, usable), report
                assert "UDP does not leave" not in report.why  # as the relay answers it


def test_a_denied_peer_is_named_and_another_is_taken(authority: Authority, tmp_path: Path):
    with Lab(find_kind("port-restricted")) as lab:
        public = lab.sides[0].public_addresses()[0]
        relay_ip = f"--relay-ip={lab.server_addresses()[0]}"
        rule = f"--denied-peer-ip={public}"
        with relaying(lab, authority, tmp_path, relay_ip, rule) as address:
            report = probe(lab, address, authority)[Transport.UDP]
    assert report.outcome is Outcome.WORKS
    assert report.step(StepName.PERMISSION).outcome is StepOutcome.OK
    assert f"forbid {public}" in report.step(StepName.PERMISSION).text
    assert report.echo.peer.host == address


def test_loss_is_not_taken_for_silence(authority: Authority, tmp_path: Path):
    # one in ten is lost on the way there and on the way back: all 12 once in 400 million runs
    with (
        Lab(find_kind("port-restricted"), loss=10) as lab,
        relaying(lab, authority, tmp_path) as address,
    ):
        report = probe(lab, address, authority)[Transport.TCP]
    assert report.outcome is Outcome.WORKS
    assert report.echo.sent == 12
