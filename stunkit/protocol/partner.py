"""What two machines, one address each, that are one RFC 5780 server together tell each other.

An answer that has to leave from the other address is handed over to the machine that has it. Both
ends of the link (see ``protocol.link``) are alike and know the same key. A message is

    "SKP", version 1                 4 bytes
    kind                             1
    session of the sender           16   random, a new one for each time that the link is up
    session of the receiver         16   as the sender knows it; zeros: not at all
    number                           8   counts what the sender sends, of all kinds
    acknowledged                     8   the highest number that came of the receiver's session
    payload                              of a beat: is it ready, and its two endpoints as clients
                                         know them; of a hand-over: from which of its endpoints the
                                         receiver is to send, where to, and the answer
    HMAC-SHA256, its first half     16   of all the above

The two sessions are under the HMAC, so they do what a key for each direction and session would.
Nothing is secret in it: the answers go to clients in the clear.

Rules of this file: bytes and values; what is wrong decodes to None.
"""

from __future__ import annotations

import hmac
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address
from struct import Struct
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

LEAST_KEY = 32  # bytes of a key that nobody can try out
SESSION_SIZE = 16  # bytes
NOBODY = bytes(SESSION_SIZE)
MOST_ANSWER = 2048  # bytes handed over at a time; only PADDING makes an answer longer

_MARK = b"SKP\1"
_HEAD = Struct(">4sB16s16sQQ")
_ENDPOINT = Struct(">BH16s")  # bytes of the address, port, address and zeros
_TAG_SIZE = 16  # bytes; as in RFC 4868 section 2.1.1
_LABEL = b"stunkit partner link 1"  # so that the secret in the file is good for nothing else
_BROADCAST = IPv4Address("255.255.255.255")  # RFC 919 section 7


class Kind(IntEnum):
    """What a message is for."""

    BEAT = 1
    HAND_OVER = 2
    GOODBYE = 3


class Outcome(StrEnum):
    """What became of a message of the partner, or of an answer for it to send."""

    HEARD = "heard"  # a beat or a goodbye that told something
    SENT = "sent"  # an answer, for the partner
    STRANGER = "stranger"  # from elsewhere than the partner
    MALFORMED = "malformed"
    FORGED = "forged"
    REFLECTED = "reflected"  # our own, come back
    STALE = "stale"  # too old, or of a session that is not this one
    REPLAYED = "replayed"
    NOT_AN_ANSWER = "not-an-answer"  # handed over, and no success to a Binding request
    REFUSED_DESTINATION = "refused-destination"
    LIMITED = "limited"  # its destination has had enough
    UNSENT = "unsent"  # the kernel had no room for it, or no route
    HANDED_OVER = "handed-over"  # one of our answers, to the partner
    WITHHELD = "withheld"  # one of our answers, since the link was down


class Pair(NamedTuple):
    """One machine's two endpoints, the port of both first, as clients know them.

    ``is_ready``: it has seen that they answer.
    """

    endpoints: tuple[Endpoint, Endpoint]
    is_ready: bool = False


class HandOver(NamedTuple):
    """An answer that the receiver is to send, from its endpoint of this place in its pair."""

    place: int
    destination: Endpoint
    data: bytes


class LinkMessage(NamedTuple):
    """A message of the link, without what makes it authentic."""

    kind: Kind
    sender: bytes
    receiver: bytes
    number: int
    acknowledged: int
    payload: bytes


class Codec:
    """Seals messages and opens them, with a secret that both ends know.

    Raises ValueError for a short secret.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < LEAST_KEY:
            raise ValueError(f"the key of partners has {LEAST_KEY} bytes at least")
        self._key = hmac.digest(secret, _LABEL, "sha256")

    def encode(self, message: LinkMessage) -> bytes:
        """Return a message as it goes over the link."""
        *head, payload = message
        text = _HEAD.pack(_MARK, *head) + payload
        return text + self._tag(text)

    def decode(self, data: bytes) -> LinkMessage | Outcome:
        """Return what came over the link if it is authentic, else what it is."""
        if len(data) < _HEAD.size + _TAG_SIZE or not data.startswith(_MARK):
            return Outcome.MALFORMED
        text, tag = data[:-_TAG_SIZE], data[-_TAG_SIZE:]
        if not hmac.compare_digest(tag, self._tag(text)):
            return Outcome.FORGED
        _, kind, sender, receiver, number, acknowledged = _HEAD.unpack_from(text)
        if kind not in list(Kind):
            return Outcome.MALFORMED
        payload = text[_HEAD.size :]
        return LinkMessage(Kind(kind), sender, receiver, number, acknowledged, payload)

    def _tag(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, "sha256")[:_TAG_SIZE]


def encode_pair(pair: Pair) -> bytes:
    """Return the payload of a beat; all are of one length."""
    return bytes((pair.is_ready,)) + b"".join(map(_encode, pair.endpoints))


def decode_pair(payload: bytes) -> Pair | None:
    """Return what a beat tells."""
    end = 1 + _ENDPOINT.size
    first, second = _decode(payload[1:end]), _decode(payload[end:])
    if first is None or second is None:
        return None
    return Pair((first, second), payload[0] == 1)


def encode_hand_over(handed: HandOver) -> bytes:
    """Return the payload of a hand-over."""
    return bytes((handed.place,)) + _encode(handed.destination) + handed.data


def decode_hand_over(payload: bytes) -> HandOver | None:
    """Return what is handed over."""
    end = 1 + _ENDPOINT.size
    destination = _decode(payload[1:end])
    if destination is None or payload[0] > 1:
        return None
    return HandOver(payload[0], destination, payload[end:])


def judge(handed: HandOver, refused_ports: frozenset[int], own: Endpoint) -> Outcome | None:
    """Return why an answer is not sent for the partner from ``own``, None if it may be.

    The partner is believed that it was asked. What it cannot have us do is to send anything but a
    success to a Binding request, or to where no answer goes.
    """
    destination = handed.destination
    if destination.family is not own.family or destination.port in {0, *refused_ports}:
        return Outcome.REFUSED_DESTINATION
    address = destination.address
    if address.is_multicast or address.is_unspecified or address == _BROADCAST:
        return Outcome.REFUSED_DESTINATION
    try:
        answer = Message.decode(handed.data)
    except WireError:
        return Outcome.NOT_AN_ANSWER
    is_success = answer.message_class is MessageClass.SUCCESS_RESPONSE
    if not is_success or answer.method != Method.BINDING or len(answer.raw) > MOST_ANSWER:
        return Outcome.NOT_AN_ANSWER
    return None


def mismatch(own: Pair, other: Pair) -> str | None:
    """Return why two machines are no RFC 5780 server together (section 6), None if they are."""
    (first, second), (there, there_second) = own.endpoints, other.endpoints
    if first.family is not there.family:
        return f"its address {there.host} is of another family than {first.host}"
    if first.packed == there.packed:
        return f"both have the address {first.host}"
    if (there.port, there_second.port) != (first.port, second.port):
        ports = f"{there.port} and {there_second.port}"
        return f"it has the ports {ports}, and we {first.port} and {second.port}"
    if there.packed != there_second.packed:
        return f"its ports are at two addresses, {there.host} and {there_second.host}"
    return None


def _encode(endpoint: Endpoint) -> bytes:
    return _ENDPOINT.pack(len(endpoint.packed), endpoint.port, endpoint.packed)


def _decode(raw: bytes) -> Endpoint | None:
    """Return an endpoint, None where there is none."""
    if len(raw) != _ENDPOINT.size:
        return None
    size, port, packed = _ENDPOINT.unpack(raw)
    return Endpoint(packed[:size], port) if size in {4, 16} else None
