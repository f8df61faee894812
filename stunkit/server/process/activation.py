"""Sockets that the service manager has bound for us (sd_listen_fds(3)).

The manager holds the ports while the server is not there, so nothing that arrives during a restart
is refused, and the server needs no privilege for any port. What it passes is what is served, no
more and no less: which addresses and which of UDP and TCP is its configuration's to say.

Rules of this file: a socket that would be served wrongly is refused with the line of a .socket unit
that mends it. What is in the environment is taken out of it: it is ours, and no child's.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import MutableMapping, Sequence

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.server.settings.tree import Settings
from stunkit.server.sockets import Door, Sockets
from stunkit.wire.uri import DEFAULT_TLS_PORT

FIRST = 3  # the first descriptor that is passed; SD_LISTEN_FDS_START

_IP_PKTINFO = 8  # ip(7); the socket module does not name it
_FAMILIES = (socket.AF_INET, socket.AF_INET6)

log = logging.getLogger(__name__)


def find_passed(environ: MutableMapping[str, str] | None = None) -> list[socket.socket]:
    """Return the sockets that were passed to this process; the environment forgets them."""
    environ = os.environ if environ is None else environ
    pid = environ.pop("LISTEN_PID", "")
    count = environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)  # we go by what the sockets are
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    passed = []
    for number in range(FIRST, FIRST + int(count)):
        try:
            os.set_inheritable(number, False)  # noqa: FBT003 (the standard library's)
            passed.append(socket.socket(fileno=number))
        except OSError as error:
            for one in passed:
                one.close()
            raise StartError(
                f"what was passed as descriptor {number} is no socket",
                "a .socket unit for this server has ListenDatagram= and ListenStream= only",
            ) from error
    return passed


def open_sockets(settings: Settings) -> Sockets:
    """Return every socket of a server: those that were passed, or else newly bound ones.

    Raises StartError.
    """
    if passed := find_passed():
        return adopt(passed, settings).with_web(settings)
    return Sockets.bind(settings, settings.workers)


def adopt(passed: Sequence[socket.socket], settings: Settings) -> Sockets:
    """Make a server's sockets of passed ones.

    Raises StartError, with everything closed, where they and the settings do not go together.
    """
    try:
        return _arrange(passed, settings)
    except StartError:
        for one in passed:
            one.close()
        raise


def _arrange(passed: Sequence[socket.socket], settings: Settings) -> Sockets:
    workers = settings.workers
    if settings.listen or settings.partner.address is not None:
        name = "listen" if settings.listen else "partner"
        raise StartError(
            f"the service manager has passed sockets, and {name} is set as well",
            f"leave {name} out, or stop the .socket unit",
        )
    doors, tls = _set_tls_apart(_group(passed), settings)
    for door in doors:
        if door.udp and len(door.udp) != workers:
            raise StartError(
                f"{_count(len(door.udp), 'UDP socket')} passed for {door.local}, and"
                f" {_count(workers, 'worker')} to serve",
                "the .socket unit needs ReusePort=yes and the same ListenDatagram= line once for"
                " each worker",
            )
    complete = [door.local for door in doors if door.udp and door.tcp]
    quartets = tuple(_find_quartet(one, complete) for one in settings.alternate)
    return Sockets(tuple(doors), quartets, tls=tuple(tls), is_shared=settings.tls.shared)


def _set_tls_apart(
    doors: Sequence[Door], settings: Settings
) -> tuple[list[Door], list[socket.socket]]:
    """Part the sockets for TLS alone from the others: those of ``tls.listen``, or of its port."""
    wanted = settings.tls.listen
    if settings.tls.certificate is None or (settings.tls.shared and not wanted):
        return list(doors), []
    plain, tls = [], []
    for door in doors:
        is_wanted = door.local in wanted if wanted else door.local.port == DEFAULT_TLS_PORT
        if door.tcp is not None and not door.udp and is_wanted:
            tls.append(door.tcp)
        else:
            plain.append(door)
    if not tls:
        raise StartError(
            "TLS is set up, and no socket for it was passed",
            f"the .socket unit needs a line ListenStream= with port {DEFAULT_TLS_PORT}, or with"
            " what tls.listen says",
        )
    return plain, tls


def _group(passed: Sequence[socket.socket]) -> list[Door]:
    """Put together what belongs to one endpoint, in the order of the .socket unit."""
    doors: dict[Endpoint, Door] = {}
    for one in passed:
        local = _judge(one)
        one.settimeout(0)
        door = doors.setdefault(local, Door(local, (), None))
        if one.type == socket.SOCK_DGRAM:
            doors[local] = door._replace(udp=(*door.udp, one))
        elif door.tcp is None:
            doors[local] = door._replace(tcp=one)
        else:
            raise StartError(
                f"more than one TCP socket was passed for {local}",
                f"one line ListenStream={local} serves all workers",
            )
    return list(doors.values())


def _judge(one: socket.socket) -> Endpoint:
    """Return where a socket is bound. Raises StartError where it cannot be served."""
    is_stream = one.type == socket.SOCK_STREAM
    if one.family not in _FAMILIES or not (is_stream or one.type == socket.SOCK_DGRAM):
        raise StartError(
            f"descriptor {one.fileno()} was passed, which is neither UDP nor TCP",
            "a .socket unit for this server has ListenDatagram= and ListenStream= only",
        )
    local = endpoint_of(one.getsockname())
    if is_stream and not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise StartError(
            f"the TCP socket passed for {local} does not listen",
            "the .socket unit needs Accept=no",
        )
    if (
        local.family is Family.IPV6
        and local.is_wildcard
        and not one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    ):
        # It would show IPv4 clients as IPv6 ones, and once bound it cannot be changed; ipv6(7).
        raise StartError(
            f"the socket passed for {local} is for IPv4, too",
            "the .socket unit needs BindIPv6Only=ipv6-only, and a line of its own for"
            f" 0.0.0.0:{local.port}",
        )
    if not is_stream and local.is_wildcard and not _tells_destination(one):
        log.warning(
            "the socket passed for %s lacks PassPacketInfo=yes: what has arrived by now may be"
            " answered from another address than it was sent to",
            local,
        )
    return local


def _tells_destination(one: socket.socket) -> bool:
    """Whether datagrams that wait already will say where they were sent to."""
    if one.family == socket.AF_INET6 or sys.platform != "linux":
        return True  # it is in the datagram itself
    return one.getsockopt(socket.IPPROTO_IP, _IP_PKTINFO) != 0


def _find_quartet(alternate: Endpoint, given: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the four endpoints whose last is ``alternate``, all of them passed."""
    for first in given:
        if first.packed == alternate.packed or first.port == alternate.port:
            continue
        four = (
            first,
            first.with_port(alternate.port),
            alternate.with_port(first.port),
            alternate,
        )
        if all(one in given for one in four):
            return four
    raise StartError(
        f"the four sockets that go with the alternate {alternate} were not passed",
        "the .socket unit needs both addresses with both ports, for UDP and TCP, and alternate"
        " names an address and a port",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
