"""Predictions hold: against calls that were simulated otherwise, and against what is known.

``predict`` tries a few timings, with the fewest retransmissions that will do. Here calls are made
with all candidates at once, the RFC's retransmissions, and timings that are drawn.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment
from stunkit.call.facts import DIGEST, MAX_LIFETIME, PREFIX, Access, Facts, Relay, RelayTransport
from stunkit.call.simulation import End, Outcome, Place, Timing, simulate
from stunkit.call.token import format_token, parse_token
from stunkit.call.verdict import predict
from stunkit.endpoint import Family
from stunkit.ice.session import Pacing
from tests.network_strategies import filterings, firewalls, nats, refreshes, walls

EIM = Mapping.ENDPOINT_INDEPENDENT
STRICT = Filtering.ADDRESS_AND_PORT_DEPENDENT
THOROUGH = Pacing(hurry=10.0)  # a direct pair is waited for, but no mapping has to outlive it

# Mappings that end while a call is set up are another matter: see the cautions.
boxes = (nats | nats | nats | firewalls | walls).map(lambda one: replace(one, lifetime=120.0))
starts = st.just(0.0) | st.floats(0.0, 3.0)
timings = st.builds(
    Timing,
    st.integers(0, 2**32 - 1),
    st.booleans(),
    starts,
    starts,
    st.floats(0.002, 0.2),
    st.booleans(),
)
flags = st.none() | st.booleans()
publics = st.sampled_from((4, PREFIX, DIGEST)).flatmap(lambda n: st.binary(min_size=n, max_size=n))
accesses = st.builds(
    Access,
    udp=flags,
    nat=flags,
    mapping=st.none() | st.sampled_from(Mapping),
    filtering=st.none() | filterings,
    port_preserved=flags,
    hairpin=flags,
    pooling=st.none() | st.sampled_from(Pooling),
    maps_unsolicited=st.booleans(),
    is_shared=flags,
    lifetime=st.none() | st.integers(1, MAX_LIFETIME),
    public=st.none() | publics,
)
facts = st.builds(
    Facts,
    ipv4=st.none() | accesses,
    ipv6=st.none() | accesses,
    relays=st.frozensets(
        st.builds(Relay, st.sampled_from(RelayTransport), st.sampled_from(Family))
    ),
)


@given(boxes, boxes, st.booleans(), st.booleans(), timings, st.tuples(st.booleans(), st.booleans()))
@settings(deadline=None)
def test_prediction_is_what_happens_or_unknown(
    ours: Behavior,
    theirs: Behavior,
    has_our_relay: bool,
    has_their_relay: bool,
    timing: Timing,
    answers: tuple[bool, bool],
):
    answers_through, is_known = answers
    ours, theirs = (replace(one, answers_through=answers_through) for one in (ours, theirs))
    sides = ((ours, has_our_relay), (theirs, has_their_relay))
    hidden: dict[str, None] = {} if is_known else {"answers_through": None}
    verdict = predict(
        *(
            Facts(
                ipv4=replace(Access.of_behavior(behavior), **hidden),
                relays=frozenset({Relay(RelayTransport.UDP)} if has_relay else ()),
            )
            for behavior, has_relay in sides
        ),
        suggests_changes=False,
    )
    ends = (End(behavior, has_relay=has_relay) for behavior, has_relay in sides)
    types = simulate(*ends, Place.APART, timing, THOROUGH)
    happened = types.outcome if types else Outcome.BLOCKED
    assert verdict.outcome in {happened, Outcome.UNKNOWN}


@given(filterings, filterings, st.sampled_from(PortAssignment), refreshes, timings)
@settings(deadline=None)
def test_two_endpoint_independent_mappings_always_meet(
    ours: Filtering, theirs: Filtering, ports: PortAssignment, refresh, timing: Timing
):
    ends = [
        End(Behavior(filtering=filtering, port_assignment=ports, refresh=refresh))
        for filtering in (ours, theirs)
    ]
    assert simulate(*ends, Place.APART, timing, THOROUGH) is not None


@given(st.sampled_from(list(Mapping)[1:]), filterings, timings)
@settings(deadline=None)
def test_port_nobody_can_know_meets_a_strict_filter_in_vain(
    mapping: Mapping, filtering: Filtering, timing: Timing
):
    strange = End(Behavior(mapping=mapping, filtering=STRICT))
    strict = End(Behavior(mapping=EIM, filtering=STRICT))
    assert simulate(strange, strict, Place.APART, timing, THOROUGH) is None
    lenient = Filtering.ADDRESS_DEPENDENT if filtering is STRICT else filtering
    open_ = End(Behavior(mapping=EIM, filtering=lenient))
    assert simulate(strange, open_, Place.APART, timing, THOROUGH) is not None


@given(facts)
def test_token_says_what_was_known_in_under_80_characters(known: Facts):
    token = format_token(known)
    assert len(token) < 80
    assert parse_token(token) == known
