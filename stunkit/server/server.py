"""A STUN server: its sockets, from the first bind to the last answer."""

from __future__ import annotations

import errno
import logging
import socket
from dataclasses import replace
from types import TracebackType
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.udp import UdpSocket
from stunkit.protocol.site import Quartet, Site
from stunkit.server.alternate import Alternate, find_listen
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
        self._lanes: dict[Endpoint, PortableLane] = {}
        self._streams = Streams(self.settings, replace(self._site, is_stream=True), self.counters)
        self._alternates: list[Alternate] = []

    async def start(self) -> None:
        """Bind every socket, then answer on all of them.

        Raises StartError, with everything closed again, when one cannot be bound.
        """
        settings = self.settings
        try:
            quartets = [(one, find_listen(one, settings.listen)) for one in settings.alternate]
            for local in settings.listen or _everywhere():
                if local not in [listen for _, listen in quartets]:
                    self._bind(local, {})
            for alternate, listen in quartets:
                self._bind_quartet(listen, alternate)
        except StartError:
            await self.drain()
            raise
        for lane in self._lanes.values():
            lane.start()
        await self._streams.start()
        for pair in self._alternates:
            await pair.start()

    async def drain(self) -> None:
        """Answer what has arrived, let TCP clients read their answers, and close."""
        for pair in self._alternates:
            pair.stop()
        for lane in self._lanes.values():
            lane.drain()
        for lane in self._lanes.values():
            lane.close()
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

    def _bind_quartet(self, listen: Endpoint, alternate: Endpoint) -> None:
        """Bind the four sockets of an RFC 5780 server, and watch over the other address."""
        siblings: dict[Endpoint, UdpSocket] = {}
        listen = self._bind(listen, siblings)
        other = alternate.with_port(alternate.port or listen.port + 1)
        local = (listen, listen.with_port(other.port), other.with_port(listen.port), other)
        for endpoint in local[1:]:
            self._bind(endpoint, siblings)
        shown = {Endpoint.of(a, 0).packed: Endpoint.of(b, 0) for a, b in self.settings.advertise}
        public = tuple(shown.get(e.packed, e).with_port(e.port) for e in local)
        self._alternates.append(Alternate(Quartet(local, public), self._adopt))
        self._adopt(Quartet(local, public))

    def _adopt(self, quartet: Quartet) -> None:
        """Answer on four sockets as a quartet from now on."""
        for endpoint in quartet.local:
            site = replace(self._site, quartet=quartet)
            self._lanes[endpoint].site = site
            self._streams.sites[endpoint] = replace(site, is_stream=True)

    def _bind(self, local: Endpoint, siblings: dict[Endpoint, UdpSocket]) -> Endpoint:
        """Bind UDP and TCP to the same address and port, and return it."""
        for attempt in range(PORT_ATTEMPTS):
            try:
                lane = PortableLane(local, self._site, self.counters, siblings)
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
            self._lanes[lane.local] = lane
            self.endpoints += [(Transport.UDP, lane.local), (Transport.TCP, lane.local)]
            return lane.local
        raise AssertionError("the last attempt returns or raises")


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
