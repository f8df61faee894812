"""The settings of a server: name, type, default and unit of each, stated once."""

from __future__ import annotations

from dataclasses import dataclass

from stunkit.endpoint import Endpoint
from stunkit.wire.uri import DEFAULT_PORT

ANY_IPV4 = Endpoint(bytes(4), DEFAULT_PORT)
ANY_IPV6 = Endpoint(bytes(16), DEFAULT_PORT)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator can choose.

    - ``listen``: where UDP and TCP are served; empty means port 3478 of every address, IPv6 only
      where the machine has it.
    - ``alternate``: for each family, the other address and the other port of an RFC 5780 server
      whose first ones are in ``listen``; port 0 means the port after that one.
    - ``advertise``: pairs of a local address and the public one that clients know it by, behind a
      one-to-one NAT.
    - ``software``: sent as SOFTWARE in every answer, None for not at all.
    - ``max_connections``: TCP connections at a time; a newer one ends one that never
      completed a message, or the one idle longest.
    - ``idle_timeout``: seconds without a whole message after which a TCP connection is closed.
    - ``max_message``: bytes of one message over TCP.
    - ``max_unsent``: bytes of answers that a TCP client may leave unread.
    """

    listen: tuple[Endpoint, ...] = ()
    alternate: tuple[Endpoint, ...] = ()
    advertise: tuple[tuple[str, str], ...] = ()
    software: str | None = None
    max_connections: int = 1000
    idle_timeout: float = 60.0
    max_message: int = 2048
    max_unsent: int = 4096
