"""Attributes that hold a digest. How they are computed is in ``wire.integrity`` and
``wire.fingerprint``.
"""

from __future__ import annotations

from stunkit.wire.attributes.attribute import Number, Opaque
from stunkit.wire.registry import AttributeType


class MessageIntegrity(Opaque):
    """MESSAGE-INTEGRITY: an HMAC-SHA1 (RFC 8489 section 14.5)."""

    __slots__ = ()
    type = AttributeType.MESSAGE_INTEGRITY
    sizes = (20,)


class MessageIntegritySha256(Opaque):
    """MESSAGE-INTEGRITY-SHA256: an HMAC-SHA256, whole or its first bytes (RFC 8489 14.6)."""

    __slots__ = ()
    type = AttributeType.MESSAGE_INTEGRITY_SHA256
    sizes = (16, 20, 24, 28, 32)


class Fingerprint(Number):
    """FINGERPRINT: CRC-32 XOR 0x5354554E (RFC 8489 section 14.7)."""

    __slots__ = ()
    type = AttributeType.FINGERPRINT


class Userhash(Opaque):
    """USERHASH: SHA-256 of username and realm (RFC 8489 section 14.4)."""

    __slots__ = ()
    type = AttributeType.USERHASH
    sizes = (32,)
