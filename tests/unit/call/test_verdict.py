from __future__ import annotations

import time
from dataclasses import replace

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping
from stunkit.call import simulation
from stunkit.call.assumption import Fact, Unknown, Whose
from stunkit.call.facts import Access, Facts, Relay, RelayTransport
from stunkit.call.simulation import Outcome
from stunkit.call.verdict import predict
from stunkit.endpoint import Family
from stunkit.ice.candidate import CandidateType

DIRECT, RELAY, BLOCKED, UNKNOWN = Outcome
RELAYS = [Relay(transport) for transport in RelayTransport]
HERE, THERE = bytes((203, 0, 113, 1)), bytes((203, 0, 113, 2))
NETWORK = bytes.fromhex("20010db800010002")
HOME = Access.of_behavior(Behavior())
SIXTH = Access.of_behavior(Behavior(nat=False))
KINDS = ("public", "full-cone", "restricted", "port-restricted", "symmetric", "udp-blocked")


def outcome(ours: Facts | str, theirs: Facts | str) -> Outcome:
    both = (Facts.of_kind(one) if isinstance(one, str) else one for one in (ours, theirs))
    return predict(*both).outcome


@pytest.mark.parametrize(
    ("kind", "outcomes"),
    [
        ("public", (DIRECT, DIRECT, DIRECT, DIRECT, DIRECT, BLOCKED)),
        ("full-cone", (DIRECT, DIRECT, DIRECT, DIRECT, DIRECT, BLOCKED)),
        ("restricted", (DIRECT, DIRECT, DIRECT, DIRECT, DIRECT, BLOCKED)),
        ("port-restricted", (DIRECT, DIRECT, DIRECT, DIRECT, BLOCKED, BLOCKED)),
        ("symmetric", (DIRECT, DIRECT, DIRECT, BLOCKED, BLOCKED, BLOCKED)),
        ("udp-blocked", (BLOCKED,) * 6),
    ],
)
def test_kinds_meet_as_the_field_knows(kind: str, outcomes: tuple[Outcome, ...]):
    assert tuple(outcome(kind, other) for other in KINDS) == outcomes


def test_relay_is_used_where_it_is_needed_and_whose_matters():
    ours = Facts.of_kind("symmetric", RELAYS)
    verdict = predict(ours, Facts.of_kind("symmetric"))
    assert verdict.outcome is RELAY
    assert CandidateType.RELAYED in verdict.pair
    assert verdict.family is Family.IPV4
    assert outcome(ours, "full-cone") is DIRECT
    assert outcome(ours, "udp-blocked") is BLOCKED
    assert outcome(Facts.of_kind("udp-blocked", RELAYS), "symmetric") is RELAY


def test_verdict_on_a_direct_call_has_no_changes_and_says_the_pair():
    verdict = predict(Facts.of_kind("port-restricted"), Facts.of_kind("public"))
    assert (verdict.outcome, verdict.possible, verdict.changes) == (DIRECT, (DIRECT,), ())
    assert [str(one) for one in verdict.pair] == ["srflx", "host"]
    assert verdict.reasons


def test_both_ends_come_to_the_same():
    for kind in KINDS:
        here, there = Facts.of_kind("symmetric-unfiltered"), Facts.of_kind(kind)
        one, other = predict(here, there), predict(there, here)
        assert one.outcome is other.outcome
        assert (one.pair and one.pair.swapped) == other.pair


def test_ipv6_at_both_ends_makes_up_for_ipv4():
    here = replace(Facts.of_kind("symmetric"), ipv6=SIXTH)
    verdict = predict(here, here)
    assert (verdict.outcome, verdict.family) == (DIRECT, Family.IPV6)
    assert all(reason.startswith("IPv6") for reason in verdict.reasons)
    assert outcome(here, "symmetric") is BLOCKED


def test_ends_without_a_common_family_need_a_relay_that_bridges():
    old, new = Facts(ipv4=HOME), Facts(ipv6=SIXTH)
    verdict = predict(old, new)
    assert verdict.outcome is BLOCKED
    assert verdict.reasons == (
        "There is no address family in which both ends have an address or a relay.",
    )
    bridged = replace(old, relays=frozenset({Relay(RelayTransport.UDP, Family.IPV6)}))
    assert outcome(bridged, new) is RELAY


def test_unknown_that_matters_makes_the_verdict_unknown_and_is_named():
    there = Facts(ipv4=replace(HOME, filtering=None, public=THERE))
    verdict = predict(Facts.of_kind("symmetric"), there)
    assert verdict.outcome is UNKNOWN
    assert verdict.possible == (DIRECT, BLOCKED)
    assert verdict.hinges == (Unknown(Whose.THEIRS, Fact.FILTERING),)
    assert verdict.pair is verdict.family is None
    assert "filtering before the other end" in verdict.reasons[-1]
    assert "filtering before the other end" in verdict.changes[0]


def test_unknown_that_does_not_matter_does_not():
    there = Facts(ipv4=replace(HOME, filtering=None, public=THERE))
    assert outcome("port-restricted", there) is DIRECT


def test_nothing_known_is_unknown():
    assert outcome(Facts(ipv4=Access()), Facts(ipv4=Access())) is UNKNOWN
    assert outcome(Facts(ipv4=Access()), "udp-blocked") is BLOCKED


def test_timing_makes_a_verdict_unknown():
    verdict = predict(Facts.of_kind("unsolicited"), Facts.of_kind("port-restricted"))
    assert verdict.outcome is UNKNOWN
    assert verdict.hinges == (Unknown(Whose.BOTH, Fact.TIMING),)


def test_same_network_makes_it_direct():
    strict = Behavior(mapping=Mapping.ADDRESS_AND_PORT_DEPENDENT)
    here = Facts(ipv4=Access.of_behavior(strict), ipv6=replace(SIXTH, public=NETWORK))
    verdict = predict(here, here.hidden())
    assert (verdict.outcome, verdict.pair) == (DIRECT, (CandidateType.HOST, CandidateType.HOST))


@pytest.mark.parametrize(("hairpin", "expected"), [(True, DIRECT), (None, UNKNOWN)])
def test_one_public_address_needs_hairpinning(hairpin: bool | None, expected: Outcome):
    here = Facts(ipv4=replace(HOME, hairpin=hairpin, public=HERE))
    assert outcome(here, here) is expected
    assert outcome(here, replace(here, ipv4=replace(here.ipv4, public=THERE))) is DIRECT


def test_changes_are_tried_out_before_they_are_said():
    verdict = predict(Facts.of_kind("symmetric"), Facts.of_kind("symmetric"))
    assert verdict.changes == (
        "Give either end a relay (TURN).",
        "A port mapping at the router of this end (PCP, NAT-PMP or UPnP) makes it direct.",
        "A port mapping at the router of the other end (PCP, NAT-PMP or UPnP) makes it direct.",
        "IPv6 at both ends makes it direct, behind firewalls too.",
    )
    assert (
        predict(
            Facts.of_kind("symmetric"), Facts.of_kind("symmetric"), suggests_changes=False
        ).changes
        == ()
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "whose"),
    [
        ("udp-blocked", "symmetric", "this end"),
        ("symmetric", "udp-blocked", "the other end"),
        ("udp-blocked", "udp-blocked", "both ends"),
    ],
)
def test_relay_is_wanted_where_it_helps(ours: str, theirs: str, whose: str):
    change = predict(Facts.of_kind(ours), Facts.of_kind(theirs)).changes[0]
    assert change == (
        f"Give {whose} a relay (TURN), reached over TCP or TLS where UDP does not get out."
    )


def test_port_mapping_is_no_use_behind_a_carrier():
    shared = Behavior(mapping=Mapping.ADDRESS_AND_PORT_DEPENDENT)
    here = Facts(ipv4=replace(Access.of_behavior(shared), is_shared=True), kind="carrier")
    assert not any("port mapping" in one for one in predict(here, here).changes)


def test_two_relays_help_whatever_is_before_the_ends():
    new = Facts(ipv6=replace(SIXTH, udp=False))
    (change,) = predict(new, new).changes
    assert change.startswith("Give both ends a relay")


def test_several_unknowns_that_matter_only_together_are_found():
    here = Facts(ipv4=Access(udp=True, nat=True, public=HERE))
    there = Facts(ipv4=Access(udp=True, nat=True, public=THERE))
    verdict = predict(here, there)
    assert verdict.outcome is UNKNOWN
    assert verdict.hinges


@pytest.mark.parametrize(
    ("relays", "possible"),
    [((), (DIRECT, BLOCKED)), (RELAYS, (DIRECT, RELAY))],
)
def test_what_is_possible_is_all_that_is(relays: list[Relay], possible: tuple[Outcome, ...]):
    here, there = (
        Facts(ipv4=Access(udp=True, nat=True, public=one), relays=frozenset(relays))
        for one in (HERE, THERE)
    )
    assert predict(here, there, suggests_changes=False).possible == possible


def test_all_three_are_possible_where_one_end_has_a_relay_and_nothing_is_known():
    here = Facts(ipv4=Access(public=HERE), relays=frozenset(RELAYS))
    there = Facts(ipv4=Access(public=THERE))
    verdict = predict(here, there, suggests_changes=False)
    assert verdict.possible == (DIRECT, RELAY, BLOCKED)


def test_too_many_cases_are_not_tried_out():
    here, there = (Facts(ipv4=Access(udp=True, nat=True, public=one)) for one in (HERE, THERE))
    here = replace(here, relays=frozenset(RELAYS))  # blocked never happens, which takes long to see
    verdict = predict(here, there, suggests_changes=False)
    assert (verdict.outcome, verdict.pair) == (UNKNOWN, None)
    assert verdict.possible == (DIRECT, RELAY, BLOCKED)
    assert verdict.hinges


def test_six_kinds_take_under_half_a_second():
    simulation._ordered_calls.cache_clear()
    here = Facts(
        ipv4=replace(HOME, filtering=Filtering.ADDRESS_AND_PORT_DEPENDENT, public=HERE),
        relays=frozenset(RELAYS),
    )
    start = time.process_time()
    for kind in KINDS:
        predict(here, Facts.of_kind(kind), suggests_changes=False)
    assert time.process_time() - start < 0.5
