"""Data through a relay and back: from a peer of ours to the relayed address, and home again.

Two peers are possible. A plain UDP socket of ours shows what any peer would see, but its datagrams
must get to the relay's own ports. A second allocation needs nothing but the way to the relay that
is known to work, but the relay must let its own addresses talk to each other.

Rules of this file: silence is told apart from what could not be tried; what a relay forbids is its
right, and says nothing about other peers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer, Refused, WireError
from stunkit.net.relay.connection import Relay
from stunkit.net.relay.report import Echo
from stunkit.net.transport.udp import UdpSocket, describe_errno, source_address
from stunkit.protocol.allocation_event import Permitted, Rejected
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.message import Message
from stunkit.wire.registry import Code, Method
from stunkit.wire.uri import DEFAULT_PORT

COUNT = 12  # datagrams
PACE = 0.05  # seconds between two; as a call has them, and nothing that a limiter minds
WAIT = 1.0  # seconds for the last one; more than the round trip that a call can bear
LOOKS = 3  # Binding requests to learn where a plain socket is seen
LOOK_WAIT = 0.3  # seconds for each
TOKEN_SIZE = 16  # bytes, which nobody else knows


class Ending(StrEnum):
    """How a try ended."""

    CAME_BACK = "came back"
    SILENT = "silent"
    DENIED = "denied"  # the relay forbids this peer
    IMPOSSIBLE = "impossible"  # it could not be tried
    REJECTED = "rejected"  # the relay refused the permission for another reason


class Try(NamedTuple):
    """One try: with which peer, how it ended, and in words."""

    ending: Ending
    peer: Endpoint | None
    text: str
    echo: Echo | None = None
    rejected: Rejected | None = None
    is_udp_open: bool = False  # the relay has answered a plain socket of ours


class Tally:
    """What was sent, and what has come back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.is_complete = asyncio.Event()
        self._now = now
        self._token = os.urandom(TOKEN_SIZE)
        self._sent: list[float] = []
        self._rtts: dict[int, float] = {}

    def next(self) -> bytes:
        """Return the next datagram to send."""
        self._sent.append(self._now())
        return self._token + len(self._sent).to_bytes(2, "big")

    def is_ours(self, data: bytes) -> bool:
        """Whether a datagram is one of those."""
        return len(data) == TOKEN_SIZE + 2 and data.startswith(self._token)

    def take(self, data: bytes) -> None:
        """Take what arrived; a duplicate and what is not ours counts for nothing."""
        number = int.from_bytes(data[TOKEN_SIZE:], "big")
        if self.is_ours(data) and 0 < number <= len(self._sent):
            self._rtts.setdefault(number, self._now() - self._sent[number - 1])
            if len(self._rtts) == COUNT:
                self.is_complete.set()

    def echo(self, peer: Endpoint) -> Echo:
        """Return what it comes to."""
        rtts = self._rtts.values()
        return Echo(
            peer,
            len(self._sent),
            len(rtts),
            min(rtts, default=None),
            _median(sorted(rtts)) if rtts else None,
        )


async def echo_to_socket(relay: Relay, bind: Endpoint | None = None) -> Try:
    """Try with a plain UDP socket of ours."""
    relayed = relay.relayed
    try:
        local = source_address(relayed)
        if bind is not None and bind.family is relayed.family and not bind.is_wildcard:
            local = bind.with_port(0)
        plain = UdpSocket(local)
    except OSError as error:
        return Try(Ending.IMPOSSIBLE, None, f"no plain socket: {describe_errno(error.errno or 0)}")
    tally = Tally(lambda: relay.now)
    mirror = _Mirror(plain, relay.site.server)

    def take(data: bytes, source: Endpoint, _local: Endpoint) -> None:
        tally.take(data)
        mirror.take(data, source)

    plain.start(take)
    try:
        seen = await mirror.look()
        peer = seen or relay.mapped
        if peer is None or peer.family is not relayed.family:
            family = relayed.family.replace("ip", "IP")
            text = f"where a plain socket of ours is seen over {family} is not known"
            return Try(Ending.IMPOSSIBLE, None, text)
        peer = peer.with_port(0)
        refusal = _refusal(await relay.permit(peer), peer)
        if refusal is not None:
            return refusal
        relay.on_data = lambda data, source, _: _answer(relay, tally, data, source)
        await _pace(tally, lambda data: plain.send(data, relayed))
    finally:
        plain.close()
    return _judge(tally, peer)._replace(is_udp_open=seen is not None)


async def echo_to_relay(relay: Relay, second: Relay) -> Try:
    """Try with another allocation of ours on the same relay."""
    peer = second.relayed
    if peer.family is not relay.relayed.family:
        return Try(Ending.IMPOSSIBLE, peer, "the second relayed address is of another family")
    for one, other in ((relay, second), (second, relay)):
        refusal = _refusal(await one.permit(other.relayed), other.relayed)
        if refusal is not None:
            return refusal
    tally = Tally(lambda: relay.now)
    relay.on_data = lambda data, source, _: _answer(relay, tally, data, source)
    second.on_data = lambda data, _source, _: tally.take(data)
    await _pace(tally, lambda data: second.send(data, relay.relayed))
    return _judge(tally, peer)


class _Mirror:
    """Where a relay sees a plain socket: a NAT may show it another address than the relay's client.

    Relays answer Binding requests too, as a rule, and those that we reach over TLS on the port for
    UDP; one that does not is not waited for long.
    """

    def __init__(self, plain: UdpSocket, server: Endpoint) -> None:
        self._plain = plain
        self._servers = {server, server.with_port(DEFAULT_PORT)}
        self._request = Message.request(Method.BINDING, os.urandom(12))
        self._seen: asyncio.Future[Endpoint | None] = asyncio.get_running_loop().create_future()

    async def look(self) -> Endpoint | None:
        """Return where the socket is seen, None where nobody says."""
        family = self._plain.local.family
        for _ in range(LOOKS):
            for server in self._servers:
                if server.family is not family:
                    return None
                with contextlib.suppress(OSError):
                    self._plain.send(self._request.raw, server)
            done, _ = await asyncio.wait([self._seen], timeout=LOOK_WAIT)
            if done:
                return self._seen.result()
        return None

    def take(self, data: bytes, source: Endpoint) -> None:
        """Take what arrived, if it is the answer."""
        try:
            answer = Message.decode(data)
            is_ours = answer.transaction_id == self._request.transaction_id
            if source in self._servers and is_ours and not self._seen.done():
                self._seen.set_result(mapped_endpoint(answer))
        except WireError:
            return


def _answer(relay: Relay, tally: Tally, data: bytes, source: Endpoint) -> None:
    if tally.is_ours(data):
        relay.send(data, source)


async def _pace(tally: Tally, send: Callable[[bytes], object]) -> None:
    for _ in range(COUNT):
        with contextlib.suppress(OSError):  # no route: as good as lost
            send(tally.next())
        await asyncio.sleep(PACE)
    try:
        async with asyncio.timeout(WAIT):
            await tally.is_complete.wait()
    except TimeoutError:
        return


def _refusal(event: Permitted | Rejected, peer: Endpoint) -> Try | None:
    if isinstance(event, Permitted):
        return None
    if isinstance(event.error, Refused) and event.error.code == Code.FORBIDDEN:
        return Try(Ending.DENIED, peer, f"the relay's rules forbid {peer.host} as a peer (403)")
    if isinstance(event.error, NoAnswer):
        return Try(
            Ending.IMPOSSIBLE, peer, f"{event.error} to the request that permits {peer.host}"
        )
    return Try(Ending.REJECTED, peer, str(event.error), rejected=event)


def _judge(tally: Tally, peer: Endpoint) -> Try:
    echo = tally.echo(peer)
    if not echo.received:
        return Try(Ending.SILENT, peer, f"none of {echo.sent} datagrams came back", echo)
    return Try(Ending.CAME_BACK, peer, f"{echo.received} of {echo.sent} datagrams came back", echo)


def _median(ordered: Sequence[float]) -> float:
    """Return the middle; the module ``statistics`` takes longer to import than all of this."""
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[-1 - middle]) / 2
