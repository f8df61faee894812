from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.ice.candidate import Candidate
from stunkit.ice.checklist import MAX_PAIRS, MAX_PORTS, Checklist
from stunkit.ice.pair import Local, PairState, Remote

BASE = Endpoint.of("10.0.0.2", 5000)


def candidate(foundation: str, priority: int, address: str, kind: str = "host", port: int = 5000):
    text = f"candidate:{foundation} 1 udp {priority} {address} {port} typ {kind}"
    return Candidate.parse(text)


def local(foundation: str = "1", priority: int = 300, address: str = "10.0.0.2") -> Local:
    return Local.of(candidate(foundation, priority, address))


def remote(foundation: str = "1", priority: int = 300, address: str = "192.0.2.1", port: int = 9):
    return Remote.of(candidate(foundation, priority, address, port=port))


def formed(locals_: list[Local], remotes: list[Remote]) -> Checklist:
    checklist = Checklist(is_controlling=True)
    checklist.form(locals_, remotes)
    return checklist


def test_pairs_are_in_the_order_of_their_priority():
    checklist = formed(
        [local("1", 300), local("2", 200, "10.0.0.3")],
        [remote("1", 250), remote("2", 400, "192.0.2.2")],
    )
    ranks = [
        (pair.local.candidate.priority, pair.remote.candidate.priority) for pair in checklist.pairs
    ]
    assert ranks == [(300, 400), (300, 250), (200, 400), (200, 250)]


def test_base_stands_in_for_a_reflexive_candidate_and_redundant_pairs_go():
    reflexive = Local.of(candidate("2", 200, "203.0.113.1", "srflx"), BASE)
    checklist = formed([reflexive, local()], [remote()])
    (pair,) = checklist.pairs
    assert (pair.local.candidate.type, pair.local.candidate.priority) == ("host", 300)


def test_reflexive_candidate_is_kept_where_its_host_is_hidden():
    reflexive = Local.of(candidate("2", 200, "203.0.113.1", "srflx"), BASE)
    (pair,) = formed([reflexive], [remote()]).pairs
    assert (pair.local.candidate.type, pair.local.base) == ("srflx", BASE)


def test_relayed_candidate_stays_beside_its_host():
    relayed = Local.of(candidate("3", 10, "198.51.100.9", "relay"))
    assert len(formed([local(), relayed], [remote()]).pairs) == 2


def test_list_is_limited():
    remotes = [remote(str(n), 300, f"192.0.2.{n}") for n in range(1, 151)]
    assert len(formed([local()], remotes).pairs) == MAX_PAIRS


def test_one_pair_of_each_foundation_waits_and_a_success_thaws_the_rest():
    remotes = [remote("1"), remote("1", 200, "192.0.2.2"), remote("2", 100, "192.0.2.3")]
    checklist = formed([local()], remotes)
    assert [pair.state for pair in checklist.pairs] == ["waiting", "frozen", "waiting"]
    first = checklist.next_pair()
    assert first is checklist.pairs[0]
    checklist.succeed(first)
    assert checklist.pairs[1].state is PairState.WAITING


def test_frozen_pair_waits_once_nothing_else_does_and_its_foundation_is_idle():
    checklist = formed([local()], [remote("1"), remote("1", 200, "192.0.2.2")])
    first, second = checklist.pairs
    first.state = PairState.IN_PROGRESS
    checklist.thaw()
    assert second.state is PairState.FROZEN
    assert not checklist.has_work
    first.state = PairState.FAILED
    checklist.thaw()
    assert second.state is PairState.WAITING


def test_triggered_pairs_come_first_and_each_once():
    checklist = formed([local()], [remote("1"), remote("2", 200, "192.0.2.2")])
    low = checklist.pairs[1]
    new = checklist.make(local(), remote("3", 100, "192.0.2.3"))
    checklist.trigger(low)
    checklist.trigger(low)
    checklist.trigger(new)
    assert [checklist.next_pair() for _ in range(3)] == [low, new, checklist.pairs[0]]
    assert new in checklist.pairs


def test_ports_of_one_address_are_limited():
    checklist = formed([local()], [])
    for port in range(1, MAX_PORTS + 1):
        assert not checklist.is_crowded(BASE, remote(port=port).endpoint)
        checklist.trigger(checklist.make(local(), remote(port=port)))
    assert checklist.is_crowded(BASE, remote(port=99).endpoint)
    assert not checklist.is_crowded(BASE, remote(address="192.0.2.2").endpoint)


def test_better_pair_is_one_that_may_yet_succeed():
    checklist = formed([local()], [remote("1"), remote("2", 200, "192.0.2.2")])
    high, low = checklist.pairs
    assert checklist.better_than(low)
    assert not checklist.better_than(high)
    high.state = PairState.FAILED
    assert not checklist.better_than(low)
    low.state = PairState.SUCCEEDED
    assert checklist.is_exhausted


def test_change_of_roles_changes_priorities():
    checklist = formed([local("1", 300)], [remote("1", 200)])
    before = checklist.pairs[0].priority
    checklist.take_role(is_controlling=False)
    assert checklist.pairs[0].priority == before - 1


def test_stop_drops_what_has_not_ended():
    checklist = formed([local()], [remote("1"), remote("2", 200, "192.0.2.2")])
    checklist.succeed(checklist.pairs[0])
    checklist.trigger(checklist.pairs[1])
    checklist.stop()
    assert len(checklist.pairs) == 1
    assert checklist.next_pair() is None


def test_unchecked_list_is_exhausted_only_when_empty():
    assert Checklist(is_controlling=True).is_exhausted
    assert not formed([local()], [remote()]).is_exhausted
