"""The second router on the way, through real ones."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address

import pytest

from stunkit.endpoint import Endpoint
from stunkit.lab import Lab, find_kind, start_server
from stunkit.lab.command import configure_filter
from stunkit.net.gateway.hops import INTERVAL, TRIES, find_second_hop
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

REQUEST = Message.request(Method.BINDING, bytes(12)).raw


def look(lab: Lab) -> tuple[IPv4Address | None, float]:
    server = Endpoint.of(lab.server_addresses()[0], 3478)
    source = Endpoint.of(lab.sides[0].local_address(), 0)
    began = time.monotonic()
    found = lab.client.call(asyncio.run, find_second_hop(server, source, REQUEST))
    return found, time.monotonic() - began


def test_the_carriers_router_is_named():
    with Lab(find_kind("carrier")) as lab:
        found, elapsed = look(lab)
    assert found == IPv4Address("100.64.0.1")
    assert elapsed < INTERVAL * TRIES


def test_it_is_asked_again_when_it_does_not_answer_at_first():
    drop = "table ip losses {\n chain c {\n type filter hook output priority 0\n"
    drop += " ip protocol icmp numgen inc mod 3 != 2 drop\n }\n}\n"
    with Lab(find_kind("carrier")) as lab:
        lab.router.call(configure_filter, "lose answers", drop)
        found, elapsed = look(lab)
    assert found == IPv4Address("100.64.0.1")
    assert elapsed > INTERVAL


@pytest.mark.parametrize("is_there", [True, False])
def test_a_server_that_is_nearer_leaves_it_unknown(is_there: bool):
    # with nobody there, its host says "port unreachable"
    with Lab(find_kind("port-restricted")) as lab:
        if is_there:
            with start_server(lab, alternate=False):
                found, elapsed = look(lab)
        else:
            found, elapsed = look(lab)
    assert found is None
    assert elapsed < INTERVAL * TRIES


@pytest.mark.parametrize("rule", ["ip protocol icmp drop", "udp dport 3478 drop"])
def test_silence_is_unknown(rule: str):
    drop = f"table ip losses {{\n chain a {{\n type filter hook output priority 0\n {rule}\n }}\n"
    drop += f" chain b {{\n type filter hook prerouting priority -300\n {rule}\n }}\n}}\n"
    with Lab(find_kind("carrier")) as lab:
        lab.router.call(configure_filter, "lose everything", drop)
        found, elapsed = look(lab)
    assert found is None
    assert elapsed < INTERVAL * TRIES + 3  # so late is a busy machine at most
