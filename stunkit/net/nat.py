"""What does the NAT do? Discovery on real sockets, over IPv4 and IPv6 side by side.

A family in which nobody answers over UDP does not hold the other one up: once that is done, it gets
time to be asked over TCP once, and more only where that is answered, to be sure of a block.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError, UsageError
from stunkit.nat.discovery import TIMEOUT
from stunkit.nat.report import Report
from stunkit.net.discovery.path import Asked, News, Path, Plan
from stunkit.net.discovery.stream_report import report_of
from stunkit.net.discovery.trial import FRAGMENTS, HAIRPIN, LIFETIME
from stunkit.net.transport.udp import UdpSocket, describe_errno
from stunkit.net.whoami import PUBLIC_SERVERS, whoami
from stunkit.wire.uri import Transport, Uri

# Asked when the user names no server. The first one has two addresses (RFC 5780); where it is
# gone, the others still show the mapping.
NAT_SERVERS = (Uri.parse("stun:stunserver2025.stunprotocol.org:3478"), *PUBLIC_SERVERS)


class NatResult(NamedTuple):
    """What each family's path does; None where it leads to no server at all.

    ``elapsed`` is in seconds. ``asked`` says who was asked, and what went wrong with whom.
    """

    ipv4: Report | None
    ipv6: Report | None
    elapsed: float
    asked: tuple[Asked, ...] = ()

    def report(self, family: Family) -> Report | None:
        """Return one family's report."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6


async def discover(  # noqa: PLR0913 (one for each thing to choose)
    servers: Sequence[str | Uri] = NAT_SERVERS,
    *,
    family: Family | None = None,
    bind: Endpoint | None = None,
    timeout: float | None = None,
    hairpin: bool = False,
    lifetime: bool = False,
    fragments: bool = False,
    answers: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    on_news: News | None = None,
) -> NatResult:
    """Find out what the NAT or firewall on the way to the servers does to UDP.

    ``bind`` is the local address to ask from and decides the family; its port, if any, is that of
    the socket whose mapping is looked at, and every other test has a fresh one. ``timeout`` is in
    seconds for the whole run; by default it is what the tests may take. ``hairpin``, ``lifetime``
    and ``fragments`` are tested when asked for, and ``answers``: by which mapping somebody is
    answered who has sent unasked. ``on_news`` hears of each fact as it becomes known.
    What cannot be found out is unknown, and no error.

    Servers over TCP or TLS tell where they see us, and nothing about UDP; ``ca_file`` holds the
    certificates to trust then. Raises UsageError for a server that cannot be asked, or not together
    with the others, StartError when ``bind`` cannot be bound.
    """
    uris = [one if isinstance(one, Uri) else Uri.parse(one) for one in servers]
    wanted = ((hairpin, HAIRPIN), (lifetime, LIFETIME), (fragments, FRAGMENTS))
    trials = tuple(trial for is_wanted, trial in wanted if is_wanted)
    if _are_streams(uris):
        wait = TIMEOUT if timeout is None else timeout
        claims = [trial.claim for trial in trials]
        return await _ask_streams(uris, family, bind, wait, claims, ca_file)
    if bind is not None:
        _try_to_bind(bind)
    if timeout is None:
        timeout = TIMEOUT + max((trial.timeout for trial in trials), default=0.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    plan = Plan(began + timeout, bind, trials, on_news, answers)
    paths = [
        Path(one, names, plan)
        for one in _families(family if bind is None else bind.family)
        if (names := _names(uris, one, is_only=family is not None or bind is not None))
    ]
    reports = await _measure(paths)
    return NatResult(
        ipv4=reports.get(Family.IPV4),
        ipv6=reports.get(Family.IPV6),
        elapsed=loop.time() - began,
        asked=tuple(one for path in paths for one in path.asked),
    )


async def _measure(paths: Sequence[Path]) -> dict[Family, Report | None]:
    """Measure every path; once one has something to say, hurry the others."""
    tasks = {asyncio.create_task(path.measure()): path for path in paths}
    pending = set(tasks)
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if any(tasks[task].is_heard for task in done):
                for task in pending:
                    tasks[task].hurry()
        return {path.family: task.result() for task, path in tasks.items()}
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _ask_streams(
    uris: Sequence[Uri],
    family: Family | None,
    bind: Endpoint | None,
    timeout: float,
    trials: Sequence[str],
    ca_file: str | os.PathLike[str] | None,
) -> NatResult:
    """Return what servers tell that are asked over TCP or TLS."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    result = await whoami(uris, family=family, bind=bind, timeout=timeout, ca_file=ca_file)
    by_family = {one: [a for a in result.answers if a.family is one] for one in Family}
    first = _families(family if bind is None else bind.family)[0]  # for a name that led nowhere
    return NatResult(
        ipv4=report_of(by_family[Family.IPV4], trials),
        ipv6=report_of(by_family[Family.IPV6], trials),
        elapsed=loop.time() - began,
        asked=tuple(
            Asked(answer.name, answer.family or first, answer.server, answer.error)
            for answer in result.answers
        ),
    )


def _are_streams(uris: Sequence[Uri]) -> bool:
    """Return whether all servers are asked over TCP or TLS. Raises UsageError if only some are."""
    what = "a server to ask about a NAT"
    streams = [uri for uri in uris if uri.carrier is not Transport.UDP]
    for uri in uris:
        if uri.scheme.is_relay:
            raise UsageError(what, uri.format(), f"{uri.scheme}: is not supported here")
        if uri.scheme.is_secure and uri.carrier is Transport.UDP:
            raise UsageError(what, uri.format(), "DTLS, TLS over UDP, is not supported")
    if streams and len(streams) < len(uris):
        raise UsageError(
            what, streams[0].format(), "next to servers that are asked over UDP it tells nothing"
        )
    return bool(streams)


def _families(family: Family | None) -> tuple[Family, ...]:
    return tuple(Family) if family is None else (family,)


def _names(uris: Sequence[Uri], family: Family, *, is_only: bool) -> list[Uri]:
    """Return the servers to ask in a family.

    An address of the other family is not looked up in vain, unless the user insists on this one.
    """
    host_family = {True: Family.IPV6, False: Family.IPV4}
    return [
        uri
        for uri in dict.fromkeys(uris)
        if is_only or not uri.is_address or host_family[":" in uri.host] is family
    ]


def _try_to_bind(bind: Endpoint) -> None:
    try:
        UdpSocket(bind).close()
    except OSError as error:
        reason = describe_errno(error.errno or 0)
        raise StartError(
            f"cannot ask from {bind}: {reason}", "choose another address or port with --bind"
        ) from error
