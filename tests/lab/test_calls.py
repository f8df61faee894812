"""Real ICE agents behind real NATs do what was foretold, or nothing was.

Eight kinds with each other here; ``scripts/predict`` takes all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement

import pytest

from stunkit.call.simulation import Outcome as Foretold
from stunkit.kinds import FIREWALL, SYMMETRIC
from stunkit.lab import Kind, find_kind
from tests.lab.calls import Call, Order, Outcome, Transport, Way, call
from tests.lab.predictions import (
    Judgement,
    foretell_by_preflight,
    foretell_kinds,
    judge,
    judge_one,
)

NAMES = ["public", "full-cone", "restricted", "port-restricted", "symmetric"]
NAMES += ["symmetric-unfiltered", "ipv6-firewall", "udp-blocked"]

LABS = 8  # at once: most of the time goes by in waiting for what cannot connect

UDP, TCP, TLS = Transport

pytestmark = pytest.mark.timeout(300)  # seconds; an agent takes 15.5 to give up


def test_calls_end_as_foretold():
    pairs = list(combinations_with_replacement(map(find_kind, NAMES), 2))
    with ThreadPoolExecutor(LABS) as pool:
        calls = list(pool.map(lambda pair: call(pair[0], pair[1]), pairs))
    found = {
        (kind.name, other.name): (judge(foretell_kinds(kind, other), made), made)
        for (kind, other), made in zip(pairs, calls, strict=True)
    }
    surprising = {
        names: (judgement, made)
        for names, (judgement, made) in found.items()
        if judgement is not Judgement.RIGHT
    }
    assert not surprising


def test_calls_end_as_preflights_at_both_ends_say():
    pairs = [
        ("full-cone", "symmetric"),
        ("ipv6-firewall", "ipv6-firewall"),
        ("port-restricted", "symmetric"),
        ("port-restricted", "udp-blocked"),
        ("udp-blocked", "udp-blocked"),
    ]
    with ThreadPoolExecutor(2) as pool:
        for pair in pairs:
            kinds = [find_kind(name) for name in pair]
            foretelling = pool.submit(foretell_by_preflight, *kinds)
            made = call(*kinds)
            judgement = judge(foretelling.result(), made)
            assert judgement is Judgement.RIGHT, (pair, foretelling.result(), made)


def ways(*relays: tuple[Transport | None, Transport | None]) -> list[Way]:
    return [Way(both, Order.TOGETHER) for both in relays]


def outcomes(made: Call) -> list[Outcome]:
    return [attempt.outcome for attempt in made.attempts]


def test_relay_of_one_end_is_enough():
    kind, other = find_kind("port-restricted"), find_kind("symmetric")
    made = call(kind, other, ways((UDP, None), (None, UDP)))
    assert outcomes(made) == [Outcome.RELAY, Outcome.RELAY]


def test_network_without_udp_reaches_a_relay_over_tcp_and_tls():
    kind, other = find_kind("udp-blocked"), find_kind("port-restricted")
    made = call(kind, other, ways((UDP, None), (TCP, None), (TLS, None)))
    assert outcomes(made) == [Outcome.FAILED, Outcome.RELAY, Outcome.RELAY]


def test_ipv6_connects_what_ipv4_alone_would_not():
    kind = Kind("drawn", "", (SYMMETRIC,), (FIREWALL,))
    (attempt,) = call(kind, kind, ways((None, None))).attempts
    assert attempt.outcome is Outcome.DIRECT
    hosts = [end.remote.host for end in attempt.ends if end.remote]
    assert hosts == ["2001:db8:2:1::2", "2001:db8:2::2"]


def test_who_begins_decides_where_a_strangers_datagram_takes_the_port():
    kind, other = find_kind("port-restricted"), find_kind("unsolicited")
    orders = [Order.CALLER, Order.CALLEE]  # the stranger first, and the one behind such a box
    made = call(kind, other, [Way((None, None), order) for order in orders])
    assert outcomes(made) == [Outcome.FAILED, Outcome.DIRECT]


DIRECT, RELAY, FAILED = ([outcome] for outcome in Outcome)


@pytest.mark.parametrize(
    ("foretold", "alone", "found", "judgement"),
    [
        (Foretold.DIRECT, DIRECT, DIRECT, Judgement.RIGHT),
        (Foretold.DIRECT, DIRECT, DIRECT + RELAY, Judgement.RIGHT),
        (Foretold.DIRECT, DIRECT, DIRECT + FAILED, Judgement.WRONG),
        (Foretold.DIRECT, DIRECT + FAILED, DIRECT + RELAY, Judgement.WRONG),
        (Foretold.RELAY, FAILED, RELAY, Judgement.RIGHT),
        (Foretold.RELAY, FAILED, RELAY + FAILED, Judgement.WRONG),
        (Foretold.RELAY, FAILED + DIRECT, RELAY, Judgement.WRONG),
        (Foretold.BLOCKED, FAILED, FAILED, Judgement.RIGHT),
        (Foretold.BLOCKED, FAILED, FAILED + RELAY, Judgement.WRONG),
        (Foretold.UNKNOWN, FAILED, RELAY, Judgement.UNKNOWN),
    ],
)
def test_prediction_is_wrong_when_one_attempt_ends_otherwise(
    foretold: Foretold, alone: list[Outcome], found: list[Outcome], judgement: Judgement
):
    assert judge_one(foretold, alone, found) is judgement
