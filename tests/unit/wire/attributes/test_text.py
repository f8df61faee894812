import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.text import (
    AlternateDomain,
    Nonce,
    Password,
    Realm,
    Software,
    Text,
    Username,
)

ID = bytes(12)
WIDE = "\U0001f600"  # four bytes of UTF-8
TEXTS = {Username: 0x0006, Realm: 0x0014, Software: 0x8022, AlternateDomain: 0x8003}


@pytest.mark.parametrize(("kind", "number"), [*TEXTS.items(), (Nonce, 0x0015), (Password, 0x0007)])
def test_has_its_number(kind: type[Text | Nonce | Password], number: int) -> None:
    assert kind.type == number


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("text", ["", "stun.example"])
def test_writes_and_reads_ascii(kind: type[Text], text: str) -> None:
    assert kind(text).encode(ID) == text.encode("ascii")
    assert kind.decode(text.encode("ascii"), ID) == kind(text)


@pytest.mark.parametrize("kind", [Username, Realm, Software])
def test_writes_and_reads_utf8(kind: type[Text]) -> None:
    assert kind("é\0€").encode(ID) == b"\xc3\xa9\0\xe2\x82\xac"
    assert kind.decode(b"\xc3\xa9\0\xe2\x82\xac", ID) == kind("é\0€")


@pytest.mark.parametrize("kind", [Realm, Software])
def test_writes_127_characters_and_no_more(kind: type[Text]) -> None:
    # RFC 8489 sections 14.9 and 14.14: fewer than 128 characters
    assert len(kind(WIDE * 127).encode(ID)) == 508
    with pytest.raises(Unencodable, match="128 characters are over 127"):
        kind("a" * 128).encode(ID)


def test_writes_a_username_of_508_bytes_and_no_more() -> None:
    # RFC 8489 section 14.3: fewer than 509 bytes
    assert len(Username("a" * 508).encode(ID)) == 508
    assert len(Username(WIDE * 127).encode(ID)) == 508
    with pytest.raises(Unencodable, match="509 characters are over 508"):
        Username("a" * 509).encode(ID)
    with pytest.raises(Unencodable, match="512 bytes of UTF-8 are over 508"):
        Username(WIDE * 128).encode(ID)


@pytest.mark.parametrize("kind", [Username, Realm, Software])
def test_reads_763_bytes_and_no_more(kind: type[Text]) -> None:
    # RFC 8489 sections 14.3, 14.9 and 14.14
    assert kind.decode(b"a" * 763, ID).text == "a" * 763
    with pytest.raises(Malformed, match="764 bytes, over 763"):
        kind.decode(b"a" * 764, ID)


@pytest.mark.parametrize(
    ("value", "offset"), [(b"\xff", 0), (b"ab\xc3", 2), (b"a\xed\xa0\x80", 1), (b"ab\xc0\x80", 2)]
)
@pytest.mark.parametrize("kind", [Username, Realm, Software])
def test_refuses_what_is_no_utf8(kind: type[Text], value: bytes, offset: int) -> None:
    with pytest.raises(Malformed, match="no UTF-8") as caught:
        kind.decode(value, ID)
    assert caught.value.offset == offset


@pytest.mark.parametrize("kind", [Username, Realm, Software])
def test_refuses_to_write_what_has_no_utf8(kind: type[Text]) -> None:
    with pytest.raises(Unencodable, match="surrogates not allowed"):
        kind("\udc80").encode(ID)


def test_takes_a_domain_of_255_ascii_characters_and_no_more() -> None:
    # RFC 8489 section 14.16
    assert AlternateDomain("a" * 255).encode(ID) == b"a" * 255
    assert AlternateDomain.decode(b"a" * 255, ID).text == "a" * 255
    with pytest.raises(Unencodable, match="256 characters are over 255"):
        AlternateDomain("a" * 256).encode(ID)
    with pytest.raises(Malformed, match="256 bytes, over 255"):
        AlternateDomain.decode(b"a" * 256, ID)


def test_refuses_a_domain_that_is_not_ascii() -> None:
    with pytest.raises(Unencodable, match="ASCII"):
        AlternateDomain("bücher.example").encode(ID)
    with pytest.raises(Malformed, match="ASCII"):
        AlternateDomain.decode("bücher.example".encode(), ID)


@pytest.mark.parametrize("value", [b"", b"\xff\0 any", b"a" * 763])
def test_echoes_a_nonce_byte_for_byte(value: bytes) -> None:
    assert Nonce.decode(value, ID) == Nonce(value)
    assert Nonce(value).encode(ID) == value


def test_refuses_a_nonce_over_763_bytes() -> None:
    # RFC 8489 section 14.10
    with pytest.raises(Malformed, match="764 bytes, over 763"):
        Nonce.decode(bytes(764), ID)
    with pytest.raises(Unencodable, match="764 bytes are over 763"):
        Nonce(bytes(764)).encode(ID)


def test_keeps_a_password_as_bytes() -> None:
    assert Password(b"\xff\0").encode(ID) == b"\xff\0"
    assert Password.decode(b"\xff\0", ID) == Password(b"\xff\0")
