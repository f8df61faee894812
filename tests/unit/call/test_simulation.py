from __future__ import annotations

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling
from stunkit.call.simulation import (
    RELAYED,
    TIMINGS,
    End,
    Outcome,
    Place,
    Types,
    outcomes,
    simulate,
)
from stunkit.ice.candidate import CandidateType

HOST, SRFLX, PRFLX, RELAY = CandidateType
APDM = Mapping.ADDRESS_AND_PORT_DEPENDENT
FREE = Filtering.ENDPOINT_INDEPENDENT

PUBLIC = End(Behavior(nat=False, filtering=FREE))
HOME = End(Behavior())
SYMMETRIC = End(Behavior(mapping=APDM))
BLOCKED = End(Behavior(blocks_udp=True))
NOWHERE = End(Behavior(), has_address=False)


def test_types_say_how_a_call_ends():
    assert Types(HOST, PRFLX).outcome is Outcome.DIRECT
    assert Types(HOST, RELAY).outcome is Outcome.RELAY
    assert Types(HOST, RELAY).swapped == Types(RELAY, HOST)


@pytest.mark.parametrize(
    ("ours", "theirs", "types"),
    [
        (PUBLIC, PUBLIC, Types(HOST, HOST)),
        (HOME, PUBLIC, Types(SRFLX, HOST)),
        (SYMMETRIC, PUBLIC, Types(PRFLX, HOST)),
        (PUBLIC, SYMMETRIC, Types(HOST, PRFLX)),
        (HOME, HOME, Types(SRFLX, SRFLX)),
        (HOME, SYMMETRIC, None),
        (BLOCKED, PUBLIC, None),
        (NOWHERE, PUBLIC, None),
        (BLOCKED, PUBLIC._replace(has_relay=True), None),
        (BLOCKED._replace(has_relay=True), PUBLIC, Types(RELAY, HOST)),
        (BLOCKED._replace(has_relay=True), BLOCKED, None),
        (BLOCKED._replace(has_relay=True), BLOCKED._replace(has_relay=True), Types(RELAY, RELAY)),
        (HOME._replace(has_relay=True), HOME, Types(SRFLX, SRFLX)),
    ],
)
def test_call_ends_with_these_types(ours: End, theirs: End, types: Types | None):
    assert outcomes(ours, theirs) == {types}
    assert outcomes(theirs, ours) == {types and types.swapped}


def test_relay_carries_what_cannot_go_directly():
    (types,) = outcomes(HOME, SYMMETRIC._replace(has_relay=True))
    assert types.outcome is Outcome.RELAY
    assert types.theirs is RELAY


def test_relay_of_an_end_without_address_helps():
    assert outcomes(NOWHERE._replace(has_relay=True), HOME) == outcomes(RELAYED, HOME)
    assert None not in outcomes(RELAYED, HOME)


@pytest.mark.parametrize("end", [HOME, SYMMETRIC, End(Behavior(nat=False))])
def test_ends_in_one_local_network_need_no_nat(end: End):
    assert outcomes(end, end, Place.SAME_LAN) == {Types(HOST, HOST)}


@pytest.mark.parametrize("place", [Place.CARRIER, Place.HOMES])
@pytest.mark.parametrize("hairpin", [False, True])
def test_ends_behind_one_carrier_need_hairpinning(place: Place, hairpin: bool):
    end = End(Behavior(hairpin=hairpin))
    assert (None in outcomes(end, end, place)) is not hairpin


def test_chance_is_drawn_often_enough_to_be_seen():
    pool = Behavior(mapping=APDM, pooling=Pooling.ARBITRARY, pool_size=2)
    there = Behavior(filtering=Filtering.ADDRESS_DEPENDENT)
    found = outcomes(End(pool), End(there))
    assert None in found
    assert len(found) > 1


def test_unsolicited_datagrams_make_it_a_matter_of_timing():
    found = outcomes(End(Behavior(maps_unsolicited=True)), HOME)
    assert None in found
    assert len(found) > 1


def test_equal_seeds_make_equal_calls():
    calls = {simulate(HOME, SYMMETRIC, Place.APART, TIMINGS[0]) for _ in range(2)}
    assert len(calls) == 1
