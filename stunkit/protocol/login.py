"""A client's credential at one server: it signs requests, and says which answers to believe.

Answers to RFC 8489 sections 9.1.2, 9.1.4 and 9.1.5 (short-term), 9.2.3 and 9.2.5 (long-term). A
long-term login starts without a signature and learns realm, nonce and algorithm from the server's
challenge; whoever asks does so again, in a new transaction, as long as ``learn`` says that it is
worth it, and at most ``ROUNDS`` times.

Rules of this file: nothing that a server says raises; what it says without a signature changes
only what the next request is signed with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Realm, Username
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
from stunkit.wire.nonce import SecurityFeature, security_features
from stunkit.wire.prepare import opaque_string
from stunkit.wire.registry import (
    AttributeType,
    Code,
    MessageClass,
    Method,
    PasswordAlgorithmNumber,
)

ROUNDS = 4  # requests to one question: unsigned, signed, and two more for nonces that went stale

_CHALLENGES = (Code.UNAUTHORIZED, Code.STALE_NONCE)


class Signature(NamedTuple):
    """What a request was signed with, which its answer has to be signed with too."""

    key: bytes
    with_sha1: bool
    with_sha256: bool
    is_long_term: bool

    def sign(self, request: Message) -> Message:
        """Return the request with MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 or both."""
        if self.with_sha1:
            request = add_integrity(request, self.key)
        return add_integrity_sha256(request, self.key) if self.with_sha256 else request

    def accepts(self, response: Message) -> bool:
        """Return whether a response counts, or is to be taken as if it had never come.

        A long-term challenge counts without a signature; nothing else does, a 400 included (RFC
        8489 sections 9.1.4 and 9.2.5).
        """
        if self.is_long_term:
            if _code(response) in _CHALLENGES:
                return True
            if _is_bid_down(response):
                return False
            signed = check_integrity_sha256(response, self.key)
            return bool(check_integrity(response, self.key) if signed is None else signed)
        # Short-term: in the algorithm that was asked with.
        signed = check_integrity_sha256(response, self.key) if self.with_sha256 else None
        if signed is None and self.with_sha1:
            signed = check_integrity(response, self.key)
        return bool(signed)


class _Challenge(NamedTuple):
    """What a server wants to hear again, byte for byte, and the key that follows from it."""

    realm: bytes
    nonce: bytes
    offered: bytes | None  # PASSWORD-ALGORITHMS
    chosen: PasswordAlgorithmNumber
    name: tuple[int, bytes]  # USERNAME or USERHASH
    key: bytes


class Login:
    """A username and a password, at one server (one address and port).

    Raises Unencodable for text that OpaqueString forbids.
    """

    def __init__(self, username: str, password: str, *, is_short_term: bool = False) -> None:
        self._username = opaque_string(username)
        self._name = Username(self._username).encode(b"")
        self._password = password
        self._key = short_term_key(password)
        self._is_short_term = is_short_term
        self._algorithm: AttributeType | None = None  # what short-term answers are signed with
        self._challenge: _Challenge | None = None

    def request(
        self,
        transaction_id: bytes,
        attributes: Iterable[Attribute] = (),
        *,
        method: int = Method.BINDING,
    ) -> tuple[Message, Signature | None]:
        """Return a request, and its signature if it has one."""
        request = Message.request(method, transaction_id, attributes)
        challenge = self._challenge
        if self._is_short_term:
            signature = Signature(
                self._key,
                with_sha1=self._algorithm is not AttributeType.MESSAGE_INTEGRITY_SHA256,
                with_sha256=self._algorithm is not AttributeType.MESSAGE_INTEGRITY,
                is_long_term=False,
            )
            return signature.sign(request.append(AttributeType.USERNAME, self._name)), signature
        if challenge is None:
            return request, None
        request = request.append(*challenge.name)
        request = request.append(AttributeType.REALM, challenge.realm)
        request = request.append(AttributeType.NONCE, challenge.nonce)
        is_modern = challenge.offered is not None
        if challenge.offered is not None:
            request = request.append(AttributeType.PASSWORD_ALGORITHMS, challenge.offered)
            chosen = PasswordAlgorithm(Algorithm(challenge.chosen)).encode(b"")
            request = request.append(AttributeType.PASSWORD_ALGORITHM, chosen)
        signature = Signature(
            challenge.key, with_sha1=not is_modern, with_sha256=is_modern, is_long_term=True
        )
        return signature.sign(request), signature

    def learn(self, request: Message, response: Message) -> bool:
        """Learn from a response that counts; return whether asking again can change it."""
        if self._is_short_term:
            for number in (AttributeType.MESSAGE_INTEGRITY_SHA256, AttributeType.MESSAGE_INTEGRITY):
                if response.value(number) is not None:
                    self._algorithm = number
                    break
            return False
        code = _code(response)
        if code not in _CHALLENGES:
            return False
        challenge = self._read(response)
        if challenge is None:
            return False
        self._challenge = challenge
        # The same username and password were wrong in this realm a moment ago.
        was_wrong = request.value(AttributeType.REALM) == challenge.realm
        return code == Code.STALE_NONCE or not was_wrong

    def _read(self, response: Message) -> _Challenge | None:
        """Return what a challenge asks for, or None for one that must not be answered."""
        nonce = response.value(AttributeType.NONCE)
        if nonce is None or _is_bid_down(response):
            return None
        try:
            realm, offered = response.get(Realm), response.get(PasswordAlgorithms)
            if realm is None:
                return None
            chosen = _first_supported(offered)
            if chosen is None:
                return None
            key = long_term_key(self._username, realm.text, self._password, chosen)
            name = (int(AttributeType.USERNAME), self._name)
            if SecurityFeature.USERNAME_ANONYMITY in (security_features(nonce) or ()):
                name = (int(AttributeType.USERHASH), userhash(self._username, realm.text))
        except (Malformed, Unencodable):
            return None
        value = response.value(AttributeType.PASSWORD_ALGORITHMS)
        return _Challenge(realm.text.encode(), nonce, value, chosen, name, key)


def _first_supported(offered: PasswordAlgorithms | None) -> PasswordAlgorithmNumber | None:
    """Return the first algorithm that we know: the server lists the best first."""
    if offered is None:
        return PasswordAlgorithmNumber.MD5
    known = {Algorithm(number): number for number in PasswordAlgorithmNumber}
    return next((known[entry] for entry in offered.algorithms if entry in known), None)


def _is_bid_down(response: Message) -> bool:
    """Return whether the nonce speaks of PASSWORD-ALGORITHMS that are not there."""
    features = security_features(response.value(AttributeType.NONCE) or b"")
    return (
        features is not None
        and SecurityFeature.PASSWORD_ALGORITHMS in features
        and response.value(AttributeType.PASSWORD_ALGORITHMS) is None
    )


def _code(response: Message) -> int | None:
    """Return the code of an error response, or None for a success or a broken one."""
    if response.message_class is not MessageClass.ERROR_RESPONSE:
        return None
    try:
        error = response.get(ErrorCode)
    except Malformed:
        return None
    return error.code if error else None
