"""A STUN server: its sockets, from the first bind to the last answer."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from stunkit import __version__
from stunkit.endpoint import Endpoint
from stunkit.errors import StartError, UsageError
from stunkit.net.transport import batch
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.partner import Outcome
from stunkit.protocol.site import Quartet, Site
from stunkit.protocol.throttle import Limit, Ration, Throttle
from stunkit.server.accepted import Reception
from stunkit.server.alternate import Alternate
from stunkit.server.lanes.lane import Exit, Lane
from stunkit.server.lanes.portable import PortableLane
from stunkit.server.metrics.counters import Counters
from stunkit.server.metrics.figures import Facts, Figures, PartnerFigures
from stunkit.server.metrics.monitor import Monitor, Post
from stunkit.server.partner import Ends, Partner
from stunkit.server.process import descriptors
from stunkit.server.process.notification import Manager
from stunkit.server.process.watchdog import SOURCES, Watchdog
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings
from stunkit.server.sockets import Sockets
from stunkit.server.streams import Streams
from stunkit.server.web.directory import Own, own_servers
from stunkit.server.web.site import Site as WebSite
from stunkit.wire.uri import Transport

OBSERVATION = 10.0  # seconds between two looks at what the kernel dropped

log = logging.getLogger(__name__)


class Server:
    """A server that answers from ``start`` to ``drain``; use it with ``async with``.

    It is one process, whatever ``settings.workers`` says. What it is given it takes over:
    ``sockets``, with one UDP socket for each endpoint, where others have bound them;
    ``counters`` that others can read; ``throttle``, the one that others share; ``material``, where
    others have read the files that the settings name. ``manager`` is whose watchdog it feeds.

    ``endpoints`` are the sockets, with the ports that port 0 became. ``partner`` is who has the
    other address, where the settings name one. ``post`` may be set before the start, where others
    have bound it and the figures are those of others too.
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
        material = material or Material.load(settings, os.urandom(32))
        self._take(settings, material)
        self._partner_key = material.partner_key
        self.partner: Partner | None = None
        self._lanes: dict[Endpoint, Lane] = {}
        self._streams = Streams(
            settings.tcp, self._stream_site, self.counters, _receive(settings, material)
        )
        self._manager = manager
        self.post: Post | None = None
        self.monitor: Monitor | None = None
        self._watchdog: Watchdog | None = None
        self._observer: asyncio.TimerHandle | None = None
        self._drops = 0
        self._alternates: list[Alternate] = []
        self.web: WebSite | None = None
        self._material = material

    def adopt(self, settings: Settings, material: Material) -> None:
        """Serve under other settings from now on, without an end to anything under way.

        What ``needs_restart`` (see ``Setting``) is taken as it is now.
        """
        descriptors.allow(settings)
        self._take(settings, material)
        for lane in self._lanes.values():
            lane.limit(self._throttle, self._ration)
            lane.site = replace(self._site, quartet=lane.site.quartet)
        self._streams.adopt(settings.tcp, self._stream_site, _receive(settings, material))
        if self.web is not None:
            self.web.adopt(settings, material)

    def _take(self, settings: Settings, material: Material) -> None:
        """Make of settings what lanes and streams work with."""
        self.settings = settings
        limit = settings.limit.limit
        if limit is not None:
            self._buckets = self._buckets.under(limit)
        self._throttle = None if limit is None else self._buckets
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
        sockets = self._bind()
        self.endpoints = sockets.endpoints
        siblings: dict[Endpoint, Exit] = {}
        self.partner = self._meet(sockets, siblings)
        for local, own, _ in sockets.doors:
            tally = self.counters.of(Transport.UDP, local.family)
            for udp in own:  # one, or none
                self._lanes[local] = self._lane(
                    UdpSocket(udp), self._site, tally, siblings, self._throttle, self._ration
                )
        for transport, listening in sockets.streams:
            self._streams.bind(listening, transport)
        for quartet in sockets.quartets:
            self._watch(quartet)
        for lane in self._lanes.values():
            lane.start()
        await self._streams.start()
        for pair in self._alternates:
            await pair.start()
        if self.partner is not None:
            try:
                await self.partner.start()
            except StartError:
                await self.drain()
                raise
        if sockets.web:
            figures = self.counters.signalling
            self.web = WebSite(sockets.web, self.settings, self._material, self._own, figures)
            await self.web.start()
        self._observe()
        await self._show()

    def _bind(self) -> Sockets:
        """Bind what has not been bound for us. Raises StartError."""
        if self.post is None and self.settings.metrics.listen is not None:
            self.post = Post.bind(self.settings.metrics.listen, Figures([self.counters]))
        try:
            sockets, self._sockets = self._sockets or Sockets.bind(self.settings), None
        except StartError:
            if self.post is not None:
                self.post.listening.close()
            raise
        return sockets

    @property
    def _asked(self) -> list[tuple[Transport, Endpoint]]:
        """What we ask from loopback: no stream where that has to send a PROXY header first."""
        trusted = self.settings.proxy.trusted
        own = [ip_address(one.host) for one in SOURCES.values()]
        if not any(address in network for address in own for network in trusted):
            return self.endpoints
        return [one for one in self.endpoints if one[0] is Transport.UDP]

    async def _show(self) -> None:
        """Let a manager and whoever asks over HTTP know how we are."""
        if self._manager and self._manager.patience:
            self._watchdog = Watchdog(
                self._asked,
                self._manager.alive,
                self._manager.patience,
                workers=self.settings.workers,
            )
            self._watchdog.start()
        if self.post is not None:
            self.monitor = Monitor(self.post, self._facts, self._asked)
            await self.monitor.start()

    async def drain(self) -> None:
        """Answer what has arrived, let TCP clients read their answers, and close."""
        if self.monitor is not None:
            self.monitor.is_draining = True
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._observer is not None:
            self._observer.cancel()
        for pair in self._alternates:
            pair.stop()
        if self.web is not None:
            await self.web.stop()
        for lane in self._lanes.values():
            lane.drain()
        if self.partner is not None:
            self.partner.stop()
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()
        await self._streams.drain()
        if self.monitor is not None:
            await self.monitor.stop()

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

    def _facts(self) -> Facts:
        """Return what is true now, for the monitor."""
        settings, limit = self.settings, self.settings.limit.limit
        partner = None
        if self.partner is not None:
            messages = {str(outcome): self.partner.counts[outcome] for outcome in Outcome}
            is_named = self.partner.other is not None
            partner = PartnerFigures(self.partner.is_up, is_named, messages)
        return Facts(
            version=__version__,
            lane="portable" if self._lane is PortableLane else "batch",
            max_connections=settings.tcp.max_connections * settings.workers,
            limit_rate=limit.rate if limit else 0.0,
            partner=partner,
            has_web=self.web is not None,
        )

    def _own(self) -> list[Own]:
        """Return the STUN servers that a browser can ask here, over UDP and with no credential."""
        lanes = {} if self._site.credentials is not None else self._lanes
        return own_servers((self._public(one), lane.site.quartet) for one, lane in lanes.items())

    def _watch(self, local: tuple[Endpoint, ...]) -> None:
        """Make four sockets an RFC 5780 server, and watch over the other address."""
        public = tuple(map(self._public, local))
        self._alternates.append(Alternate(Quartet(local, public), self._adopt))
        self._adopt(Quartet(local, public))

    def _meet(self, sockets: Sockets, siblings: dict[Endpoint, Exit]) -> Partner | None:
        """Return who has the other half of a quartet of which we have a pair. Raises StartError."""
        try:
            ends = Ends.find(self.settings, sockets.pair, self._public)
        except StartError:
            sockets.close()
            raise
        if ends is None or self._partner_key is None:
            return None
        return Partner(
            ends,
            self._partner_key,
            siblings,
            lambda: (self._site.refused_ports, self._throttle),
            lambda quartet: self._answer_as(quartet, ends.local),
        )

    def _public(self, local: Endpoint) -> Endpoint:
        """Return how clients know an endpoint of ours."""
        for own, public in self.settings.advertise:
            if Endpoint.of(own, local.port) == local:
                return Endpoint.of(public, local.port)
        return local

    def _adopt(self, quartet: Quartet) -> None:
        """Answer on four sockets as a quartet from now on."""
        self._answer_as(quartet, quartet.local)

    def _answer_as(self, quartet: Quartet | None, local: Iterable[Endpoint]) -> None:
        """Answer on these sockets as part of a quartet, or of none, from now on."""
        for endpoint in local:
            site = replace(self._site, quartet=quartet)
            self._lanes[endpoint].site = site
            self._streams.sites[endpoint] = replace(self._stream_site, quartet=quartet)


def _receive(settings: Settings, material: Material) -> Reception:
    """Return how connections begin under these settings."""
    certificate = material.certificate
    return Reception(
        None if certificate is None else certificate.context(),
        settings.tls.shared,
        settings.tls.handshake_timeout,
        settings.tls.max_handshakes,
        settings.proxy.trusted,
    )


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
