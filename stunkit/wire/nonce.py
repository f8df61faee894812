"""The nonce cookie: security features that an attacker on the path cannot strip unseen.

A server of RFC 8489 starts its NONCE with "obMatJos2" and the base64 of 24 feature bits (sections
9.2, 9.2.1 and 18.1). Bits count from the least significant side, as erratum 6290 corrects the
text and as the vector of appendix B.1 has them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from enum import IntFlag

PREFIX = b"obMatJos2"  # RFC 8489 section 9.2
COOKIE_SIZE = 13  # bytes: the prefix and four base64 characters


class SecurityFeature(IntFlag):
    """The "STUN Security Features" registry (RFC 8489 section 18.1, erratum 6290)."""

    PASSWORD_ALGORITHMS = 1 << 0
    USERNAME_ANONYMITY = 1 << 1


# Deviation: the printed text of section 18.1 numbers the bits from the other side. Servers that
# follow it exist, so a bit that is set at either place is honoured; that can only refuse more.
_AS_PRINTED = {
    1 << 23: SecurityFeature.PASSWORD_ALGORITHMS,
    1 << 22: SecurityFeature.USERNAME_ANONYMITY,
}


def nonce_cookie(features: SecurityFeature) -> bytes:
    """Return the 13 bytes that a server puts before its nonce."""
    return PREFIX + b64encode(int(features).to_bytes(3, "big"))


def security_features(nonce: bytes) -> SecurityFeature | None:
    """Return the features that a nonce announces, or None when it has no cookie.

    Bits without a name are kept.
    """
    if len(nonce) < COOKIE_SIZE or not nonce.startswith(PREFIX):
        return None
    try:
        decoded = b64decode(nonce[len(PREFIX) : COOKIE_SIZE], validate=True)
    except Error:
        return None
    if len(decoded) != 3:
        return None
    bits = int.from_bytes(decoded, "big")
    features = SecurityFeature(bits)
    for bit, feature in _AS_PRINTED.items():
        if bits & bit:
            features = (features & ~bit) | feature
    return features
