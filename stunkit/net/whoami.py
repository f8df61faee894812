"""Who are we to the world? Several servers asked at once, and what follows from their answers.

Each server's name is resolved and asked in both families side by side. The run ends as soon as
something true can be said: once one server has answered, the others get ``GRACE`` more, enough for
one retransmission, so that a dead family or a dead server holds nobody up.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import (
    ResolutionError,
    StunkitError,
    TransactionError,
    Unreachable,
    UsageError,
)
from stunkit.nat.sighting import is_inside
from stunkit.net.query import Asker
from stunkit.net.resolve import resolve
from stunkit.net.transport.certificate import client_context
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.login import Login
from stunkit.protocol.schedule import RTO
from stunkit.wire.uri import Transport, Uri

TIMEOUT = 10.0  # seconds for a whole run; five requests per server at the RFC's pace
GRACE = RTO + 0.25  # seconds for the others once one has answered: a retransmission and its answer
MAX_ADDRESSES = 4  # of one name and family that are asked
ATTEMPT_DELAY = 0.25  # seconds before a name's next address is tried too; RFC 8305 section 8

# Asked when the user names no server. Long-lived public services, of different operators.
PUBLIC_SERVERS = (
    Uri.parse("stun:stun.l.google.com:19302"),
    Uri.parse("stun:stun.cloudflare.com:3478"),
    Uri.parse("stun:stun.nextcloud.com:3478"),
)


class Answer(NamedTuple):
    """What one server said, or why it said nothing.

    ``server`` and ``family`` are None when the name led nowhere. ``rtt`` is in seconds, None when
    the request was sent more than once: nobody knows then which one was answered.
    """

    name: Uri
    transport: Transport
    family: Family | None = None
    server: Endpoint | None = None
    local: Endpoint | None = None
    mapped: Endpoint | None = None
    rtt: float | None = None
    error: StunkitError | None = None

    @property
    def is_proxied(self) -> bool:
        """Whether the server sees an address that no datagram of ours came to it with.

        It stands behind a proxy of its own then, or something rewrote its answer (see
        ``nat.sighting``).
        """
        if self.mapped is None or self.server is None or self.mapped == self.local:
            return False
        return is_inside(self.mapped) and not is_inside(self.server)


class Whoami(NamedTuple):
    """Every answer, and the public addresses that follow from them."""

    answers: tuple[Answer, ...]

    def public(self, family: Family) -> str | None:
        """Return our address, or None when nobody said one or no majority agrees on it."""
        seen = self.seen(family)
        if not seen:
            return None
        host, votes = seen.most_common(1)[0]
        return host if 2 * votes > seen.total() else None

    def seen(self, family: Family) -> Counter[str]:
        """Return each mapped address of a family, and how many servers saw it.

        What those see that stand behind a proxy is not ours.
        """
        mapped = (answer.mapped for answer in self.answers if not answer.is_proxied)
        return Counter(m.host for m in mapped if m is not None and m.family is family)

    @property
    def consensus(self) -> bool | None:
        """Whether all who answered saw the same address; None when nobody answered."""
        counts = [len(self.seen(family)) for family in Family]
        return None if not any(counts) else max(counts) == 1


async def whoami(  # noqa: PLR0913 (a run has as many choices)
    servers: Sequence[str | Uri] = PUBLIC_SERVERS,
    *,
    family: Family | None = None,
    bind: Endpoint | None = None,
    timeout: float = TIMEOUT,
    ca_file: str | os.PathLike[str] | None = None,
    on_answer: Callable[[Answer], None] | None = None,
    login: Callable[[], Login] | None = None,
) -> Whoami:
    """Ask every server, over IPv4 and IPv6, where it sees us.

    ``bind`` is the local address to ask from and decides the family; ``timeout`` is in seconds for
    the whole run; ``ca_file`` holds the certificates to trust over TLS, instead of the system's;
    ``on_answer`` hears of each server's answer as it comes; ``login`` makes a
    login, of which each server gets its own. Servers that fail become answers with an error. Raises
    UsageError for a server that cannot be asked at all, and for such a file.
    """
    if ca_file is not None:
        client_context(ca_file)
    uris = [_check(server if isinstance(server, Uri) else Uri.parse(server)) for server in servers]
    if bind is not None:
        family = bind.family
    families = tuple(Family) if family is None else (family,)
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    answers = []
    async with Asker(bind=bind, ca_file=ca_file, login=login) as asker:
        pending = {
            asyncio.create_task(_ask(asker, uri, one))
            for uri in dict.fromkeys(uris)
            for one in families
        }
        while pending:
            done, pending = await asyncio.wait(
                pending, timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                await _cut_short(asker, pending)
                continue
            for answer in [task.result() for task in done]:
                answers.append(answer)
                if answer.mapped is not None:
                    end = min(end, loop.time() + GRACE)
                if answer.server is not None and on_answer is not None:
                    on_answer(answer)
    return Whoami(_in_order(uris, answers))


def _check(uri: Uri) -> Uri:
    what = "a server to ask"
    if uri.scheme.is_relay:
        raise UsageError(what, uri.format(), f"{uri.scheme}: is not supported here yet")
    if uri.scheme.is_secure and uri.carrier is Transport.UDP:
        raise UsageError(what, uri.format(), "DTLS, TLS over UDP, is not supported")
    return uri


async def _ask(asker: Asker, uri: Uri, family: Family) -> Answer:
    """Resolve a name in one family and ask its addresses; never raises but when cancelled twice."""
    answer = Answer(uri, uri.carrier, family)
    try:
        endpoints = await resolve(uri, family=family)
    except ResolutionError as error:
        return answer._replace(error=error)
    except asyncio.CancelledError:
        late = ResolutionError(uri.host, "the name server has not answered yet")
        return answer._replace(error=late)
    return await ask_endpoints(asker, answer, endpoints)


async def ask_endpoints(asker: Asker, answer: Answer, endpoints: Sequence[Endpoint]) -> Answer:
    """Ask the addresses of one server, the next one when one takes long; complete its answer.

    Never raises but when cancelled twice: the first time, it says how far it got.
    """
    attempts: list[asyncio.Task[Answer]] = []
    try:
        for index, endpoint in enumerate(endpoints[:MAX_ADDRESSES]):
            attempt = _attempt(asker, answer, endpoint, attempts[-1:], index * ATTEMPT_DELAY)
            attempts.append(asyncio.create_task(attempt))
        for coming in asyncio.as_completed(attempts):
            answered = await coming
            if answered.mapped is not None:
                return answered
        return attempts[0].result()
    except asyncio.CancelledError:
        if attempts[0].done():
            return attempts[0].result()
        return answer._replace(server=endpoints[0], error=Unreachable("no connection yet"))
    finally:
        for attempt_task in attempts:
            attempt_task.cancel()


async def _attempt(
    asker: Asker,
    answer: Answer,
    server: Endpoint,
    before: Sequence[asyncio.Task[Answer]],
    delay: float,
) -> Answer:
    """Ask one endpoint after ``delay`` seconds, or once the attempt before it has failed."""
    if before:
        done, _ = await asyncio.wait(before, timeout=delay)
        for attempt in done:
            if attempt.result().mapped is not None:
                return attempt.result()
    answer = answer._replace(server=server)
    transport = answer.transport
    try:
        local = await asker.open(server, transport, name=answer.name.host)
        answer = answer._replace(local=local)
        answered = await asker.ask(server, local, transport)
    except TransactionError as error:
        return answer._replace(error=error)
    return answer._replace(mapped=mapped_endpoint(answered.response), rtt=answered.rtt)


async def _cut_short(asker: Asker, pending: set[asyncio.Task[Answer]]) -> None:
    """End what is still under way: each task comes to an answer that says how far it got."""
    asker.give_up()
    await asyncio.wait(pending, timeout=0.01)
    for task in pending:
        task.cancel()


def _in_order(uris: Sequence[Uri], answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Return the answers in the order of the servers; a name that led nowhere stands once."""
    ordered = []
    for uri in dict.fromkeys(uris):
        own = [answer for answer in answers if answer.name == uri]
        found = [answer for answer in own if answer.server is not None]
        ordered += sorted(found, key=lambda answer: answer.family or "")
        if not found and own:
            ordered.append(own[0]._replace(family=None))
    return tuple(ordered)
