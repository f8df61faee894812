"""The client's transactions: requests go out, each ends in one answer or one error.

Answers to RFC 8489 sections 6.2.1, 6.2.2, 6.3.3 and 6.3.4. An answer counts only when its
transaction id and the endpoint that sent it are those of the request, and when it is signed as a
signed request demands (sections 9.1.4 and 9.2.5); every other response is told apart and reported,
never used.

Rules of this file: one event ``Answered`` or ``Failed`` per request, whatever arrives; memory is
bounded by the transactions in progress and a fixed number of ended ones.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import (
    InvalidAnswer,
    Malformed,
    NoAnswer,
    Refused,
    TransactionError,
    Unreachable,
    WireError,
)
from stunkit.protocol.login import Signature
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import RoundTrips, Schedule
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method, reason_phrase

MAX_ENDED = 1024  # ended transactions remembered, to tell late answers from strange ones

# The comprehension-required types that a client understands in an answer to a Binding request:
# RFC 8489's, RFC 5780's and, from classic servers, RFC 3489's.
UNDERSTOOD = frozenset(
    {
        AttributeType.MAPPED_ADDRESS,
        AttributeType.SOURCE_ADDRESS,
        AttributeType.CHANGED_ADDRESS,
        AttributeType.USERNAME,
        AttributeType.MESSAGE_INTEGRITY,
        AttributeType.ERROR_CODE,
        AttributeType.UNKNOWN_ATTRIBUTES,
        AttributeType.REFLECTED_FROM,
        AttributeType.REALM,
        AttributeType.NONCE,
        AttributeType.MESSAGE_INTEGRITY_SHA256,
        AttributeType.PASSWORD_ALGORITHM,
        AttributeType.USERHASH,
        AttributeType.XOR_MAPPED_ADDRESS,
        AttributeType.PADDING,
        AttributeType.RESPONSE_PORT,
    }
)


class StrayKind(StrEnum):
    """Why a datagram answered nothing."""

    INVALID = "invalid"  # not STUN, broken, a wrong FINGERPRINT, or no response at all
    UNSOLICITED = "unsolicited"  # nobody asked
    FORGED = "forged"  # the right transaction, but not from the endpoint that was asked
    UNSIGNED = "unsigned"  # the right transaction, but not signed as it has to be
    DUPLICATE = "duplicate"  # already answered
    LATE = "late"  # already given up


class Answered(NamedTuple):
    """A success response. ``rtt`` is in seconds, None when the request was sent twice or more."""

    request: Message
    response: Message
    server: Endpoint
    local: Endpoint
    rtt: float | None
    sends: int


class Failed(NamedTuple):
    """The end of a request without a usable answer; ``response`` is what came, if anything.

    ``unsigned`` came without the signature that it has to have: anybody could have sent it.
    """

    request: Message
    server: Endpoint
    local: Endpoint
    error: TransactionError
    response: Message | None = None
    unsigned: Message | None = None


class Stray(NamedTuple):
    """A datagram that was not counted, and why."""

    kind: StrayKind
    source: Endpoint
    local: Endpoint


Event = Answered | Failed | Stray


@dataclass(slots=True, eq=False)
class _Transaction:
    request: Message
    server: Endpoint
    local: Endpoint
    started: float
    rto: float  # doubles with each send
    final: float  # how long to wait after the last send
    sends_left: int
    due: float
    reliable: bool
    signature: Signature | None
    sends: int = 1
    forged_by: str = ""
    unsigned: Message | None = None  # the last response that was not signed as it has to be

    def silence(self, now: float) -> TransactionError:
        if self.unsigned is not None:
            return InvalidAnswer("the answer is not signed with the password that was asked with")
        return NoAnswer(self.sends, now - self.started, self.forged_by)


class Client:
    """A machine (``protocol.machine``) that carries any number of transactions.

    ``understood`` are the comprehension-required types that an answer may have. Raises ValueError
    for a schedule that sends nothing: its ``rc`` is under 1.
    """

    def __init__(
        self, schedule: Schedule | None = None, *, understood: frozenset[int] = UNDERSTOOD
    ) -> None:
        self._schedule = schedule or Schedule()
        self._understood = understood
        if self._schedule.rc < 1:
            raise ValueError(f"a request is sent once at least, not {self._schedule.rc} times")
        self._round_trips = RoundTrips()
        self._open: dict[bytes, _Transaction] = {}
        self._ended: OrderedDict[bytes, StrayKind] = OrderedDict()
        self._sends: list[Outgoing] = []
        self._events: list[Event] = []

    def request(
        self,
        message: Message,
        server: Endpoint,
        local: Endpoint,
        now: float,
        *,
        reliable: bool = False,
        signature: Signature | None = None,
    ) -> None:
        """Start a transaction; ``reliable`` means a stream, on which nothing is sent again.

        ``signature`` is the one that the message bears (see ``protocol.login``). Raises ValueError
        when a transaction with this id is in progress.
        """
        if message.transaction_id in self._open:
            raise ValueError("a transaction with this id is in progress")
        schedule = self._schedule
        if reliable:
            rto, sends_left, final = schedule.ti, 0, schedule.ti
        else:
            rto = self._round_trips.rto(server.packed, schedule, now)
            sends_left, final = schedule.rc - 1, schedule.rm * rto
        wait = rto if sends_left else final
        due = now + wait
        transaction = _Transaction(
            message, server, local, now, rto, final, sends_left, due, reliable, signature
        )
        self._open[message.transaction_id] = transaction
        self._sends.append(Outgoing(message.raw, server, local))

    def give_up(self, transaction_id: bytes, now: float) -> None:
        """End a transaction early, as unanswered; nothing happens to one that has ended."""
        transaction = self._open.get(transaction_id)
        if transaction is not None:
            self._fail(transaction, transaction.silence(now))

    def stop_sending(self, transaction_id: bytes, now: float) -> None:
        """Send a request no more, but wait for its answer as after the last time."""
        transaction = self._open.get(transaction_id)
        if transaction is not None and transaction.sends_left:
            transaction.sends_left = 0
            transaction.due = now + transaction.final

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram, or one whole message of a stream."""
        try:
            message = Message.decode(data)
        except WireError:
            self._stray(StrayKind.INVALID, source, local)
            return
        if not message.is_response or check_fingerprint(message) is False:
            self._stray(StrayKind.INVALID, source, local)
            return
        transaction_id = message.transaction_id
        transaction = self._open.get(transaction_id)
        if transaction is None:
            kind = self._ended.get(transaction_id, StrayKind.UNSOLICITED)
            self._stray(kind, source, local)
        elif source != transaction.server or local != transaction.local:
            if source != transaction.server:
                transaction.forged_by = str(source)
            self._stray(StrayKind.FORGED, source, local)
        elif message.method != transaction.request.method:
            self._stray(StrayKind.INVALID, source, local)
        elif transaction.signature and not transaction.signature.accepts(message):
            self._stray(StrayKind.UNSIGNED, source, local)
            transaction.unsigned = message
            if transaction.reliable:
                self._fail(transaction, transaction.silence(now))
        else:
            self._finish(transaction, message, now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """End every transaction with ``remote`` over ``local`` (RFC 8489 section 6.2.1)."""
        del now
        for transaction in list(self._open.values()):
            if (transaction.server, transaction.local) == (remote, local):
                self._fail(transaction, Unreachable(reason))

    def tick(self, now: float) -> None:
        """Send again what is due, give up what has waited long enough."""
        for transaction in [t for t in self._open.values() if t.due <= now]:
            if not transaction.sends_left:
                self._fail(transaction, transaction.silence(now))
                continue
            transaction.sends += 1
            transaction.sends_left -= 1
            transaction.rto *= 2
            transaction.due = now + (
                transaction.rto if transaction.sends_left else transaction.final
            )
            raw = transaction.request.raw
            self._sends.append(Outgoing(raw, transaction.server, transaction.local))

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return sends

    def events(self) -> list[Event]:
        """Hand over what happened, and forget it."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when the next request is to be sent again or given up."""
        return min((transaction.due for transaction in self._open.values()), default=None)

    def _finish(self, transaction: _Transaction, response: Message, now: float) -> None:
        request = transaction.request
        error = _unusable(response, self._understood)
        if error is not None:
            self._fail(transaction, error, StrayKind.DUPLICATE, response)
            return
        del self._open[request.transaction_id]
        self._remember(request.transaction_id, StrayKind.DUPLICATE)
        rtt = None
        if transaction.sends == 1:
            rtt = now - transaction.started
            if not transaction.reliable:  # a stream sends again without telling
                self._round_trips.sample(transaction.server.packed, rtt, now)
        self._events.append(
            Answered(
                request, response, transaction.server, transaction.local, rtt, transaction.sends
            )
        )

    def _fail(
        self,
        transaction: _Transaction,
        error: TransactionError,
        kind: StrayKind = StrayKind.LATE,
        response: Message | None = None,
    ) -> None:
        request = transaction.request
        del self._open[request.transaction_id]
        self._remember(request.transaction_id, kind)
        self._events.append(
            Failed(
                request,
                transaction.server,
                transaction.local,
                error,
                response,
                transaction.unsigned,
            )
        )

    def _remember(self, transaction_id: bytes, kind: StrayKind) -> None:
        self._ended[transaction_id] = kind
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)

    def _stray(self, kind: StrayKind, source: Endpoint, local: Endpoint) -> None:
        self._events.append(Stray(kind, source, local))


def mapped_endpoint(response: Message) -> Endpoint | None:
    """Return where a Binding success response says that we are seen.

    XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS from a classic server (RFC 8489 section 6.3.3, RFC 5389
    section 12.1). Raises Malformed.
    """
    attribute = response.get(XorMappedAddress) or response.get(MappedAddress)
    return attribute.endpoint if attribute else None


def _unusable(response: Message, understood: frozenset[int]) -> TransactionError | None:
    """Return the error that a response amounts to, or None for a success that can be used."""
    unknown = response.unknown(understood)
    if unknown:
        types = ", ".join(f"0x{number:04X}" for number in unknown)
        return InvalidAnswer(f"the answer has attributes that must be understood: {types}")
    try:
        if response.message_class is MessageClass.ERROR_RESPONSE:
            return _refusal(response)
        if response.method == Method.BINDING and mapped_endpoint(response) is None:
            return InvalidAnswer("the answer has no mapped address")
    except Malformed as error:
        return InvalidAnswer(f"the answer is broken: {error}")
    return None


def _refusal(response: Message) -> TransactionError:
    error = response.get(ErrorCode)
    if error is None:
        return InvalidAnswer("an error response without ERROR-CODE")
    unknown = response.get(UnknownAttributes)
    reason = error.reason or reason_phrase(error.code)
    return Refused(error.code, reason, unknown.types if unknown else ())
