import pytest

from stunkit.ice.candidate import CandidateType
from stunkit.ice.foundation import Foundations

FIRST = (CandidateType.SERVER_REFLEXIVE, "10.0.0.2", "udp", "192.0.2.1")


def test_same_group_has_the_same_foundation():
    foundations = Foundations()
    assert foundations.of(*FIRST) == foundations.of(*FIRST) == "1"


@pytest.mark.parametrize(
    "other",
    [
        (CandidateType.RELAYED, "10.0.0.2", "udp", "192.0.2.1"),
        (CandidateType.SERVER_REFLEXIVE, "10.0.0.3", "udp", "192.0.2.1"),
        (CandidateType.SERVER_REFLEXIVE, "10.0.0.2", "tcp", "192.0.2.1"),
        (CandidateType.SERVER_REFLEXIVE, "10.0.0.2", "udp", "192.0.2.2"),
        (CandidateType.HOST, "10.0.0.2", "udp"),
    ],
)
def test_each_part_makes_another_group(other: tuple[CandidateType, str, str, str]):
    foundations = Foundations()
    assert foundations.of(*FIRST) == "1"
    assert foundations.of(*other) == "2"
    assert foundations.of(*FIRST) == "1"
