"""Every socket of a server, bound before anything is answered.

Each endpoint has UDP and TCP on the same port. Several workers have a UDP socket each, among which
the kernel spreads the clients (SO_REUSEPORT of socket(7)), and accept from one TCP socket. Whoever
holds these sockets may pass them on: a datagram waits in its socket's queue for whoever reads next.

Rules of this file: it binds, and reads and sends nothing. A port is never shared with another
program silently: the first UDP socket of an endpoint is bound while it tolerates no other.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from itertools import combinations
from typing import NamedTuple, Self

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from stunkit.net.transport.udp import bind_udp
from stunkit.server import partner
from stunkit.server.alternate import find_listen
from stunkit.server.settings.tree import ANY_IPV4, ANY_IPV6, Settings
from stunkit.wire.uri import DEFAULT_TLS_PORT, Transport

BACKLOG = 4096  # connections that wait to be accepted; the kernel may allow fewer
MAX_PORT = 65535  # the largest; RFC 768
PORT_ATTEMPTS = 20  # tries to find a port that is free for UDP and TCP alike

log = logging.getLogger(__name__)


class Door(NamedTuple):
    """The sockets of one endpoint: UDP, one for each worker, and TCP, one for all of them.

    Where sockets were passed to us, an endpoint may lack the one or the other.
    """

    local: Endpoint
    udp: tuple[socket.socket, ...]
    tcp: socket.socket | None


class Sockets(NamedTuple):
    """What a server listens on, and which four endpoints each make a quartet (RFC 5780).

    The four stand in the order of ``protocol.site.Quartet``. ``pair``: our half of one that we are
    with a partner. ``tls``: where TLS alone is spoken; with ``is_shared`` it is at every door
    too. ``web``: where signalling is carried.
    """

    doors: tuple[Door, ...]
    quartets: tuple[tuple[Endpoint, ...], ...] = ()
    pair: tuple[Endpoint, Endpoint] | None = None
    tls: tuple[socket.socket, ...] = ()
    is_shared: bool = False
    web: tuple[socket.socket, ...] = ()

    @classmethod
    def bind(cls, settings: Settings, workers: int = 1) -> Self:
        """Bind all that the settings name. Raises StartError, with everything closed again."""
        doors: list[Door] = []
        _refuse_overlap(settings)
        try:
            pairs = [(find_listen(one, settings.listen), one) for one in settings.alternate]
            with_partner = partner.find_listen(settings, workers)
            paired = [*(listen for listen, _ in pairs), with_partner]
            single = [one for one in settings.listen or _everywhere() if one not in paired]
            for local in single:
                doors.append(_bind(local, workers))  # noqa: PERF401 (a failure has to close these)
            quartets = [_bind_quartet(*pair, workers, doors) for pair in pairs]
            pair = None
            if with_partner is not None:
                pair = _bind_pair(with_partner, settings.partner.other_port, doors)
        except StartError:
            cls(tuple(doors)).close()
            raise
        return cls(tuple(doors), tuple(quartets), pair).with_tls(settings).with_web(settings)

    def with_tls(self, settings: Settings) -> Self:
        """Bind what TLS needs besides. Raises StartError, with everything closed."""
        bound: list[socket.socket] = []
        for local in _tls_endpoints(settings):
            try:
                bound.append(bind_tcp(local))
            except OSError as error:
                self._replace(tls=tuple(bound)).close()
                raise _explain(error, Transport.TLS, local) from error
        return self._replace(tls=tuple(bound), is_shared=settings.tls.shared)

    def with_web(self, settings: Settings) -> Self:
        """Bind what signalling needs besides. Raises StartError, with everything closed."""
        bound: list[socket.socket] = []
        for local in settings.web.listen:
            try:
                bound.append(bind_tcp(local))
            except OSError as error:
                self._replace(web=tuple(bound)).close()
                raise _explain(error, None, local) from error
        return self._replace(web=tuple(bound))

    @property
    def endpoints(self) -> list[tuple[Transport, Endpoint]]:
        """Where UDP and TCP are served, with the ports that port 0 became."""
        found = []
        for door in self.doors:
            if door.udp:
                found.append((Transport.UDP, door.local))
            if door.tcp:
                found.append((Transport.TCP, door.local))
                if self.is_shared:
                    found.append((Transport.TLS, door.local))
        found += [(Transport.TLS, endpoint_of(one.getsockname())) for one in self.tls]
        return found

    @property
    def streams(self) -> list[tuple[Transport, socket.socket]]:
        """What connections are accepted from, and what is spoken there at least."""
        plain = [(Transport.TCP, door.tcp) for door in self.doors if door.tcp]
        return [*plain, *((Transport.TLS, one) for one in self.tls)]

    def share(self, worker: int) -> Sockets:
        """Return what one worker serves; the UDP sockets of the others are closed here."""
        for door in self.doors:
            for index, udp in enumerate(door.udp):
                if index != worker:
                    udp.close()
        doors = (door._replace(udp=door.udp[worker : worker + 1]) for door in self.doors)
        return self._replace(doors=tuple(doors))

    def close(self) -> None:
        """Close everything in this process; others that hold it go on."""
        for door in self.doors:
            for udp in door.udp:
                udp.close()
            if door.tcp:
                door.tcp.close()
        for listening in (*self.tls, *self.web):
            listening.close()


def _bind_quartet(
    listen: Endpoint, alternate: Endpoint, workers: int, doors: list[Door]
) -> tuple[Endpoint, ...]:
    """Bind the four endpoints of an RFC 5780 server, add them to ``doors`` and return them."""
    for attempt in range(PORT_ATTEMPTS):
        own: list[Door] = []
        try:
            own.append(_bind(listen, workers))
            first = own[0].local
            other = alternate.with_port(alternate.port or _port_after(first))
            four = (first, first.with_port(other.port), other.with_port(first.port), other)
            for local in four[1:]:
                own.append(_bind(local, workers))  # noqa: PERF401 (a failure has to close these)
        except StartError:
            Sockets(tuple(own)).close()
            if listen.port or attempt + 1 == PORT_ATTEMPTS:
                raise
            continue  # the port that was drawn is free there, but not at the other address
        break
    doors += own
    return four


def _bind_pair(listen: Endpoint, other_port: int, doors: list[Door]) -> tuple[Endpoint, Endpoint]:
    """Bind our half of a quartet, add it to ``doors`` and return it."""
    doors.append(_bind(listen, 1))
    first = doors[-1].local
    doors.append(_bind(first.with_port(other_port or _port_after(first)), 1))
    return first, doors[-1].local


def _port_after(first: Endpoint) -> int:
    """Return the other port, where none was chosen. Raises StartError."""
    if first.port == MAX_PORT:
        raise StartError(f"there is no port after that of {first}", "choose the other port as well")
    return first.port + 1


def _refuse_overlap(settings: Settings) -> None:
    """Raise StartError where we would take a port from ourselves: no other program has it."""
    for one, other in combinations(settings.listen, 2):
        if one.port == 0 or (one.port, one.family) != (other.port, other.family):
            continue
        if one == other or one.is_wildcard or other.is_wildcard:
            raise StartError(
                f"{one} and {other} are both in listen, and the one takes the other's port",
                "leave one of them out",
            )
    for one, other in combinations(settings.alternate, 2):
        if one.family is other.family:
            raise StartError(
                f"{one} and {other} are both alternates, and of one family",
                "give --alternate once for each family",
            )


def _bind(local: Endpoint, workers: int) -> Door:
    """Bind UDP and TCP to the same address and port."""
    for attempt in range(PORT_ATTEMPTS):
        try:
            group = _bind_group(local, workers)
        except OSError as error:
            raise _explain(error, Transport.UDP, local) from error
        bound = endpoint_of(group[0].getsockname())
        try:
            return Door(bound, group, bind_tcp(bound))
        except OSError as error:
            for udp in group:
                udp.close()
            is_taken = error.errno == errno.EADDRINUSE
            if local.port == 0 and is_taken and attempt + 1 < PORT_ATTEMPTS:
                continue  # the port that UDP got is taken for TCP: draw again
            raise _explain(error, Transport.TCP, bound) from error
    raise AssertionError("the last attempt returns or raises")


def _bind_group(local: Endpoint, workers: int) -> tuple[socket.socket, ...]:
    """Bind as many UDP sockets as there are workers to one port that nobody else has."""
    group = [bind_udp(local)]
    if workers > 1:
        # Only now that the port is known to be ours alone are others let in: our own.
        group[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound = endpoint_of(group[0].getsockname())
        try:
            for _ in range(workers - 1):
                group.append(bind_udp(bound, shares_port=True))  # noqa: PERF401 (a failure has to close these)
        except OSError:  # the system has no room for so many
            for udp in group:
                udp.close()
            raise
    return tuple(group)


def bind_tcp(local: Endpoint) -> socket.socket:
    """Return a TCP socket that listens on an address and port. Raises OSError."""
    listening = socket.socket(ADDRESS_FAMILY[local.family], socket.SOCK_STREAM)
    try:
        listening.settimeout(0)
        if os.name == "posix":  # elsewhere it would let two programs share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if local.family is Family.IPV6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(sockaddr_of(local))
        listening.listen(BACKLOG)  # here, since only now a taken port shows
    except OSError:
        listening.close()
        raise
    return listening


def _tls_endpoints(settings: Settings) -> tuple[Endpoint, ...]:
    """Return where TLS alone is to be spoken."""
    tls = settings.tls
    if tls.certificate is None:
        return ()
    if tls.listen or tls.shared:
        return tls.listen
    addresses = settings.listen or _everywhere()
    return tuple(dict.fromkeys(one.with_port(DEFAULT_TLS_PORT) for one in addresses))


def _everywhere() -> tuple[Endpoint, ...]:
    """Return the wildcard addresses of the families that this machine has."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        log.warning("this machine has no IPv6: serving IPv4 only")
        return (ANY_IPV4,)
    return (ANY_IPV4, ANY_IPV6)


def _explain(error: OSError, transport: Transport | None, local: Endpoint) -> StartError:
    what = f"cannot listen on {transport or 'tcp'} {local}"
    options = {Transport.TLS: "--tls-listen", None: "--web"}
    option = options.get(transport, "--listen")
    if error.errno == errno.EADDRINUSE:
        flag = "u" if transport is Transport.UDP else "t"
        return StartError(
            f"{what}: another program has port {local.port}",
            f"`ss -l{flag}np` names it; choose another port with {option} ADDRESS:PORT",
        )
    if error.errno == errno.EACCES:
        return StartError(
            f"{what}: ports below 1024 need privilege",
            f"choose a higher port with {option} ADDRESS:PORT, or grant CAP_NET_BIND_SERVICE",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return StartError(
            f"{what}: this machine has no address {local.host}",
            "`ip address` lists those that it has",
        )
    reason = (error.strerror or str(error)).lower()
    return StartError(f"{what}: {reason}", f"choose another address with {option} ADDRESS:PORT")
