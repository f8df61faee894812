"""A relay of few words, for what no real one can be made to say: it answers as it is told to.

It knows long-term credentials and the methods of TURN, and relays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress, XorRelayedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Nonce, Realm, Software
from stunkit.wire.attributes.turn import Lifetime
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
    long_term_key,
)
from stunkit.wire.message import Message
from stunkit.wire.nonce import SecurityFeature, nonce_cookie
from stunkit.wire.registry import AttributeType, MessageClass, Method, PasswordAlgorithmNumber

MD5, SHA256 = PasswordAlgorithmNumber.MD5, PasswordAlgorithmNumber.SHA256
USERNAME, PASSWORD, REALM = "ann", "secret", "example.org"
RELAYED = Endpoint.parse("203.0.113.5:50000")


@dataclass
class ScriptedRelay:
    """Answers requests. ``says`` has the attributes of its errors, ``grants`` of its successes.

    ``stale`` counts how often it says that a nonce is stale. With ``signs`` false nothing bears a
    signature; without a ``realm`` nobody has to log in.
    """

    realm: str | None = REALM
    algorithm: PasswordAlgorithmNumber = MD5
    says: Mapping[Method, tuple[Attribute, ...]] = field(default_factory=dict)
    grants: Mapping[Method, tuple[Attribute, ...]] = field(default_factory=dict)
    stale: int = 0
    signs: bool = True
    silent: frozenset[Method] = frozenset()
    asked: list[Message] = field(default_factory=list)

    def answer(self, data: bytes, source: Endpoint) -> bytes | None:
        """Return the answer to a request, None for silence."""
        request = Message.decode(data)
        self.asked.append(request)
        method = Method(request.method)
        if not request.is_request or method in self.silent:
            return None
        if self.realm is not None and not self._is_signed(request):
            return self._error(request, ErrorCode(401), *self._challenge()).raw
        if self.stale and self.realm is not None:
            self.stale -= 1
            return self._error(request, ErrorCode(438), *self._challenge()).raw
        if method in self.says:
            return self._sign(self._error(request, *self.says[method])).raw
        kind = MessageClass.SUCCESS_RESPONSE
        attributes = self.grants.get(method, self._usual(method, source))
        answer = Message.build(kind, request.method, request.transaction_id, attributes)
        return self._sign(answer).raw

    def methods(self) -> list[Method]:
        """Return which methods it was asked, in order."""
        return [Method(message.method) for message in self.asked]

    def _usual(self, method: Method, source: Endpoint) -> tuple[Attribute, ...]:
        if method is Method.ALLOCATE:
            mapped = XorMappedAddress(source)
            return (XorRelayedAddress(RELAYED), mapped, Lifetime(600), Software("scripted"))
        if method is Method.BINDING:
            return (XorMappedAddress(source),)
        return (Lifetime(600),) if method is Method.REFRESH else ()

    @property
    def _key(self) -> bytes:
        return long_term_key(USERNAME, self.realm or "", PASSWORD, self.algorithm)

    def _is_signed(self, request: Message) -> bool:
        check = check_integrity if self.algorithm is MD5 else check_integrity_sha256
        return bool(check(request, self._key))

    def _challenge(self) -> tuple[Attribute, ...]:
        nonce = f"nonce{len(self.asked)}".encode()
        if self.algorithm is MD5:
            return (Realm(self.realm or ""), Nonce(nonce))
        cookie = nonce_cookie(SecurityFeature.PASSWORD_ALGORITHMS)
        offer = PasswordAlgorithms((Algorithm(SHA256),))
        return (Realm(self.realm or ""), Nonce(cookie + nonce), offer)

    def _sign(self, answer: Message) -> Message:
        if self.realm is None or not self.signs:
            return answer
        add = add_integrity if self.algorithm is MD5 else add_integrity_sha256
        return add(answer, self._key)

    @staticmethod
    def _error(request: Message, *attributes: Attribute) -> Message:
        kind = MessageClass.ERROR_RESPONSE
        return Message.build(kind, request.method, request.transaction_id, attributes)


def attribute_types(message: Message) -> list[int]:
    return [AttributeType(number) for number, _ in message.attributes]
