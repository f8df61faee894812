"""MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256: keys, signing, checking.

RFC 8489 sections 9.1.1, 9.2.2, 14.4 to 14.6 and 18.5.1; RFC 3489 section 11.2.8 for classic
messages, whose signed text is padded with zeros to a multiple of 64 bytes. Comparisons take
constant time.
"""

from __future__ import annotations

import hashlib
import hmac

from stunkit.errors import Unencodable
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.prepare import opaque_string
from stunkit.wire.registry import AttributeType, PasswordAlgorithmNumber

SHA256_SIZES = (16, 20, 24, 28, 32)  # bytes; RFC 8489 section 14.6


def short_term_key(password: str) -> bytes:
    """Return the HMAC key of a short-term credential (RFC 8489 section 9.1.1)."""
    return opaque_string(password).encode()


def long_term_key(
    username: str,
    realm: str,
    password: str,
    algorithm: PasswordAlgorithmNumber = PasswordAlgorithmNumber.MD5,
) -> bytes:
    """Return the HMAC key of a long-term credential: 16 bytes for MD5, 32 for SHA-256.

    Quotes around username and realm, and trailing NULs, do not count (RFC 8489 sections 9.2.2 and
    18.5.1). Raises Unencodable as ``opaque_string`` does, and for a username that has no UTF-8.
    """
    fields = (
        _bare(username),
        opaque_string(_bare(realm)),
        opaque_string(password.rstrip("\0")),
    )
    try:
        text = ":".join(fields).encode()
    except UnicodeEncodeError as error:
        raise Unencodable(f"no UTF-8: {error.reason}", place="username") from None
    if algorithm is PasswordAlgorithmNumber.SHA256:
        return hashlib.sha256(text).digest()
    return hashlib.md5(text, usedforsecurity=False).digest()


def userhash(username: str, realm: str) -> bytes:
    """Return the 32 bytes of USERHASH (RFC 8489 section 14.4)."""
    text = f"{opaque_string(username)}:{opaque_string(realm)}"
    return hashlib.sha256(text.encode()).digest()


def add_integrity(message: Message, key: bytes) -> Message:
    """Return the message with MESSAGE-INTEGRITY (HMAC-SHA1) at its end.

    Raises Unencodable when the message grows too long, or already ends with an attribute that
    must come later.
    """
    _refuse_after(
        message,
        AttributeType.MESSAGE_INTEGRITY,
        AttributeType.MESSAGE_INTEGRITY_SHA256,
        AttributeType.FINGERPRINT,
    )
    digest = _digest(message, len(message.raw), key, 20, "sha1")
    return message.append(AttributeType.MESSAGE_INTEGRITY, digest)


def add_integrity_sha256(message: Message, key: bytes, size: int = 32) -> Message:
    """Return the message with MESSAGE-INTEGRITY-SHA256, cut to ``size`` bytes, at its end.

    Raises Unencodable for a size that RFC 8489 section 14.6 does not allow, and as
    ``add_integrity`` does.
    """
    if size not in SHA256_SIZES:
        raise Unencodable(f"{size} bytes, where {SHA256_SIZES} are allowed", place="HMAC-SHA256")
    _refuse_after(message, AttributeType.MESSAGE_INTEGRITY_SHA256, AttributeType.FINGERPRINT)
    digest = _digest(message, len(message.raw), key, size, "sha256")
    return message.append(AttributeType.MESSAGE_INTEGRITY_SHA256, digest)


def check_integrity(message: Message, key: bytes) -> bool | None:
    """Return whether MESSAGE-INTEGRITY fits the key, or None where there is none."""
    return _check(message, key, AttributeType.MESSAGE_INTEGRITY, (20,), "sha1")


def check_integrity_sha256(message: Message, key: bytes, minimum: int = 32) -> bool | None:
    """Return whether MESSAGE-INTEGRITY-SHA256 fits the key, or None where there is none.

    One that is cut to fewer than ``minimum`` bytes is wrong: truncation is for usages that allow
    it (RFC 8489 section 14.6).
    """
    sizes = tuple(size for size in SHA256_SIZES if size >= minimum)
    return _check(message, key, AttributeType.MESSAGE_INTEGRITY_SHA256, sizes, "sha256")


def _bare(text: str) -> str:
    """Take off quotes and trailing NULs, whichever stands outside."""
    return text.lstrip('"').rstrip('"\0')


def _refuse_after(message: Message, *later: AttributeType) -> None:
    for number in later:
        if any(kind == number for kind, _ in message.attributes):
            raise Unencodable(f"the message already has {number.name.replace('_', '-')}")


def _digest(message: Message, start: int, key: bytes, size: int, algorithm: str) -> bytes:
    """Compute the HMAC of what precedes byte ``start``, the length set to end with the attribute.

    The attribute that starts there has a value of ``size`` bytes.
    """
    length = start - HEADER_SIZE + 4 + size
    raw = message.raw
    text = raw[:2] + (length & 0xFFFF).to_bytes(2, "big") + raw[4:start]
    if message.is_classic:
        text += bytes(-len(text) % 64)
    return hmac.digest(key, text, algorithm)[:size]


def _check(
    message: Message, key: bytes, number: AttributeType, sizes: tuple[int, ...], algorithm: str
) -> bool | None:
    value = message.value(number)
    start = message.offset(number)
    if value is None or start is None:
        return None
    if len(value) not in sizes:
        return False
    return hmac.compare_digest(value, _digest(message, start, key, len(value), algorithm))
