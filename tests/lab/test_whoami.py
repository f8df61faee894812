"""``stunkit whoami`` behind real NATs: it prints the endpoint that the box gave."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.lab import Lab, find_kind, start_server
from tests.lab.connections import connections

WHOAMI = [sys.executable, "-m", "stunkit", "whoami"]


def ask(lab: Lab, *options: str) -> str:
    done = lab.client.run([*WHOAMI, *options], timeout=40)
    assert done.returncode == 0, done.stderr
    return done.stdout


def server_of(lab: Lab, family: Family) -> str:
    return str(Endpoint.of(lab.server_addresses(family)[0], 3478))


def answers(lab: Lab, family: Family) -> tuple[dict[str, Any], dict[str, Any]]:
    document = json.loads(ask(lab, "--json", server_of(lab, family)))
    assert document["schema"] == "stunkit/whoami/1"
    (answer,) = (one for one in document["answers"] if one["transport"] == "udp")
    return document, answer


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize(
    "name", ["nat66", "port-restricted", "random-ports", "symmetric", "carrier"]
)
def test_whoami_prints_the_endpoint_that_the_router_gave(name: str, family: Family):
    with Lab(find_kind(name).varied(ipv6=True)) as lab, start_server(lab, alternate=False):
        document, answer = answers(lab, family)
        # The outermost box knows the client by the box before it, when there are two.
        inner = lab.sides[0].links[family][-2].inner[0]
        tracked = {str(one.mapped) for one in connections(lab.router) if one.local.host == inner}
        assert tracked == {answer["mapped"]}
        assert document["public"][family] == lab.sides[0].public_addresses(family)[0]
        assert Endpoint.parse(answer["mapped"]).host == document["public"][family]
        assert Endpoint.parse(answer["local"]).host == lab.sides[0].local_address(family)


def test_whoami_prints_another_port_than_the_local_one_when_the_router_gives_another():
    with Lab(find_kind("random-ports")) as lab, start_server(lab, alternate=False):
        _, answer = answers(lab, Family.IPV4)
        assert Endpoint.parse(answer["mapped"]).port != Endpoint.parse(answer["local"]).port


@pytest.mark.parametrize("family", Family)
def test_whoami_prints_the_local_endpoint_when_there_is_no_nat(family: Family):
    with Lab(find_kind("firewall").varied(ipv6=True)) as lab, start_server(lab, alternate=False):
        _, answer = answers(lab, family)
        assert answer["mapped"] == answer["local"]


def test_whoami_short_prints_one_address_for_each_family():
    with Lab(find_kind("nat66")) as lab, start_server(lab, alternate=False):
        text = ask(lab, "--short", *(server_of(lab, family) for family in Family))
        assert sorted(text.split()) == ["2001:db8:1::1", "203.0.113.1"]


def test_whoami_gets_an_answer_through_a_lossy_line():
    # seven requests (RFC 8489 section 6.2.1), each lost one time in ten: once in 10 million runs
    with Lab(find_kind("port-restricted"), loss=5) as lab, start_server(lab, alternate=False):
        document, _ = answers(lab, Family.IPV4)
        assert document["public"]["ipv4"] == "203.0.113.1"
