"""FINGERPRINT: a CRC-32 that tells STUN from what shares its port (RFC 8489 sections 7, 14.7)."""

from __future__ import annotations

from zlib import crc32

from stunkit.errors import Unencodable
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType

XOR = 0x5354554E  # "STUN"; RFC 8489 section 14.7
SIZE = 8  # bytes of the whole attribute


def add_fingerprint(message: Message) -> Message:
    """Return the message with FINGERPRINT at its end.

    Raises Unencodable when the message grows too long, or has one already.
    """
    if any(number == AttributeType.FINGERPRINT for number, _ in message.attributes):
        raise Unencodable("the message already has FINGERPRINT")
    # The length in the header already counts the attribute while the CRC is computed.
    dummy = message.append(AttributeType.FINGERPRINT, bytes(4))
    crc = crc32(dummy.raw[:-SIZE]) ^ XOR
    value = crc.to_bytes(4, "big")
    return Message(
        dummy.raw[:-4] + value, (*message.attributes, (AttributeType.FINGERPRINT, value))
    )


def check_fingerprint(message: Message) -> bool | None:
    """Return whether FINGERPRINT is right, or None where there is none.

    One that is not the last attribute is wrong; in a classic message it means nothing.
    """
    value = message.value(AttributeType.FINGERPRINT)
    if value is None or message.is_classic:
        return None
    start = len(message.raw) - SIZE
    if message.offset(AttributeType.FINGERPRINT) != start or len(value) != 4:
        return False
    return int.from_bytes(value, "big") == crc32(message.raw[:start]) ^ XOR
