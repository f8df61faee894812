import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithm, PasswordAlgorithms

ID = bytes(12)


def test_have_their_numbers() -> None:
    assert (PasswordAlgorithm.type, PasswordAlgorithms.type) == (0x001D, 0x8002)


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        # RFC 8489 section 14.12
        (Algorithm(0), "00000000"),
        (Algorithm(1), "00010000"),
        (Algorithm(2), "00020000"),
        (Algorithm(0xFFFF, b"abc"), "ffff000361626300"),
        (Algorithm(3, b"abcd"), "0003000461626364"),
        (Algorithm(3, b"a"), "0003000161000000"),
    ],
)
def test_writes_and_reads_one_algorithm(algorithm: Algorithm, value: str) -> None:
    assert PasswordAlgorithm(algorithm).encode(ID) == bytes.fromhex(value)
    assert PasswordAlgorithm.decode(bytes.fromhex(value), ID) == PasswordAlgorithm(algorithm)


@pytest.mark.parametrize(
    ("algorithms", "value"),
    [
        # RFC 8489 section 14.11
        ((), ""),
        ((Algorithm(1), Algorithm(2)), "0001000000020000"),
        ((Algorithm(9, b"abcde"), Algorithm(1)), "00090005616263646500000000010000"),
    ],
)
def test_writes_and_reads_a_list_of_algorithms(
    algorithms: tuple[Algorithm, ...], value: str
) -> None:
    assert PasswordAlgorithms(algorithms).encode(ID) == bytes.fromhex(value)
    read = PasswordAlgorithms.decode(bytes.fromhex(value), ID)
    assert read == PasswordAlgorithms(algorithms)


def test_ignores_what_the_padding_holds() -> None:
    value = bytes.fromhex("00090001 61ffffff 00010000")
    read = PasswordAlgorithms.decode(value, ID)
    assert read.algorithms == (Algorithm(9, b"a"), Algorithm(1))


@pytest.mark.parametrize("value", ["0009000361626300", "00090003616263"])
def test_reads_the_last_algorithm_with_or_without_its_padding(value: str) -> None:
    expected = Algorithm(9, b"abc")
    assert PasswordAlgorithm.decode(bytes.fromhex(value), ID).algorithm == expected
    assert PasswordAlgorithms.decode(bytes.fromhex(value), ID).algorithms == (expected,)


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        ("", 0),
        ("000100", 0),
        ("00010001", 2),
        ("0001ffff61626364", 2),
        ("0001000000020000", 4),
        ("000100036162630000", 8),
    ],
)
def test_refuses_what_is_not_one_algorithm(value: str, offset: int) -> None:
    with pytest.raises(Malformed) as caught:
        PasswordAlgorithm.decode(bytes.fromhex(value), ID)
    assert (caught.value.place, caught.value.offset) == ("PASSWORD-ALGORITHM", offset)


def test_says_how_much_follows_the_algorithm() -> None:
    with pytest.raises(Malformed, match="4 bytes follow the algorithm"):
        PasswordAlgorithm.decode(bytes.fromhex("0001000000020000"), ID)


@pytest.mark.parametrize(
    ("value", "offset"),
    [("00", 0), ("0001000000", 4), ("00010000000200", 4), ("0001000000020001", 6)],
)
def test_refuses_a_list_that_is_cut_short(value: str, offset: int) -> None:
    with pytest.raises(Malformed, match="cut short") as caught:
        PasswordAlgorithms.decode(bytes.fromhex(value), ID)
    assert (caught.value.place, caught.value.offset) == ("PASSWORD-ALGORITHMS", offset)


@pytest.mark.parametrize(
    "algorithm", [Algorithm(-1), Algorithm(0x10000), Algorithm(1, bytes(0x10000))]
)
def test_refuses_to_write_what_does_not_fit(algorithm: Algorithm) -> None:
    with pytest.raises(Unencodable, match=r"PASSWORD-ALGORITHM: .*16 bits"):
        PasswordAlgorithm(algorithm).encode(ID)
    with pytest.raises(Unencodable, match=r"PASSWORD-ALGORITHMS: .*16 bits"):
        PasswordAlgorithms((Algorithm(1), algorithm)).encode(ID)
