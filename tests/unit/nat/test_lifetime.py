from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, Refresh
from stunkit.endpoint import Endpoint
from stunkit.nat import lifetime
from stunkit.nat.checkup import Health
from stunkit.nat.lifetime import GROWTH, LONGEST, SHORTEST, SOCKETS, LifetimeTest, _growing
from stunkit.nat.report import Evidence, Lifetime
from stunkit.protocol.machine import Outgoing
from stunkit.sim.network import Weather
from stunkit.sim.server import Lie
from stunkit.sim.world import OPEN, World
from stunkit.wire.attributes.behavior import ResponsePort
from stunkit.wire.message import Message
from tests.truth import FOREVER, examine
from tests.unit.nat.exchange import SERVER, success

FREE = Filtering.ENDPOINT_INDEPENDENT


def check(
    *layers: Behavior, lie: Lie = Lie.NONE, loss: float = 0.0, seed: int = 0
) -> tuple[Evidence, float]:
    weather = Weather(loss=loss)
    world = World(layers=layers, lies=(lie,), weather=weather, seed=seed)
    found = examine(world, lifetime)
    (evidence,) = found.evidence
    assert evidence.claim == "lifetime"
    return evidence, found.elapsed


def bracket(evidence: Evidence) -> Lifetime:
    assert isinstance(evidence.value, Lifetime)
    return evidence.value


@pytest.mark.parametrize("refresh", Refresh)
@pytest.mark.parametrize("seconds", [2.0, 10.0, 30.0, 61.5, 120.0, 299.0])
def test_lifetime_is_bracketed_within_a_twentieth(seconds: float, refresh: Refresh):
    evidence, elapsed = check(Behavior(lifetime=seconds, refresh=refresh))
    value = bracket(evidence)
    assert value.at_most is not None
    assert value.at_least <= seconds <= value.at_most
    assert value.at_most - value.at_least <= max(0.05 * value.at_most, 1.5)
    assert elapsed < 3 * 1.6 * seconds + 15


@pytest.mark.parametrize("seed", range(8))
def test_loss_makes_no_difference(seed: int):
    value = bracket(check(Behavior(lifetime=45.0), loss=0.2, seed=seed)[0])
    assert value.at_most is not None
    assert value.at_least <= 45.0 <= value.at_most


@pytest.mark.parametrize("mapping", Mapping)
@pytest.mark.parametrize("filtering", Filtering)
def test_mapping_and_filtering_make_no_difference(mapping: Mapping, filtering: Filtering):
    kind = Behavior(mapping=mapping, filtering=filtering, lifetime=30.0)
    value = bracket(check(kind)[0])
    assert value.at_most is not None
    assert value.at_least <= 30.0 <= value.at_most


def test_shorter_of_two_layers_counts():
    value = bracket(check(Behavior(lifetime=200.0), Behavior(lifetime=20.0))[0])
    assert value.at_most is not None
    assert value.at_least <= 20.0 <= value.at_most


def test_state_of_a_firewall_expires_too():
    value = bracket(check(Behavior(nat=False, lifetime=40.0))[0])
    assert value.at_most is not None
    assert value.at_least <= 40.0 <= value.at_most


@pytest.mark.parametrize("kind", [Behavior(lifetime=500.0), OPEN], ids=str)
def test_what_does_not_end_in_time_has_no_upper_bound(kind: Behavior):
    evidence, elapsed = check(kind)
    value = bracket(evidence)
    assert value.at_most is None
    assert LONGEST - 1 < value.at_least <= LONGEST
    assert elapsed < LONGEST + 2
    assert evidence.why.startswith("an answer came in at an age of 299.9 s")


@pytest.mark.parametrize("seed", range(4))
def test_pool_is_right_or_unknown(seed: int):
    pool = Behavior(lifetime=30.0, pool_size=3, pooling=Pooling.ARBITRARY)
    value = bracket(check(pool, seed=seed)[0])
    assert value.at_least <= 30.0 <= (value.at_most or 30.0)


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (Lie.NO_RESPONSE_PORT, "the server does not know RESPONSE-PORT (420)"),
        (Lie.IGNORES_RESPONSE_PORT, "the server does not do what RESPONSE-PORT says"),
        (Lie.CLASSIC, "there is only MAPPED-ADDRESS, which a gateway may rewrite"),
    ],
)
def test_server_without_response_port_proves_nothing(lie: Lie, why: str):
    evidence, elapsed = check(Behavior(lifetime=30.0), lie=lie)
    assert (evidence.value, evidence.why) == (None, why)
    assert elapsed < 10.0


def test_server_behind_a_proxy_of_its_own_proves_nothing():
    evidence, _ = check(Behavior(lifetime=30.0), lie=Lie.TRANSLATED)
    assert evidence.value is None
    assert "a proxy of its own" in evidence.why


def test_blocked_udp_proves_nothing():
    evidence, elapsed = check(Behavior(blocks_udp=True))
    assert (evidence.value, evidence.why) == (None, "no answer from 198.51.100.1:3478")
    assert elapsed < 8.5


def watch(kind: Behavior) -> list[tuple[float, Outgoing]]:
    world = World(layers=(kind,))
    network, host, servers = world.build()
    sent: list[tuple[float, Outgoing]] = []

    class Watched(LifetimeTest):
        def sends(self) -> list[Outgoing]:
            sends = super().sends()
            sent.extend((network.now, one) for one in sends)
            return sends

    sockets = [network.open(host) for _ in range(SOCKETS)]
    host.machine = machine = Watched(servers[0], sockets, 0.0, Random(1).randbytes)
    network.run(FOREVER, lambda: machine.is_done)
    return sent


def test_each_mapping_is_checked_at_one_age_and_used_by_nobody_before():
    sent = watch(Behavior(lifetime=45.0))
    ports: dict[int, set[bytes]] = {}
    for _, outgoing in sent:
        request = Message.decode(outgoing.data)
        wanted = request.get(ResponsePort)
        if wanted is not None:
            ports.setdefault(wanted.number, set()).add(request.transaction_id)
    checked = {port for port, ids in ports.items() if len(ids) == 1}
    helpers = set(ports) - checked  # asked about again and again, as fresh ones
    assert len(helpers) <= 2
    assert len(checked) >= 12
    first_asked = {}
    for at, outgoing in sent:
        wanted = Message.decode(outgoing.data).get(ResponsePort)
        if wanted is not None:
            first_asked.setdefault(wanted.number, at)
    for at, outgoing in sent:
        if outgoing.local.port in checked:
            assert at < first_asked[outgoing.local.port] - 4.0


def test_no_more_than_ten_transactions_start_in_any_second():
    starts: dict[bytes, float] = {}
    for at, outgoing in watch(Behavior(lifetime=45.0)):
        starts.setdefault(Message.decode(outgoing.data).transaction_id, at)
    times = sorted(starts.values())
    assert max(sum(at <= other < at + 1.0 for other in times) for at in times) <= 10


def test_nothing_wakes_it_while_nothing_is_to_be_done():
    world = World(layers=(Behavior(lifetime=500.0),))
    network, host, servers = world.build()
    sockets = [network.open(host) for _ in range(SOCKETS)]
    machine = LifetimeTest(servers[0], sockets, 0.0, Random(1).randbytes)
    host.machine = machine
    network.run(290.0)
    assert machine.deadline() == pytest.approx(300.0, abs=0.1)


@pytest.mark.parametrize("longest", [5.0, 60.0, 300.0])
def test_ages_grow_by_half_up_to_the_longest(longest: float):
    ages = _growing(longest)
    assert ages[-1] == longest
    assert SHORTEST <= ages[0] <= SHORTEST * GROWTH
    assert all(after == pytest.approx(GROWTH * before) for before, after in pairwise(ages))


# --- by hand -------------------------------------------------------------------------------------


def begin(sockets: int = SOCKETS, longest: float = 5.0) -> LifetimeTest:
    locals_ = [Endpoint.of("10.0.0.2", 50000 + number) for number in range(sockets)]
    return LifetimeTest(SERVER, locals_, 0.0, Random(1).randbytes, longest=longest)


def test_without_sockets_nothing_is_known():
    test = begin(sockets=2)
    test.tick(0.1)
    (evidence,) = test.events()
    assert (evidence.value, evidence.why) == (None, "no answer from 198.51.100.1:3478")


def test_mapping_whose_question_is_never_answered_is_left_out():
    test = begin(longest=7.6)
    first, _ = test.sends()
    test.receive(success(first.data), SERVER, first.local, 0.01)
    now = 0.01
    while not test.is_done and now < 20.0:  # nothing but that is ever answered
        now += 0.05
        test.tick(now)
    (evidence,) = test.events()
    assert evidence.value is None
    assert evidence.why == "no answer from 198.51.100.1:3478"


def test_lifetimes_that_differ_are_a_contradiction():
    test = begin()
    assert test._learn(Health(is_alive=False, why="it ended", age=20.0)) is False
    assert test._learn(Health(is_alive=True, why="it lived", age=30.0)) is True
    evidence = test._find()
    assert (evidence.value, evidence.why) == (None, "lifetimes differ: it ended; but it lived")


def test_narrowest_bounds_count():
    test = begin()
    for is_alive, age in ((True, 20.04), (True, 10.0), (False, 30.02), (False, 40.0)):
        test._learn(Health(is_alive=is_alive, why=f"{age}", age=age))
    assert test._find().value == Lifetime(20.0, 30.1)


def test_unclear_end_is_told():
    test = begin()
    test._learn(Health(is_alive=True, why="it lived", age=20.0))
    test._learn(Health(is_alive=None, why="nothing was clear"))
    evidence = test._find()
    assert (evidence.value, evidence.why) == (
        Lifetime(20.0, None),
        "it lived; later nothing was clear",
    )
