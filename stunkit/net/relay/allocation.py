"""Getting an allocation on a relay, from its URI to the relayed address.

    async with await allocate(Uri.parse("turn:relay.example"), credentials) as relay:
        print(relay.relayed, relay.mapped)

RFC 8656 sections 7.1 and 7.4; RFC 7065 for what a URI says.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer, Refused, StunkitError, TransactionError, UsageError
from stunkit.net.relay.connection import Relay, Site
from stunkit.net.resolve import resolve
from stunkit.net.transport.secure import ALPN_TURN, Secure
from stunkit.protocol.allocation_event import Allocated, Rejected
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.registry import Code
from stunkit.wire.uri import Transport, Uri

TIMEOUT = 10.0  # seconds for an allocation, from name to relayed address
ATTEMPTS = 3  # sockets that are tried where the server knows the 5-tuple; RFC 8656 section 7.4


async def obtain(
    make: Callable[[], Relay], family: Family | None = None
) -> tuple[Relay, Allocated | Rejected]:
    """Open a relay and ask for an allocation, from another socket where the server knows this one.

    The relay is the caller's to close, whatever came of it. Raises what ``open`` does.
    """
    for attempt in range(ATTEMPTS):
        relay = make()
        try:
            await relay.open()
            outcome = await relay.allocate(family)
        except BaseException:
            await relay.close()
            raise
        is_taken = (
            isinstance(outcome, Rejected)
            and isinstance(outcome.error, Refused)
            and outcome.error.code == Code.ALLOCATION_MISMATCH
        )
        if not is_taken or attempt + 1 == ATTEMPTS or relay.has_fixed_port:
            break
        await relay.close()
    return relay, outcome


async def allocate(  # noqa: PLR0913 (a relay is reached in as many ways)
    uri: Uri,
    credentials: TurnCredentials | None,
    *,
    bind: Endpoint | None = None,
    transport: Transport | None = None,
    family: Family | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    timeout: float = TIMEOUT,
) -> Relay:
    """Return a relay with an allocation on it, to be closed by the caller.

    ``transport`` overrides the URI's, ``bind`` decides in which family the server is reached, and
    ``family`` is that of the relayed address (None: IPv4). A name's addresses are tried in turn.
    ``timeout`` is in seconds, for all. Raises ResolutionError, UsageError, and TransactionError of
    the address that was tried last: Refused has the code.
    """
    check_uri(uri)
    carrier = uri.carrier if transport is None else transport
    secure = Secure(ca_file, ALPN_TURN) if carrier is Transport.TLS else None
    named = replace(uri, transport=Transport.TCP if carrier is Transport.TLS else carrier)
    failure: StunkitError = NoAnswer(1, timeout)
    try:
        async with asyncio.timeout(timeout):
            for server in await resolve(named, family=None if bind is None else bind.family):
                site = Site(server, carrier, uri.host)
                make = partial(Relay, site, credentials, bind=bind, secure=secure)
                try:
                    relay, outcome = await obtain(make, family)
                except TransactionError as error:
                    failure = error
                    continue
                if isinstance(outcome, Allocated):
                    return relay
                await relay.close()
                failure = outcome.error
    except TimeoutError:
        pass
    raise failure


def check_uri(uri: Uri) -> None:
    """Raise UsageError unless a URI names a relay that can be asked."""
    what = "a relay"
    if not uri.scheme.is_relay:
        raise UsageError(what, uri.format(), "it does not begin with turn: or turns:")
    if uri.scheme.is_secure and uri.carrier is Transport.UDP:
        raise UsageError(what, uri.format(), "DTLS, TLS over UDP, is not supported")
