"""One probe, step by step: see test_turn for what each relay is found to be."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.relay.connection import Relay, Site
from stunkit.net.relay.probe import Terms, probe
from stunkit.net.relay.report import RelayOutcome, StepName, StepOutcome
from stunkit.net.transport.secure import ALPN_TURN, Secure
from stunkit.net.turn import probe_relays
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport, Uri
from tests.integration.turnserver import PASSWORD, PEERS, USERNAME, USERS, turnserver

ANN = TurnCredentials(USERNAME, PASSWORD)


async def probe_for(seconds: float, server: Endpoint, transport: Transport, terms: Terms):
    uri = Uri.parse(f"turn:{server}")
    deadline = asyncio.get_running_loop().time() + seconds
    return await probe(uri, Site(server, transport, server.host), terms, deadline)


async def test_says_in_which_step_time_ran_out():
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the kernel takes connections
        server = Endpoint.of(*listener.getsockname())
        secure = Terms(ANN, secure=Secure(None, ALPN_TURN))
        for transport, terms, step in (
            (Transport.TCP, Terms(ANN), StepName.ALLOCATE),
            (Transport.TLS, secure, StepName.TLS),
        ):
            report = await probe_for(0.2, server, transport, terms)
            assert report.outcome is RelayOutcome.TIMED_OUT
            assert (report.steps[-1].name, report.steps[-1].outcome) == (step, StepOutcome.FAILED)
            assert step in report.why


async def test_lets_go_of_what_it_has_when_time_runs_out(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("stunkit.net.relay.echo.PACE", 60.0)  # it is not done before time is up
    with turnserver(tmp_path, *USERS, *PEERS, "--verbose") as server:
        report = await probe_for(2, server, Transport.UDP, Terms(ANN))
        assert report.outcome is RelayOutcome.UNPROVEN
        assert (report.steps[-1].name, report.steps[-1].outcome) == (
            StepName.ECHO,
            StepOutcome.UNKNOWN,
        )
        assert report.relayed is not None
    log = (tmp_path / "0.log").read_text()
    assert log.count(": new, ") == log.count("lifetime=0") == 1


async def test_asks_from_where_it_is_told(tmp_path: Path):
    bind = Endpoint.parse("127.0.0.2:0")
    with turnserver(tmp_path, *USERS, *PEERS) as server:
        for transport in (Transport.UDP, Transport.TCP):
            report = await probe_for(10, server, transport, Terms(ANN, bind=bind))
            assert report.outcome is RelayOutcome.WORKS
            assert report.mapped.host == report.echo.peer.host == "127.0.0.2"


async def test_a_quota_of_one_leaves_the_second_way_untried(tmp_path: Path):
    options = (*USERS, "--user-quota=1")  # coturn forbids peers on loopback
    with turnserver(tmp_path, *options) as server:
        report = await probe_for(10, server, Transport.UDP, Terms(ANN))
    assert report.outcome is RelayOutcome.UNPROVEN
    assert report.is_usable is None
    assert "no second allocation: refused with 486" in report.why


async def test_lets_go_of_what_it_has_when_it_is_cancelled(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("stunkit.net.relay.echo.PACE", 60.0)
    permitted = asyncio.Event()
    permit = Relay.permit

    async def tell(relay: Relay, *peers: Endpoint) -> object:
        outcome = await permit(relay, *peers)
        permitted.set()
        return outcome

    monkeypatch.setattr(Relay, "permit", tell)
    with turnserver(tmp_path, *USERS, *PEERS, "--verbose") as server:
        task = asyncio.create_task(probe_relays([f"turn:{server}?transport=udp"], ANN))
        await permitted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    log = (tmp_path / "0.log").read_text()
    assert log.count(": new, ") == log.count("lifetime=0") == 1
