"""A lane that makes mistakes on demand: what a client's tests need and no good server does.

Rules of this file: ``respond`` decides every answer, and only what leaves is spoiled; faults may
change while the lane serves. They are UDP's alone.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from random import Random

from stunkit.conformance.fault import Reaction, Server, on_answer, replaced
from stunkit.conformance.faults import FAULTS
from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, sockaddr_of
from stunkit.net.transport.udp import Express
from stunkit.protocol.respond import Received, Response, respond
from stunkit.server.lanes.portable import PortableLane
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType

OTHERS = (AttributeType.OTHER_ADDRESS, AttributeType.CHANGED_ADDRESS)  # RFC 5780, RFC 3489
SEALS = (AttributeType.MESSAGE_INTEGRITY, AttributeType.MESSAGE_INTEGRITY_SHA256)


def _without_other(message: Message, request: Message | None) -> bytes:
    del request
    for number in OTHERS:
        message = Message.decode(replaced(message, number))
    return message.raw


def _badly_signed(message: Message, request: Message | None) -> bytes:
    del request
    for number in SEALS:
        value = message.value(number)
        if value is not None:
            flipped = bytes([value[0] ^ 1]) + value[1:]
            message = Message.decode(replaced(message, number, (number, flipped)))
    return message.raw


_WRAPS = {
    "no-other-address": on_answer(_without_other),
    "bad-integrity": on_answer(_badly_signed),
    **{fault.name: fault.wrap for fault in FAULTS if not fault.is_stream},
}
_NEEDS_QUARTET = {fault.name for fault in FAULTS if fault.needs_quartet}


@dataclass
class Faults:
    """What goes wrong now.

    ``loss`` is the share of requests that is not heard; ``losses`` so many of the next are not.
    ``delay`` is in seconds. ``wrong_source``: answers leave from another port. ``names`` are those
    of ``conformance.faults``, and "no-other-address" and "bad-integrity".
    """

    loss: float = 0.0
    losses: int = 0
    delay: float = 0.0
    wrong_source: bool = False
    names: list[str] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 (not a secret)

    def loses(self) -> bool:
        """Return whether the next request is not heard."""
        if self.losses > 0:
            self.losses -= 1
            return True
        return self.loss > 0 and self.random.random() < self.loss


def check_name(name: str, *, has_quartet: bool) -> str:
    """Return the name of a fault. Raises UsageError."""
    if name not in _WRAPS:
        raise UsageError("a fault", name, f"there are {', '.join(sorted(_WRAPS))}")
    if name in _NEEDS_QUARTET and not has_quartet:
        raise UsageError("a fault of this server", name, "it needs an alternate address")
    return name


def make_lane(faults: Faults) -> type[PortableLane]:
    """Return a kind of lane that makes these mistakes."""
    return type("FaultyLane", (_FaultyLane,), {"faults": faults})


class _FaultyLane(PortableLane):
    """Serves one bound UDP socket, and not well."""

    faults: Faults
    _spare: socket.socket | None = None

    def _shortened(self) -> Express:
        return self._never

    @staticmethod
    def _never(data: bytes, packed: bytes, port: int) -> None:
        del data, packed, port

    def _serve(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        if self.faults.loses():
            return
        reaction = self._react(Received(data, source, local))
        for response in reaction.responses:
            if self.faults.delay > 0:
                loop = asyncio.get_running_loop()
                loop.call_later(self.faults.delay, self._leave, response)
            else:
                self._leave(response)

    def _react(self, received: Received) -> Reaction:
        site, now = self._site, self._now

        def honest(one: Received) -> Reaction:
            response = respond(one, site, now)
            self._tally.add(response.disposition, len(one.data), len(response.data))
            return Reaction((response,) if response.data else ())

        server: Server = honest
        for name in self.faults.names:
            server = _WRAPS[name](server, site)
        return server(received)

    def _leave(self, response: Response) -> None:
        if not response.data:
            return
        if self.faults.wrong_source:
            self._open_spare().sendto(response.data, sockaddr_of(response.destination))
            return
        leaving = self._siblings.get(response.source, self._udp)
        leaving.send(response.data, response.destination, response.source)

    def _open_spare(self) -> socket.socket:
        if self._spare is None:
            self._spare = socket.socket(ADDRESS_FAMILY[self.local.family], socket.SOCK_DGRAM)
            self._spare.bind(sockaddr_of(self.local.with_port(0)))
        return self._spare

    def close(self) -> None:
        """Stop at once."""
        if self._spare is not None:
            self._spare.close()
        super().close()
