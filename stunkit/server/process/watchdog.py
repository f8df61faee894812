"""Feeds the service manager's watchdog, as long as our own sockets answer.

A process that runs is not yet a server that serves. So before it says that it lives, a server asks
itself: Binding requests over real sockets to every endpoint, UDP and TCP. Only when all of them are
answered is the watchdog fed. An error response is an answer, too: who has to log in gets one.

Over UDP each of several workers has a socket of its own, and the kernel chooses one by the source
port. Enough ports are asked from to reach every worker; one that hangs leaves some unanswered.
What is lost under load is asked again until there is little time left, so that a flood does not
look like a server that hangs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Refused, TransactionError, Untrusted
from stunkit.net.query import Asker
from stunkit.protocol.schedule import Schedule
from stunkit.wire.uri import Transport

# Source ports for each worker. That a round misses the one worker of N that hangs has a chance of
# (1 - 1/N)**(8 N), which is below one in 2900; and two rounds in a row have to fail to miss it.
PORTS_PER_WORKER = 8
PATIENCE = 0.4  # of the manager's patience; with half of it between two rounds, a tenth is left
SCHEDULE = Schedule(rto=0.1, rc=4, rm=4, rto_min=0.1)  # of one try; see alternate.SCHEDULE
RETRY = 0.1  # seconds between two tries where the first failed at once

# We ask from here, so that a rate limit that others use up does not concern us: see
# settings.LOOPBACK.
SOURCES = {Family.IPV4: Endpoint.of("127.0.0.1", 0), Family.IPV6: Endpoint.of("::1", 0)}

log = logging.getLogger(__name__)


class Watchdog:
    """Asks our own ``endpoints`` again and again, and calls ``feed`` when all have answered.

    ``patience`` is the time in seconds within which ``feed`` has to be called again; ``workers``
    is how many sockets share each UDP endpoint.
    """

    def __init__(
        self,
        endpoints: Sequence[tuple[Transport, Endpoint]],
        feed: Callable[[], None],
        patience: float,
        *,
        workers: int = 1,
    ) -> None:
        self._endpoints = [  # a link-local address cannot be asked from loopback
            (transport, _reachable(one)) for transport, one in endpoints if not one.scope
        ]
        self._feed = feed
        self._patience = patience
        self._ports = PORTS_PER_WORKER * workers if workers > 1 else 1
        self._task: asyncio.Task[None] | None = None

    @property
    def endpoints(self) -> list[tuple[Transport, Endpoint]]:
        """What is asked: our own sockets, those of wildcard addresses on loopback."""
        return self._endpoints

    def start(self) -> None:
        """Go on in the running loop until ``stop``."""
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Ask and feed no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            start = loop.time()
            silent = await self.ask()
            if silent:
                names = ", ".join(f"{transport} {one}" for transport, one in silent)
                log.warning("no answer from our own %s: the watchdog is not fed", names)
            else:
                self._feed()
            await asyncio.sleep(start + self._patience / 2 - loop.time())

    async def ask(self) -> list[tuple[Transport, Endpoint]]:
        """Return which of our own sockets leave a request unanswered."""
        silent: set[tuple[Transport, Endpoint]] = set()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for number in range(self._ports):
                for family in Family:
                    asker = await stack.enter_async_context(
                        Asker(bind=SOURCES[family], schedule=SCHEDULE)
                    )
                    for transport, one in self._endpoints:
                        if one.family is family and (transport is Transport.UDP or number == 0):
                            group.create_task(self._note(asker, transport, one, silent))
        return [one for one in self._endpoints if one in silent]

    async def _note(
        self,
        asker: Asker,
        transport: Transport,
        endpoint: Endpoint,
        silent: set[tuple[Transport, Endpoint]],
    ) -> None:
        try:
            async with asyncio.timeout(PATIENCE * self._patience):
                while not await _answers(asker, transport, endpoint):  # noqa: ASYNC110 (it asks)
                    await asyncio.sleep(RETRY)
        except TimeoutError:
            silent.add((transport, endpoint))


async def _answers(asker: Asker, transport: Transport, endpoint: Endpoint) -> bool:
    """Return whether one of our own sockets answers a Binding request, be it with an error."""
    try:
        local = await asker.open(endpoint, transport)
        await asker.ask(endpoint, local, transport)
    except (Refused, Untrusted):  # who shows a certificate, be it for another name, serves
        return True
    except TransactionError:
        return False
    return True


def _reachable(endpoint: Endpoint) -> Endpoint:
    """Return where to ask an endpoint: on a wildcard address, loopback."""
    return SOURCES[endpoint.family].with_port(endpoint.port) if endpoint.is_wildcard else endpoint
