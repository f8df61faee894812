from dataclasses import replace

import pytest

from stunkit.ice.candidate import Candidate
from stunkit.ice.redundancy import (
    Base,
    Redundancy,
    base_of,
    normal,
    redundancies,
    without_redundant,
)

HOST = Candidate.parse("candidate:1 1 udp 2130706431 192.31.196.7 40000 typ host")
SAME = Candidate.parse(
    "candidate:2 1 udp 1694498815 192.31.196.7 40000 typ srflx raddr 192.31.196.7 rport 40000"
)
OTHER = replace(SAME, address="192.31.196.8")
RELAY = Candidate.parse(
    "candidate:3 1 udp 16777215 192.175.48.20 5000 typ relay raddr 192.31.196.7 rport 40000"
)


def test_reflexive_candidate_without_nat_is_redundant():
    every = [SAME, HOST, OTHER, RELAY]
    assert redundancies(every) == [Redundancy(SAME, HOST)]
    assert without_redundant(every) == [HOST, OTHER, RELAY]


def test_second_of_the_same_goes():
    assert without_redundant([HOST, HOST]) == [HOST]
    assert redundancies([HOST, HOST]) == [Redundancy(HOST, HOST)]


@pytest.mark.parametrize(
    "change",
    [
        {"component": 2},
        {"transport": "tcp"},
        {"tcptype": "so"},
        {"port": 40001},
        {"related_port": 40001},
        {"related_address": "0.0.0.0"},
        {"related_address": None},
        {"related_port": None},
    ],
    ids=str,
)
def test_any_difference_keeps_both(change: dict[str, object]):
    assert redundancies([HOST, replace(SAME, **change)]) == []


def test_spelling_is_no_difference():
    host = replace(HOST, address="2620:4F:8000:0::7")
    same = replace(SAME, address="2620:4f:8000::7", related_address="2620:4f:8000:0:0::7")
    assert without_redundant([host, same]) == [host]
    assert normal("X.local") == "x.local"


def test_knows_the_base():
    assert base_of(HOST) == base_of(SAME) == Base("192.31.196.7", 40000)
    assert base_of(RELAY) == Base("192.175.48.20", 5000)
    assert base_of(replace(SAME, related_address="::", related_port=9)) is None
