"""A STUN server: its sockets, from the first bind to the last answer."""

from __future__ import annotations

import errno
import logging
import socket
from types import TracebackType
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.protocol.site import Site
from stunkit.server.counters import Counters
from stunkit.server.lanes.portable import PortableLane
from stunkit.server.settings import ANY_IPV4, ANY_IPV6, Settings
from stunkit.server.streams import Streams
from stunkit.wire.uri import Transport

PORT_ATTEMPTS = 20  # tries to find a port that is free for UDP and TCP alike

log = logging.getLogger(__name__)


class Server:
    """A server that answers from ``start`` to ``drain``; use it with ``async with``.

    ``endpoints`` are the sockets, with the ports that port 0 became.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.counters = Counters()
        self.endpoints: list[tuple[Transport, Endpoint]] = []
        self._site = Site(software=self.settings.software)
        self._lanes: list[PortableLane] = []
        self._streams = Streams(self.settings, self._site, self.counters)

    async def start(self) -> None:
        """Bind every socket, then answer on all of them.

        Raises StartError, with everything closed again, when one cannot be bound.
        """
        try:
            for local in self.settings.listen or _everywhere():
                self._bind(local)
        except StartError:
            await self.drain()
            raise
        for lane in self._lanes:
            lane.start()
        await self._streams.start()

    async def drain(self) -> None:
        """Answer what has arrived, let TCP clients read their answers, and close."""
        for lane in self._lanes:
            lane.drain()
        self._lanes.clear()
        await self._streams.drain()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.drain()

    def _bind(self, local: Endpoint) -> None:
        """Bind UDP and TCP to the same address and port."""
        for attempt in range(PORT_ATTEMPTS):
            try:
                lane = PortableLane(local, self._site, self.counters)
            except OSError as error:
                raise _explain(error, Transport.UDP, local) from error
            try:
                self._streams.bind(lane.local)
            except OSError as error:
                lane.close()
                is_taken = error.errno == errno.EADDRINUSE
                if local.port == 0 and is_taken and attempt + 1 < PORT_ATTEMPTS:
                    continue  # the port that UDP got is taken for TCP: draw again
                raise _explain(error, Transport.TCP, lane.local) from error
            self._lanes.append(lane)
            self.endpoints += [(Transport.UDP, lane.local), (Transport.TCP, lane.local)]
            return


def _everywhere() -> tuple[Endpoint, ...]:
    """Return the wildcard addresses of the families that this machine has."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        log.warning("this machine has no IPv6: serving IPv4 only")
        return (ANY_IPV4,)
    return (ANY_IPV4, ANY_IPV6)


def _explain(error: OSError, transport: Transport, local: Endpoint) -> StartError:
    what = f"cannot listen on {transport} {local}"
    if error.errno == errno.EADDRINUSE:
        flag = "u" if transport is Transport.UDP else "t"
        return StartError(
            f"{what}: another program has port {local.port}",
            f"`ss -l{flag}np` names it; choose another port with --listen ADDRESS:PORT",
        )
    if error.errno == errno.EACCES:
        return StartError(
            f"{what}: ports below 1024 need privilege",
            "choose a higher port with --listen ADDRESS:PORT, or grant CAP_NET_BIND_SERVICE",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return StartError(
            f"{what}: this machine has no address {local.host}",
            "`ip address` lists those that it has",
        )
    reason = (error.strerror or str(error)).lower()
    return StartError(f"{what}: {reason}", "choose another address with --listen ADDRESS:PORT")
