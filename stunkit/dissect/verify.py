"""Whether a message was signed with a password: every key that it may mean is tried.

RFC 8489 sections 9.1 (short-term), 9.2 (long-term), 14.4 to 14.6. A captured message does not say
which kind of credential its integrity attribute belongs to, and an answer repeats neither username
nor realm, so what is missing is taken from the request or from the person who asks. A key that
fits is the right one: another that fits by chance is not to be expected.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.text import Realm, Username
from stunkit.wire.integrity import (
    check_integrity,
    check_integrity_sha256,
    long_term_key,
    short_term_key,
    userhash,
)
from stunkit.wire.message import Message
from stunkit.wire.prepare import opaque_string, saslprep
from stunkit.wire.registry import AttributeType, PasswordAlgorithmNumber

SHORTEST_SHA256 = 16  # bytes; RFC 8489 section 14.6
_ALGORITHMS = (
    (PasswordAlgorithmNumber.MD5, "MD5"),
    (PasswordAlgorithmNumber.SHA256, "SHA-256"),
)


class Credential(NamedTuple):
    """What is known of who signed; username and realm may be in the messages."""

    password: str
    username: str | None = None
    realm: str | None = None


class Outcome(StrEnum):
    """What a check found."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Check(NamedTuple):
    """What became of the check of one attribute, with its type number."""

    number: int
    outcome: Outcome
    why: str


class Key(NamedTuple):
    """A key for the HMAC, and what kind of credential it stands for."""

    name: str
    value: bytes


def verify(
    message: Message, credentials: Sequence[Credential] = (), request: Message | None = None
) -> tuple[Check, ...]:
    """Check the integrity attributes and USERHASH of a message that are visible.

    ``request`` is the one that the message answers. Raises Unencodable for a password that cannot
    be prepared (RFC 8265).
    """
    named = [_complete(message, credential, request) for credential in credentials]
    checks = []
    present = {number for number, _ in message.visible}
    if AttributeType.MESSAGE_INTEGRITY in present:
        checks.append(_integrity(message, AttributeType.MESSAGE_INTEGRITY, named, request))
    if AttributeType.MESSAGE_INTEGRITY_SHA256 in present:
        checks.append(_integrity(message, AttributeType.MESSAGE_INTEGRITY_SHA256, named, request))
    if AttributeType.USERHASH in present:
        checks.append(_userhash(message, named))
    return tuple(checks)


def keys_of(credential: Credential) -> list[Key]:
    """Return every key that a credential may stand for, the likelier first. Raises Unencodable."""
    passwords = _prepared(credential.password)
    keys = [Key("short-term", short_term_key(password)) for password in passwords]
    username, realm = credential.username, credential.realm
    if username and realm:
        for password in passwords:
            for algorithm, name in _ALGORITHMS:
                value = long_term_key(username, realm, password, algorithm)
                keys.append(Key(f"long-term, {name}, {username} in {realm}", value))
    return keys


def _complete(message: Message, credential: Credential, request: Message | None) -> Credential:
    """Add the username and the realm that the messages name to a credential without."""
    username, realm = credential.username, credential.realm
    for one in (message, request):
        if one is not None:
            username = username or _text(one, Username)
            realm = realm or _text(one, Realm)
    return Credential(credential.password, username, realm)


def _text(message: Message, kind: type[Username | Realm]) -> str | None:
    with suppress(Malformed):
        attribute = message.get(kind)
        return attribute.text if attribute else None
    return None


def _prepared(password: str) -> list[str]:
    """Prepare a password as RFC 8489 has it and as RFC 5389 had it; they seldom differ."""
    prepared, error = [], None
    for prepare in (opaque_string, saslprep):
        try:
            prepared.append(prepare(password))
        except Unencodable as caught:
            error = error or caught
    if error is not None and not prepared:
        raise error
    return list(dict.fromkeys(prepared))


def _integrity(
    message: Message,
    number: AttributeType,
    credentials: list[Credential],
    request: Message | None,
) -> Check:
    if not credentials:
        return Check(number, Outcome.UNKNOWN, "not checked: no password is given")
    tried = []
    for credential in credentials:
        for key in keys_of(credential):
            if number is AttributeType.MESSAGE_INTEGRITY:
                fits = check_integrity(message, key.value)
            else:
                fits = check_integrity_sha256(message, key.value, SHORTEST_SHA256)
            if fits:
                return Check(number, Outcome.RIGHT, f"right ({key.name})")
            tried.append(key.name)
    names = "; ".join(dict.fromkeys(tried))
    why = f"does not fit the password (tried: {names}"
    if lacking := _lacking(message, request, credentials):
        return Check(number, Outcome.UNKNOWN, f"{why}; a long-term key needs the {lacking})")
    return Check(number, Outcome.WRONG, f"{why})")


def _lacking(message: Message, request: Message | None, credentials: list[Credential]) -> str:
    """Say what a key that was not tried would need: nobody named it."""
    if any(credential.username and credential.realm for credential in credentials):
        return ""
    if any(credential.realm for credential in credentials):
        return "username"
    # A request with a long-term credential names its realm; an answer does not (section 9.2).
    return "realm" if message.is_response and request is None else ""


def _userhash(message: Message, credentials: list[Credential]) -> Check:
    number = AttributeType.USERHASH
    value = message.value(number) or b""
    hashed = [(c.username, c.realm) for c in credentials if c.username and c.realm]
    for username, realm in hashed:
        with suppress(Unencodable):
            if hmac.compare_digest(userhash(username, realm), value):
                return Check(number, Outcome.RIGHT, f"that of {username} in {realm}")
    if hashed:
        username, realm = hashed[0]
        return Check(number, Outcome.WRONG, f"not that of {username} in {realm}")
    return Check(number, Outcome.UNKNOWN, "not checked: no username is given")
