"""What happens to an allocation, as values, and how they are read out of a server's answers.

Answers to RFC 8656 sections 7.3, 7.4, 11.4 and 11.6, and to RFC 8489 section 10 (ALTERNATE-SERVER).

Rules of this file: what is broken is dropped, or becomes ``Rejected``; nothing raises.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, Malformed, TransactionError
from stunkit.protocol.client import UNDERSTOOD, Answered, Failed
from stunkit.wire.attributes.address import (
    AlternateServer,
    XorMappedAddress,
    XorPeerAddress,
    XorRelayedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.text import AlternateDomain, Realm, Software
from stunkit.wire.attributes.turn import AddressErrorCode, Data, Icmp, Lifetime
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Method

A = TypeVar("A", bound=Attribute)

DEFAULT_LIFETIME = 600  # seconds, where the server says nothing; RFC 8656 section 3.2

# The comprehension-required types that answers and indications of a relay may have.
TURN_UNDERSTOOD = UNDERSTOOD | {
    AttributeType.CHANNEL_NUMBER,
    AttributeType.LIFETIME,
    AttributeType.XOR_PEER_ADDRESS,
    AttributeType.DATA,
    AttributeType.XOR_RELAYED_ADDRESS,
    AttributeType.RESERVATION_TOKEN,
}


class Allocated(NamedTuple):
    """The relay's addresses for us, and as what it sees us.

    ``lifetime`` is in seconds; ``missing`` says of a second family why it is not there. ``rtt``, in
    seconds, is that of the last transaction. Where ``is_signed`` is false, nobody had to log in.
    """

    relayed: tuple[Endpoint, ...]
    mapped: Endpoint | None
    lifetime: int
    software: str | None
    missing: AddressErrorCode | None
    rtt: float | None
    is_signed: bool


class Permitted(NamedTuple):
    """These peers' addresses, with any port, may send to us and be sent to."""

    peers: tuple[Endpoint, ...]
    rtt: float | None


class Refreshed(NamedTuple):
    """The allocation lives so many seconds more."""

    lifetime: int


class Released(NamedTuple):
    """Nothing is left on the server."""


class Arrived(NamedTuple):
    """A peer's datagram."""

    data: bytes
    peer: Endpoint


class PeerUnreachable(NamedTuple):
    """An ICMP error about a datagram to a peer (RFC 8656 section 11.6)."""

    peer: Endpoint
    icmp: Icmp


class Redirect(NamedTuple):
    """Which server to ask instead, and the name in its certificate (RFC 8489 section 10)."""

    server: Endpoint
    domain: str | None


class Rejected(NamedTuple):
    """A request that came to nothing: of which method, about which peers, and why.

    ``unsigned`` is an answer that does not count, since it lacks the signature that it has to have;
    ``is_signed`` is whether the request had one. ``realm`` is the one that the server names.
    """

    method: Method
    error: TransactionError
    peers: tuple[Endpoint, ...] = ()
    is_signed: bool = False
    realm: str | None = None
    redirect: Redirect | None = None
    software: str | None = None
    unsigned: Message | None = None


class Lost(NamedTuple):
    """The connection to the relay ended, and the allocation with it."""

    reason: str


Event = Allocated | Permitted | Refreshed | Released | Arrived | PeerUnreachable | Rejected | Lost


def read_allocated(answered: Answered, *, is_signed: bool) -> Allocated | Rejected:
    """Return what an Allocate success response says."""
    response = answered.response
    try:
        relayed = tuple(
            XorRelayedAddress.decode(value, response.transaction_id).endpoint
            for number, value in response.visible
            if number == AttributeType.XOR_RELAYED_ADDRESS
        )
        mapped = response.get(XorMappedAddress)
        missing = response.get(AddressErrorCode)
    except Malformed as error:
        broken = InvalidAnswer(f"the answer is broken: {error}")
        return Rejected(Method.ALLOCATE, broken, is_signed=is_signed)
    if not relayed:
        broken = InvalidAnswer("the answer has no relayed address")
        return Rejected(Method.ALLOCATE, broken, is_signed=is_signed)
    return Allocated(
        relayed,
        None if mapped is None else mapped.endpoint,
        read_lifetime(response),
        _software(response),
        missing,
        answered.rtt,
        is_signed,
    )


def read_lifetime(response: Message) -> int:
    """Return the seconds that a success response grants."""
    lifetime = _attribute(response, Lifetime)
    return DEFAULT_LIFETIME if lifetime is None else lifetime.number


def read_rejected(
    method: Method, failed: Failed, peers: tuple[Endpoint, ...], *, is_signed: bool
) -> Rejected:
    """Return all that is known about a request that failed."""
    answer = failed.response or failed.unsigned
    realm = redirect = None
    if answer is not None:
        realm = _attribute(answer, Realm)
        server = _attribute(answer, AlternateServer)
        if server is not None:
            domain = _attribute(answer, AlternateDomain)
            redirect = Redirect(server.endpoint, None if domain is None else domain.text)
    return Rejected(
        method,
        failed.error,
        peers,
        is_signed,
        None if realm is None else realm.text,
        redirect,
        None if answer is None else _software(answer),
        failed.unsigned,
    )


def read_indication(message: Message) -> Arrived | PeerUnreachable | None:
    """Return what a Data indication brings, None for one that is to be dropped."""
    if message.unknown(TURN_UNDERSTOOD):
        return None
    peer = _attribute(message, XorPeerAddress)
    if peer is None:
        return None
    icmp, data = _attribute(message, Icmp), _attribute(message, Data)
    if icmp is not None:
        return PeerUnreachable(peer.endpoint, icmp)
    return None if data is None else Arrived(data.value, peer.endpoint)


def _software(response: Message) -> str | None:
    software = _attribute(response, Software)
    return None if software is None else software.text


def _attribute(message: Message, kind: type[A]) -> A | None:
    """Return an attribute, None where it is missing or broken."""
    try:
        return message.get(kind)
    except Malformed:
        return None
