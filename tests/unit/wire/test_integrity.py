import hashlib
import hmac
import tomllib
from pathlib import Path

import pytest

from stunkit.errors import Unencodable
from stunkit.wire.attributes.behavior import Padding
from stunkit.wire.attributes.digest import MessageIntegrity, MessageIntegritySha256
from stunkit.wire.attributes.text import Software, Username
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
    long_term_key,
    short_term_key,
    userhash,
)
from stunkit.wire.message import Message
from stunkit.wire.prepare import saslprep
from stunkit.wire.registry import AttributeType, Method, PasswordAlgorithmNumber

DATA = Path(__file__).parents[2] / "data"
RFC5769 = tomllib.loads((DATA / "rfc5769.toml").read_text(encoding="utf-8"))
B1 = tomllib.loads((DATA / "rfc8489_b1.toml").read_text(encoding="utf-8"))

ID = bytes(range(12))
CLASSIC_ID = bytes(range(16))
KEY = b"VOkJxbRl1RmTxUk/WvJxBt"
PLAIN = Message.request(Method.BINDING, ID, [Username("evtj:h6vY")])
SHA256 = PasswordAlgorithmNumber.SHA256


def with_length(raw: bytes, length: int) -> bytes:
    return raw[:2] + length.to_bytes(2, "big") + raw[4:]


# keys


def test_makes_the_long_term_key_of_the_rfcs_example() -> None:
    # RFC 8489 section 9.2.2
    key = bytes.fromhex("8493fbc53ba582fb4c044c456bdc40eb")
    assert long_term_key("user", "realm", "pass") == key


@pytest.mark.parametrize(
    ("username", "realm", "password"),
    [
        ('"user"', '"realm"', "pass"),
        ("user\0\0", "realm\0", "pass\0\0\0"),
        ('"user"\0', '"realm"\0', "pass\0"),
        ('"user\0"', '"realm\0"', "pass"),
    ],
)
def test_makes_the_same_key_when_quotes_and_nuls_surround(
    username: str, realm: str, password: str
) -> None:
    assert long_term_key(username, realm, password) == long_term_key("user", "realm", "pass")


def test_keeps_quotes_that_belong_to_the_password() -> None:
    expected = hashlib.md5(b'user:realm:"pass"', usedforsecurity=False).digest()
    assert long_term_key("user", "realm", '"pass"') == expected


def test_keeps_quotes_within_the_username() -> None:
    expected = hashlib.md5(b'us"er:realm:pass', usedforsecurity=False).digest()
    assert long_term_key('us"er', "realm", "pass") == expected


def test_makes_a_key_with_sha256() -> None:
    # RFC 8489 section 18.5.1.2
    expected = hashlib.sha256("マトリックス:example.org:TheMatrIX".encode()).digest()
    assert long_term_key(B1["username"], B1["realm"], B1["password"], SHA256) == expected


def test_prepares_realm_and_password_but_not_the_username() -> None:
    # RFC 8489 section 9.2.2: the username comes prepared
    expected = hashlib.sha256("e\u0301:\u00e9:\u00e9".encode()).digest()
    assert long_term_key("e\u0301", "e\u0301", "e\u0301", SHA256) == expected


@pytest.mark.parametrize(
    ("username", "realm", "password"),
    [
        ("user", "realm", "pass\x07"),
        ("user", "realm\x07", "pass"),
        ("user", "realm", "\0"),
        ("user\udc80", "realm", "pass"),
    ],
)
def test_makes_no_key_when_text_is_forbidden(username: str, realm: str, password: str) -> None:
    with pytest.raises(Unencodable):
        long_term_key(username, realm, password)


def test_makes_the_short_term_key_of_the_prepared_password() -> None:
    assert short_term_key("VOkJxbRl1RmTxUk/WvJxBt") == b"VOkJxbRl1RmTxUk/WvJxBt"
    assert short_term_key("e\u0301") == "é".encode()


def test_hashes_username_and_realm() -> None:
    # RFC 8489 section 14.4; the value stands in appendix B.1
    assert userhash(B1["username"], B1["realm"]).hex() == B1["userhash"]
    assert userhash("e\u0301", "a\u00a0b") == hashlib.sha256("é:a b".encode()).digest()


# vectors


@pytest.mark.parametrize("name", ["request", "response_ipv4", "response_ipv6"])
def test_accepts_the_short_term_vectors(name: str) -> None:
    vector = RFC5769[name]
    message = Message.decode(bytes.fromhex(vector["hex"]))
    assert check_integrity(message, short_term_key(vector["password"])) is True
    assert check_integrity(message, short_term_key(vector["password"] + "x")) is False


def test_accepts_the_long_term_vector() -> None:
    vector = RFC5769["request_long_term"]
    message = Message.decode(bytes.fromhex(vector["hex"]))
    password = saslprep("The\u00adM\u00aatr\u2168")
    key = long_term_key(vector["username"], vector["realm"], password)
    assert check_integrity(message, key) is True
    assert check_integrity(message, key[::-1]) is False


@pytest.mark.parametrize("name", ["request", "response_ipv4", "response_ipv6"])
def test_signs_as_the_short_term_vectors_do(name: str) -> None:
    raw = bytes.fromhex(RFC5769[name]["hex"])
    unsigned = Message.decode(with_length(raw[:-32], len(raw) - 32 - 20))
    assert add_integrity(unsigned, KEY).raw[4:] == raw[4:-8]


def b1_key() -> bytes:
    return long_term_key(B1["username"], B1["realm"], B1["password"], SHA256)


def test_accepts_the_sha256_vector_as_corrected() -> None:
    message = Message.decode(bytes.fromhex(B1["corrected"]["hex"]))
    assert check_integrity_sha256(message, b1_key()) is True
    assert check_integrity_sha256(message, b1_key()[::-1]) is False
    assert check_integrity(message, b1_key()) is None


def test_signs_as_the_sha256_vector_as_corrected() -> None:
    raw = bytes.fromhex(B1["corrected"]["hex"])
    unsigned = Message.decode(with_length(raw[:-36], len(raw) - 36 - 20))
    assert add_integrity_sha256(unsigned, b1_key()).raw == raw


def test_refuses_the_sha256_vector_as_printed_when_its_length_is_mended() -> None:
    # erratum 6268: the HMAC was made over a length of 156, which counts the header too
    printed = bytes.fromhex(B1["as_printed"]["hex"])
    message = Message.decode(with_length(printed, len(printed) - 20))
    assert check_integrity_sha256(message, b1_key()) is False
    over_156 = hmac.digest(b1_key(), printed[:-36], "sha256")
    assert over_156.hex() == B1["as_printed"]["hmac"]
    assert message.value(AttributeType.MESSAGE_INTEGRITY_SHA256) == over_156


# signing and checking


def test_signs_what_precedes_with_the_length_to_its_own_end() -> None:
    signed = add_integrity(PLAIN, KEY)
    text = with_length(PLAIN.raw, len(PLAIN.raw) - 20 + 24)  # RFC 8489 section 14.5
    assert signed.raw == text + bytes.fromhex("00080014") + hmac.digest(KEY, text, "sha1")
    assert Message.decode(signed.raw) == signed


def test_checks_with_the_length_to_its_own_end_when_more_follows() -> None:
    signed = add_fingerprint(add_integrity_sha256(add_integrity(PLAIN, KEY), KEY))
    assert check_integrity(signed, KEY) is True
    assert check_integrity_sha256(signed, KEY) is True


def test_has_nothing_to_check_when_there_is_none() -> None:
    assert check_integrity(PLAIN, KEY) is None
    assert check_integrity_sha256(PLAIN, KEY) is None


# the type, the cookie, the transaction id, a value with its padding, the HMAC itself
@pytest.mark.parametrize("place", [0, 1, *range(4, 20), *range(24, 36), *range(40, 60)])
def test_notices_any_byte_that_changed(place: int) -> None:
    raw = bytearray(add_integrity(PLAIN, KEY).raw)
    assert len(raw) == 60
    raw[place] ^= 0x01
    assert check_integrity(Message.decode(bytes(raw)), KEY) is False


def test_covers_the_padding() -> None:
    raw = bytearray(add_integrity(PLAIN, KEY).raw)
    assert raw[33:36] == bytes(3)
    raw[33:36] = b"   "
    assert check_integrity(Message.decode(bytes(raw)), KEY) is False


@pytest.mark.parametrize("size", [0, 16, 19, 21, 32])
def test_is_wrong_when_its_value_has_another_size(size: int) -> None:
    digest = add_integrity(PLAIN, KEY).raw[-20:]
    message = PLAIN.append(AttributeType.MESSAGE_INTEGRITY, (digest + bytes(12))[:size])
    assert check_integrity(message, KEY) is False


@pytest.mark.parametrize("size", [16, 20, 24, 28, 32])
def test_cuts_a_sha256_digest_to_an_allowed_size(size: int) -> None:
    signed = add_integrity_sha256(PLAIN, KEY, size)
    text = with_length(PLAIN.raw, len(PLAIN.raw) - 20 + 4 + size)  # RFC 8489 section 14.6
    assert signed.attributes[-1] == (0x001C, hmac.digest(KEY, text, "sha256")[:size])
    assert check_integrity_sha256(signed, KEY, 16) is True
    assert check_integrity_sha256(signed, KEY, size) is True
    assert check_integrity_sha256(signed, KEY) is (size == 32)
    assert check_integrity_sha256(signed, KEY, size + 4) is False


@pytest.mark.parametrize("size", [0, 12, 15, 17, 18, 22, 31, 33, 36])
def test_refuses_to_cut_a_sha256_digest_to_another_size(size: int) -> None:
    with pytest.raises(Unencodable, match=f"{size} bytes"):
        add_integrity_sha256(PLAIN, KEY, size)


@pytest.mark.parametrize("size", [0, 4, 12, 18, 36])
def test_is_wrong_when_a_sha256_digest_is_cut_to_another_size(size: int) -> None:
    text = with_length(PLAIN.raw, len(PLAIN.raw) - 20 + 4 + size)
    digest = (hmac.digest(KEY, text, "sha256") + bytes(4))[:size]
    message = PLAIN.append(AttributeType.MESSAGE_INTEGRITY_SHA256, digest)
    assert check_integrity_sha256(message, KEY, 0) is False


def test_ignores_an_integrity_attribute_that_stands_behind_a_seal() -> None:
    # RFC 8489 section 9
    after_sha256 = add_integrity_sha256(PLAIN, KEY).append(
        AttributeType.MESSAGE_INTEGRITY, bytes(20)
    )
    assert check_integrity(after_sha256, KEY) is None
    after_fingerprint = add_fingerprint(PLAIN).append(
        AttributeType.MESSAGE_INTEGRITY_SHA256, bytes(32)
    )
    assert check_integrity_sha256(after_fingerprint, KEY) is None


def test_checks_the_first_of_two() -> None:
    forged = PLAIN.append(AttributeType.MESSAGE_INTEGRITY, bytes(20))
    text = with_length(forged.raw, len(forged.raw) - 20 + 24)
    second = forged.append(AttributeType.MESSAGE_INTEGRITY, hmac.digest(KEY, text, "sha1"))
    assert check_integrity(second, KEY) is False


def test_refuses_to_sign_after_an_attribute_that_must_come_later() -> None:
    signed, sha256 = add_integrity(PLAIN, KEY), add_integrity_sha256(PLAIN, KEY)
    marked = add_fingerprint(PLAIN)
    for message in (signed, sha256, marked):
        with pytest.raises(Unencodable, match="the message already has"):
            add_integrity(message, KEY)
    for message in (sha256, marked):
        with pytest.raises(Unencodable, match="the message already has"):
            add_integrity_sha256(message, KEY)
    with pytest.raises(Unencodable, match="already has MESSAGE-INTEGRITY-SHA256"):
        add_integrity(sha256, KEY)


def test_refuses_to_sign_a_message_that_grows_too_long() -> None:
    full = Message.request(Method.BINDING, ID, [Padding(bytes(65528))])
    with pytest.raises(Unencodable, match="65556 bytes"):
        add_integrity(full, KEY)
    with pytest.raises(Unencodable, match="65568 bytes"):
        add_integrity_sha256(full, KEY)


# classic STUN


@pytest.mark.parametrize(
    ("attributes", "padding"),
    [
        ([], 44),  # 20 bytes of text
        ([Username("evtj:h6vY123")], 28),  # 36
        ([Software("x" * 40)], 0),  # 64: already a multiple
        ([Software("x" * 44)], 60),  # 68
    ],
)
def test_pads_the_signed_text_to_64_bytes_when_classic(
    attributes: list[Username | Software], padding: int
) -> None:
    # RFC 3489 section 11.2.8
    classic = Message.request(Method.BINDING, CLASSIC_ID, attributes)
    text = with_length(classic.raw, len(classic.raw) - 20 + 24) + bytes(padding)
    assert len(text) % 64 == 0
    signed = add_integrity(classic, KEY)
    assert signed.attributes[-1] == (0x0008, hmac.digest(KEY, text, "sha1"))
    assert check_integrity(Message.decode(signed.raw), KEY) is True


def test_does_not_pad_the_signed_text_when_the_cookie_is_there() -> None:
    text = with_length(PLAIN.raw, len(PLAIN.raw) - 20 + 24)
    padded = hmac.digest(KEY, text + bytes(-len(text) % 64), "sha1")
    message = PLAIN.append(AttributeType.MESSAGE_INTEGRITY, padded)
    assert check_integrity(message, KEY) is False


def test_fits_the_attributes_that_hold_the_digests() -> None:
    signed = add_integrity_sha256(add_integrity(PLAIN, KEY), KEY, 16)
    sha1, sha256 = signed.get(MessageIntegrity), signed.get(MessageIntegritySha256)
    assert sha1 is not None
    assert sha256 is not None
    assert (len(sha1.value), len(sha256.value)) == (20, 16)
