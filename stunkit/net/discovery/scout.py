"""Scouting: which of several servers answer, and which of them can answer from elsewhere.

They are asked side by side from a socket that nobody uses for anything else. The first one that
names another address and another port (RFC 5780 section 7.4) ends it: nothing more is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, Malformed, Refused, TransactionError
from stunkit.net.query import Asker
from stunkit.net.whoami import GRACE
from stunkit.protocol.client import Answered
from stunkit.wire.attributes.address import ChangedAddress, OtherAddress
from stunkit.wire.message import Message


class Scouted(NamedTuple):
    """The servers that answered, the most useful first, and what went wrong with others."""

    servers: tuple[Endpoint, ...]
    errors: dict[Endpoint, TransactionError]


async def scout(
    servers: Sequence[Endpoint], bind: Endpoint, patience: float, on_answer: Callable[[], None]
) -> Scouted:
    """Ask all servers, ``patience`` seconds long while nobody answers.

    Once one has answered, the others get ``GRACE`` seconds more. ``on_answer`` hears of each
    answer, refusals too.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    ranks: dict[Endpoint, int] = {}
    errors: dict[Endpoint, TransactionError] = {}
    async with Asker(bind=bind) as asker:
        tasks = {asyncio.create_task(_ask(asker, server)): server for server in servers}
        pending = set(tasks)
        try:
            while pending and loop.time() < end and 0 not in ranks.values():
                done, pending = await asyncio.wait(
                    pending, timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    server, outcome = tasks[task], task.result()
                    if isinstance(outcome, Answered):
                        ranks[server] = rank(outcome.response, server)
                        end = min(end, loop.time() + GRACE)
                    else:
                        errors[server] = outcome
                    if isinstance(outcome, Answered | Refused | InvalidAnswer):
                        on_answer()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
    order = list(servers)
    best = sorted(ranks, key=lambda server: (ranks[server], order.index(server)))
    return Scouted(tuple(best), errors)


def rank(answer: Message, server: Endpoint) -> int:
    """Return 0 for a server with another address and port, 1 with one of both, 2 without."""
    try:
        attribute = answer.get(OtherAddress) or answer.get(ChangedAddress)
    except Malformed:
        return 2
    if attribute is None or attribute.endpoint.family is not server.family:
        return 2
    other = attribute.endpoint
    return (other.packed == server.packed) + (other.port == server.port)


async def _ask(asker: Asker, server: Endpoint) -> Answered | TransactionError:
    try:
        return await asker.ask(server, await asker.open(server))
    except TransactionError as error:
        return error
