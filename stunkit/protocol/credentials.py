"""Who may ask: usernames with their passwords or keys, and secrets that vouch for usernames.

Answers to RFC 8489 sections 9.1.1, 9.2.2, 14.4 and 18.5. A shared secret follows the convention
of "A REST API for Access to TURN Services": whoever knows it hands out usernames that carry their
own expiry, with the password base64(HMAC-SHA1(secret, username)).

Rules of this file: all that is slow or can fail is done when the credentials are made; a look-up
never raises, whatever bytes it is asked for. Nothing secret appears in ``repr``. ``now`` is Unix
time in seconds, as expiry times are.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable
from stunkit.protocol.nonces import LIFETIME, SIZE, Nonces
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Nonce, Realm, Username
from stunkit.wire.integrity import long_term_key, short_term_key, userhash
from stunkit.wire.nonce import SecurityFeature
from stunkit.wire.prepare import opaque_string
from stunkit.wire.registry import PasswordAlgorithmNumber

MD5, SHA256 = PasswordAlgorithmNumber.MD5, PasswordAlgorithmNumber.SHA256
ALGORITHM_BY_KEY_SIZE = {16: MD5, 32: SHA256}  # bytes; RFC 8489 section 18.5.1
EXPIRY_DIGITS = 12  # of an expiry in seconds: enough for 30,000 years


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """The credentials that a closed server accepts.

    With a ``realm`` they are long-term (RFC 8489 section 9.2), without one short-term (section
    9.1). ``passwords`` and ``keys`` are by username; a key made beforehand is the MD5 (16 bytes) or
    SHA-256 (32 bytes) of username, realm and password, so a file need not hold the password, and a
    username may have both. ``secrets`` are those of the REST convention, several while one takes
    over from another. ``nonce_secret`` and ``nonce_lifetime`` are for long-term credentials.

    Raises ValueError for what makes no sense, Unencodable for text that cannot be prepared or sent.
    """

    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    keys: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    realm: str | None = None
    nonce_secret: bytes = field(default=b"", repr=False)
    nonce_lifetime: int = LIFETIME
    algorithm: PasswordAlgorithmNumber = field(init=False, default=SHA256)
    nonces: Nonces | None = field(init=False, repr=False, default=None)
    _keys: dict[tuple[bytes, PasswordAlgorithmNumber], bytes] = field(
        init=False, repr=False, default_factory=dict
    )
    _by_userhash: dict[bytes, bytes] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not all(secret.encode() for secret in self.secrets):
            raise ValueError("a shared secret is not empty: everybody knows that one")
        if self.realm is None and self.keys:
            raise ValueError("a short-term credential has no other key than its password")
        for username, password in self.passwords.items():
            name = _prepared(username)
            for algorithm in (MD5, SHA256):
                self._keys[name, algorithm] = self._key(name.decode(), password, algorithm)
        for username, keys in self.keys.items():
            for key in keys:
                if len(key) not in ALGORITHM_BY_KEY_SIZE:
                    raise ValueError(f"a key has 16 or 32 bytes, not {len(key)}")
                self._keys[_prepared(username), ALGORITHM_BY_KEY_SIZE[len(key)]] = key
        if self.realm is not None:
            self._become_long_term(self.realm)

    def _become_long_term(self, realm: str) -> None:
        """Prepare what a challenge needs."""
        if opaque_string(realm) != realm or '"' in realm or "\\" in realm:
            raise Unencodable("it is not as OpaqueString leaves it, or needs quotes", place="REALM")
        Realm(realm).encode(b"")  # raises what would otherwise be raised for each challenge
        names = {name for name, _ in self._keys}
        shared = [
            kind for kind in (SHA256, MD5) if all((name, kind) in self._keys for name in names)
        ]
        if not shared:
            raise ValueError("some usernames have only an MD5 key, and some only a SHA-256 key")
        features = SecurityFeature.PASSWORD_ALGORITHMS
        if not self.secrets:  # usernames that nobody wrote down cannot be found by their hash
            features |= SecurityFeature.USERNAME_ANONYMITY
            for name in names:
                self._by_userhash[userhash(name.decode(), realm)] = name
        nonces = Nonces(self.nonce_secret, realm, features, self.nonce_lifetime)
        object.__setattr__(self, "algorithm", shared[0])
        object.__setattr__(self, "nonces", nonces)

    def username_of(self, digest: bytes | None) -> bytes:
        """Return the username with this USERHASH, or an empty one, which is nobody's."""
        return self._by_userhash.get(digest or b"", b"")

    def keys_of(
        self, username: bytes, now: float, algorithm: PasswordAlgorithmNumber = SHA256
    ) -> tuple[bytes, ...]:
        """Return the keys that a username may sign with at present; none if it may not ask.

        One key if the username is listed, or one for each shared secret. The algorithm makes no
        difference to short-term credentials.
        """
        key = self._keys.get((username, algorithm))
        if key is not None:
            return (key,)
        try:
            name = username.decode()
        except UnicodeDecodeError:
            return ()
        expires = expiry(name)
        if expires is None or now >= expires:
            return ()
        return tuple(
            self._key(name, rest_password(secret, name), algorithm) for secret in self.secrets
        )

    @property
    def algorithms(self) -> PasswordAlgorithms:
        """What a challenge offers: the strongest algorithm that every username has a key for.

        One is enough, as a client that does not know the attribute uses MD5 in any case (RFC 8489
        section 9.2.4), and makes the challenge shortest.
        """
        return PasswordAlgorithms((Algorithm(self.algorithm),))

    def challenge(self, source: Endpoint, now: float) -> tuple[Attribute, ...]:
        """Return what a 401 or 438 needs to say; nothing of short-term credentials."""
        if self.realm is None or self.nonces is None:
            return ()
        return Realm(self.realm), Nonce(self.nonces.issue(source, now)), self.algorithms

    @property
    def challenge_size(self) -> int:
        """How many bytes a challenge adds to an error response."""
        if self.realm is None:
            return 0
        size = len(self.realm.encode())
        return 4 + size + -size % 4 + 4 + SIZE + 4 + len(self.algorithms.encode(b""))

    def _key(self, username: str, password: str, algorithm: PasswordAlgorithmNumber) -> bytes:
        if self.realm is None:
            return short_term_key(password)
        return long_term_key(username, self.realm, password, algorithm)


def rest_password(secret: str, username: str) -> str:
    """Return the password that goes with a username of the REST convention."""
    return b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


def expiry(username: str) -> int | None:
    """Return the Unix time in ``TIME``, ``TIME:NAME`` or ``NAME:TIME``, or None without one.

    Where both sides are numbers the first is the time, as the convention has it.
    """
    for text in (username.partition(":")[0], username.rpartition(":")[2]):
        if text.isascii() and text.isdigit() and len(text) <= EXPIRY_DIGITS:
            return int(text)
    return None


def _prepared(username: str) -> bytes:
    """Return a username as USERNAME has it."""
    return Username(opaque_string(username)).encode(b"")
