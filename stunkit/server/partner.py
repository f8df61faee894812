"""The partner: the machine that has the other address of our RFC 5780 server (section 6).

The link to it (see ``protocol.link``) has a UDP socket of its own. OTHER-ADDRESS is the partner's,
and CHANGE-REQUEST is obeyed, while the link is up and both machines see that their own two sockets
answer. Then what has to leave from the other address goes over the link, and what comes over it
leaves from here, under the limits of this server.

Rules of this file: nothing is sent for a partner but what ``protocol.partner.judge`` lets pass.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import NamedTuple, Self

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.drive import Driver
from stunkit.net.transport.udp import describe_errno
from stunkit.protocol.link import Event, Joined, Link
from stunkit.protocol.partner import HandOver, Outcome, Pair, judge, mismatch
from stunkit.protocol.site import Quartet
from stunkit.protocol.throttle import Throttle
from stunkit.server.alternate import INTERVAL, RETRY, silent_sockets
from stunkit.server.lanes.lane import Exit
from stunkit.server.settings.tree import Settings

log = logging.getLogger(__name__)

Limits = Callable[[], tuple[frozenset[int], Throttle | None]]


class Ends(NamedTuple):
    """Where a server and its partner meet: our two endpoints, where bound and as clients know them.

    ``listen`` and ``remote`` are the two ends of the link.
    """

    local: tuple[Endpoint, Endpoint]
    public: tuple[Endpoint, Endpoint]
    listen: Endpoint
    remote: Endpoint

    @classmethod
    def find(
        cls,
        settings: Settings,
        pair: tuple[Endpoint, Endpoint] | None,
        public: Callable[[Endpoint], Endpoint],
    ) -> Self | None:
        """Return the ends that settings mean, None without a partner.

        ``pair`` are our two endpoints as they are bound, ``public`` tells how clients know one.
        Raises StartError.
        """
        address = settings.partner.address
        if address is None:
            return None
        if pair is None:
            raise StartError(
                "a server with a partner binds its own sockets, and was passed others",
                "stop the .socket unit, or leave the partner out",
            )
        first, second = pair
        listen = settings.partner.listen or first.with_port(address.port)
        if listen.family is not address.family:
            raise StartError(
                f"the ends of the link, {listen} and {address}, are of different families",
                "choose our end with --partner-listen ADDRESS:PORT",
            )
        return cls(pair, (public(first), public(second)), listen, address)


class Partner:
    """Makes two of a server's endpoints half of a quartet, from ``start`` to ``stop``.

    ``siblings`` are the ways out of the server, ours for the partner's answers; the partner's
    are added while they can be used. ``limits`` returns the ports that get no answer, and the
    throttle, as they are now. ``adopt`` hears of every change: a proven quartet, or None.
    """

    def __init__(
        self,
        ends: Ends,
        key: bytes,
        siblings: MutableMapping[Endpoint, Exit],
        limits: Limits,
        adopt: Callable[[Quartet | None], None],
    ) -> None:
        self.ends = ends
        self._siblings = siblings
        self._limits = limits
        self._adopt = adopt
        self._link = Link(key, ends.listen, ends.remote, os.urandom)
        self._own = Pair(ends.public)
        self._silent: list[Endpoint] = []  # those of ours that did not answer when last asked
        self._quartet: Quartet | None = None
        self._driver: Driver[Event] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def counts(self) -> Counter[Outcome]:
        """What became of the link's messages, and of what was handed over."""
        return self._link.counts

    @property
    def is_up(self) -> bool:
        """Whether the link is up; OTHER-ADDRESS may lack all the same (see ``other``)."""
        return self._link.pair is not None

    @property
    def other(self) -> Endpoint | None:
        """OTHER-ADDRESS as the first endpoint names it, None while it is withdrawn."""
        return None if self._quartet is None else self._quartet.public[3]

    async def start(self) -> None:
        """Bind the link, and look for the partner in the background. Raises StartError."""
        self._driver = Driver(self._link, self._take)
        try:
            self._driver.open_udp(self.ends.listen, tells_errors=False)
        except OSError as error:
            reason = describe_errno(error.errno or 0)
            raise StartError(
                f"cannot listen for the partner on udp {self.ends.listen}: {reason}",
                "choose another end of the link with --partner-listen ADDRESS:PORT",
            ) from error
        await self._check()
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Take leave of the partner; it withdraws our address at once."""
        if self._task is not None:
            self._task.cancel()
        if self._driver is not None:
            driver, self._driver = self._driver, None
            self._link.part(driver.now)
            driver.flush()
            driver.close()

    def hand_over(self, place: int, destination: Endpoint, data: bytes) -> bool:
        """Have the partner send an answer from its endpoint of this place."""
        if self._driver is None:
            return False
        is_up = self._link.hand_over(place, destination, data)
        self._driver.flush()
        return is_up

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL if self._own.is_ready else RETRY)
            await self._check()

    async def _check(self) -> None:
        """Ask our own two sockets, and tell the partner whether they answer."""
        silent = await silent_sockets(self.ends.local)
        if silent and silent != self._silent:
            log.warning("no answer from our own %s", ", ".join(map(str, silent)))
        self._silent = silent
        self._own = self._own._replace(is_ready=not silent)
        if self._driver is not None:
            self._link.tell(self._own, self._driver.now)
            self._driver.flush()
            self._settle("our own sockets do not answer")

    def _take(self, event: Event) -> None:
        """Act on what the link has to say."""
        if isinstance(event, HandOver):
            self.counts[self._send(event)] += 1
        elif isinstance(event, Joined):
            reason = mismatch(self._own, event.pair)
            if reason is not None:
                log.warning("the partner %s is no match: %s", self.ends.remote, reason)
            self._settle(reason or "its own sockets do not answer")
        elif self._driver is not None:  # else it is we who have just ended it
            self._settle(event.reason)

    def _settle(self, reason: str) -> None:
        """Have OTHER-ADDRESS be what the partner has, or withdraw it for this reason."""
        theirs, quartet = self._link.pair, None
        is_ready = theirs is not None and theirs.is_ready and self._own.is_ready
        if theirs is not None and is_ready and mismatch(self._own, theirs) is None:
            four = (*self.ends.local, *theirs.endpoints)
            quartet = Quartet(four, (*self.ends.public, *theirs.endpoints), proven=True)
        if quartet == self._quartet:
            return
        for endpoint in self._quartet.local[2:] if self._quartet else ():
            del self._siblings[endpoint]
        for place, endpoint in enumerate(quartet.local[2:] if quartet else ()):
            self._siblings[endpoint] = _PartnersExit(self, place)
        self._quartet = quartet
        self._adopt(quartet)
        if quartet is None:
            log.warning("partner %s: %s: OTHER-ADDRESS is withdrawn", self.ends.remote, reason)
        else:
            log.info("partner %s is there: OTHER-ADDRESS is %s", self.ends.remote, self.other)

    def _send(self, handed: HandOver) -> Outcome:
        """Send what the partner has handed over, if we would send it ourselves."""
        refused_ports, throttle = self._limits()
        own, destination = self.ends.local[handed.place], handed.destination
        refused = judge(handed, refused_ports, own)
        if refused is not None:
            return refused
        if throttle is not None and not throttle.admit(destination.packed, time.monotonic_ns()):
            return Outcome.LIMITED
        try:
            is_sent = self._siblings[own].send(handed.data, destination, own)
        except OSError:
            is_sent = False
        return Outcome.SENT if is_sent else Outcome.UNSENT


class _PartnersExit:
    """One of the partner's endpoints, as a way out."""

    def __init__(self, partner: Partner, place: int) -> None:
        self._partner = partner
        self._place = place

    def send(self, data: bytes, destination: Endpoint, source: Endpoint | None = None) -> bool:
        """Hand an answer over."""
        del source
        return self._partner.hand_over(self._place, destination, data)


def find_listen(settings: Settings, workers: int) -> Endpoint | None:
    """Return the listening endpoint that a partner has the other address for. Raises StartError."""
    address = settings.partner.address
    if address is None:
        return None
    if workers > 1:
        raise StartError(
            "a server with a partner is one process: there is one link", "use --workers 1"
        )
    same = [endpoint for endpoint in settings.listen if endpoint.family is address.family]
    if len(same) != 1 or same[0].is_wildcard:
        raise StartError(
            f"the partner {address} goes with exactly one --listen of its family, "
            "an address of this machine",
            "give --listen A:3478 --partner B:3480",
        )
    if any(one.family is address.family for one in settings.alternate):
        raise StartError(
            f"the partner {address} and an alternate are each the other address of {same[0]}",
            "leave one of them out",
        )
    if settings.partner.other_port == same[0].port != 0:
        raise StartError(
            f"the partner's other port has to differ from that of {same[0]}",
            "leave --partner-other-port out",
        )
    return same[0]
