"""The settings of a server: name, type, default and unit of each, stated once."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from stunkit.endpoint import Endpoint
from stunkit.protocol.throttle import Limit
from stunkit.wire.uri import DEFAULT_PORT

ANY_IPV4 = Endpoint(bytes(4), DEFAULT_PORT)
ANY_IPV6 = Endpoint(bytes(16), DEFAULT_PORT)

# Nobody outside can send from these, so no limit keeps anything from anybody.
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# The UDP ports of services that answer whatever comes, or are asked with forged sources every day:
# echo, daytime, qotd, chargen, time, DNS, TFTP, portmap, NTP, NetBIOS, SNMP, CLDAP, RIP, SSDP, mDNS
# and memcached; and 0, which is nobody's. Two of them talking to each other would never end.
REFUSED_PORTS = (0, 7, 13, 17, 19, 37, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 5353, 11211)
DEFAULT_LIMIT = Limit(allow=LOOPBACK)


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
    - ``workers``: processes that serve, each its share of the clients.
    - ``max_connections``: TCP connections at a time, of all workers together; a newer one ends one
      that never completed a message, or the one idle longest.
    - ``idle_timeout``: seconds without a whole message after which a TCP connection is closed.
    - ``max_message``: bytes of one message over TCP.
    - ``max_unsent``: bytes of answers that a TCP client may leave unread.
    - ``limit``: how many answers over UDP a source prefix may get; None for no limit.
    - ``closer_looks``: datagrams a second, and process, that may be STUN and are not the plain
      requests that nearly everybody sends: broken ones, or with attributes that matter; 0 for no
      limit. What is more is dropped unseen, so that no flood of them costs the others anything.
    - ``refused_ports``: source ports over UDP that get no answer.
    - ``lane``: how datagrams are carried: "batch", "portable", or "auto" for the fastest there is.
    """

    listen: tuple[Endpoint, ...] = ()
    alternate: tuple[Endpoint, ...] = ()
    advertise: tuple[tuple[str, str], ...] = ()
    software: str | None = None
    workers: int = 1
    max_connections: int = 1000
    idle_timeout: float = 60.0
    max_message: int = 2048
    max_unsent: int = 4096
    limit: Limit | None = DEFAULT_LIMIT
    closer_looks: int = 5000
    refused_ports: tuple[int, ...] = REFUSED_PORTS
    lane: str = "auto"
