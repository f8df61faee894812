"""aioice's candidates behind real NATs: read, classified, and nothing false found."""

from __future__ import annotations

import asyncio

import aioice
import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.candidate import CandidateType
from stunkit.ice.dump import read_dump
from stunkit.ice.finding import Code, Severity
from stunkit.ice.lint import lint, lint_candidates
from stunkit.lab import Lab, find_kind, start_server
from tests.lab.connections import connections

PATIENCE = 20.0  # seconds; aioice itself waits five for a server
TOLD = {  # what is true of aioice's candidates behind each kind, and worth knowing
    "port-restricted": {Code.HOST_LEAK, Code.MISSING_RELAY},
    "carrier": {Code.HOST_LEAK, Code.MISSING_RELAY},
    "public": {Code.REDUNDANT},
    "ipv6-firewall": {Code.HOST_LEAK, Code.MISSING_RELAY},
    "nat66": {Code.HOST_LEAK, Code.MISSING_RELAY, Code.UNIQUE_LOCAL_ONLY},
    "udp-blocked": {Code.MISSING_REFLEXIVE, Code.MISSING_RELAY},
}
TWO_HOSTS = {"ipv6-firewall", "nat66"}


async def gather(server: str, components: int) -> list[str]:
    """Return the lines of the candidates, as aiortc writes them into its SDP."""
    connection = aioice.Connection(
        ice_controlling=True, components=components, stun_server=(server, 3478)
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await connection.gather_candidates()
        return [f"a=candidate:{one.to_sdp()}" for one in connection.local_candidates]
    finally:
        await connection.close()


@pytest.mark.parametrize("components", [1, 2])
@pytest.mark.parametrize("name", TOLD)
def test_nothing_false_is_found(name: str, components: int):
    with Lab(find_kind(name)) as lab, start_server(lab, alternate=False):
        server = lab.server_addresses()[0]
        lines = lab.client.call(asyncio.run, gather(server, components))
        tracked = {str(one.mapped) for one in connections(lab.router)}
    # as if the lab's outside, which is made of documentation addresses, were real
    text = (
        "\n".join(lines).replace("203.0.113.", "192.31.196.").replace("2001:db8:", "2620:4f:8000:")
    )
    candidates = [found.candidate for found in read_dump(text).candidates]
    assert [one.format_attribute() for one in candidates] == text.split("\n")
    findings = lint_candidates(candidates)
    # one local preference for all addresses, against RFC 8445 section 5.1.2.1
    wanted = TOLD[name] | ({Code.PRIORITY_EQUAL} if name in TWO_HOSTS else set())
    assert {one.code for one in findings} == wanted
    bad = {one.code for one in findings if one.severity is not Severity.INFO}
    assert bad <= {Code.PRIORITY_EQUAL, Code.MISSING_REFLEXIVE}
    assert not [one for one in lint(read_dump(text)) if one.severity is Severity.ERROR]
    for line in lines:
        (found,) = read_dump(line).candidates
        seen = found.candidate
        if seen.type is CandidateType.SERVER_REFLEXIVE and name != "public":
            assert str(Endpoint.of(seen.address, seen.port)) in tracked
