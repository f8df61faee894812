import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.ice import IceControlled, IceControlling, Priority, UseCandidate

ID = bytes(12)


def test_have_their_numbers() -> None:
    numbers = (0x0024, 0x0025, 0x8029, 0x802A)
    kinds = (Priority, UseCandidate, IceControlled, IceControlling)
    assert tuple(kind.type for kind in kinds) == numbers


def test_writes_and_reads_a_priority() -> None:
    assert Priority(0x6E0001FF).encode(ID).hex() == "6e0001ff"
    assert Priority.decode(bytes.fromhex("6e0001ff"), ID) == Priority(0x6E0001FF)


@pytest.mark.parametrize("kind", [IceControlled, IceControlling])
def test_writes_and_reads_a_tie_breaker_of_64_bits(
    kind: type[IceControlled | IceControlling],
) -> None:
    assert kind(0x932FF9B151263B36).encode(ID).hex() == "932ff9b151263b36"
    assert kind.decode(bytes.fromhex("932ff9b151263b36"), ID) == kind(0x932FF9B151263B36)
    with pytest.raises(Unencodable, match="8 bytes"):
        kind(1 << 64).encode(ID)
    with pytest.raises(Malformed, match="not 8"):
        kind.decode(bytes(4), ID)


def test_writes_and_reads_use_candidate_as_nothing() -> None:
    assert UseCandidate().encode(ID) == b""
    assert UseCandidate.decode(b"", ID) == UseCandidate()
    with pytest.raises(Malformed, match="not 0"):
        UseCandidate.decode(bytes(4), ID)
