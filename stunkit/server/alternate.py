"""The other address of an RFC 5780 server: proven before it is named, withdrawn when it fails.

OTHER-ADDRESS that leads nowhere makes every client behind every NAT look filtered, so a server
asks its own four sockets, over real sockets, and names the other address only while all of them
answer. What a server cannot see is whether the world reaches them: a firewall in front of the
machine has to be checked from outside, with ``stunkit nat``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from stunkit.endpoint import Endpoint
from stunkit.errors import Refused, StartError, TransactionError
from stunkit.net.query import Asker
from stunkit.protocol.schedule import Schedule
from stunkit.protocol.site import Quartet
from stunkit.server.process.watchdog import SOURCES

INTERVAL = 10.0  # seconds between two checks of what has been proven
RETRY = 1.0  # seconds between two checks of what has not
# A socket of our own machine answers within a millisecond or, under load, within some more.
SCHEDULE = Schedule(rto=0.1, rc=4, rm=4, rto_min=0.1)

log = logging.getLogger(__name__)


class Alternate:
    """Checks a quartet's sockets again and again; ``adopt`` hears of every change."""

    def __init__(self, quartet: Quartet, adopt: Callable[[Quartet], None]) -> None:
        self._quartet = quartet
        self._adopt = adopt
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Check once, then go on checking in the background until ``stop``."""
        await self._check()
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Check no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL if self._quartet.proven else RETRY)
            try:
                await self._check()
            except Exception:  # an outermost loop: what is not checked any more is not to be named
                log.exception("our own sockets could not be asked")
                self._quartet = replace(self._quartet, proven=False)
                self._adopt(self._quartet)

    async def _check(self) -> None:
        failed = await silent_sockets(self._quartet.local)
        if self._quartet.proven == (not failed):
            return
        self._quartet = replace(self._quartet, proven=not failed)
        self._adopt(self._quartet)
        if failed:
            names = ", ".join(map(str, failed))
            log.warning("no answer from our own %s: OTHER-ADDRESS is withdrawn", names)
        else:
            log.info("all four sockets answer: OTHER-ADDRESS is %s", self._quartet.public[3])


async def silent_sockets(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Return those of our own sockets that do not answer a Binding request."""
    async with Asker(schedule=SCHEDULE) as asker:
        answers = await asyncio.gather(*(_answers(asker, endpoint) for endpoint in endpoints))
    return [e for e, is_answered in zip(endpoints, answers, strict=True) if not is_answered]


async def _answers(asker: Asker, endpoint: Endpoint) -> bool:
    """Return whether a socket of ours answers: to loopback, or to where the routes say.

    Loopback comes first: a forger who uses up the limit of our own prefix does not concern it (see
    watchdog.SOURCES). Not every platform can ask another address of its own from there.
    """
    if not endpoint.scope:  # else it cannot be asked from loopback
        with contextlib.suppress(OSError):
            if await _answers_to(asker, asker.listen(SOURCES[endpoint.family]), endpoint):
                return True
    try:
        return await _answers_to(asker, await asker.open(endpoint), endpoint)
    except TransactionError:
        return False


async def _answers_to(asker: Asker, local: Endpoint, endpoint: Endpoint) -> bool:
    try:
        await asker.ask(endpoint, local)
    except Refused:  # by a closed server, which is an answer
        return True
    except TransactionError:
        return False
    return True


def find_listen(alternate: Endpoint, listen: Sequence[Endpoint]) -> Endpoint:
    """Return the listening endpoint whose other address this is. Raises StartError."""
    same = [endpoint for endpoint in listen if endpoint.family is alternate.family]
    if len(same) != 1 or same[0].is_wildcard or alternate.is_wildcard:
        raise StartError(
            f"the alternate address {alternate} goes with exactly one --listen of its family, "
            "and both have to be addresses of this machine",
            "give --listen A:3478 --alternate B:3479",
        )
    if same[0].packed == alternate.packed or same[0].port == alternate.port != 0:
        raise StartError(
            f"the alternate {alternate} has to differ from {same[0]} in address and in port",
            "give --listen A:3478 --alternate B:3479",
        )
    return same[0]
