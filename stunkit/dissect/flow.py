"""Transactions: requests paired with their answers, and what they were for.

A request that comes again with its transaction id is a retransmission (RFC 8489 section 6.2.1). An
answer belongs to the request with its transaction id that its receiver sent, whoever it is from:
from another address is what CHANGE-REQUEST asks for (RFC 5780 section 7.2). The round trip is known
where the request was sent once; otherwise nobody can tell which of them was answered (Karn's
algorithm, RFC 8489 section 6.2.1).

A capture of several interfaces holds a packet once for each that it passes. Such a copy has the
same bytes, and comes at once or has fewer hops left: it is no retransmission.

Times are those of the capture, so a round trip is what the place of the capture saw.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from stunkit.dissect.sighting import Sighting
from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import (
    Address,
    MappedAddress,
    XorMappedAddress,
    XorRelayedAddress,
)
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.text import Username
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method, method_name
from stunkit.wire.uri import Transport

COPY_WINDOW = 0.002  # seconds; nobody sends again so soon (500 ms in RFC 8489 section 6.2.1)
_TURN = frozenset(Method) - {Method.BINDING, Method.SHARED_SECRET}
_BEHAVIOR = (AttributeType.CHANGE_REQUEST, AttributeType.RESPONSE_PORT, AttributeType.PADDING)
_ROLES = {
    AttributeType.ICE_CONTROLLING: "controlling",
    AttributeType.ICE_CONTROLLED: "controlled",
}


class Purpose(StrEnum):
    """What a transaction is for, by what its request holds."""

    CHECK = "ice-check"  # RFC 8445 section 7.1: USERNAME of two ufrags, PRIORITY or a role
    BEHAVIOR = "behavior-discovery"  # RFC 5780, and RFC 3489's CHANGE-REQUEST
    TURN = "turn"  # RFC 8656
    QUERY = "query"  # a Binding request to a server
    OTHER = "other"


class Outcome(StrEnum):
    """How a transaction ended, as far as the capture goes."""

    SUCCESS = "success"
    ERROR = "error"
    UNANSWERED = "unanswered"


class Pair(StrEnum):
    """What a message is to the transaction that it belongs to."""

    REQUEST = "request"
    RETRANSMISSION = "retransmission"
    COPY = "copy"  # the same packet at another interface
    ALTERED = "altered-retransmission"  # the same transaction id over other bytes
    ANSWER = "answer"
    REPEATED = "repeated-answer"
    ORPHAN = "answer-without-request"
    INDICATION = "indication"
    BROKEN = "broken"
    CHANNEL_DATA = "channel-data"


@dataclass(slots=True)
class Transaction:
    """A request with all that came of it. ``frames`` are those of the requests."""

    index: int
    request: Message
    purpose: Purpose
    transport: Transport
    asker: Endpoint
    asked: Endpoint
    relay: Endpoint | None
    frames: list[int]
    sent: list[float | None]
    hops: int
    answer_hops: int = 0
    answer: Message | None = None
    answer_frame: int | None = None
    answered: float | None = None
    answerer: Endpoint | None = None
    repeated: int = 0  # answers after the first
    altered: int = 0  # retransmissions with other bytes

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self.answer is None:
            return Outcome.UNANSWERED
        is_error = self.answer.message_class is MessageClass.ERROR_RESPONSE
        return Outcome.ERROR if is_error else Outcome.SUCCESS

    @property
    def name(self) -> str:
        """The method's name."""
        return method_name(self.request.method)

    @property
    def retransmissions(self) -> int:
        """How often the request was sent again."""
        return len(self.sent) - 1

    @property
    def rtt(self) -> float | None:
        """The round trip in seconds, None where it is not known."""
        if len(self.sent) > 1 or self.answered is None or self.sent[0] is None:
            return None
        return self.answered - self.sent[0]

    @property
    def error(self) -> ErrorCode | None:
        """What the answer refuses with, if it does and can be read."""
        try:
            return self.answer.get(ErrorCode) if self.answer else None
        except Malformed:
            return None

    @property
    def mapped(self) -> Endpoint | None:
        """As what the answerer saw the asker, if the answer says it."""
        return self._endpoint(XorMappedAddress) or self._endpoint(MappedAddress)

    @property
    def relayed(self) -> tuple[Endpoint, ...]:
        """What a TURN server allocated: one of each family at most (RFC 8656 section 7.2)."""
        if self.answer is None:
            return ()
        found = []
        for number, value in self.answer.visible:
            if number == AttributeType.XOR_RELAYED_ADDRESS:
                with suppress(Malformed):
                    attribute = XorRelayedAddress.decode(value, self.answer.transaction_id)
                    found.append(attribute.endpoint)
        return tuple(found)

    def _endpoint(self, kind: type[Address]) -> Endpoint | None:
        try:
            attribute = self.answer.get(kind) if self.answer else None
        except Malformed:
            return None
        return attribute.endpoint if attribute else None

    @property
    def ufrags(self) -> tuple[str, str] | None:
        """Of an ICE check: the asker's and the asked one's, in this order (RFC 8445 7.2.2)."""
        username = _username(self.request)
        asked, colon, asker = username.partition(":")
        return (asker, asked) if colon and self.purpose is Purpose.CHECK else None

    @property
    def role(self) -> str | None:
        """Of an ICE check: the asker's role."""
        roles = [name for number, name in _ROLES.items() if self.request.value(number) is not None]
        return roles[0] if roles else None

    @property
    def is_nomination(self) -> bool:
        """Whether an ICE check carries USE-CANDIDATE."""
        return self.request.value(AttributeType.USE_CANDIDATE) is not None


@dataclass(slots=True)
class Flow:
    """Pairs the messages of one capture; ``transactions`` grows in the order of requests."""

    transactions: list[Transaction] = field(default_factory=list)
    indications: int = 0
    copies: int = 0
    orphans: int = 0
    broken: int = 0
    channel_data: int = 0
    first: float | None = None
    last: float | None = None
    _asked: dict[tuple[object, ...], Transaction] = field(default_factory=dict)
    _open: dict[tuple[object, ...], list[Transaction]] = field(default_factory=dict)

    def receive(self, sighting: Sighting) -> tuple[Pair, Transaction | None]:
        """Take a message; return what it is, and the transaction that it belongs to."""
        if sighting.time is not None:
            self.first = sighting.time if self.first is None else min(self.first, sighting.time)
            self.last = sighting.time if self.last is None else max(self.last, sighting.time)
        message = sighting.message
        if message is None:
            is_channel = sighting.data[:1] >= b"\x40"
            self.channel_data += is_channel
            self.broken += not is_channel
            return (Pair.CHANNEL_DATA if is_channel else Pair.BROKEN), None
        if message.is_request:
            return self._request(sighting, message)
        if message.is_response:
            return self._response(sighting, message)
        self.indications += 1
        return Pair.INDICATION, None

    def _request(self, sighting: Sighting, message: Message) -> tuple[Pair, Transaction]:
        way = sighting.transport, sighting.relay, message.transaction_id, sighting.source
        key = (*way, sighting.destination)
        known = self._asked.get(key)
        if known is not None:
            is_same = known.request.raw == message.raw
            if is_same and _is_copy(sighting, known.sent[-1], known.hops):
                self.copies += 1
                return Pair.COPY, known
            known.sent.append(sighting.time)
            known.frames.append(sighting.frame)
            known.altered += not is_same
            return (Pair.RETRANSMISSION if is_same else Pair.ALTERED), known
        transaction = Transaction(
            index=len(self.transactions),
            request=message,
            purpose=purpose_of(message),
            transport=sighting.transport,
            asker=sighting.source,
            asked=sighting.destination,
            relay=sighting.relay,
            frames=[sighting.frame],
            sent=[sighting.time],
            hops=sighting.hops,
        )
        self.transactions.append(transaction)
        self._asked[key] = transaction
        self._open.setdefault(way, []).append(transaction)
        return Pair.REQUEST, transaction

    def _response(self, sighting: Sighting, message: Message) -> tuple[Pair, Transaction | None]:
        way = sighting.transport, sighting.relay, message.transaction_id, sighting.destination
        transaction = self._asked.get((*way, sighting.source))
        if transaction is None:
            # from elsewhere: the request to another address that still waits, or the last one
            asked = self._open.get(way, [])
            waiting = [one for one in asked if one.answer is None] or asked
            transaction = waiting[-1] if waiting else None
        if transaction is None:
            self.orphans += 1
            return Pair.ORPHAN, None
        if transaction.answer is not None:
            is_same = transaction.answer.raw == message.raw
            if is_same and _is_copy(sighting, transaction.answered, transaction.answer_hops):
                self.copies += 1
                return Pair.COPY, transaction
            transaction.repeated += 1
            return Pair.REPEATED, transaction
        transaction.answer = message
        transaction.answer_frame = sighting.frame
        transaction.answered = sighting.time
        transaction.answerer = sighting.source
        transaction.answer_hops = sighting.hops
        return Pair.ANSWER, transaction


def _is_copy(sighting: Sighting, before: float | None, hops: int) -> bool:
    """Whether a message that has been seen before is the same packet further on its way."""
    if sighting.transport is not Transport.UDP:
        return False
    if sighting.hops != hops:
        return True
    is_timed = sighting.time is not None and before is not None
    return is_timed and 0 <= (sighting.time or 0.0) - (before or 0.0) < COPY_WINDOW


def purpose_of(request: Message) -> Purpose:
    """Return what a request is for."""
    if request.method in _TURN:
        return Purpose.TURN
    if request.method not in (Method.BINDING, Method.SHARED_SECRET):
        return Purpose.OTHER
    numbers = {number for number, _ in request.visible}
    is_of_ice = AttributeType.PRIORITY in numbers or numbers & set(_ROLES)
    if is_of_ice and ":" in _username(request):
        return Purpose.CHECK
    if numbers & set(_BEHAVIOR):
        return Purpose.BEHAVIOR
    return Purpose.QUERY


def _username(message: Message) -> str:
    try:
        attribute = message.get(Username)
    except Malformed:
        return ""
    return attribute.text if attribute else ""
