"""``stunkit nat`` behind every kind of kernel NAT: what it says is what the NAT does."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from stunkit.behavior import Filtering, Mapping, PortAssignment
from stunkit.endpoint import Family
from stunkit.lab import KINDS, Kind, Lab, find_kind, start_server

STUNKIT = (sys.executable, "-m", "stunkit")
INCONCLUSIVE = 6


def ask(lab: Lab, *options: str) -> dict[str, Any]:
    servers = [
        f"[{address}]" if ":" in address else address
        for family in lab.families
        for address in lab.server_addresses(family)[:1]
    ]
    with start_server(lab):
        done = lab.client.run([*STUNKIT, "nat", "--json", *options, *servers], timeout=50)
    assert done.returncode in (0, INCONCLUSIVE), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def truth(kind: Kind, family: Family) -> dict[str, object]:
    """Return what a report has to say of a family."""
    behavior = kind.behavior(family)
    if behavior.blocks_udp:
        return {"udp": "blocked", "nat": None, "mapping": "unknown", "filtering": "unknown"}
    preserved = behavior.port_assignment is PortAssignment.PRESERVING if behavior.nat else None
    return {
        "udp": "open",
        "nat": behavior.nat,
        # without NAT there is one endpoint for all, which is what the word says
        "mapping": behavior.mapping,
        "filtering": behavior.filtering,
        "port_preserved": preserved,
        "legacy": behavior.legacy,
        "rewritten": False,
    }


def check(document: dict[str, Any], kind: Kind, *, may_be_unknown: bool) -> None:
    for family in Family:
        report = document[family]
        if family not in kind.families:
            assert report is None
            continue
        for claim, value in truth(kind, family).items():
            is_unknown = report[claim] in (None, "unknown")
            assert report[claim] == value or (may_be_unknown and is_unknown), (claim, report)
        for evidence in report["evidence"]:
            assert evidence["why"]


@pytest.mark.parametrize("name", KINDS)
def test_names_every_kind(name: str):
    kind = find_kind(name)
    with Lab(kind) as lab:
        document = ask(lab)
    check(document, kind, may_be_unknown=False)
    if document["ipv4"]["udp"] == "open":
        assert document["elapsed"] < 10


@pytest.mark.parametrize("name", ["full-cone", "symmetric", "firewall"])
def test_names_the_same_boxes_in_ipv6(name: str):
    kind = find_kind(name).varied(ipv6=True)
    with Lab(kind) as lab:
        check(ask(lab), kind, may_be_unknown=False)


@pytest.mark.parametrize("name", KINDS)
def test_is_never_wrong_under_loss(name: str):
    kind = find_kind(name)
    with Lab(kind, loss=20) as lab:
        check(ask(lab, "--timeout", "15"), kind, may_be_unknown=True)


@pytest.mark.parametrize("hairpin", [True, False])
def test_sees_whether_a_nat_turns_back(hairpin: bool):
    kind = find_kind("port-restricted").varied(hairpin=hairpin)
    with Lab(kind) as lab:
        assert ask(lab, "--hairpin")["ipv4"]["hairpin"] is hairpin


@pytest.mark.parametrize("fragments", [True, False])
def test_sees_whether_fragments_pass(fragments: bool):
    kind = find_kind("port-restricted").varied(fragments=fragments)
    with Lab(kind) as lab:
        assert ask(lab, "--fragments")["ipv4"]["fragments"] is fragments


@pytest.mark.parametrize("loss", [0, 20])
@pytest.mark.parametrize("name", KINDS)
def test_sees_by_which_mapping_strangers_are_answered(name: str, loss: int):
    kind = find_kind(name)
    behavior = kind.behavior()
    is_one = behavior.mapping is Mapping.ENDPOINT_INDEPENDENT
    lets_in = behavior.filtering is not Filtering.ADDRESS_AND_PORT_DEPENDENT
    wanted = None
    if behavior.nat and not behavior.blocks_udp and (is_one or lets_in):
        wanted = not behavior.maps_unsolicited if is_one else behavior.answers_through
    with Lab(kind, loss=loss) as lab:
        found = ask(lab, "--answers", "--timeout", "15")["ipv4"]["answers_through"]
    assert found is wanted or (loss and found is None)


def test_measures_the_lifetime_of_a_mapping():
    kind = find_kind("port-restricted").varied(lifetime=5)
    with Lab(kind) as lab:
        lifetime = ask(lab, "--lifetime", "--timeout", "40")["ipv4"]["lifetime"]
    assert lifetime["at_least"] <= 5.5  # the kernel's clock ticks four times a second or so
    assert lifetime["at_most"] >= 5
    assert lifetime["at_most"] - lifetime["at_least"] < 3
