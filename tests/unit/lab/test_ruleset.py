from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment, Refresh
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.lab.plan import plan_side
from stunkit.lab.ruleset import (
    HIGHEST_PORT,
    LOWEST_PORT,
    PORTS,
    Place,
    check,
    loss_ruleset,
    ruleset,
)

RANDOM = PortAssignment.RANDOM


def rules(behavior: Behavior, *, family: Family = Family.IPV4, loss: int = 0, seed: int = 0) -> str:
    lan, wan = plan_side(0, (behavior,), family)
    return ruleset(behavior, Place(lan, wan, family), random=Random(seed), loss=loss)


def test_kernels_own_nat_keeps_no_tables():
    text = rules(Behavior())
    assert "        snat to 203.0.113.1\n" in text
    assert "dnat to" not in text
    assert "update @" not in text


@pytest.mark.parametrize("family", Family)
def test_only_tables_in_use_are_written(family: Family):
    def written(behavior: Behavior) -> set[str]:
        words = rules(behavior, family=family).split()
        return {word for before, word in pairwise(words) if before == "update"}

    free = Filtering.ENDPOINT_INDEPENDENT
    assert written(Behavior(filtering=free)) == {"@inbound"}
    assert written(Behavior(hairpin=True)) == {"@inbound"}
    by_address = Behavior(filtering=Filtering.ADDRESS_DEPENDENT)
    assert written(by_address) == {"@inbound", "@permitted"}
    assert written(Behavior(port_assignment=RANDOM)) == {"@inbound", "@ports"}
    turns = Behavior(pooling=Pooling.ARBITRARY, pool_size=2)
    assert written(turns) == {"@inbound", "@addresses"}
    each = Behavior(mapping=Mapping.ADDRESS_AND_PORT_DEPENDENT, port_assignment=RANDOM)
    assert written(each) == {"@inbound"}
    assert written(replace(each, filtering=free)) == {"@inbound", "@begun"}
    assert written(replace(each, filtering=by_address.filtering)) == {
        "@inbound",
        "@permitted",
        "@begun",
    }


def test_seed_draws_the_ports_which_are_no_ephemeral_ones():
    behavior = Behavior(port_assignment=RANDOM)
    assert rules(behavior, seed=1) == rules(behavior, seed=1) != rules(behavior, seed=2)
    elements = rules(behavior).partition("numgen inc mod ")[2].partition("}")[0]
    ports = [int(one.partition(" : ")[2]) for one in elements.partition("{ ")[2].split(", ")]
    assert len(set(ports)) == PORTS
    assert min(ports) >= LOWEST_PORT
    assert max(ports) <= HIGHEST_PORT


def test_box_takes_no_udp_unless_its_behavior_says_so():
    accept = "        meta l4proto udp accept\n"
    assert accept not in rules(Behavior())
    assert accept in rules(Behavior(maps_unsolicited=True))


@pytest.mark.parametrize("mapping", Mapping)
@pytest.mark.parametrize("filtering", Filtering)
def test_strangers_are_tracked_apart_where_they_are_let_in_and_mappings_depend_on_them(
    mapping: Mapping, filtering: Filtering
):
    text = rules(Behavior(mapping=mapping, filtering=filtering, port_assignment=RANDOM))
    assert ("ct zone set" in text) is (
        mapping is not Mapping.ENDPOINT_INDEPENDENT
        and filtering is not Filtering.ADDRESS_AND_PORT_DEPENDENT
    )


def test_box_without_nat_tracks_connections_only_when_it_filters():
    assert "ct state" not in rules(Behavior(nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT))
    assert "ct state established" in rules(Behavior(nat=False))


@pytest.mark.parametrize("loss", [20, 100])
def test_loss_comes_before_everything_and_to_udp_alone(loss: int):
    for text in (rules(Behavior(), loss=loss), loss_ruleset("wan", loss)):
        first = text.partition("priority -450; policy accept\n")[2].partition("\n")[0]
        assert first.strip().startswith("iifname wan meta l4proto udp ")
        assert first.endswith(" drop")
        assert (f"< {loss} " in first) is (loss < 100)


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        (Behavior(refresh=Refresh.OUTBOUND), "renewed from both sides"),
        (Behavior(lifetime=0.5), "whole seconds"),
        (Behavior(rewrites=True), "not rewritten"),
        (Behavior(mapping=Mapping.ADDRESS_DEPENDENT), "several mappings"),
        (Behavior(nat=False, filtering=Filtering.ADDRESS_DEPENDENT), "without NAT"),
        (Behavior(maps_unsolicited=True, hairpin=True), "unsolicited"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_check_says_what_the_kernel_cannot_be(behavior: Behavior, reason: str):
    with pytest.raises(UsageError, match=reason):
        check(behavior)
    with pytest.raises(UsageError, match=reason):
        rules(behavior)
