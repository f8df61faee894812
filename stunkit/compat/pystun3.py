"""A drop-in for pystun3: ``get_ip_info`` and the names around it, with verdicts that hold.

    from stunkit.compat import pystun3 as stun

    nat_type, external_ip, external_port = stun.get_ip_info()

What differs from pystun3 2.0.0:

- A name is given only where RFC 3489's name truly exists and is proven. Everything else (an unknown
  filtering, nobody answered, address-dependent mapping, ...) is ``ChangedAddressError``, the one of
  its words that claims nothing; ``Blocked`` means that a server answered over TCP and not over UDP.
- The external address and port are those of ``source_port`` in every case; pystun3 loses them
  whenever a later test is not answered.
- Without an address to ask from, the right one is found, so that "no NAT" is seen.
- Only the mapping is asked from ``source_port``; every other test has a fresh port. Its default is
  pystun3's, and where another program has that one, a free port takes its place. 0 asks for a free
  port in the first place, which is better unless that port is wanted: an old mapping may linger.
- Without ``stun_host``, ``STUNKIT_SERVER`` counts if set, else ``stun_servers_list``; all servers
  are asked side by side. It takes a second or two where pystun3 takes up to 16.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from stunkit.behavior import Legacy
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.nat.report import Report
from stunkit.net.nat import NAT_SERVERS, NatResult, discover
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.protocol.client import Answered, Client, Failed, mapped_endpoint
from stunkit.protocol.schedule import Schedule
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.uri import DEFAULT_PORT, Scheme, Uri

Blocked = "Blocked"
OpenInternet = "Open Internet"
FullCone = "Full Cone"
SymmetricUDPFirewall = "Symmetric UDP Firewall"
RestricNAT = "Restric NAT"
RestricPortNAT = "Restric Port NAT"
SymmetricNAT = "Symmetric NAT"
ChangedAddressError = "Meet an error, when do Test1 on Changed IP and Port"

STUN_SERVERS: Sequence[str] = tuple(f"{uri.host}:{uri.port}" for uri in NAT_SERVERS)
stun_servers_list: Sequence[str] = STUN_SERVERS  # read at every call, so it may be replaced
DEFAULTS = {"stun_port": DEFAULT_PORT, "source_ip": "0.0.0.0", "source_port": 54320}  # noqa: S104

# Three questions in 1.5 seconds, an answer to the last one within one more.
_SCHEDULE = Schedule(rc=3, rm=2)

_NAMES = {
    Legacy.UDP_BLOCKED: Blocked,
    Legacy.OPEN_INTERNET: OpenInternet,
    Legacy.SYMMETRIC_UDP_FIREWALL: SymmetricUDPFirewall,
    Legacy.FULL_CONE: FullCone,
    Legacy.RESTRICTED_CONE: RestricNAT,
    Legacy.PORT_RESTRICTED_CONE: RestricPortNAT,
    Legacy.SYMMETRIC: SymmetricNAT,
}

log = logging.getLogger("pystun3")


def get_ip_info(
    source_ip: str = "0.0.0.0",  # noqa: S104 (pystun3's; any address of this machine)
    source_port: int = 54320,
    stun_host: str | None = None,
    stun_port: int = DEFAULT_PORT,
) -> tuple[str, str | None, int | None]:
    """Return (NAT type, external address, external port) over IPv4; None for unknown.

    Raises OSError when ``source_ip`` and ``source_port`` cannot be bound.
    """
    bind = _endpoint(source_ip, source_port)
    try:
        result = _discover(stun_host, stun_port, bind)
    except OSError:
        if source_port != DEFAULTS["source_port"]:
            raise
        result = _discover(stun_host, stun_port, bind.with_port(0))
    report = result.ipv4
    if report is None or report.mapped is None:
        return _name(report), None, None
    return _name(report), report.mapped.host, report.mapped.port


def get_nat_type(
    s: socket.socket,
    source_ip: str,
    source_port: int,
    stun_host: str | None = None,
    stun_port: int = DEFAULT_PORT,
) -> tuple[str, dict[str, Any]]:
    """Return the NAT type and where the bound socket ``s`` is seen.

    The type is found out with fresh sockets; ``s`` asks one question. ``source_port`` is not
    used, it is that of ``s``. Of pystun3's dictionary, the keys Resp, ExternalIP, ExternalPort,
    SourceIP and SourcePort (who answered) are filled.
    """
    del source_port
    found: dict[str, Any] = {
        "Resp": False,
        "ExternalIP": None,
        "ExternalPort": None,
        "SourceIP": None,
        "SourcePort": None,
        "ChangedIP": None,
        "ChangedPort": None,
    }
    result = _discover(stun_host, stun_port, _endpoint(source_ip, 0))
    for asked in result.asked:
        if asked.server is None or asked.error is not None:
            continue
        answer = _ask_from(s, asked.server)
        if answer is not None and (mapped := mapped_endpoint(answer.response)) is not None:
            found |= {"Resp": True, "ExternalIP": mapped.host, "ExternalPort": mapped.port}
            found |= {"SourceIP": answer.server.host, "SourcePort": answer.server.port}
            break
    return _name(result.ipv4), found


def _name(report: Report | None) -> str:
    """Return pystun3's word for a report, ``ChangedAddressError`` where it has no true one."""
    if report is None or report.legacy is None:
        return ChangedAddressError
    return _NAMES[report.legacy]


def _discover(stun_host: str | None, stun_port: int, bind: Endpoint) -> NatResult:
    """Run a discovery to its end, also from inside a running event loop. Raises OSError."""
    if stun_host:
        servers = [Uri(Scheme.STUN, stun_host, stun_port)]
    else:
        words = os.environ.get("STUNKIT_SERVER", "").split(",")
        texts = [word.strip() for word in words if word.strip()] or list(stun_servers_list)
        servers = [_with_port(Uri.parse(text), stun_port) for text in texts]
    log.debug("asking %s from %s", ", ".join(map(str, servers)), bind)

    def run() -> NatResult:
        return asyncio.run(discover(servers, family=Family.IPV4, bind=bind))

    try:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run()
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(run).result()
    except StartError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise


def _endpoint(host: str, port: int) -> Endpoint:
    """Return where to bind; as with ``socket``, the host may be a name, or "" for any address."""
    return Endpoint.of(socket.gethostbyname(host or "0.0.0.0"), port)  # noqa: S104


def _with_port(uri: Uri, port: int) -> Uri:
    return uri if uri.port is not None else Uri(uri.scheme, uri.host, port)


def _ask_from(s: socket.socket, server: Endpoint) -> Answered | None:
    """Ask a server from a socket that belongs to somebody else; give it back as it was."""
    client = Client(_SCHEDULE)
    local = endpoint_of(s.getsockname())
    client.request(Message.request(Method.BINDING, os.urandom(12)), server, local, monotonic())
    timeout = s.gettimeout()
    try:
        while True:
            for outgoing in client.sends():
                s.sendto(outgoing.data, sockaddr_of(outgoing.destination))
            for event in client.events():
                if isinstance(event, Answered):
                    return event
                if isinstance(event, Failed):
                    return None
            s.settimeout(max(0.001, (client.deadline() or 0.0) - monotonic()))
            try:
                data, source = s.recvfrom(2048)
            except TimeoutError:
                client.tick(monotonic())
            else:
                client.receive(data, endpoint_of(source), local, monotonic())
    except OSError as error:
        log.debug("asking %s: %s", server, error)
        return None
    finally:
        s.settimeout(timeout)
