"""discover(simulate(nat)) == nat; under loss, and with servers that lie, the truth or unknown."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling
from stunkit.endpoint import Family
from stunkit.nat import fragments, hairpin, lifetime
from stunkit.nat.lifetime import LONGEST
from stunkit.nat.report import Lifetime
from stunkit.sim.network import Weather
from stunkit.sim.world import World
from tests.network_strategies import (
    blocked_layers,
    clear_worlds,
    families,
    filterings,
    lying_worlds,
    rough_worlds,
    seeds,
)
from tests.truth import Found, Verdict, discover, examine, judge

OPTIONAL = {"hairpin", "lifetime", "fragments"}


def verdicts(world: World, found: Found) -> set[Verdict]:
    return set(judge(world, found).values())


@given(world=clear_worlds)
def test_discovery_says_exactly_what_the_network_is_without_loss(world: World):
    report, found = discover(world, answers=True)
    wrong = {
        claim: verdict
        for claim, verdict in judge(world, found).items()
        if verdict is not Verdict.RIGHT and claim not in OPTIONAL
    }
    assert not wrong
    if report.nat:
        plain = Behavior(mapping=world.truth.mapping, filtering=world.truth.filtering)
        assert report.legacy == plain.legacy
    assert report.mapped is not None
    assert report.mapped.host in found.seen_as


@given(world=rough_worlds)
def test_discovery_is_right_or_unknown_under_loss_duplication_and_reordering(world: World):
    assert Verdict.WRONG not in verdicts(world, discover(world, answers=True)[1])


@given(world=lying_worlds)
def test_discovery_is_right_or_unknown_whatever_the_servers_do(world: World):
    assert Verdict.WRONG not in verdicts(world, discover(world, answers=True)[1])


@given(world=clear_worlds)
def test_hairpin_and_fragments_are_exact_without_loss(world: World):
    for test in (hairpin, fragments):
        assert verdicts(world, examine(world, test)) <= {Verdict.RIGHT}


@given(world=clear_worlds)
def test_lifetime_is_bracketed_without_loss(world: World):
    found = examine(world, lifetime)
    if all(one.pool_size == 1 or one.pooling is Pooling.PAIRED for one in world.layers):
        assert verdicts(world, found) == {Verdict.RIGHT}
    else:
        assert Verdict.WRONG not in verdicts(world, found)
    value = found.evidence[0].value
    if isinstance(value, Lifetime) and value.at_most is not None:
        assert value.at_most < LONGEST * 1.1


@given(world=rough_worlds | lying_worlds)
def test_what_is_asked_for_is_right_or_unknown_whatever_happens(world: World):
    for test in (hairpin, fragments, lifetime):
        assert Verdict.WRONG not in verdicts(world, examine(world, test))


@given(layers=blocked_layers, family=families, seed=seeds)
def test_nothing_is_claimed_where_udp_is_blocked(
    layers: tuple[Behavior, ...], family: Family, seed: int
):
    report, found = discover(World(layers=layers, family=family, seed=seed))
    assert report.udp is None
    assert not any(one.value for one in found.evidence)


@given(
    mapping=st.sampled_from(Mapping),
    filtering=filterings,
    nat=st.booleans(),
    rtt=st.floats(0.001, 0.02),
    seed=seeds,
)
def test_verdict_comes_within_a_second_and_a_half_on_a_short_path(
    mapping: Mapping, filtering: Filtering, nat: bool, rtt: float, seed: int
):
    assume(nat or mapping is Mapping.ENDPOINT_INDEPENDENT)
    kind = Behavior(nat=nat, mapping=mapping, filtering=filtering)
    world = World(layers=(kind,), weather=Weather(delay=rtt / 2), seed=seed)
    report, found = discover(world)
    assert (report.mapping, report.filtering) == (mapping, filtering)
    assert found.elapsed <= 1.5


@given(world=clear_worlds | rough_worlds)
def test_equal_worlds_have_equal_reports(world: World):
    assert discover(world, answers=True) == discover(world, answers=True)
