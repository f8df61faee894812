from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.pair import Local, Remote
from stunkit.ice.roster import Roster, peer_reflexive_priority

HOST = Candidate.parse("candidate:1 1 udp 2130706431 10.0.0.2 5000 typ host")
REFLEXIVE = Candidate.parse("candidate:2 1 udp 1694498815 203.0.113.1 6000 typ srflx")
BASE = Endpoint.of("10.0.0.2", 5000)
MAPPED = Endpoint.of("203.0.113.1", 6000)
ELSEWHERE = Endpoint.of("203.0.113.1", 7000)


def roster() -> Roster:
    return Roster([Local.of(REFLEXIVE, BASE), Local.of(HOST)])


def test_candidate_that_sends_from_a_base_is_the_host_before_the_reflexive_one():
    known = roster()
    assert known.based_at(BASE).candidate is HOST
    assert known.based_at(ELSEWHERE) is None
    known.locals.pop()
    assert known.based_at(BASE).candidate is REFLEXIVE


def test_mapped_endpoint_that_is_known_is_no_new_candidate():
    known = roster()
    assert known.local_at(MAPPED, known.locals[1]).candidate is REFLEXIVE
    assert len(known.locals) == 2


def test_new_mapped_endpoint_is_a_peer_reflexive_candidate():
    known = roster()
    learned = known.local_at(ELSEWHERE, known.locals[1])
    assert learned.base == BASE
    assert learned.endpoint == ELSEWHERE
    assert learned.candidate.type is CandidateType.PEER_REFLEXIVE
    assert learned.candidate.priority == 110 << 24 | 65535 << 8 | 255
    assert (learned.candidate.related_address, learned.candidate.related_port) == ("10.0.0.2", 5000)
    assert known.local_at(ELSEWHERE, known.locals[1]) is learned
    assert learned.candidate.foundation not in {"1", "2"}


def test_new_source_is_a_peer_reflexive_candidate_with_the_priority_of_its_check():
    known = roster()
    known.remotes.append(Remote.of(REFLEXIVE))
    here = known.locals[1]
    assert known.remote_at(MAPPED, here, 5).candidate is REFLEXIVE
    learned = known.remote_at(ELSEWHERE, here, 5)
    assert (learned.candidate.type, learned.candidate.priority) == ("prflx", 5)
    assert known.remote_at(ELSEWHERE, here, 6) is learned


def test_peer_reflexive_priority_keeps_all_but_the_type_preference():
    assert peer_reflexive_priority(HOST) == 1862270975
