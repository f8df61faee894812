import pytest

from stunkit.endpoint import Family
from stunkit.ice.candidate import CandidateType
from stunkit.ice.priority import MAX_PRIORITY, Priority, local_preferences, priority_of

FOUR, SIX = Family.IPV4, Family.IPV6


@pytest.mark.parametrize(
    ("kind", "value"),
    [  # as everybody's lines have them
        (CandidateType.HOST, 2130706431),
        (CandidateType.PEER_REFLEXIVE, 1862270975),
        (CandidateType.SERVER_REFLEXIVE, 1694498815),
        (CandidateType.RELAYED, 16777215),
    ],
)
def test_follows_the_formula(kind: CandidateType, value: int):
    assert priority_of(kind) == value
    assert priority_of(kind, component=2) == value - 1
    assert priority_of(kind, local_preference=65534) == value - 256
    assert 1 <= value <= MAX_PRIORITY


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2122260223, "126 | 32542 | 1"),
        (41885439, "2 | 32542 | 1"),
        (1, "0 | 0 | 255"),
        (0, "0 | 0 | 256"),
    ],
)
def test_takes_a_priority_apart(value: int, text: str):
    assert str(Priority.of(value)) == text
    assert Priority.of(value).value == value


@pytest.mark.parametrize(
    ("families", "ranks"),
    [
        ([], []),
        ([FOUR], [0]),
        ([FOUR, FOUR], [0, 1]),
        ([FOUR, SIX], [1, 0]),
        ([FOUR, FOUR, SIX, SIX], [1, 3, 0, 2]),
        ([SIX, SIX, SIX, FOUR], [0, 2, 3, 1]),
        ([FOUR, SIX, FOUR, FOUR], [1, 0, 2, 3]),
    ],
)
def test_families_take_turns(families: list[Family], ranks: list[int]):
    assert local_preferences(families) == [65535 - rank for rank in ranks]
