from __future__ import annotations

from dataclasses import replace

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping
from stunkit.call.assumption import Fact, Setting, Unknown, Whose
from stunkit.call.facts import Access
from stunkit.call.simulation import Outcome, Place

EIM, ADM, APDM = Mapping
FREE, BY_ADDRESS, BY_PORT = Filtering
HOME = Access.of_behavior(Behavior())
LENIENT = Access(udp=True, nat=True, mapping=APDM, filtering=FREE)
PUBLIC = bytes((203, 0, 113, 1))


def setting(ours: Access | None, theirs: Access | None = HOME, *, is_shared: bool = False):
    return Setting(ours, theirs, False, False, is_shared)  # noqa: FBT003 (relays)


def ours(fact: Fact) -> Unknown:
    return Unknown(Whose.OURS, fact)


def both(fact: Fact) -> Unknown:
    return Unknown(Whose.BOTH, fact)


def test_nothing_is_unknown_where_all_is_known():
    known = setting(HOME)
    assert known.unknowns == {}
    assert all(assumption == {} for assumption in known.assumptions())
    here, there, place = known.ends({})
    assert here.behavior == there.behavior == HOME.behavior
    assert place is Place.APART
    assert not here.behavior.answers_through


def test_every_assumption_is_made_and_the_extremes_first():
    open_ = setting(replace(HOME, mapping=None, filtering=BY_ADDRESS, answers_through=None))
    made = list(open_.assumptions())
    assert [one[ours(Fact.MAPPING)] for one in made[:2]] == [EIM, APDM]
    assert len({tuple(one.items()) for one in made}) == 3 * 2  # mapping, how answers leave


@pytest.mark.parametrize(
    ("access", "facts"),
    [
        (Access(), {Fact.UDP, Fact.NAT, Fact.MAPPING, Fact.FILTERING, Fact.ANSWERS}),
        (replace(HOME, filtering=None), {Fact.FILTERING}),
        (LENIENT, {Fact.ANSWERS}),
        (replace(LENIENT, filtering=BY_PORT), set()),
        (replace(LENIENT, udp=False), set()),
        (replace(LENIENT, nat=False), set()),
        (None, set()),
    ],
)
def test_unknown_is_what_the_facts_leave_open(access: Access | None, facts: set[Fact]):
    assert {unknown.fact for unknown in setting(access).unknowns} == facts


def test_assumption_makes_an_end():
    open_ = setting(Access())
    assumed = {
        ours(Fact.UDP): True,
        ours(Fact.NAT): True,
        ours(Fact.MAPPING): ADM,
        ours(Fact.FILTERING): FREE,
        ours(Fact.ANSWERS): True,
    }
    end, _, _ = open_.ends(assumed)
    assert (end.behavior.mapping, end.behavior.filtering) == (ADM, FREE)
    assert end.behavior.answers_through
    assert open_.ends({**assumed, ours(Fact.UDP): False})[0].behavior.blocks_udp
    assert not open_.ends({**assumed, ours(Fact.MAPPING): EIM})[0].behavior.answers_through
    assert not open_.ends({**assumed, ours(Fact.NAT): False})[0].behavior.nat


def test_end_without_address_has_its_relay_alone():
    end, _, _ = Setting(None, HOME, True, False, False).ends({})  # noqa: FBT003
    assert (end.has_address, end.has_relay) == (False, True)


def test_ends_that_share_an_address_may_be_in_several_places():
    unknowns = setting(HOME, is_shared=True).unknowns
    assert unknowns == {
        both(Fact.PLACE): (Place.SAME_LAN, Place.CARRIER, Place.HOMES),
        both(Fact.HAIRPIN): (True, False),
    }


def test_equal_prefix_is_one_local_network_and_so_is_an_address_without_nat():
    prefix = replace(HOME, public=bytes(8))
    assert setting(prefix, is_shared=True).unknowns[both(Fact.PLACE)] == (Place.SAME_LAN,)
    plain = Access(udp=True, nat=False, filtering=FREE, public=PUBLIC)
    places = setting(plain, plain, is_shared=True).unknowns[both(Fact.PLACE)]
    assert places == (Place.SAME_LAN,)


@pytest.mark.parametrize(
    ("here", "there", "known"),
    [
        (replace(HOME, hairpin=True), HOME, True),
        (HOME, HOME, None),  # the filter may have hidden it
        (replace(HOME, filtering=FREE), replace(HOME, filtering=FREE), False),
        (replace(HOME, hairpin=None), replace(HOME, hairpin=None), None),
    ],
)
def test_hairpin_is_known_where_no_filter_hides_it(here: Access, there: Access, known: bool | None):
    shared = setting(here, there, is_shared=True)
    assert (both(Fact.HAIRPIN) in shared.unknowns) is (known is None)
    if known is not None:
        end, _, _ = shared.ends({both(Fact.PLACE): Place.CARRIER})
        assert end.behavior.hairpin is known


@pytest.mark.parametrize(
    ("here", "there", "possible"),
    [
        (False, False, {Outcome.DIRECT, Outcome.BLOCKED}),
        (True, False, {Outcome.DIRECT, Outcome.RELAY, Outcome.BLOCKED}),
        (False, True, {Outcome.DIRECT, Outcome.RELAY, Outcome.BLOCKED}),
        (True, True, {Outcome.DIRECT, Outcome.RELAY}),
    ],
)
def test_relays_decide_what_is_conceivable(here: bool, there: bool, possible: set[Outcome]):
    assert Setting(HOME, HOME, here, there, is_shared=False).conceivable == possible
