"""Finding STUN in captured packets, on any port, by its bits and its cookie.

What carries the magic cookie is meant to be STUN, whole or broken (RFC 7983, RFC 8489 section 6.3).
Without a cookie it is classic STUN (RFC 3489) only if that is asked for and everything in it fits.
ChannelData has no cookie either: it is taken for such only on a channel that a ChannelBind in the
same capture has named. Messages that a TURN client and its peers exchange through the relay are
sightings of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stunkit.dissect.packet import (
    COOKED,
    COOKED_V2,
    ETHERNET,
    LINK_TYPES,
    NULL,
    RAW,
    Datagram,
    Fragment,
    Frame,
    Segment,
    read_packet,
)
from stunkit.dissect.stream import Streams
from stunkit.dissect.tree import looks_like_stun
from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, NotStun
from stunkit.wire.attributes.address import XorPeerAddress
from stunkit.wire.attributes.table import ATTRIBUTES, decode_attribute
from stunkit.wire.attributes.turn import ChannelNumber, Data
from stunkit.wire.demux import Kind, demultiplex
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import Transport

_CLASSIC_METHODS = (Method.BINDING, Method.SHARED_SECRET)  # RFC 3489 section 11.1


class Sighting(NamedTuple):
    """A message on its way. ``relay`` is the TURN server that it goes through inside others.

    ``frame`` counts from 1; ``message`` is None for what is broken, and for ChannelData.
    """

    frame: int
    time: float | None
    transport: Transport
    source: Endpoint
    destination: Endpoint
    data: bytes
    message: Message | None
    relay: Endpoint | None = None
    is_cut: bool = False
    hops: int = 0


@dataclass(slots=True)
class Tally:
    """What was in a capture, in frames."""

    frames: int = 0
    udp: int = 0
    tcp: int = 0
    fragments: int = 0
    cut: int = 0
    other: int = 0
    unknown_link: int = 0


class Finder:
    """Looks through the frames of one capture, in their order."""

    def __init__(self, *, classic: bool = False) -> None:
        self.tally = Tally()
        self._classic = classic
        self._streams = Streams()
        self._channels: dict[tuple[Endpoint, Endpoint, int], Endpoint] = {}

    def receive(self, frame: Frame) -> Iterator[Sighting]:
        """Yield the messages that a frame carries or completes."""
        tally = self.tally
        tally.frames += 1
        packet = read_packet(frame)
        if isinstance(packet, Datagram):
            tally.udp += 1
            tally.cut += packet.is_cut
            yield from self._sight(frame, packet, Transport.UDP, packet.payload)
        elif isinstance(packet, Segment):
            tally.tcp += 1
            tally.cut += packet.is_cut
            for message in self._streams.receive(packet):
                yield from self._sight(frame, packet, Transport.TCP, message)
        elif isinstance(packet, Fragment):
            tally.fragments += 1
        elif frame.link not in LINK_TYPES:
            tally.unknown_link += 1
        else:
            tally.other += 1

    def _sight(
        self, frame: Frame, packet: Datagram | Segment, transport: Transport, data: bytes
    ) -> Iterator[Sighting]:
        message = self._message(data)
        if message is None and not looks_like_stun(data) and not self._is_channel(packet, data):
            return
        sighting = Sighting(
            self.tally.frames,
            frame.time,
            transport,
            packet.source,
            packet.destination,
            data,
            message,
            is_cut=packet.is_cut,
            hops=packet.hops,
        )
        yield sighting
        yield from self._relayed(sighting)

    def _message(self, data: bytes) -> Message | None:
        if not self._classic and not looks_like_stun(data):
            return None
        try:
            message = Message.decode(data)
            if message.is_classic:
                return message if _is_plausible(message) else None
        except (NotStun, Malformed):
            return None
        return message

    def _is_channel(self, packet: Datagram | Segment, data: bytes) -> bool:
        if demultiplex(data) is not Kind.TURN_CHANNEL or len(data) < 4:
            return False
        number = int.from_bytes(data[:2], "big")
        ends = packet.source, packet.destination
        return (*ends, number) in self._channels or (*ends[::-1], number) in self._channels

    def _relayed(self, outer: Sighting) -> Iterator[Sighting]:
        """Yield the STUN message that goes through a relay in this one, if there is one."""
        message = outer.message
        try:
            if message is None:
                yield from self._from_channel(outer)
                return
            peer = message.get(XorPeerAddress)
            if message.method == Method.CHANNEL_BIND:
                number = message.get(ChannelNumber)
                if message.is_request and peer and number:
                    key = outer.source, outer.destination, number.number
                    self._channels[key] = peer.endpoint
                return
            data = message.get(Data)
        except Malformed:
            return
        if message.message_class is not MessageClass.INDICATION or not (peer and data):
            return
        if message.method == Method.SEND:
            yield from self._inner(
                outer, outer.source, peer.endpoint, outer.destination, data.value
            )
        elif message.method == Method.DATA:
            yield from self._inner(
                outer, peer.endpoint, outer.destination, outer.source, data.value
            )

    def _from_channel(self, outer: Sighting) -> Iterator[Sighting]:
        source, destination, data = outer.source, outer.destination, outer.data
        number = int.from_bytes(data[:2], "big")
        payload = data[4 : 4 + int.from_bytes(data[2:4], "big")]
        if peer := self._channels.get((source, destination, number)):
            yield from self._inner(outer, source, peer, destination, payload)
        elif peer := self._channels.get((destination, source, number)):
            yield from self._inner(outer, peer, destination, source, payload)

    def _inner(
        self,
        outer: Sighting,
        source: Endpoint,
        destination: Endpoint,
        relay: Endpoint,
        data: bytes,
    ) -> Iterator[Sighting]:
        if looks_like_stun(data):
            yield outer._replace(
                source=source,
                destination=destination,
                relay=relay,
                data=data,
                message=self._message(data),
            )


def unwrap(data: bytes) -> Datagram | Segment | None:
    """Return the packet that bytes are, if there is a STUN message in it: a frame or from IP on."""
    for link in (ETHERNET, RAW, COOKED, COOKED_V2, NULL):
        packet = read_packet(Frame(None, link, data))
        if isinstance(packet, (Datagram, Segment)) and looks_like_stun(packet.payload):
            return packet
    return None


def _is_plausible(message: Message) -> bool:
    """Whether a message without a cookie is classic STUN: all in it is known and fits.

    Raises Malformed.
    """
    if message.method not in _CLASSIC_METHODS or message.message_class is MessageClass.INDICATION:
        return False
    for number, value in message.attributes:
        if number not in ATTRIBUTES:
            return False
        decode_attribute(number, value, message.transaction_id)
    return True
