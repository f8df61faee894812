"""Requests as somebody with a credential makes them, for a closed server to judge."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Received, Response, respond
from stunkit.protocol.site import Site
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
    long_term_key,
    userhash,
)
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method, PasswordAlgorithmNumber

USERNAME, USERHASH = AttributeType.USERNAME, AttributeType.USERHASH
REALM, NONCE = AttributeType.REALM, AttributeType.NONCE
ALGORITHM, ALGORITHMS = AttributeType.PASSWORD_ALGORITHM, AttributeType.PASSWORD_ALGORITHMS
INTEGRITY, INTEGRITY_SHA256 = (
    AttributeType.MESSAGE_INTEGRITY,
    AttributeType.MESSAGE_INTEGRITY_SHA256,
)
MD5, SHA256 = PasswordAlgorithmNumber.MD5, PasswordAlgorithmNumber.SHA256

ID = bytes(range(12))
SERVER = Endpoint.parse("192.0.2.200:3478")
CLIENT = Endpoint.parse("192.0.2.1:32853")


def ask(site: Site, request: Message | bytes, now: float, source: Endpoint = CLIENT) -> Response:
    """Have a request answered."""
    data = request if isinstance(request, bytes) else request.raw
    return respond(Received(data, source, SERVER), site, now)


def message(*attributes: tuple[int, bytes], kind: MessageClass = MessageClass.REQUEST) -> Message:
    """A Binding message with these attributes."""
    made = Message.build(kind, Method.BINDING, ID)
    for number, value in attributes:
        made = made.append(number, value)
    return made


BLANK = message()


@dataclass(frozen=True)
class Signer:
    """A client with a long-term credential that has been challenged.

    ``pairs`` are the attributes that it signs; ``fields`` change what is derived from the rest.
    """

    username: str
    password: str
    realm: str
    nonce: bytes
    algorithm: PasswordAlgorithmNumber = SHA256
    is_legacy: bool = False  # of RFC 5389: MD5, HMAC-SHA1, no word about algorithms
    is_anonymous: bool = False

    @classmethod
    def challenged(
        cls, site: Site, now: float, username: str, password: str, source: Endpoint = CLIENT
    ) -> Signer:
        """Ask without a credential, and read the challenge."""
        challenge = Message.decode(ask(site, BLANK, now, source).data)
        realm, nonce = challenge.value(REALM), challenge.value(NONCE)
        assert realm is not None
        assert nonce is not None
        return cls(username, password, realm.decode(), nonce)

    def but(self, **changes: object) -> Signer:
        """The same with something else."""
        return replace(self, **changes)

    @property
    def key(self) -> bytes:
        algorithm = MD5 if self.is_legacy else self.algorithm
        return long_term_key(self.username, self.realm, self.password, algorithm)

    @property
    def pairs(self) -> list[tuple[int, bytes]]:
        name = (USERNAME, self.username.encode())
        if self.is_anonymous:
            name = (USERHASH, userhash(self.username, self.realm))
        pairs = [name, (REALM, self.realm.encode()), (NONCE, self.nonce)]
        if not self.is_legacy:
            value = self.algorithm.to_bytes(2, "big") + bytes(2)
            pairs += [(ALGORITHMS, value), (ALGORITHM, value)]
        return pairs

    def sign(self, *pairs: tuple[int, bytes]) -> Message:
        """A request with these attributes, as they are, and its integrity attribute."""
        add = add_integrity if self.is_legacy else add_integrity_sha256
        return add(message(*pairs), self.key)

    def request(self, *more: tuple[int, bytes]) -> Message:
        """A request that is all right."""
        return self.sign(*more, *self.pairs)

    def trusts(self, answer: Message) -> bool:
        """Whether an answer has the one integrity attribute that it should, and it fits."""
        found = (check_integrity(answer, self.key), check_integrity_sha256(answer, self.key))
        return found == ((True, None) if self.is_legacy else (None, True))
