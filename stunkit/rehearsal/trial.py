"""Which of the relays that a site hands out is used: one that gives an address.

aioice tries one relay only, and where UDP is blocked that has to be one over TCP or TLS. So each is
asked for an allocation first (RFC 8656 section 7), all at once, which is given back. The cheapest
that gives one is taken, and has a head start over dearer ones.
"""

from __future__ import annotations

import asyncio

from stunkit.endpoint import Endpoint
from stunkit.errors import StunkitError
from stunkit.net.relay.allocation import allocate
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.rehearsal.servers import Chosen, Way

TIMEOUT = 5.0  # seconds for all
HEAD_START = 1.0  # seconds that cheaper relays have once a dearer one has given an address
ANYWHERE = Endpoint.of("0.0.0.0", 0)  # noqa: S104 (a client's socket); aioice has IPv4 alone


async def settle(chosen: Chosen) -> Chosen:
    """Return the choice with a relay that gives addresses; as it is where there is one or none."""
    if chosen.relay is None or not chosen.others:
        return chosen
    ways = (chosen.relay, *chosen.others)
    best = await _first_that_gives(ways)
    if best is None:
        return chosen
    others = tuple(way for index, way in enumerate(ways) if index != best)
    return chosen._replace(relay=ways[best], others=others)


async def _first_that_gives(ways: tuple[Way, ...]) -> int | None:
    """Return the place of the relay to use, None where none gave an address in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + TIMEOUT
    tasks = [asyncio.create_task(_gives(way)) for way in ways]
    try:
        while True:
            good = [index for index, one in enumerate(tasks) if one.done() and one.result()]
            if good:
                end = min(end, loop.time() + HEAD_START)
            cheaper = {one for one in tasks[: good[0] if good else None] if not one.done()}
            left = end - loop.time()
            if not cheaper or left <= 0:
                return good[0] if good else None
            await asyncio.wait(cheaper, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _gives(way: Way) -> bool:
    """Return whether a relay gives an address; it is given back at once."""
    try:
        credentials = TurnCredentials(way.username, way.credential)
        relay = await allocate(way.uri, credentials, bind=ANYWHERE, timeout=TIMEOUT)
    except (StunkitError, OSError):
        return False
    await relay.close()
    return True
