"""Long-term logins as a case makes them: a challenge, and requests that meet it or do not.

RFC 8489 sections 9.2.3 to 9.2.5.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from stunkit.conformance.conversation import Ask, Heard, error_code, expect_error
from stunkit.conformance.subject import Credential, Subject
from stunkit.conformance.verdict import Judged, Verdict, failed, skipped, unknown
from stunkit.errors import Unencodable
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Realm, Username
from stunkit.wire.integrity import add_integrity, add_integrity_sha256, long_term_key
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, MessageClass, PasswordAlgorithmNumber


class Challenge(NamedTuple):
    """What a server wants to hear again, and the credential to say it with."""

    realm: str
    nonce: bytes
    offered: PasswordAlgorithms | None
    credential: Credential


class Signed(NamedTuple):
    """A signed request, and the key that its answer has to be signed with."""

    request: Message
    key: bytes


def refused(subject: Subject) -> Generator[Ask, Heard, Message]:
    """Ask plainly, and return the 401. Raises Judged: skipped for a server that is open."""
    if not subject.is_closed:
        raise Judged(skipped("it asks for no login"))
    reply = (yield Ask(subject.request().raw)).reply()
    if reply.message_class is MessageClass.SUCCESS_RESPONSE:
        raise Judged(skipped("it asks for no login"))
    if error_code(reply) != Code.UNAUTHORIZED:
        raise Judged(skipped("it asks for no long-term login"))
    return reply


def challenged(subject: Subject) -> Generator[Ask, Heard, Challenge]:
    """Ask plainly, and return the challenge. Raises Judged where it cannot be met."""
    credential = subject.credential
    if credential is None:
        raise Judged(skipped("no credential was given (--username)"))
    if credential.is_short_term:
        raise Judged(skipped("the credential is short-term"))
    reply = yield from refused(subject)
    realm, nonce = reply.get(Realm), reply.value(AttributeType.NONCE)
    if realm is None or nonce is None:
        raise Judged(unknown("its 401 has no REALM or no NONCE"))
    return Challenge(realm.text, nonce, reply.get(PasswordAlgorithms), credential)


def sign(subject: Subject, met: Challenge, *, leaves_out: int | None = None) -> Signed:
    """Return a request signed with MD5 and HMAC-SHA1 (RFC 8489 section 9.2.3)."""
    username, password, _ = met.credential
    request = _introduced(subject, met, leaves_out=leaves_out)
    key = _key(username, met.realm, password)
    return Signed(add_integrity(request, key), key)


def sign_sha256(subject: Subject, met: Challenge) -> Signed:
    """Return a request with a password algorithm. Raises Judged where none is offered."""
    if met.offered is None:
        raise Judged(skipped("it offers no PASSWORD-ALGORITHMS"))
    known = {Algorithm(number): number for number in PasswordAlgorithmNumber}
    chosen = next((one for one in met.offered.algorithms if one in known), None)
    if chosen is None:
        raise Judged(unknown("it offers no algorithm that is known here"))
    request = _introduced(subject, met)
    request = request.append(AttributeType.PASSWORD_ALGORITHMS, met.offered.encode(b""))
    request = request.append(
        AttributeType.PASSWORD_ALGORITHM, PasswordAlgorithm(chosen).encode(b"")
    )
    key = _key(met.credential.username, met.realm, met.credential.password, known[chosen])
    return Signed(add_integrity_sha256(request, key), key)


def _introduced(subject: Subject, met: Challenge, *, leaves_out: int | None = None) -> Message:
    """Return a request that says who asks, and echoes the challenge."""
    pairs = {
        int(AttributeType.USERNAME): Username(met.credential.username).encode(b""),
        int(AttributeType.REALM): met.realm.encode(),
        int(AttributeType.NONCE): met.nonce,
    }
    request = subject.request()
    for number, value in pairs.items():
        if number != leaves_out:
            request = request.append(number, value)
    return request


def _key(
    username: str,
    realm: str,
    password: str,
    algorithm: PasswordAlgorithmNumber = PasswordAlgorithmNumber.MD5,
) -> bytes:
    try:
        return long_term_key(username, realm, password, algorithm)
    except Unencodable as error:
        raise Judged(unknown(f"its realm cannot be used: {error}")) from None


def expect_challenge(heard: Heard) -> Verdict:
    """Return the verdict on what has to be a 401 with REALM and NONCE."""
    reply = heard.reply()
    verdict = expect_error(reply, Code.UNAUTHORIZED)
    if verdict.is_pass and not has_challenge(reply):
        return failed("the 401 has no REALM or no NONCE")
    return verdict


def has_challenge(reply: Message) -> bool:
    """Return whether an error has REALM and NONCE."""
    needed = (AttributeType.REALM, AttributeType.NONCE)
    return all(reply.value(number) is not None for number in needed)
