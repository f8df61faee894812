"""Sockets that the service manager has bound for us (sd_listen_fds(3)).

The manager holds the ports while the server is not there, so nothing that arrives during a restart
is refused, and the server needs no privilege for any port. What it passes is what is served, no
more and no less: which addresses and which of UDP and TCP is its configuration's to say.

Rules of this file: a socket that would be served wrongly is refused with the line of a .socket unit
that mends it. What is in the environment is taken out of it: it is ours, and no child's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.net.sockaddr import endpoint_of
from stunkit.server.settings import Settings
from stunkit.server.sockets import Door, Sockets

FIRST = 3  # the first descriptor that is passed; SD_LISTEN_FDS_START

_FAMILIES = (socket.AF_INET, socket.AF_INET6)


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
        os.set_inheritable(number, False)  # noqa: FBT003 (the standard library's)
        try:
            passed.append(socket.socket(fileno=number))
        except OSError as error:
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
        return adopt(passed, settings.listen, settings.alternate, settings.workers)
    return Sockets.bind(settings, settings.workers)


def adopt(
    passed: Sequence[socket.socket],
    listen: Sequence[Endpoint],
    alternate: Sequence[Endpoint],
    workers: int,
) -> Sockets:
    """Make a server's sockets of passed ones; ``listen`` and ``alternate`` are the settings'.

    Raises StartError, with everything closed, where they are not fit for it.
    """
    try:
        return _arrange(passed, listen, alternate, workers)
    except StartError:
        for one in passed:
            one.close()
        raise


def _arrange(
    passed: Sequence[socket.socket],
    listen: Sequence[Endpoint],
    alternate: Sequence[Endpoint],
    workers: int,
) -> Sockets:
    if listen:
        raise StartError(
            "the service manager has passed sockets, and listen is set as well",
            "leave listen out, or stop the .socket unit",
        )
    doors = _group(passed)
    for door in doors:
        if door.udp and len(door.udp) != workers:
            raise StartError(
                f"{_count(len(door.udp), 'UDP socket')} passed for {door.local}, and"
                f" {_count(workers, 'worker')} to serve",
                "the .socket unit needs ReusePort=yes and the same ListenDatagram= line once for"
                " each worker",
            )
    complete = [door.local for door in doors if door.udp and door.tcp]
    quartets = tuple(_find_quartet(one, complete) for one in alternate)
    return Sockets(tuple(doors), quartets)


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
    return local


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
