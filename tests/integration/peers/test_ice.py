"""Our ICE agent and aioice's: they find a pair, and data goes both ways."""

from __future__ import annotations

import asyncio
import secrets

import aioice
import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.agent import Agent
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.check import Credentials
from stunkit.ice.pair import Local
from stunkit.ice.session import Event, Received, Selected
from stunkit.net.drive import Driver

pytestmark = pytest.mark.integration

OURS = Credentials("ours", "a-password-of-ours-1234")


class Ours:
    """Our agent on a socket of its own."""

    def __init__(self, address: str, *, is_controlling: bool, tie_breaker: int) -> None:
        self.agent = Agent(
            [], OURS, secrets.token_bytes, is_controlling=is_controlling, tie_breaker=tie_breaker
        )
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.driver = Driver(self.agent, self.events.put_nowait)
        base = self.driver.open_udp(Endpoint.of(address, 0))
        self.candidate = Candidate(
            "1", 1, "udp", 2130706431, base.host, base.port, CandidateType.HOST
        )
        self.agent.add_local(Local.of(self.candidate))

    def start(self, peer: aioice.Connection) -> None:
        candidates = [Candidate.parse(f"candidate:{one.to_sdp()}") for one in peer.local_candidates]
        theirs = Credentials(peer.local_username, peer.local_password)
        self.agent.start(candidates, theirs, self.driver.now)
        self.driver.flush()

    async def expect(self, kind: type[Event]) -> Event:
        async with asyncio.timeout(10):
            while not isinstance(event := await self.events.get(), kind):
                pass
            return event


async def call(*, we_control: bool, peer_controls: bool, tie_breaker: int = 1) -> Ours:
    peer = aioice.Connection(ice_controlling=peer_controls, use_ipv6=False)
    await peer.gather_candidates()
    ours = Ours(peer.local_candidates[0].host, is_controlling=we_control, tie_breaker=tie_breaker)
    line = ours.candidate.format().removeprefix("candidate:")
    peer.remote_username, peer.remote_password = OURS
    await peer.add_remote_candidate(aioice.Candidate.from_sdp(line))
    await peer.add_remote_candidate(None)
    ours.start(peer)
    try:
        async with asyncio.timeout(20):
            await peer.connect()
        await ours.expect(Selected)
        ours.agent.send(b"\x80hello")
        ours.driver.flush()
        assert await peer.recv() == b"\x80hello"
        await peer.send(b"\x80and back")
        received = await ours.expect(Received)
        assert received.data == b"\x80and back"
    finally:
        await peer.close()
        ours.driver.close()
    return ours


@pytest.mark.parametrize("we_control", [True, False])
async def test_agent_connects_with_aioice(we_control: bool):
    ours = await call(we_control=we_control, peer_controls=not we_control)
    assert ours.agent.role.is_controlling is we_control


@pytest.mark.parametrize("we_control", [True, False])
@pytest.mark.parametrize("tie_breaker", [0, 2**64 - 1])
async def test_agent_settles_a_role_conflict_with_aioice(we_control: bool, tie_breaker: int):
    ours = await call(we_control=we_control, peer_controls=we_control, tie_breaker=tie_breaker)
    assert ours.agent.role.is_controlling is (tie_breaker > 0)
