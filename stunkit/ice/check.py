"""Connectivity checks as messages: made, read, and answered.

Answers to RFC 8445 sections 7.1 and 7.3, and to RFC 8489 section 9.1.3 for the order in which a
request is looked at. MESSAGE-INTEGRITY is the one that ICE knows; FINGERPRINT goes with everything.
"""

from __future__ import annotations

from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.protocol.client import UNDERSTOOD
from stunkit.protocol.login import Signature
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.ice import IceControlled, IceControlling, Priority, UseCandidate
from stunkit.wire.attributes.text import Username
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import add_integrity, check_integrity, short_term_key
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, MessageClass, Method, reason_phrase

_UNDERSTOOD = UNDERSTOOD | {AttributeType.PRIORITY, AttributeType.USE_CANDIDATE}


class Credentials(NamedTuple):
    """What an agent's candidates are sent with (RFC 8445 section 5.3)."""

    ufrag: str
    password: str

    @property
    def signature(self) -> Signature:
        """What signs a request to this agent, and its answer."""
        key = short_term_key(self.password)
        return Signature(key, with_sha1=True, with_sha256=False, is_long_term=False)


class Role(NamedTuple):
    """Who decides, and what settles it when both or none want to (RFC 8445 section 7.1.3)."""

    is_controlling: bool
    tie_breaker: int

    @property
    def attribute(self) -> IceControlling | IceControlled:
        """The attribute that says so."""
        return (IceControlling if self.is_controlling else IceControlled)(self.tie_breaker)

    def yields_to(self, other: Role) -> bool:
        """Return whether, of two agents in one role, this one has to change (section 7.3.1.1)."""
        is_less = self.tie_breaker < other.tie_breaker
        return is_less if self.is_controlling else not is_less


class Check(NamedTuple):
    """A request that may be believed, and what it says."""

    request: Message
    priority: int
    role: Role | None
    uses_candidate: bool


class Refusal(NamedTuple):
    """Why a request is answered with an error."""

    request: Message
    code: Code
    unknown: tuple[int, ...] = ()


def make_check(
    transaction_id: bytes, ours: Credentials, theirs: Credentials, *attributes: Attribute
) -> Message:
    """Return a signed Binding request (RFC 8445 section 7.2.4)."""
    username = Username(f"{theirs.ufrag}:{ours.ufrag}")
    request = Message.request(Method.BINDING, transaction_id, (username, *attributes))
    return add_fingerprint(theirs.signature.sign(request))


def read_check(request: Message, ours: Credentials) -> Check | Refusal:
    """Check who sent a Binding request, and what it says."""
    username = request.value(AttributeType.USERNAME)
    if username is None or request.value(AttributeType.MESSAGE_INTEGRITY) is None:
        return Refusal(request, Code.BAD_REQUEST)
    ufrag, colon, _ = username.partition(b":")
    if not colon or ufrag != ours.ufrag.encode():
        return Refusal(request, Code.UNAUTHORIZED)
    if not check_integrity(request, ours.signature.key):
        return Refusal(request, Code.UNAUTHORIZED)
    unknown = request.unknown(_UNDERSTOOD)
    if unknown:
        return Refusal(request, Code.UNKNOWN_ATTRIBUTE, unknown)
    try:
        priority = request.get(Priority)
        role = request.get(IceControlling) or request.get(IceControlled)
    except Malformed:
        return Refusal(request, Code.BAD_REQUEST)
    if priority is None:
        return Refusal(request, Code.BAD_REQUEST)
    claimed = None if role is None else Role(isinstance(role, IceControlling), role.number)
    uses_candidate = request.value(UseCandidate.type) is not None
    return Check(request, priority.number, claimed, uses_candidate)


def accept(check: Check, source: Endpoint, ours: Credentials) -> Message:
    """Return the success response (RFC 8445 section 7.3.1.2)."""
    attributes = (XorMappedAddress(source),)
    return _answer(check.request, MessageClass.SUCCESS_RESPONSE, attributes, ours)


def refuse(refusal: Refusal, ours: Credentials) -> Message:
    """Return the error response; who could not prove himself gets none that is signed."""
    attributes: list[Attribute] = [ErrorCode(refusal.code, reason_phrase(refusal.code))]
    if refusal.unknown:
        attributes.append(UnknownAttributes(refusal.unknown))
    signer = None if refusal.code in {Code.BAD_REQUEST, Code.UNAUTHORIZED} else ours
    return _answer(refusal.request, MessageClass.ERROR_RESPONSE, attributes, signer)


def _answer(
    request: Message,
    message_class: MessageClass,
    attributes: list[Attribute] | tuple[Attribute, ...],
    signer: Credentials | None,
) -> Message:
    answer = Message.build(message_class, request.method, request.transaction_id, attributes)
    if signer is not None:
        answer = add_integrity(answer, signer.signature.key)
    return add_fingerprint(answer)
