import asyncio

import pytest

from stunkit import discover
from stunkit.endpoint import Endpoint
from stunkit.net.discovery.trial import FRAGMENTS, HAIRPIN, LIFETIME, attempt
from tests.integration.behavior import quartet
from tests.integration.loopback import endpoint_of_server, serving

HERE = Endpoint.of("127.0.0.1", 0)


@pytest.mark.alone
@pytest.mark.parametrize("trial", [HAIRPIN, LIFETIME, FRAGMENTS], ids=lambda trial: trial.claim)
async def test_ends_in_time_with_evidence_for_its_claim(trial):
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with serving("127.0.0.1") as server:
        found = await attempt(trial, endpoint_of_server(server), HERE, loop.time() + 0.5)
    assert found.claim == trial.claim
    assert found.why
    assert loop.time() - began < 1


async def test_fragments_pass_on_loopback():
    async with quartet() as server:
        loop = asyncio.get_running_loop()
        found = await attempt(FRAGMENTS, server, HERE, loop.time() + 5)
    assert found.value is True


async def test_a_discovery_makes_the_trials_that_are_asked_for():
    async with quartet() as server:
        report = (await discover([str(server)], hairpin=True, fragments=True)).ipv4
    assert report is not None
    reasons = {one.claim: one.why for one in report.evidence}
    assert report.fragments is True
    assert report.hairpin is None
    assert "no NAT" in reasons["hairpin"]
    assert reasons["lifetime"] == "not asked for"


@pytest.mark.alone
async def test_a_discovery_cuts_them_short_when_its_time_is_over():
    async with quartet() as server:
        result = await discover([str(server)], lifetime=True, timeout=1.5)
    assert result.ipv4 is not None
    assert result.ipv4.filtering is not None
    assert 1.4 < result.elapsed < 2
