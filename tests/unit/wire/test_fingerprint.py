import tomllib
from pathlib import Path
from zlib import crc32

import pytest

from stunkit.errors import Unencodable
from stunkit.wire.attributes.behavior import Padding
from stunkit.wire.attributes.digest import Fingerprint, MessageIntegrity
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Method

VECTORS = tomllib.loads(
    (Path(__file__).parents[2] / "data" / "rfc5769.toml").read_text(encoding="utf-8")
)
ID = bytes(range(12))
PLAIN = Message.request(Method.BINDING, ID, [Software("stunkit")])


@pytest.mark.parametrize("name", ["request", "response_ipv4", "response_ipv6"])
def test_accepts_and_makes_the_vectors(name: str) -> None:
    raw = bytes.fromhex(VECTORS[name]["hex"])
    assert check_fingerprint(Message.decode(raw)) is True
    shorter = raw[:2] + (len(raw) - 28).to_bytes(2, "big") + raw[4:-8]
    assert add_fingerprint(Message.decode(shorter)).raw == raw


def test_covers_the_length_with_itself_in_it() -> None:
    signed = add_fingerprint(PLAIN)
    text = PLAIN.raw[:2] + (len(PLAIN.raw) - 12).to_bytes(2, "big") + PLAIN.raw[4:]
    crc = crc32(text) ^ 0x5354554E  # RFC 8489 section 14.7
    assert signed.raw == text + bytes.fromhex("80280004") + crc.to_bytes(4, "big")
    assert Message.decode(signed.raw) == signed
    assert check_fingerprint(signed) is True


def test_is_absent_when_there_is_none() -> None:
    assert check_fingerprint(PLAIN) is None


# the type, the transaction id, a value with its padding, the CRC itself
@pytest.mark.parametrize("place", [0, 1, *range(8, 20), *range(24, 32), *range(36, 40)])
def test_notices_any_byte_that_changed(place: int) -> None:
    raw = bytearray(add_fingerprint(PLAIN).raw)
    assert len(raw) == 40
    raw[place] ^= 0x01
    assert check_fingerprint(Message.decode(bytes(raw))) is False


def test_means_nothing_in_a_classic_message() -> None:
    classic = Message.request(Method.BINDING, bytes(16), [Fingerprint(0)])
    assert check_fingerprint(classic) is None


def test_is_wrong_when_another_attribute_follows() -> None:
    followed = add_fingerprint(PLAIN).append(AttributeType.SOFTWARE, b"")
    assert check_fingerprint(followed) is False


def test_is_wrong_when_it_fits_all_but_the_last_eight_bytes_and_is_not_last() -> None:
    start = PLAIN.raw[:2] + bytes((0, len(PLAIN.raw) - 20 + 12)) + PLAIN.raw[4:]
    value = crc32(start + bytes.fromhex("80280004")) ^ 0x5354554E
    message = PLAIN.append(AttributeType.FINGERPRINT, value.to_bytes(4, "big"))
    assert check_fingerprint(message.append(AttributeType.SOFTWARE, b"")) is False


def test_is_wrong_when_the_last_of_two_fits() -> None:
    first = PLAIN.append(AttributeType.FINGERPRINT, bytes(4))
    text = first.raw[:2] + (len(first.raw) - 12).to_bytes(2, "big") + first.raw[4:]
    crc = crc32(text) ^ 0x5354554E
    assert check_fingerprint(first.append(AttributeType.FINGERPRINT, crc.to_bytes(4, "big"))) is (
        False
    )


@pytest.mark.parametrize("size", [0, 1, 3, 5, 8])
def test_is_wrong_when_its_value_has_another_size(size: int) -> None:
    assert check_fingerprint(PLAIN.append(AttributeType.FINGERPRINT, bytes(size))) is False


def test_is_seen_after_message_integrity() -> None:
    message = Message.request(Method.BINDING, ID, [MessageIntegrity(bytes(20))])
    assert check_fingerprint(add_fingerprint(message)) is True


def test_refuses_a_second_one() -> None:
    with pytest.raises(Unencodable, match="already has FINGERPRINT"):
        add_fingerprint(add_fingerprint(PLAIN))


def test_refuses_a_message_that_grows_too_long() -> None:
    full = Message.request(Method.BINDING, ID, [Padding(bytes(65528))])
    with pytest.raises(Unencodable, match="65540 bytes"):
        add_fingerprint(full)
