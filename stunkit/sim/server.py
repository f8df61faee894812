"""Servers of the simulated network: honest ones, and those that mislead.

An honest one is ``respond`` itself. Each ``Lie`` is a fault that real servers have.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from random import Random

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    ResponseOrigin,
    SourceAddress,
)
from stunkit.wire.attributes.behavior import ChangeRequest, Padding, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, MessageClass

BRIDGE = {4: bytes((172, 17, 0, 1)), 16: bytes((0xFD, *bytes(14), 1))}  # by length of the address
ELSEWHERE = {4: bytes((192, 0, 2, 99)), 16: bytes.fromhex("20010db8dead") + bytes(10)}


class Lie(StrEnum):
    """How a server misleads those who discover a NAT with it."""

    NONE = "none"
    NO_RFC5780 = "no-rfc5780"  # honest about it: no OTHER-ADDRESS, 420 to CHANGE-REQUEST
    IGNORES_CHANGE = "ignores-change"  # answers CHANGE-REQUEST from the socket that was asked
    DROPS_CHANGE = "drops-change"  # does not answer CHANGE-REQUEST at all
    WRONG_SOURCE = "wrong-source"  # swaps "other address" and "other port"
    WRONG_OTHER = "wrong-other"  # OTHER-ADDRESS names an address where nobody is
    SAME_ADDRESS = "same-address"  # OTHER-ADDRESS has the server's own address
    FIREWALLED = "firewalled"  # the other address neither receives nor sends
    LOSSY_ALTERNATE = "lossy-alternate"  # the way to and from the other address loses most
    NO_RESPONSE_PORT = "no-response-port"  # honest about it: 420
    IGNORES_RESPONSE_PORT = "ignores-response-port"  # answers to where it was asked from
    NO_PADDING = "no-padding"  # honest about it: 420
    IGNORES_PADDING = "ignores-padding"  # answers without
    CLASSIC = "classic"  # one of RFC 3489: MAPPED-ADDRESS alone, which gateways may rewrite
    TRANSLATED = "translated"  # behind a proxy of its own, so that it sees that one's endpoints


# The probability that one datagram to the other address, or from it, is lost.
_LOSS_OF_ALTERNATE = {Lie.FIREWALLED: 1.0, Lie.LOSSY_ALTERNATE: 0.6}
_REFUSED = {
    Lie.NO_RESPONSE_PORT: (AttributeType.RESPONSE_PORT,),
    Lie.NO_PADDING: (AttributeType.PADDING,),
    Lie.CLASSIC: (AttributeType.RESPONSE_PORT, AttributeType.PADDING),
}
_IGNORED = {
    Lie.IGNORES_RESPONSE_PORT: AttributeType.RESPONSE_PORT,
    Lie.IGNORES_PADDING: AttributeType.PADDING,
}
_ATTRIBUTES = (ChangeRequest, ResponsePort, Padding)


class Server:
    """Four sockets of one server; a ``Service`` of the network."""

    def __init__(self, quartet: tuple[Endpoint, ...], lie: Lie, random: Random) -> None:
        self.endpoints = quartet
        self._lie = lie
        self._random = random
        self._bridged: dict[tuple[Endpoint, Endpoint], Endpoint] = {}
        size = len(quartet[0].packed)
        shown = Quartet(quartet, quartet, proven=True)
        if lie in {Lie.WRONG_OTHER, Lie.SAME_ADDRESS}:
            address = ELSEWHERE[size] if lie is Lie.WRONG_OTHER else quartet[0].packed
            others = tuple(Endpoint(address, one.port) for one in quartet[2:])
            shown = replace(shown, public=(*quartet[:2], *others))
        self._site = Site(quartet=None if lie is Lie.NO_RFC5780 else shown)

    def __call__(
        self, data: bytes, source: Endpoint, local: Endpoint, now: float
    ) -> list[Outgoing]:
        """Answer one datagram."""
        del now
        try:
            request = Message.decode(data)
        except WireError:
            return []
        if not request.is_request:
            return []
        refused = [kind for kind in _REFUSED.get(self._lie, ()) if request.value(kind) is not None]
        if refused:
            return self._hand_over(_refusal(request, *refused), source, local, local)
        if self._lie in _IGNORED:
            data = _without(request, _IGNORED[self._lie]).raw
        seen = self._bridge(source, local) if self._lie is Lie.TRANSLATED else source
        response = respond(Received(data, seen, local), self._site)
        there = source if response.destination == seen else response.destination
        answer = _classic(response.data) if self._lie is Lie.CLASSIC else response.data
        return self._hand_over(answer, there, local, self._origin(request, local, response.source))

    def _origin(self, request: Message, local: Endpoint, honest: Endpoint) -> Endpoint | None:
        """Return the socket that an answer leaves from, None for no answer."""
        change = request.value(AttributeType.CHANGE_REQUEST)
        if change is None or not any(change):
            return honest
        if self._lie is Lie.IGNORES_CHANGE:
            return local
        if self._lie is Lie.DROPS_CHANGE:
            return None
        index = self.endpoints.index(honest)
        if self._lie is Lie.WRONG_SOURCE and index != 3:
            return self.endpoints[index ^ 3]
        return honest

    def _hand_over(
        self, data: bytes, destination: Endpoint, asked: Endpoint, origin: Endpoint | None
    ) -> list[Outgoing]:
        """Return the answer, unless one of its two sockets stands in the way."""
        loss = _LOSS_OF_ALTERNATE.get(self._lie, 0.0)
        for endpoint in (asked, origin):
            if endpoint in self.endpoints[2:] and self._random.random() < loss:
                return []
        return [] if origin is None else [Outgoing(data, destination, origin)]

    def _bridge(self, source: Endpoint, local: Endpoint) -> Endpoint:
        """Return the endpoint of a proxy in front of the server, one for each flow."""
        flow = (source, local)
        if flow not in self._bridged:
            port = self._random.randrange(1024, 65536)
            self._bridged[flow] = Endpoint(BRIDGE[len(source.packed)], port)
        return self._bridged[flow]


def _refusal(request: Message, *unknown: int) -> bytes:
    attributes = (ErrorCode(Code.UNKNOWN_ATTRIBUTE, ""), UnknownAttributes(unknown))
    kind = MessageClass.ERROR_RESPONSE
    return Message.build(kind, request.method, request.transaction_id, attributes).raw


def _without(request: Message, ignored: int) -> Message:
    kept = [request.get(kind) for kind in _ATTRIBUTES if kind.type != ignored]
    attributes = [attribute for attribute in kept if attribute is not None]
    return Message.request(request.method, request.transaction_id, attributes)


def _classic(data: bytes) -> bytes:
    """Return a success response as a server of RFC 3489 words it."""
    answer = Message.decode(data)
    plain, origin, other = (
        answer.get(kind) for kind in (MappedAddress, ResponseOrigin, OtherAddress)
    )
    if plain is None or origin is None or other is None:
        return data
    attributes = (
        plain,
        SourceAddress(origin.endpoint),
        ChangedAddress(other.endpoint),
    )
    kind = MessageClass.SUCCESS_RESPONSE
    return Message.build(kind, answer.method, answer.transaction_id, attributes).raw
