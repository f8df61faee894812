"""A STUN server: its sockets, from the first bind to the last answer."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from types import TracebackType
from typing import Self

from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError
from stunkit.net import batch
from stunkit.net.udp import UdpSocket
from stunkit.protocol.site import Quartet, Site
from stunkit.protocol.throttle import Limit, Ration, Throttle
from stunkit.server.alternate import Alternate
from stunkit.server.counters import Counters
from stunkit.server.lanes.lane import Lane
from stunkit.server.lanes.portable import PortableLane
from stunkit.server.material import Material
from stunkit.server.notification import Manager
from stunkit.server.settings import Settings
from stunkit.server.sockets import Sockets
from stunkit.server.streams import Streams
from stunkit.server.watchdog import Watchdog
from stunkit.wire.uri import Transport

OBSERVATION = 10.0  # seconds between two looks at what the kernel dropped

log = logging.getLogger(__name__)


class Server:
    """A server that answers from ``start`` to ``drain``; use it with ``async with``.

    It is one process, whatever ``settings.workers`` says. What it is given it takes over:
    ``sockets``, with one UDP socket for each endpoint, where others have bound them;
    ``counters`` that others can read; ``throttle``, the one that others share; ``material``, where
    others have read the files that the settings name. ``manager`` is whose watchdog it feeds.

    ``endpoints`` are the sockets, with the ports that port 0 became.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        sockets: Sockets | None = None,
        counters: Counters | None = None,
        throttle: Throttle | None = None,
        material: Material | None = None,
        manager: Manager | None = None,
    ) -> None:
        settings = settings or Settings()
        self.counters = counters or Counters()
        self.endpoints: list[tuple[Transport, Endpoint]] = []
        self._sockets = sockets
        self._buckets = throttle or make_throttle(settings)
        self._lane = choose_lane(settings.lane)
        self._take(settings, material or Material.load(settings, os.urandom(32)))
        self._lanes: dict[Endpoint, Lane] = {}
        self._streams = Streams(settings.tcp, self._stream_site, self.counters)
        self._manager = manager
        self._watchdog: Watchdog | None = None
        self._observer: asyncio.TimerHandle | None = None
        self._drops = 0
        self._alternates: list[Alternate] = []

    def adopt(self, settings: Settings, material: Material) -> None:
        """Serve under other settings from now on, without an end to anything under way.

        What ``needs_restart`` (see ``Setting``) is taken as it is now.
        """
        self._take(settings, material)
        for lane in self._lanes.values():
            lane.limit(self._throttle, self._ration)
            lane.site = replace(self._site, quartet=lane.site.quartet)
        self._streams.adopt(settings.tcp, self._stream_site)

    def _take(self, settings: Settings, material: Material) -> None:
        """Make of settings what lanes and streams work with."""
        self.settings = settings
        limit = settings.limit.limit
        self._throttle = None if limit is None else self._buckets.under(limit)
        ration = settings.closer_looks
        self._ration = Ration(ration, ration) if ration else None
        self._site = Site(
            software=settings.software,
            refused_ports=frozenset(settings.refused_ports),
            credentials=material.credentials,
        )

    @property
    def _stream_site(self) -> Site:
        return replace(self._site, is_stream=True, refused_ports=frozenset())

    async def start(self) -> None:
        """Bind every socket, unless they are given, then answer on all of them.

        Raises StartError, with everything closed again, when one cannot be bound.
        """
        sockets, self._sockets = self._sockets or Sockets.bind(self.settings), None
        self.endpoints = sockets.endpoints
        siblings: dict[Endpoint, UdpSocket] = {}
        for local, own, tcp in sockets.doors:
            tally = self.counters.of(Transport.UDP, local.family)
            for udp in own:  # one, or none
                self._lanes[local] = self._lane(
                    UdpSocket(udp), self._site, tally, siblings, self._throttle, self._ration
                )
            if tcp:
                self._streams.bind(tcp)
        for quartet in sockets.quartets:
            self._watch(quartet)
        for lane in self._lanes.values():
            lane.start()
        await self._streams.start()
        for pair in self._alternates:
            await pair.start()
        self._observe()
        if self._manager and self._manager.patience:
            self._watchdog = Watchdog(
                self.endpoints,
                self._manager.alive,
                self._manager.patience,
                workers=self.settings.workers,
            )
            self._watchdog.start()

    async def drain(self) -> None:
        """Answer what has arrived, let TCP clients read their answers, and close."""
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._observer is not None:
            self._observer.cancel()
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

    def _observe(self) -> None:
        """Count what the kernel dropped, and say so when it was something."""
        for lane in self._lanes.values():
            lane.count_drops()
        drops = self.counters.kernel_drops
        if drops > self._drops:
            log.warning(
                "the kernel dropped %d datagrams within %g s: more of them than this process can"
                " take; more workers can help",
                drops - self._drops,
                OBSERVATION,
            )
        self._drops = drops
        self._observer = asyncio.get_running_loop().call_later(OBSERVATION, self._observe)

    def _watch(self, local: tuple[Endpoint, ...]) -> None:
        """Make four sockets an RFC 5780 server, and watch over the other address."""
        shown = {Endpoint.of(a, 0).packed: Endpoint.of(b, 0) for a, b in self.settings.advertise}
        public = tuple(shown.get(e.packed, e).with_port(e.port) for e in local)
        self._alternates.append(Alternate(Quartet(local, public), self._adopt))
        self._adopt(Quartet(local, public))

    def _adopt(self, quartet: Quartet) -> None:
        """Answer on four sockets as a quartet from now on."""
        for endpoint in quartet.local:
            site = replace(self._site, quartet=quartet)
            self._lanes[endpoint].site = site
            self._streams.sites[endpoint] = replace(self._stream_site, quartet=quartet)


def make_throttle(settings: Settings, table: memoryview | None = None) -> Throttle:
    """Return a throttle for all the limits that a server will have, in memory of its own or given.

    Without a limit too, since there may be one after a reload.
    """
    return Throttle(settings.limit.limit or Limit(), os.urandom(32), table)


def choose_lane(name: str) -> type[Lane]:
    """Return the lane of that name; "auto" is the fastest that this machine has.

    Raises StartError where "batch" is wanted and cannot be had.
    """
    if name == "portable" or (name == "auto" and not batch.is_available()):
        return PortableLane
    if name not in ("auto", "batch"):
        raise UsageError("a lane", name, 'it is none of "auto", "batch", "portable"')
    batch.require()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads are of no use here
    from stunkit.server.lanes.batch import BatchLane  # noqa: PLC0415 (needs an extra)

    return BatchLane
