"""A TURN client's allocation: made, permitted, used, kept alive and released.

Answers to RFC 8656 sections 5, 7.1, 7.3, 7.4, 8, 9, 10 and 11, over datagrams and over streams.
One machine holds one 5-tuple, and so at most one allocation, which may have a relayed address in
each family. Data goes in Send and Data indications; channels (section 12) only make them shorter,
and are not used.

Rules of this file: nothing that a server says raises; each request ends in one event, whatever the
number of transactions that logging in takes. What may exist on the server is known here, so that
``release`` leaves nothing behind, also when the answer to the Allocate request was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Refused, WireError
from stunkit.protocol.allocation_event import (
    TURN_UNDERSTOOD,
    Allocated,
    Event,
    Lost,
    Permitted,
    Refreshed,
    Released,
    read_allocated,
    read_indication,
    read_lifetime,
    read_rejected,
)
from stunkit.protocol.client import Answered, Client, Failed
from stunkit.protocol.login import ROUNDS, Login
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import Schedule
from stunkit.wire.attributes.address import XorPeerAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.text import Software
from stunkit.wire.attributes.turn import (
    AdditionalAddressFamily,
    Data,
    Lifetime,
    RequestedAddressFamily,
    RequestedTransport,
)
from stunkit.wire.message import Message
from stunkit.wire.registry import Code, MessageClass, Method

UDP = 17  # of REQUESTED-TRANSPORT: IANA's protocol number; RFC 8656 section 18.8
AHEAD = 60  # seconds before an allocation expires that it is refreshed; RFC 8656 section 8
PERMISSION_REFRESH = 240.0  # seconds; a permission lasts 300, RFC 8656 section 9
SOFTWARE = "stunkit"


@dataclass(slots=True, eq=False)
class _Asked:
    """A request in so many rounds as logging in takes."""

    method: Method
    attributes: tuple[Attribute, ...]
    peers: tuple[Endpoint, ...] = ()
    rounds: int = 0
    is_release: bool = False
    is_signed: bool = False
    had_one: bool = False  # whether there may have been an allocation before


class Allocation:
    """A machine (``protocol.machine``) that holds one allocation at most.

    ``local`` is where it asks from, to be set before it asks anything: a connection is known by it
    only once it is there. ``random`` gives so many random bytes. Without a ``login`` it asks as
    nobody.
    """

    def __init__(
        self,
        server: Endpoint,
        random: Callable[[int], bytes],
        *,
        login: Login | None = None,
        is_stream: bool = False,
        schedule: Schedule | None = None,
    ) -> None:
        self.server = server
        self.local = Endpoint(bytes(len(server.packed)), 0)
        self._random = random
        self._login = login
        self._is_stream = is_stream
        self._client = Client(schedule, understood=TURN_UNDERSTOOD)
        self._asked: dict[bytes, _Asked] = {}
        self._permissions: dict[bytes, tuple[Endpoint, float]] = {}  # by address: when to renew
        self._may_exist = False
        self._refresh_at: float | None = None
        self._sends: list[Outgoing] = []
        self._events: list[Event] = []

    @property
    def may_exist(self) -> bool:
        """Whether the server may hold an allocation of ours."""
        return self._may_exist

    def allocate(
        self,
        now: float,
        *,
        family: Family | None = None,
        with_ipv6: bool = False,
        protocol: int = UDP,
    ) -> None:
        """Ask for a relayed address: ``Allocated`` or ``Rejected`` follows.

        ``family`` is that of the relayed address, IPv4 without one; ``with_ipv6`` asks for one in
        each. Both together are not allowed (RFC 8656 section 7.1), and raise ValueError.
        """
        if family is not None and with_ipv6:
            raise ValueError("one family, or IPv4 and IPv6")
        attributes: list[Attribute] = [RequestedTransport(protocol)]
        if family is not None:
            attributes.append(RequestedAddressFamily(family))
        if with_ipv6:
            attributes.append(AdditionalAddressFamily(Family.IPV6))
        attributes.append(Software(SOFTWARE))
        asked = _Asked(Method.ALLOCATE, tuple(attributes), had_one=self._may_exist)
        self._may_exist = True
        self._ask(asked, now)

    def permit(self, peers: Iterable[Endpoint], now: float) -> None:
        """Ask that peers may send and be sent to: ``Permitted`` or ``Rejected`` follows."""
        peers = tuple(peers)
        attributes = tuple(XorPeerAddress(peer) for peer in peers)
        self._ask(_Asked(Method.CREATE_PERMISSION, attributes, peers), now)

    def refresh(self, now: float) -> None:
        """Ask for a longer life: ``Refreshed`` or ``Rejected`` follows. Happens by itself too."""
        self._refresh_at = None
        self._ask(_Asked(Method.REFRESH, (Software(SOFTWARE),)), now)

    def release(self, now: float) -> None:
        """Give back what may be on the server: ``Released`` or ``Rejected`` follows."""
        self._refresh_at = None
        self._permissions.clear()
        if not self._may_exist:
            self._events.append(Released())
            return
        attributes = (Lifetime(0), Software(SOFTWARE))
        self._ask(_Asked(Method.REFRESH, attributes, is_release=True), now)

    def send(self, data: bytes, peer: Endpoint) -> None:
        """Send a datagram to a peer, which must be permitted: else the server drops it.

        Raises Unencodable for one that is too long.
        """
        attributes = (XorPeerAddress(peer), Data(data))
        kind = MessageClass.INDICATION
        message = Message.build(kind, Method.SEND, self._random(12), attributes)
        self._sends.append(Outgoing(message.raw, self.server, self.local))

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram, or one whole message of a stream."""
        try:
            message = Message.decode(data)
        except WireError:
            message = None
        if message is not None and message.message_class is MessageClass.INDICATION:
            if (source, local) == (self.server, self.local) and message.method == Method.DATA:
                self._deliver(message)
            return
        self._client.receive(data, source, local, now)
        self._conclude(now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that the relay cannot be reached."""
        self._client.unreachable(remote, local, reason, now)
        self._conclude(now)
        if self._is_stream and self._may_exist and (remote, local) == (self.server, self.local):
            self._forget()
            self._events.append(Lost(reason))

    def tick(self, now: float) -> None:
        """Ask again what is due, and renew what would expire."""
        self._client.tick(now)
        self._conclude(now)
        if self._refresh_at is not None and self._refresh_at <= now:
            self.refresh(now)
        due = [peer for peer, renewal in self._permissions.values() if renewal <= now]
        if due:
            for peer in due:
                self._permissions[peer.packed] = (peer, now + PERMISSION_REFRESH)
            self.permit(due, now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = self._sends, []
        return self._client.sends() + sends

    def events(self) -> list[Event]:
        """Hand over what happened, and forget it."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when ``tick`` is wanted next, or None."""
        times = [renewal for _, renewal in self._permissions.values()]
        times += [at for at in (self._client.deadline(), self._refresh_at) if at is not None]
        return min(times, default=None)

    def give_up(self, now: float) -> None:
        """End every request that waits: each is rejected as unanswered."""
        for transaction_id in list(self._asked):
            self._client.give_up(transaction_id, now)
        self._conclude(now)

    def _ask(self, asked: _Asked, now: float) -> None:
        asked.rounds += 1
        transaction_id = self._random(12)
        if self._login is None:
            request = Message.request(asked.method, transaction_id, asked.attributes)
            signature = None
        else:
            request, signature = self._login.request(
                transaction_id, asked.attributes, method=asked.method
            )
        asked.is_signed = signature is not None
        self._asked[transaction_id] = asked
        self._client.request(
            request,
            self.server,
            self.local,
            now,
            reliable=self._is_stream,
            signature=signature,
        )

    def _conclude(self, now: float) -> None:
        """Draw the conclusions from the transactions that have ended."""
        for event in self._client.events():
            if isinstance(event, Answered):
                asked = self._asked.pop(event.request.transaction_id)
                self._take(asked, event, now)
            elif isinstance(event, Failed):
                asked = self._asked.pop(event.request.transaction_id)
                if self._may_ask_again(asked, event):
                    self._ask(asked, now)
                else:
                    self._reject(asked, event)

    def _may_ask_again(self, asked: _Asked, failed: Failed) -> bool:
        return (
            self._login is not None
            and failed.response is not None
            and self._login.learn(failed.request, failed.response)
            and asked.rounds < ROUNDS
        )

    def _take(self, asked: _Asked, answered: Answered, now: float) -> None:
        if asked.method is Method.ALLOCATE:
            allocated = read_allocated(answered, is_signed=asked.is_signed)
            if isinstance(allocated, Allocated):
                self._plan(allocated.lifetime, now)
            self._events.append(allocated)
        elif asked.method is Method.CREATE_PERMISSION:
            for peer in asked.peers:
                self._permissions[peer.packed] = (peer, now + PERMISSION_REFRESH)
            self._events.append(Permitted(asked.peers, answered.rtt))
        elif asked.is_release:
            self._forget()
            self._events.append(Released())
        else:
            lifetime = read_lifetime(answered.response)
            self._plan(lifetime, now)
            self._events.append(Refreshed(lifetime))

    def _plan(self, lifetime: int, now: float) -> None:
        """Set when to refresh: a minute ahead, or half-way through a short life."""
        self._refresh_at = now + max(lifetime - AHEAD, lifetime / 2, 1.0)

    def _reject(self, asked: _Asked, failed: Failed) -> None:
        code = failed.error.code if isinstance(failed.error, Refused) else None
        if asked.method is Method.ALLOCATE:
            if code is not None:
                self._may_exist = asked.had_one
        elif code == Code.ALLOCATION_MISMATCH:
            self._forget()
            if asked.is_release:
                self._events.append(Released())  # RFC 8656 section 8.3
                return
        for peer in asked.peers:
            self._permissions.pop(peer.packed, None)
        self._events.append(
            read_rejected(asked.method, failed, asked.peers, is_signed=asked.is_signed)
        )

    def _forget(self) -> None:
        self._may_exist = False
        self._refresh_at = None
        self._permissions.clear()

    def _deliver(self, message: Message) -> None:
        """Hand on what a peer that may send has sent; the rest is dropped (RFC 8656 11.4)."""
        event = read_indication(message)
        if event is not None and event.peer.packed in self._permissions:
            self._events.append(event)
