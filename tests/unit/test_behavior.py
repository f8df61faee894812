from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from itertools import product

import pytest

from stunkit.behavior import (
    Behavior,
    Filtering,
    Legacy,
    Mapping,
    Pooling,
    PortAssignment,
    Refresh,
    path,
)

EI, AD, APD = Mapping
FREE, BY_ADDRESS, BY_PORT = Filtering
OPEN = Behavior(nat=False, filtering=FREE)
FIREWALL = Behavior(nat=False)


def test_words_are_those_of_the_output():
    words = ["endpoint-independent", "address-dependent", "address-and-port-dependent"]
    assert [str(one) for one in Mapping] == words
    assert [str(one) for one in Filtering] == words


@pytest.mark.parametrize("scale", [Mapping, Filtering])
def test_strictness_grows_with_what_counts(scale: type[Mapping | Filtering]):
    assert [one.strictness for one in scale] == [0, 1, 2]


@pytest.mark.parametrize(
    ("mapping", "filtering", "legacy"),
    [
        (EI, FREE, "full cone"),
        (EI, BY_ADDRESS, "restricted cone"),
        (EI, BY_PORT, "port restricted cone"),
        (AD, FREE, None),
        (AD, BY_ADDRESS, None),
        (AD, BY_PORT, None),
        (APD, FREE, None),
        (APD, BY_ADDRESS, "symmetric"),
        (APD, BY_PORT, "symmetric"),
    ],
)
def test_legacy_name_is_given_where_one_truly_exists(
    mapping: Mapping, filtering: Filtering, legacy: str | None
):
    assert Behavior(mapping=mapping, filtering=filtering).legacy == legacy


@pytest.mark.parametrize(
    ("filtering", "legacy"),
    [(FREE, "open internet"), (BY_ADDRESS, None), (BY_PORT, "symmetric UDP firewall")],
)
def test_legacy_name_without_nat_tells_firewalls_apart(filtering: Filtering, legacy: str | None):
    assert Behavior(nat=False, filtering=filtering).legacy == legacy


@pytest.mark.parametrize("behavior", [Behavior(), OPEN, FIREWALL, Behavior(mapping=AD)], ids=str)
def test_legacy_name_is_udp_blocked_whatever_else_holds(behavior: Behavior):
    assert replace(behavior, blocks_udp=True).legacy is Legacy.UDP_BLOCKED


def test_default_is_the_least_lifetime_and_the_usual_home_router():
    usual = Behavior()
    assert (usual.mapping, usual.filtering, usual.lifetime) == (EI, BY_PORT, 120.0)


def test_behavior_is_a_value():
    assert Behavior(hairpin=True) == Behavior(hairpin=True)
    assert len({Behavior(), Behavior(lifetime=120), Behavior(lifetime=30)}) == 2
    with pytest.raises(FrozenInstanceError):
        Behavior().nat = False  # type: ignore[misc]


@pytest.mark.parametrize(
    "words",
    [
        {"pool_size": 0},
        {"lifetime": 0},
        {"lifetime": -1},
        {"nat": False, "mapping": AD},
        {"nat": False, "port_assignment": PortAssignment.RANDOM},
        {"nat": False, "pool_size": 2},
        {"nat": False, "hairpin": True},
        {"nat": False, "rewrites": True},
    ],
    ids=str,
)
def test_behavior_refuses_what_cannot_be(words: dict[str, object]):
    with pytest.raises(ValueError, match=f"{list(words)[-1].split('_')[0]}"):
        Behavior(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize("inner", list(product(Mapping, Filtering)))
@pytest.mark.parametrize("outer", list(product(Mapping, Filtering)))
def test_two_nats_are_as_strict_as_the_stricter(
    inner: tuple[Mapping, Filtering], outer: tuple[Mapping, Filtering]
):
    both = path(Behavior(mapping=one[0], filtering=one[1]) for one in (inner, outer))
    assert both.mapping.strictness == max(inner[0].strictness, outer[0].strictness)
    assert both.filtering.strictness == max(inner[1].strictness, outer[1].strictness)


def test_path_of_one_is_that_one():
    behavior = Behavior(mapping=APD, port_assignment=PortAssignment.PARITY, lifetime=33)
    assert path([behavior]) == behavior


@pytest.mark.parametrize("behavior", [Behavior(), FIREWALL, Behavior(mapping=AD, pool_size=3)])
def test_open_box_changes_nothing(behavior: Behavior):
    assert behavior.behind(OPEN) == behavior
    assert OPEN.behind(behavior) == behavior


def test_firewall_before_a_nat_filters_for_it():
    cone = Behavior(filtering=FREE)
    assert FIREWALL.behind(cone).legacy is Legacy.PORT_RESTRICTED_CONE
    assert cone.behind(FIREWALL).legacy is Legacy.PORT_RESTRICTED_CONE


@pytest.mark.parametrize(
    ("inner", "outer", "both"),
    [
        ("preserving", "preserving", "preserving"),
        ("preserving", "random", "random"),
        ("sequential", "preserving", "sequential"),
        ("parity", "parity", "parity"),
        ("parity", "sequential", "random"),
    ],
)
def test_ports_are_assigned_by_both_in_turn(inner: str, outer: str, both: str):
    behaviors = [Behavior(port_assignment=PortAssignment(word)) for word in (inner, outer)]
    assert path(behaviors).port_assignment == both


def test_pool_of_a_path_is_the_outermost_nats():
    arbitrary = Behavior(pool_size=2, pooling=Pooling.ARBITRARY)
    both = arbitrary.behind(Behavior())
    assert (both.pool_size, both.pooling) == (1, Pooling.PAIRED)
    for behaviors in ([Behavior(), arbitrary], [arbitrary, Behavior(pool_size=3)]):
        assert path(behaviors).pooling is Pooling.ARBITRARY
    assert path([Behavior(), Behavior(pool_size=3)]).pooling is Pooling.PAIRED


def test_hairpin_of_a_path_is_the_outer_nats_and_passes_the_inner_filter():
    turning = Behavior(hairpin=True)
    assert not turning.behind(Behavior()).hairpin
    assert not Behavior().behind(turning).hairpin
    assert Behavior(filtering=FREE).behind(turning).hairpin
    assert turning.behind(FIREWALL).hairpin


def test_path_is_as_short_lived_and_as_lossy_as_its_worst_box():
    bad = Behavior(
        lifetime=30,
        refresh=Refresh.OUTBOUND,
        fragments=False,
        maps_unsolicited=True,
        blocks_udp=True,
    )
    for both in (path([bad, Behavior()]), path([Behavior(), bad])):
        assert both == bad


def test_payload_is_rewritten_by_whoever_knows_the_address_in_it():
    # A server writes the outermost mapped address; an ALG before that one does not know it.
    altering = Behavior(rewrites=True)
    assert Behavior().behind(altering).rewrites
    assert not altering.behind(Behavior()).rewrites
    assert altering.behind(FIREWALL).rewrites


def test_text_says_what_matters():
    assert str(OPEN) == "no NAT, endpoint-independent filtering"
    assert str(Behavior(blocks_udp=True)) == "no UDP"
    words = "endpoint-independent mapping, address-and-port-dependent filtering, preserving ports"
    assert str(Behavior()) == words
    assert str(replace(Behavior(), hairpin=True, lifetime=30)) == (
        f"{words}, lifetime 30, hairpin True"
    )
