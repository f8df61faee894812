from __future__ import annotations

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment
from stunkit.call.facts import DIGEST, Access, Facts, Relay, RelayTransport
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import UsageError
from stunkit.kinds import KINDS
from stunkit.nat.report import Lifetime, Report

REPORT = Report(
    udp=True,
    local=Endpoint.of("10.0.0.2", 5000),
    mapped=Endpoint.of("203.0.113.7", 6000),
    nat=True,
    mapping=Mapping.ADDRESS_DEPENDENT,
    filtering=None,
    port_preserved=False,
    hairpin=True,
    rewritten=False,
    evidence=(),
    lifetime=Lifetime(29.5, 60.0),
    public_addresses=("203.0.113.7", "203.0.113.7"),
)


def test_report_becomes_facts_and_what_it_does_not_know_stays_unknown():
    access = Access.of_report(REPORT)
    assert access == Access(
        udp=True,
        nat=True,
        mapping=Mapping.ADDRESS_DEPENDENT,
        port_preserved=False,
        hairpin=True,
        lifetime=29,
        public=bytes((203, 0, 113, 7)),
    )


def test_several_public_addresses_are_arbitrary_pooling():
    report = REPORT._replace(public_addresses=("203.0.113.7", "203.0.113.8"))
    assert Access.of_report(report).pooling is Pooling.ARBITRARY


@pytest.mark.parametrize(("address", "shared"), [("100.64.0.1", True), ("100.63.0.1", None)])
def test_address_of_a_carrier_is_seen_inside(address: str, shared: bool | None):
    report = REPORT._replace(local=Endpoint.of(address, 1))
    assert Access.of_report(report).is_shared is shared


def test_of_an_ipv6_address_the_network_is_kept():
    report = REPORT._replace(mapped=Endpoint.of("2001:db8:1:2:3::4", 1), local=None)
    access = Access.of_report(report)
    assert access.public == bytes.fromhex("20010db800010002")
    assert access.is_prefix
    assert not Access.of_report(REPORT).is_prefix


def test_nothing_known_is_nothing_claimed():
    report = Report(None, None, None, None, None, None, None, None, None, ())
    assert Access.of_report(report) == Access()
    assert not Access().is_prefix


@pytest.mark.parametrize("name", KINDS)
def test_behavior_of_a_kind_survives_its_facts(name: str):
    facts = Facts.of_kind(name)
    for family in KINDS[name].families:
        wanted = KINDS[name].behavior(family)
        got = facts.access(family).behavior
        assert (got.nat, got.blocks_udp) == (wanted.nat, wanted.blocks_udp)
        if not wanted.blocks_udp:
            assert (got.filtering, got.mapping) == (wanted.filtering, wanted.mapping)
            assert (got.pool_size, got.maps_unsolicited) == (
                wanted.pool_size,
                wanted.maps_unsolicited,
            )


def test_kind_that_there_is_not_is_refused():
    with pytest.raises(UsageError):
        Facts.of_kind("moebius")


def test_behavior_that_follows_is_the_usual_one_where_nothing_is_known():
    assert Access().behavior == Behavior()
    assert Access(udp=False).behavior.blocks_udp
    assert Access(nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT).behavior == Behavior(
        nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT
    )
    moving = Access(port_preserved=False).behavior
    assert moving.port_assignment is PortAssignment.RANDOM


@pytest.mark.parametrize(
    "values",
    [{"public": b"123"}, {"lifetime": 0}, {"lifetime": 65536}],
)
def test_facts_that_cannot_be_are_refused(values: dict):
    with pytest.raises(ValueError, match="not"):
        Access(**values)


def test_facts_of_reports_are_by_family():
    relay = Relay(RelayTransport.TCP, Family.IPV6)
    facts = Facts.of_reports({Family.IPV4: REPORT, Family.IPV6: None}, [relay])
    assert facts.access(Family.IPV4) == Access.of_report(REPORT)
    assert facts.access(Family.IPV6) is None
    assert facts.has_relay(Family.IPV6)
    assert not facts.has_relay(Family.IPV4)


def test_public_addresses_are_compared_hidden_or_not():
    here = Access.of_report(REPORT)
    other = Access.of_report(REPORT._replace(mapped=Endpoint.of("203.0.113.8", 1)))
    hidden = here.hidden()
    assert len(hidden.public) == DIGEST
    assert hidden.hidden() == hidden
    assert hidden.public[:4] != here.public
    assert here.shares_public(here) is True
    assert here.shares_public(hidden) is True
    assert hidden.shares_public(here) is True
    assert here.shares_public(other) is False
    assert other.shares_public(hidden) is False
    assert here.shares_public(Access()) is None
    assert Access().hidden() == Access()


def test_addresses_are_hidden_or_left_out_in_all_families():
    facts = Facts(ipv4=Access.of_report(REPORT))
    assert facts.hidden().ipv4 == facts.ipv4.hidden()
    assert facts.hidden().ipv6 is None
    assert facts.without_addresses().ipv4.public is None
