"""Gathering: every way in which this host can be reached, found at once and told as it comes.

RFC 8445 section 5.1: a host candidate for each address that can be used, a server-reflexive one for
each endpoint that STUN servers see it at, relayed ones on each relay. From one address all servers
are asked by one socket, so that what they say is about one mapping of the NAT.

Rules of this file: whoever is dead delays nobody: once somebody has answered, the others have until
``PATIENCE``. What is missing has a reason, which is kept. Relays are released at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import (
    ResolutionError,
    StartError,
    StunkitError,
    TransactionError,
    Unreachable,
    UsageError,
)
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.foundation import Foundations
from stunkit.ice.hosts import Choice, choose_hosts
from stunkit.ice.interface import Interface, InterfaceAddress
from stunkit.ice.priority import MAX_LOCAL_PREFERENCE, local_preferences, priority_of
from stunkit.net.gathered import Gathered, Gleaned, Miss, Wanted
from stunkit.net.host.interfaces import list_addresses
from stunkit.net.query import Asker
from stunkit.net.relay.allocation import allocate
from stunkit.net.relay.connection import Relay
from stunkit.net.resolve import resolve
from stunkit.net.transport.udp import describe_errno
from stunkit.net.whoami import GRACE, Answer, ask_endpoints
from stunkit.wire.uri import Transport, Uri

PATIENCE = 3.0  # seconds after the start for whoever is slower than the first: three requests
ENDING = 0.05  # seconds in which what is cut short says how far it got
STEP = 256  # local preferences between two addresses, for the candidates that share one


async def gather(wanted: Wanted, on_candidate: Callable[[Gleaned], None] | None = None) -> Gathered:
    """Gather; ``on_candidate`` hears of each candidate as it comes.

    Raises StartError when the ``bind`` that was asked for cannot be had, and OSError when the
    system does not tell its addresses.
    """
    async with AsyncExitStack() as stack:
        return await _Gathering(wanted, on_candidate, stack).run()


class _Gathering:
    """One run. ``stack`` holds what is open until its end."""

    def __init__(
        self,
        wanted: Wanted,
        on_candidate: Callable[[Gleaned], None] | None,
        stack: AsyncExitStack,
    ) -> None:
        self._wanted = wanted
        self._on_candidate = on_candidate
        self._stack = stack
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._foundations = Foundations()
        self._candidates: list[Gleaned] = []
        self._misses: list[Miss] = []
        self._answers: list[Answer] = []
        self._askers: list[Asker] = []
        self._open: list[Relay] = []
        self._names: dict[tuple[Uri, Family], asyncio.Task[list[Endpoint]]] = {}

    async def run(self) -> Gathered:
        """Do it all."""
        choice = self._choose()
        hosts = [host for one in _graded(choice.used) if (host := await self._host(*one))]
        servers = self._servers()
        questions: set[asyncio.Task[bool]] = set()
        relaying: set[asyncio.Task[bool]] = set()
        start = asyncio.create_task
        for host in hosts:
            own = [uri for uri in servers if _is_for(uri, host.family)]
            questions |= {start(self._ask(host, uri, index)) for index, uri in enumerate(own)}
            ways = [way for way in _carried(self._wanted.relays) if _is_for(way[0], host.family)]
            relaying |= {start(self._relay(host, *way, index)) for index, way in enumerate(ways)}
        try:
            answered = await asyncio.gather(
                self._all(questions, self._askers), self._all(relaying, ())
            )
        finally:
            await _end([*questions, *relaying, *self._names.values()])
            await asyncio.gather(*(relay.close() for relay in self._open))
        was_asked = bool(self._wanted.servers or self._wanted.relays)
        return Gathered(
            tuple(sorted(self._candidates, key=lambda one: -one.candidate.priority)),
            tuple(self._misses),
            choice.omitted,
            tuple(self._answers),
            any(answered) if was_asked else None,
            self._loop.time() - self._began,
        )

    def _choose(self) -> Choice:
        """Choose the addresses to gather from."""
        bind, family = self._wanted.bind, self._wanted.family
        found = list_addresses()
        if bind is None or bind.is_wildcard:
            family = family if bind is None else bind.family
            found = [one for one in found if family in (None, one.endpoint.family)]
            return choose_hosts(found, everything=self._wanted.everything)
        wanted = [one for one in found if one.endpoint.packed == bind.packed]
        nameless = InterfaceAddress(Interface("", 0), bind.with_port(0), 8 * len(bind.packed))
        return Choice(tuple(wanted[:1]) or (nameless,), ())

    def _servers(self) -> list[Uri]:
        """Return the STUN servers that can tell of a UDP socket, each once."""
        asked = []
        for uri in dict.fromkeys(self._wanted.servers):
            if uri.carrier is Transport.UDP and not uri.scheme.is_secure:
                asked.append(uri)
                continue
            what, why = "a server to gather from", "candidates are for UDP, so ask it over UDP"
            error = UsageError(what, uri.format(), why)
            self._miss(Miss(CandidateType.SERVER_REFLEXIVE, None, uri, error))
        return asked

    async def _host(self, address: InterfaceAddress, preference: int) -> _Host | None:
        """Open a socket at an address, for the host candidate and for all questions."""
        bind = self._wanted.bind
        local = address.endpoint.with_port(0 if bind is None else bind.port)
        asker = await self._stack.enter_async_context(Asker(bind=local))
        try:
            base = asker.listen(local)
        except OSError as error:
            reason = describe_errno(error.errno or 0)
            if bind is not None:
                raise StartError(
                    f"cannot bind {local}: {reason}", "choose another address or port"
                ) from None
            self._miss(Miss(CandidateType.HOST, address, None, Unreachable(reason)))
            return None
        self._askers.append(asker)
        host = _Host(address, base, asker, preference)
        self._tell(Gleaned(self._candidate(host, CandidateType.HOST, base), address, base))
        return host

    async def _ask(self, host: _Host, uri: Uri, index: int) -> bool:
        """Ask one server from one address; whether it answered."""
        kind = CandidateType.SERVER_REFLEXIVE
        try:
            servers = await asyncio.shield(self._resolve(uri, host.family))
        except ResolutionError as failure:
            self._miss(Miss(kind, None, uri, failure, host.family))
            return False
        except asyncio.CancelledError:
            late = ResolutionError(uri.host, "the name server has not answered yet")
            self._miss(Miss(kind, None, uri, late, host.family))
            return False
        answer = await ask_endpoints(host.asker, Answer(uri, uri.carrier, host.family), servers)
        self._answers.append(answer)
        if answer.mapped is None or answer.server is None:
            error = answer.error or Unreachable("it does not say where it sees us")
            self._miss(Miss(kind, host.address, uri, error, host.family))
            return False
        candidate = self._candidate(host, kind, answer.mapped, answer.server.host, index=index)
        known = (
            (one.candidate.address, one.candidate.port)
            for one in self._candidates
            if one.base == host.base and one.candidate.type is kind
        )
        if (candidate.address, candidate.port) not in known:
            self._tell(
                Gleaned(candidate, host.address, host.base, uri, answer.server, rtt=answer.rtt)
            )
        return True

    async def _relay(self, host: _Host, uri: Uri, carrier: Transport, index: int) -> bool:
        """Get an address on a relay, from one address; whether that worked."""
        kind = CandidateType.RELAYED
        error: StunkitError = Unreachable(f"nothing came of it in {self._wanted.timeout:g} s")
        try:
            relay = await allocate(
                uri,
                self._wanted.credentials,
                bind=host.address.endpoint,
                transport=carrier,
                ca_file=self._wanted.ca_file,
                timeout=self._wanted.timeout,
            )
        except (TransactionError, ResolutionError) as failure:
            error = failure
        except asyncio.CancelledError:
            elapsed = self._loop.time() - self._began
            error = Unreachable(f"nothing came of it in {elapsed:.1f} s")
        else:
            self._open.append(relay)
            server = relay.site.server
            related = relay.mapped or relay.local
            candidate = self._candidate(
                host, kind, relay.relayed, f"{server.host} {carrier}", index=index, related=related
            )
            self._tell(Gleaned(candidate, host.address, relay.local, uri, server, carrier))
            return True
        self._miss(Miss(kind, host.address, uri, error, host.family, carrier))
        return False

    def _candidate(
        self,
        host: _Host,
        kind: CandidateType,
        endpoint: Endpoint,
        server: str = "",
        *,
        index: int = 0,
        related: Endpoint | None = None,
    ) -> Candidate:
        """Make a candidate. ``index`` tells apart what several servers say of one address."""
        preference = max(host.preference - min(index, STEP - 1), 0)
        base = endpoint.host if kind is CandidateType.RELAYED else host.base.host
        if kind is CandidateType.SERVER_REFLEXIVE:
            related = host.base
        return Candidate(
            self._foundations.of(kind, base, "udp", server),
            1,
            "udp",
            priority_of(kind, local_preference=preference),
            _bare(endpoint),
            endpoint.port,
            kind,
            None if related is None else _bare(related),
            None if related is None else related.port,
        )

    def _tell(self, gleaned: Gleaned) -> None:
        self._candidates.append(gleaned)
        if self._on_candidate is not None:
            self._on_candidate(gleaned)

    def _miss(self, miss: Miss) -> None:
        """Keep what did not come; a name that leads nowhere is one miss for all who ask."""
        is_known = miss.address is None and any(
            (one.uri, one.family) == (miss.uri, miss.family)
            for one in self._misses
            if one.address is None
        )
        if not is_known:
            self._misses.append(miss)

    def _resolve(self, uri: Uri, family: Family) -> asyncio.Task[list[Endpoint]]:
        """Look a name up, once for all who ask."""
        if (uri, family) not in self._names:
            self._names[uri, family] = asyncio.create_task(resolve(uri, family=family))
        return self._names[uri, family]

    async def _all(self, pending: set[asyncio.Task[bool]], askers: Sequence[Asker]) -> bool:
        """Wait for attempts, by way of ``askers``; return whether one was a success."""
        end = self._began + self._wanted.timeout
        is_answered = False
        while pending:
            done, pending = await asyncio.wait(
                pending,
                timeout=max(end - self._loop.time(), 0),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                break
            results = [task.result() for task in done]
            if any(results):
                is_answered = True
                end = min(end, max(self._began + PATIENCE, self._loop.time() + GRACE))
        for asker in askers:  # so that each says how long it has waited
            asker.give_up()
        if pending:
            await asyncio.wait(pending, timeout=ENDING)
        await _end(pending)
        return is_answered


class _Host(NamedTuple):
    """An address with a socket. ``preference`` is the local preference of what comes of it."""

    address: InterfaceAddress
    base: Endpoint
    asker: Asker
    preference: int

    @property
    def family(self) -> Family:
        return self.base.family


def _graded(used: Sequence[InterfaceAddress]) -> list[tuple[InterfaceAddress, int]]:
    """Return each address with its local preference, far enough from the next one."""
    levels = local_preferences([address.endpoint.family for address in used])
    return [
        (address, MAX_LOCAL_PREFERENCE - STEP * (MAX_LOCAL_PREFERENCE - level))
        for address, level in zip(used, levels, strict=True)
    ]


def _carried(relays: Sequence[Uri]) -> list[tuple[Uri, Transport]]:
    """Return each relay with each transport that its URI leaves open (RFC 7065 section 3.1)."""
    found: dict[tuple[Uri, Transport], None] = {}
    for uri in relays:
        found[uri, uri.carrier] = None
        if uri.transport is None and not uri.scheme.is_secure:
            found[uri, Transport.TCP] = None
    return list(found)


def _is_for(uri: Uri, family: Family) -> bool:
    """Whether a server may have an address of a family: one that is an address has one family."""
    return not uri.is_address or (":" in uri.host) == (family is Family.IPV6)


def _bare(endpoint: Endpoint) -> str:
    """Return an address as SDP has it: without the number of an interface."""
    return endpoint.host.partition("%")[0]


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    waiting = [task for task in tasks if not task.done()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
