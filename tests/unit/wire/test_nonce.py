import pytest

from stunkit.wire.nonce import SecurityFeature, nonce_cookie, security_features

ALGORITHMS = SecurityFeature.PASSWORD_ALGORITHMS
ANONYMITY = SecurityFeature.USERNAME_ANONYMITY
VECTOR = b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"  # RFC 8489 appendix B.1


@pytest.mark.parametrize(
    ("features", "cookie"),
    [
        (SecurityFeature(0), b"obMatJos2AAAA"),
        (ALGORITHMS, b"obMatJos2AAAB"),
        (ANONYMITY, b"obMatJos2AAAC"),
        (ALGORITHMS | ANONYMITY, b"obMatJos2AAAD"),
    ],
)
def test_writes_and_reads_features(features: SecurityFeature, cookie: bytes) -> None:
    assert nonce_cookie(features) == cookie
    assert security_features(cookie) == features
    assert security_features(cookie + b"anything\0\xff") == features


def test_reads_the_vector_as_username_anonymity() -> None:
    assert security_features(VECTOR) is ANONYMITY  # erratum 6290


@pytest.mark.parametrize(
    ("nonce", "features"),
    [
        (b"obMatJos2gAAA", ALGORITHMS),
        (b"obMatJos2QAAA", ANONYMITY),
        (b"obMatJos2wAAA", ALGORITHMS | ANONYMITY),
        (b"obMatJos2gAAB", ALGORITHMS),
    ],
)
def test_reads_the_bits_where_the_printed_text_has_them(
    nonce: bytes, features: SecurityFeature
) -> None:
    assert security_features(nonce) == features  # RFC 8489 section 18.1 before erratum 6290


def test_keeps_bits_without_a_name() -> None:
    assert security_features(b"obMatJos2AABD") == SecurityFeature(0x43)


@pytest.mark.parametrize(
    "nonce",
    [
        b"",
        b"obMatJos2",
        b"obMatJos2AAA",
        b"obmatjos2AAAC",
        b"f//499k954d6OL34oL9FSTvy64sA",
        b" obMatJos2AAAC",
        b"obMatJos2AA-C",
        b"obMatJos2\xff\xff\xff\xff",
        b"obMatJos2A===",
        b"obMatJos2gA==",
        b"obMatJos2gAA=",
        b"obMatJos2====",
    ],
)
def test_finds_no_cookie_when_it_is_not_whole(nonce: bytes) -> None:
    assert security_features(nonce) is None
