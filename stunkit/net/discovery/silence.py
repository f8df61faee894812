"""What silence over UDP means: a path that blocks it, or servers that are not there.

The same servers are asked over TCP. One that answers there is there; it is then asked over UDP so
often that the loss of every datagram would be no chance any more (``nat.odds``). What stays silent
after that is blocked. An ICMP "port unreachable" settles nothing by itself: the server's own host
says so when nobody listens there, and a firewall can say the same in its name.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, NoAnswer, Refused, TransactionError, Unreachable
from stunkit.nat.odds import Odds
from stunkit.net.query import Asker
from stunkit.net.transport.udp import describe_errno
from stunkit.protocol.client import Answered
from stunkit.protocol.schedule import Schedule
from stunkit.wire.uri import Transport

TCP_TIMEOUT = 5.0  # seconds for a connection and an answer; a lost SYN is repeated after 1 and 3
GATHER = 0.25  # seconds for the other servers' TCP answers after the first
QUESTIONS = 10  # transactions to each server, that many a second; RFC 5780 section 4
SENDS = 3  # of each
MIN_RTO = 0.1  # seconds until a question is sent again, at the least
MAX_RTO = 0.5  # seconds; the RFC's first interval
REFUSED = describe_errno(errno.ECONNREFUSED)


class Judgment(NamedTuple):
    """Whether UDP gets through, None for unknown; why, and who was asked what."""

    udp: bool | None
    why: str
    probes: tuple[str, ...]


class Silence:
    """Judges why no server has answered over UDP; ``bind`` is where to ask from, port 0.

    ``is_there`` says whether a server has answered over TCP, so that the verdict is near.
    """

    def __init__(self, servers: Sequence[Endpoint], bind: Endpoint) -> None:
        self._servers = servers
        self._bind = bind
        self.is_there = False

    async def judge(self) -> Judgment:
        """Ask over TCP, then over UDP, and say what follows."""
        probes = tuple(f"TCP {server}" for server in self._servers)
        trips, errors = await self._ask_over_tcp()
        if not trips:
            why = "; ".join(f"{server}: {error}" for server, error in errors.items())
            return Judgment(None, f"no answer over UDP, and none over TCP ({why})", probes)
        self.is_there = True
        probes += tuple(f"UDP {server}" for server in trips)
        outcomes = await asyncio.gather(*(self._insist(s, rtt) for s, rtt in trips.items()))
        return Judgment(*conclude(dict(zip(trips, outcomes, strict=True))), probes)

    async def _ask_over_tcp(self) -> tuple[dict[Endpoint, float], dict[Endpoint, str]]:
        """Return the round trips of those that answer, and what is wrong with the others."""
        loop = asyncio.get_running_loop()
        end = loop.time() + TCP_TIMEOUT
        trips: dict[Endpoint, float] = {}
        errors = dict.fromkeys(self._servers, "no answer in time")
        async with Asker(bind=self._bind) as asker:
            tasks = {asyncio.create_task(_connect(asker, s)): s for s in self._servers}
            pending = set(tasks)
            try:
                while pending and loop.time() < end:
                    done, pending = await asyncio.wait(
                        pending, timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        outcome = task.result()
                        if isinstance(outcome, float):
                            trips[tasks[task]] = outcome
                            end = min(end, loop.time() + GATHER)
                        else:
                            errors[tasks[task]] = str(outcome)
            finally:
                for task in pending:
                    task.cancel()
                await asyncio.gather(*pending, return_exceptions=True)
        return trips, errors

    async def _insist(self, server: Endpoint, rtt: float) -> tuple[bool | str, int]:
        """Ask a server over UDP again and again.

        Return whether anything came back, or the system's reason; and how many questions did not
        have an answer.
        """
        rto = max(MIN_RTO, min(MAX_RTO, 2 * rtt))
        schedule = Schedule(rto=rto, rc=SENDS, rm=2, rto_min=rto)
        async with Asker(bind=self._bind, schedule=schedule) as asker:
            try:
                local = await asker.open(server)
            except Unreachable as error:
                return str(error), 1
            tasks = [
                asyncio.create_task(_ask(asker, server, local, index / QUESTIONS))
                for index in range(QUESTIONS)
            ]
            reason, sends = "", 0
            try:
                for coming in asyncio.as_completed(tasks):
                    outcome = await coming
                    if isinstance(outcome, NoAnswer):
                        sends += outcome.sends
                    elif isinstance(outcome, Unreachable):
                        reason = str(outcome)
                    else:
                        return True, sends
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return reason or False, sends


def conclude(outcomes: dict[Endpoint, tuple[bool | str, int]]) -> tuple[bool | None, str]:
    """Say what follows from how UDP went with servers that answer over TCP.

    For each: whether it answered, or the system's reason; and the questions without an answer.
    """
    refusals = set()
    parts = []
    odds = Odds()
    chance = 1.0
    for server, (outcome, sends) in outcomes.items():
        if outcome is True:
            return True, f"{server} answered over UDP"
        if outcome:
            refusals.add(outcome)
            parts.append(f"{server} answers over TCP, but over UDP the system says: {outcome}")
        else:
            chance *= odds.chance(sends)
            parts.append(f"{server} answers over TCP, but not over UDP, asked {sends} times more")
    why = "; ".join(parts)
    if refusals == {REFUSED} and len(outcomes) == 1:
        return None, f"{why}: no server there, or a firewall that refuses"
    if not refusals:
        why += f" (by chance: under {chance:.0e})"
    return False, why


async def _connect(asker: Asker, server: Endpoint) -> float | TransactionError:
    """Ask over TCP; return the round trip, or what went wrong."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        local = await asker.open(server, Transport.TCP)
        await asker.ask(server, local, Transport.TCP)
    except (Refused, InvalidAnswer):
        pass  # no good answer, but it is there
    except TransactionError as error:
        return error
    return (loop.time() - began) / 2


async def _ask(
    asker: Asker, server: Endpoint, local: Endpoint, delay: float
) -> Answered | TransactionError:
    """Ask over UDP after ``delay`` seconds; return the answer, or what came instead."""
    await asyncio.sleep(delay)
    try:
        return await asker.ask(server, local)
    except TransactionError as error:
        return error
