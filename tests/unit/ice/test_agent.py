from __future__ import annotations

from random import Random

import pytest

from stunkit.behavior import Behavior, Filtering
from stunkit.endpoint import Endpoint
from stunkit.ice.agent import MAX_EARLY, MAX_TRIGGERS, Agent
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.check import Credentials, make_check
from stunkit.ice.pair import Local, PairState
from stunkit.ice.session import GaveUp, Pacing, Received, RoleChanged, Selected
from stunkit.protocol.machine import Outgoing
from stunkit.sim.box import Box
from stunkit.sim.network import Host, Network
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.ice import IceControlled, IceControlling, Priority, UseCandidate
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import add_integrity
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

OURS = Credentials("ours", "our-password")
THEIRS = Credentials("them", "their-password")
HERE = Endpoint.of("192.0.2.1", 5000)
THERE = Endpoint.of("198.51.100.1", 6000)
ELSEWHERE = Endpoint.of("198.51.100.1", 7000)


def candidate(endpoint: Endpoint, kind: str = "host", priority: int = 1000, name: str = "1"):
    line = f"candidate:{name} 1 udp {priority} {endpoint.host} {endpoint.port} typ {kind}"
    return Candidate.parse(line)


def agent(*, is_controlling: bool = True, tie_breaker: int = 5, **pacing: float) -> Agent:
    return Agent(
        [Local.of(candidate(HERE))],
        OURS,
        Random(1).randbytes,
        is_controlling=is_controlling,
        tie_breaker=tie_breaker,
        pacing=Pacing(**pacing),
    )


def started(**settings) -> Agent:
    machine = agent(**settings)
    machine.start([candidate(THERE)], THEIRS, 0.0)
    return machine


def requests(machine: Agent) -> list[Message]:
    sent = [Message.decode(one.data) for one in machine.sends()]
    return [one for one in sent if one.is_request]


def answers(machine: Agent) -> list[Message]:
    sent = [Message.decode(one.data) for one in machine.sends()]
    return [one for one in sent if one.is_response]


def check(number: int = 1, *attributes) -> bytes:
    """Return a check of the peer's."""
    role = attributes or (IceControlled(1),)
    return make_check(bytes([number]) * 12, THEIRS, OURS, Priority(77), *role).raw


def success(request: Message, mapped: Endpoint = HERE, key: bytes | None = None) -> bytes:
    answer = Message.build(
        MessageClass.SUCCESS_RESPONSE,
        Method.BINDING,
        request.transaction_id,
        [XorMappedAddress(mapped)],
    )
    return add_fingerprint(add_integrity(answer, key or THEIRS.signature.key)).raw


def refusal(request: Message, code: int) -> bytes:
    kind = MessageClass.ERROR_RESPONSE
    answer = Message.build(kind, Method.BINDING, request.transaction_id, [ErrorCode(code, "")])
    return add_fingerprint(add_integrity(answer, THEIRS.signature.key)).raw


def test_controlling_agent_checks_then_nominates_then_selects():
    machine = started()
    (first,) = requests(machine)
    assert first.get(Priority).number == 110 << 24 | 1000
    assert first.get(IceControlling).number == 5
    assert first.get(UseCandidate) is None
    machine.receive(success(first), THERE, HERE, 0.01)
    assert machine.events() == []
    machine.tick(0.05)
    (second,) = requests(machine)
    assert second.get(UseCandidate) is not None
    machine.receive(success(second), THERE, HERE, 0.06)
    (selected,) = machine.events()
    assert isinstance(selected, Selected)
    assert (selected.local.endpoint, selected.remote.endpoint) == (HERE, THERE)
    assert machine.deadline() is None


def test_checks_are_paced():
    machine = agent()
    others = [candidate(Endpoint(THERE.packed, port), name=str(port)) for port in (1, 2, 3)]
    machine.start(others, THEIRS, 0.0)
    assert len(requests(machine)) == 1
    machine.tick(0.049)
    assert requests(machine) == []
    assert machine.deadline() == pytest.approx(0.05)
    machine.tick(0.05)
    assert len(requests(machine)) == 1


def test_mapped_address_that_is_new_makes_a_peer_reflexive_candidate():
    machine = started()
    machine.receive(success(*requests(machine), ELSEWHERE), THERE, HERE, 0.01)
    machine.tick(0.05)
    machine.receive(success(*requests(machine), ELSEWHERE), THERE, HERE, 0.06)
    (selected,) = machine.events()
    assert selected.local.candidate.type is CandidateType.PEER_REFLEXIVE
    assert (selected.local.endpoint, selected.local.base) == (ELSEWHERE, HERE)


def test_check_from_an_unknown_endpoint_triggers_one_back():
    machine = started()
    requests(machine)
    machine.receive(check(), ELSEWHERE, HERE, 0.05)
    sent = machine.sends()
    assert [one.destination for one in sent] == [ELSEWHERE, ELSEWHERE]  # the answer, the check
    learned = machine.checklist.find(HERE, ELSEWHERE).remote.candidate
    assert (learned.type, learned.priority) == (CandidateType.PEER_REFLEXIVE, 77)


def test_triggered_check_goes_before_the_others_and_stops_the_one_in_progress():
    machine = started()
    (first,) = requests(machine)
    machine.receive(check(), THERE, HERE, 0.06)
    (second,) = requests(machine)
    assert second.transaction_id != first.transaction_id
    machine.tick(0.52)  # the first would go out again now
    assert requests(machine) == []
    machine.receive(success(first), THERE, HERE, 0.53)  # but its answer counts
    assert machine.checklist.pairs[0].state is not PairState.FAILED


def test_answer_from_elsewhere_ends_the_check():
    machine = started()
    (first,) = requests(machine)
    machine.receive(success(first, key=b"wrong"), ELSEWHERE, HERE, 0.01)
    assert machine.checklist.pairs[0].state is PairState.IN_PROGRESS
    machine.receive(success(first), ELSEWHERE, HERE, 0.01)
    assert machine.checklist.pairs[0].state is PairState.FAILED


def test_answer_with_a_wrong_password_does_not_count():
    machine = started()
    (first,) = requests(machine)
    machine.receive(success(first, key=b"wrong"), THERE, HERE, 0.01)
    assert machine.checklist.pairs[0].state is PairState.IN_PROGRESS


def test_error_and_icmp_fail_the_pair():
    machine = started()
    machine.receive(refusal(*requests(machine), 400), THERE, HERE, 0.01)
    assert machine.checklist.pairs[0].state is PairState.FAILED
    machine = started()
    machine.unreachable(THERE, HERE, "port unreachable", 0.01)
    assert machine.checklist.pairs[0].state is PairState.FAILED


def test_controlled_agent_selects_what_is_nominated():
    machine = started(is_controlling=False)
    machine.receive(success(*requests(machine)), THERE, HERE, 0.01)
    assert machine.events() == []
    machine.receive(check(1, IceControlling(1), UseCandidate()), THERE, HERE, 0.02)
    assert isinstance(machine.events()[0], Selected)


def test_controlled_agent_checks_first_what_is_nominated_too_early():
    machine = started(is_controlling=False)
    requests(machine)
    machine.receive(check(1, IceControlling(1), UseCandidate()), THERE, HERE, 0.06)
    assert machine.events() == []
    machine.receive(success(*requests(machine)), THERE, HERE, 0.07)
    assert isinstance(machine.events()[0], Selected)


def test_check_before_the_start_is_answered_at_once_and_followed_later():
    machine = agent()
    machine.receive(check(), ELSEWHERE, HERE, 0.0)
    assert len(answers(machine)) == 1
    assert machine.deadline() is None
    machine.start([candidate(THERE)], THEIRS, 1.0)
    assert [one.destination for one in machine.sends()] == [ELSEWHERE]


def test_checks_that_are_early_are_all_answered_and_not_all_kept():
    machine = agent()
    for number in range(MAX_EARLY + 5):
        machine.receive(check(number % 256), Endpoint(bytes((9, 9, 9, number)), 1), HERE, 0.0)
    assert len(answers(machine)) == MAX_EARLY + 5
    machine.start([], THEIRS, 1.0)
    assert len(machine.checklist.pairs) == MAX_EARLY


@pytest.mark.parametrize(
    ("is_controlling", "theirs", "code"),
    [
        (True, IceControlling(4), 487),
        (False, IceControlled(6), 487),
        (True, IceControlling(5), 487),
    ],
)
def test_role_conflict_that_we_win_is_told(is_controlling: bool, theirs, code: int):
    machine = started(is_controlling=is_controlling)
    machine.sends()
    machine.receive(check(1, theirs), THERE, HERE, 0.01)
    assert [one.get(ErrorCode).code for one in answers(machine)] == [code]
    assert machine.role.is_controlling is is_controlling


@pytest.mark.parametrize(
    ("is_controlling", "theirs"), [(True, IceControlling(6)), (False, IceControlled(5))]
)
def test_role_conflict_that_we_lose_changes_our_role(is_controlling: bool, theirs):
    machine = started(is_controlling=is_controlling)
    machine.sends()
    machine.receive(check(1, theirs), THERE, HERE, 0.01)
    assert machine.events() == [RoleChanged(not is_controlling)]
    assert [one.message_class for one in answers(machine)] == [MessageClass.SUCCESS_RESPONSE]


def test_487_changes_role_and_tie_breaker_and_the_check_is_made_again():
    machine = started()
    machine.receive(refusal(*requests(machine), 487), THERE, HERE, 0.06)
    (again,) = requests(machine)
    assert again.get(IceControlled) is not None
    assert machine.role.tie_breaker != 5
    assert machine.events() == [RoleChanged(is_controlling=False)]


def test_487_to_a_role_that_was_changed_meanwhile_changes_nothing():
    machine = started()
    (first,) = requests(machine)
    machine.receive(check(1, IceControlling(9)), THERE, HERE, 0.01)
    machine.receive(refusal(first, 487), THERE, HERE, 0.02)
    assert machine.role.is_controlling is False


def test_better_pair_is_waited_for_but_not_for_ever():
    machine = agent(hurry=2.0)
    machine.start([candidate(THERE), candidate(ELSEWHERE, priority=9, name="2")], THEIRS, 0.0)
    requests(machine)
    machine.tick(0.05)
    (low,) = requests(machine)
    machine.receive(success(low), ELSEWHERE, HERE, 0.06)
    machine.tick(2.05)
    assert not any(one.get(UseCandidate) for one in requests(machine))
    machine.tick(2.06)
    machine.tick(2.12)
    assert any(one.get(UseCandidate) for one in requests(machine))


def test_nomination_that_fails_leaves_room_for_another():
    machine = started()
    machine.receive(success(*requests(machine)), THERE, HERE, 0.01)
    machine.tick(0.05)
    machine.receive(refusal(*requests(machine), 400), THERE, HERE, 0.06)
    assert machine.checklist.pairs[0].state is PairState.FAILED
    machine.receive(check(), THERE, HERE, 0.2)
    machine.receive(success(*requests(machine)), THERE, HERE, 0.21)
    machine.tick(0.3)
    assert any(one.get(UseCandidate) for one in requests(machine))


def test_agent_gives_up_when_all_has_failed_and_patience_ends():
    machine = started(patience=39.5)
    now = 0.0
    while (wake := machine.deadline()) is not None:
        now = wake
        machine.tick(now)
    assert machine.has_given_up
    assert machine.events() == [GaveUp(1)]
    assert now == pytest.approx(39.5, abs=0.1)


def test_agents_that_trigger_each_other_stop_at_last():
    machine = started()
    for number in range(1, 200):
        machine.receive(check(number), THERE, HERE, number)
    assert machine.checklist.pairs[0].triggers == MAX_TRIGGERS


def test_candidate_without_address_is_left_out_and_late_ones_are_checked():
    machine = agent()
    machine.start(
        [candidate(THERE), Candidate.parse("candidate:9 1 udp 5 0b9c.local 9 typ host")],
        THEIRS,
        0.0,
    )
    assert len(machine.checklist.pairs) == 1
    machine.add_remote(candidate(ELSEWHERE, name="3"))
    machine.add_local(Local.of(candidate(Endpoint.of("192.0.2.2", 5000), name="4")))
    assert len(machine.checklist.pairs) == 4


def test_check_at_a_base_that_is_not_ours_triggers_nothing():
    machine = started()
    machine.sends()
    machine.receive(check(), THERE, ELSEWHERE, 0.1)
    assert requests(machine) == []


@pytest.mark.parametrize(
    "data",
    [
        b"\0\1\0\0 broken",
        Message.request(Method.BINDING, bytes(12)).raw,  # without FINGERPRINT
        add_fingerprint(Message.request(Method.ALLOCATE, bytes(12))).raw,
        add_fingerprint(Message.build(MessageClass.INDICATION, Method.BINDING, bytes(12))).raw,
        success(Message.request(Method.BINDING, bytes(12))),  # nobody asked
    ],
)
def test_what_is_no_check_is_ignored(data: bytes):
    machine = started()
    machine.sends()
    machine.receive(data, THERE, HERE, 0.01)
    assert machine.sends() == []
    assert machine.events() == []


def test_check_that_is_not_believed_is_refused_and_triggers_nothing():
    machine = started()
    machine.sends()
    machine.receive(make_check(bytes(12), THEIRS, THEIRS, Priority(1)).raw, ELSEWHERE, HERE, 0.1)
    assert [one.get(ErrorCode).code for one in answers(machine)] == [401]
    assert machine.checklist.find(HERE, ELSEWHERE) is None


def test_data_goes_over_the_selected_pair():
    machine = started()
    with pytest.raises(RuntimeError, match="no pair"):
        machine.send(b"\x80early")
    machine.receive(success(*requests(machine)), THERE, HERE, 0.01)
    machine.tick(0.05)
    machine.receive(success(*requests(machine)), THERE, HERE, 0.06)
    machine.events()
    machine.send(b"\x80data")
    assert machine.sends() == [Outgoing(b"\x80data", THERE, HERE)]
    machine.receive(b"\x80back", THERE, HERE, 0.1)
    assert machine.events() == [Received(b"\x80back", THERE, HERE)]


def test_two_agents_in_one_role_connect_through_nats():
    network = Network(Random(7))
    agents = []
    for number, ours in ((1, OURS), (2, THEIRS)):
        box = Box(
            Behavior(filtering=Filtering.ADDRESS_AND_PORT_DEPENDENT),
            (bytes((203, 0, 113, number)),),
            Random(number),
        )
        host = Host(bytes((10, 0, number, 2)), (box,))
        network.add_host(host)
        base = network.open(host)
        mapped = network.mapped(host, base, THERE)
        locals_ = [
            Local.of(candidate(base)),
            Local.of(candidate(mapped, "srflx", 500, "2"), base),
        ]
        host.machine = Agent(locals_, ours, Random(number).randbytes, is_controlling=True)
        agents.append((host.machine, ours, [one.candidate for one in locals_]))
    (first, _, here), (second, _, there) = agents
    first.start(there, THEIRS, 0.0)
    second.start(here, OURS, 0.0)
    network.run(60.0, lambda: bool(first.selected and second.selected))
    assert first.selected.remote.candidate.type is CandidateType.SERVER_REFLEXIVE
    assert first.selected.remote.endpoint == second.selected.local.endpoint
    assert first.role.is_controlling is not second.role.is_controlling
