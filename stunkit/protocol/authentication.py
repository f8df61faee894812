"""Whether a request comes from somebody who may ask: the checks, in the RFC's order.

Answers to RFC 8489 sections 9.1.3 (short-term), 9.2.4 (long-term) and 9.2.1 (bid-down attacks). A
request that passes yields the ``Seal`` that its answer, success or error, has to carry; any other
yields the ``Refusal`` to send, which carries none: the key of a stranger is not known.

Rules of this file: attributes are compared as bytes, so no value can raise; a name that is unknown
and a password that is wrong get the same answer after the same work.
"""

from __future__ import annotations

from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.nonces import Nonces
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
)
from stunkit.wire.message import Message
from stunkit.wire.nonce import SecurityFeature, security_features
from stunkit.wire.registry import AttributeType, Code, PasswordAlgorithmNumber

NOBODYS_KEY = bytes(32)  # what the signature of an unknown username is compared with

# The values that PASSWORD-ALGORITHM can have: neither algorithm has parameters (RFC 8489 18.5.1).
_ALGORITHMS = {number.to_bytes(2, "big") + bytes(2): number for number in PasswordAlgorithmNumber}


class Seal(NamedTuple):
    """What signs every answer to a request that passed."""

    key: bytes
    is_sha256: bool

    def sign(self, answer: Message) -> Message:
        """Return the answer with MESSAGE-INTEGRITY-SHA256 or MESSAGE-INTEGRITY."""
        add = add_integrity_sha256 if self.is_sha256 else add_integrity
        return add(answer, self.key)


class Refusal(NamedTuple):
    """An error to answer with, and what it has to say besides its code."""

    code: Code
    attributes: tuple[Attribute, ...] = ()


def authenticate(
    request: Message, source: Endpoint, credentials: Credentials, now: float
) -> Seal | Refusal:
    """Check who asks. ``now`` is Unix time in seconds.

    A classic request is always refused, with a bare 401: it belongs to a mechanism whose secrets
    came from Shared Secret requests (RFC 3489 section 9.3), and its sender knows neither NONCE nor
    REALM.
    """
    if request.is_classic:
        return Refusal(Code.UNAUTHORIZED)
    if credentials.nonces is None:
        return _short_term(request, credentials, now)
    return _long_term(request, source, credentials, credentials.nonces, now)


def _short_term(request: Message, credentials: Credentials, now: float) -> Seal | Refusal:
    """Make the checks of RFC 8489 section 9.1.3."""
    username = request.value(AttributeType.USERNAME)
    if not _is_signed(request) or username is None:
        return Refusal(Code.BAD_REQUEST)
    key = _proven(request, credentials.keys_of(username, now))
    if key is None:
        return Refusal(Code.UNAUTHORIZED)
    return Seal(key, request.value(AttributeType.MESSAGE_INTEGRITY_SHA256) is not None)


def _long_term(
    request: Message, source: Endpoint, credentials: Credentials, nonces: Nonces, now: float
) -> Seal | Refusal:
    """Make the checks of RFC 8489 section 9.2.4."""
    if not _is_signed(request):
        return Refusal(Code.UNAUTHORIZED, credentials.challenge(source, now))
    username = request.value(AttributeType.USERNAME)
    digest = request.value(AttributeType.USERHASH)
    realm, nonce = request.value(AttributeType.REALM), request.value(AttributeType.NONCE)
    if (username is None and digest is None) or realm is None or nonce is None:
        return Refusal(Code.BAD_REQUEST)
    algorithm = _algorithm(request, nonce, credentials)
    if algorithm is None:
        return Refusal(Code.BAD_REQUEST)
    if username is None:
        username = credentials.username_of(digest)
    keys = credentials.keys_of(username, now, algorithm)
    if realm != (credentials.realm or "").encode():
        keys = ()  # a username is one of our realm: in another realm there is none that is valid
    key = _proven(request, keys)
    if key is None:
        return Refusal(Code.UNAUTHORIZED, credentials.challenge(source, now))
    # A nonce that is not ours is as stale as an old one: whoever signed it has the password, and
    # may have got it before we were started anew. A stranger has been refused by now.
    if not nonces.is_valid(nonce, source, now):
        return Refusal(Code.STALE_NONCE, credentials.challenge(source, now))
    return Seal(key, is_sha256=_names_algorithms(request))


def _algorithm(
    request: Message, nonce: bytes, credentials: Credentials
) -> PasswordAlgorithmNumber | None:
    """Return what the request's key was made with, or None for what calls for a 400."""
    if not _names_algorithms(request):
        return PasswordAlgorithmNumber.MD5
    chosen = request.value(AttributeType.PASSWORD_ALGORITHM)
    features = security_features(nonce)
    if features is not None and SecurityFeature.PASSWORD_ALGORITHMS in features:
        # The list has to be the one that we sent. It has one entry, so the choice is the same.
        sent = credentials.algorithms.encode(b"")
        if not request.value(AttributeType.PASSWORD_ALGORITHMS) == chosen == sent:
            return None
    return PasswordAlgorithmNumber.MD5 if chosen is None else _ALGORITHMS.get(chosen)


def _names_algorithms(request: Message) -> bool:
    """Return whether the request has PASSWORD-ALGORITHMS or PASSWORD-ALGORITHM.

    One without is of a client that knows MD5 alone (RFC 5389), and gets MESSAGE-INTEGRITY.
    """
    return (
        request.value(AttributeType.PASSWORD_ALGORITHMS) is not None
        or request.value(AttributeType.PASSWORD_ALGORITHM) is not None
    )


def _is_signed(request: Message) -> bool:
    return (
        request.value(AttributeType.MESSAGE_INTEGRITY) is not None
        or request.value(AttributeType.MESSAGE_INTEGRITY_SHA256) is not None
    )


def _proven(request: Message, keys: tuple[bytes, ...]) -> bytes | None:
    """Return the key that the request was signed with, or None.

    Where MESSAGE-INTEGRITY-SHA256 is present, it alone counts.
    """
    is_sha256 = request.value(AttributeType.MESSAGE_INTEGRITY_SHA256) is not None
    check = check_integrity_sha256 if is_sha256 else check_integrity
    fitting = [key for key in keys or (NOBODYS_KEY,) if check(request, key)]
    return fitting[0] if keys and fitting else None
