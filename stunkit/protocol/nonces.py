"""The nonces of a closed server: each proves itself, so that none has to be remembered.

    "obMatJos2" and the security features   13 characters, the nonce cookie
    when it was issued                       4 characters: 24 bits of whole seconds
    HMAC-SHA256, its first 64 bits          11 characters

All of it is base64 and stands in the quotes of a challenge as it is. The HMAC covers realm, time
(all of its bits, so that nothing comes back when the 24 wrap), source address and port. A nonce
thus differs from source to source, as RFC 8489 section 9.2.4 demands, and is good for that source
alone; what it says about security features cannot be changed on the way (section 9.2.1).

64 bits are enough: nobody can try them but by asking us, and to guess right opens nothing without
a key. They are few because a challenge is long (see ``Site.budget``).
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error

from stunkit.endpoint import Endpoint
from stunkit.wire.nonce import COOKIE_SIZE, SecurityFeature, nonce_cookie

LIFETIME = 600  # seconds; a client that comes back later is asked once more
LEAST_SECRET = 16  # bytes of a secret that nobody can try out
SIZE = COOKIE_SIZE + 4 + 11  # bytes of a nonce
_WRAP = 1 << 24  # seconds, 194 days, until the time in a nonce repeats
LONGEST_LIFETIME = _WRAP - 1  # seconds
_DIGEST_SIZE = 8  # bytes


class Nonces:
    """Issues nonces, and knows its own.

    Servers that share ``secret``, realm and clock accept each other's. ``lifetime`` is in seconds.
    Raises ValueError for a short secret, or a lifetime that is not from 1 second to 194 days.
    """

    def __init__(
        self, secret: bytes, realm: str, features: SecurityFeature, lifetime: int = LIFETIME
    ) -> None:
        if len(secret) < LEAST_SECRET:
            raise ValueError(f"the secret of nonces has {LEAST_SECRET} bytes at least")
        if not 1 <= lifetime <= LONGEST_LIFETIME:
            raise ValueError(f"a nonce lives for 1 to {LONGEST_LIFETIME} seconds, not {lifetime}")
        self._secret = secret
        self._lifetime = lifetime
        self._cookie = nonce_cookie(features)
        self._realm = realm.encode() + b"\0"  # which no realm contains

    def issue(self, source: Endpoint, now: float) -> bytes:
        """Return the nonce for a source; the same one for the rest of this second."""
        return self._issued(source, int(now))

    def is_valid(self, nonce: bytes, source: Endpoint, now: float) -> bool:
        """Return whether we issued this nonce to this source, and lately."""
        if len(nonce) != SIZE:
            return False
        try:
            stamp = b64decode(nonce[COOKIE_SIZE : COOKIE_SIZE + 4], validate=True)
        except Error:
            return False
        age = (int(now) - int.from_bytes(stamp, "big")) % _WRAP
        own = hmac.compare_digest(nonce, self._issued(source, int(now) - age))
        return own and age < self._lifetime

    def _issued(self, source: Endpoint, second: int) -> bytes:
        text = self._realm + second.to_bytes(8, "big", signed=True)
        text += source.packed + source.port.to_bytes(2, "big")
        digest = hmac.digest(self._secret, text, "sha256")[:_DIGEST_SIZE]
        stamp = (second % _WRAP).to_bytes(3, "big")
        return self._cookie + b64encode(stamp) + b64encode(digest).rstrip(b"=")
