import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.digest import (
    Fingerprint,
    MessageIntegrity,
    MessageIntegritySha256,
    Userhash,
)

ID = bytes(12)
SIZES = {
    # RFC 8489 sections 14.4, 14.5, 14.6
    Userhash: {32},
    MessageIntegrity: {20},
    MessageIntegritySha256: {16, 20, 24, 28, 32},
}


def test_have_their_numbers() -> None:
    numbers = (0x0008, 0x001C, 0x001E, 0x8028)
    kinds = (MessageIntegrity, MessageIntegritySha256, Userhash, Fingerprint)
    assert tuple(kind.type for kind in kinds) == numbers


@pytest.mark.parametrize("kind", SIZES)
def test_writes_and_reads_only_the_sizes_of_the_rfc(
    kind: type[Userhash | MessageIntegrity | MessageIntegritySha256],
) -> None:
    for size in range(41):
        value = bytes(range(size))
        if size in SIZES[kind]:
            assert kind(value).encode(ID) == value
            assert kind.decode(value, ID) == kind(value)
        else:
            with pytest.raises(Unencodable, match=f"{size} bytes"):
                kind(value).encode(ID)
            with pytest.raises(Malformed, match=f"its length is {size} bytes"):
                kind.decode(value, ID)


def test_writes_and_reads_a_fingerprint() -> None:
    assert Fingerprint(0xE57A3BCF).encode(ID).hex() == "e57a3bcf"
    assert Fingerprint.decode(bytes.fromhex("e57a3bcf"), ID) == Fingerprint(0xE57A3BCF)
