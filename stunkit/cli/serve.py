"""``stunkit serve``: run a server until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from ipaddress import ip_network

import click

from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable, UsageError
from stunkit.net.loop import new_event_loop
from stunkit.protocol.throttle import LEAST_RATE, Limit
from stunkit.server.counters import Counters
from stunkit.server.server import Server
from stunkit.server.settings import LOOPBACK, REFUSED_PORTS, Settings
from stunkit.server.streams import ACCEPT_LIMIT
from stunkit.server.workers import NOTHING_TO_RELOAD, Workers
from stunkit.wire.attributes.text import Software
from stunkit.wire.uri import DEFAULT_PORT, Transport

_LIMIT = Limit()  # for what its numbers are by default

# Descriptors besides those of TCP connections: our own, and under a flood the connections of the
# last few wake-ups, until those that make room for them are closed.
SPARE_FILES = 64 + 16 * ACCEPT_LIMIT
# The parent of several workers holds the sockets of all of them: of so many endpoints, and more.
FILES_OF_WORKER = 16
MOST_WORKERS = 512  # far more processes than processors would only wait for each other


@click.command("serve")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS[:PORT]",
    help=f"Serve UDP and TCP here; may be given several times. "
    f"[default: port {DEFAULT_PORT} of every address]",
)
@click.option(
    "--alternate",
    multiple=True,
    metavar="ADDRESS[:PORT]",
    help="The other address, and port, of an RFC 5780 server; once for each family of --listen. "
    "[default port: one more than that of --listen]",
)
@click.option(
    "--advertise",
    multiple=True,
    metavar="LOCAL=PUBLIC",
    help="Behind a one-to-one NAT: clients know this local address by that public one.",
)
@click.option("--software", metavar="TEXT", help="Send this as SOFTWARE in every answer.")
@click.option(
    "--workers",
    metavar="N|auto",
    default="1",
    show_default=True,
    help="Serve with so many processes; auto: one for each processor. Linux.",
)
@click.option(
    "--rate-limit",
    type=float,
    metavar="N",
    default=_LIMIT.rate,
    show_default=True,
    help="Answers a second over UDP to each source prefix; "
    f"at least {LEAST_RATE:g}, or 0 for no limit.",
)
@click.option(
    "--rate-burst",
    type=int,
    metavar="N",
    default=_LIMIT.burst,
    show_default=True,
    help="Answers at once to a source prefix that has been silent.",
)
@click.option(
    "--rate-prefix",
    nargs=2,
    type=int,
    metavar="IPV4 IPV6",
    default=(_LIMIT.prefix4, _LIMIT.prefix6),
    show_default=True,
    help="Bits of an address that make a source prefix.",
)
@click.option(
    "--rate-allow",
    multiple=True,
    metavar="NETWORK",
    default=tuple(map(str, LOOPBACK)),
    show_default=True,
    help='Sources without a limit; may be given several times, or "none".',
)
@click.option(
    "--refuse-ports",
    metavar="PORT,...",
    default=",".join(map(str, REFUSED_PORTS)),
    show_default=True,
    help="Source ports over UDP that get no answer, since what listens there would answer back.",
)
@click.option(
    "--lane",
    type=click.Choice(["auto", "batch", "portable"]),
    default="auto",
    show_default=True,
    help="How datagrams are carried; auto: in batches where the extra fast is installed.",
)
@click.option("--check", is_flag=True, help="Print the effective settings and exit.")
def command(
    listen: tuple[str, ...],
    alternate: tuple[str, ...],
    advertise: tuple[str, ...],
    software: str | None,
    workers: str,
    rate_limit: float,
    rate_burst: int,
    rate_prefix: tuple[int, int],
    rate_allow: tuple[str, ...],
    refuse_ports: str,
    lane: str,
    *,
    check: bool,
) -> None:
    """Answer STUN Binding requests over UDP and TCP.

    Prints a line on stderr for each socket, then "ready". SIGTERM and SIGINT let clients read
    their last answers and end it.
    """
    if software is not None:
        try:
            Software(software).encode(bytes(12))
        except Unencodable as error:
            raise UsageError("a text for SOFTWARE", software, error.reason) from None
    settings = Settings(
        listen=tuple(Endpoint.parse(text, port=DEFAULT_PORT) for text in listen),
        alternate=tuple(Endpoint.parse(text, port=0) for text in alternate),
        advertise=tuple(_parse_advertise(text) for text in advertise),
        software=software,
        workers=_parse_workers(workers),
        limit=_make_limit(rate_limit, rate_burst, rate_prefix, rate_allow),
        refused_ports=_parse_ports(refuse_ports),
        lane=lane,
    )
    if check:
        _print_toml(settings)
        return
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    _allow_files(settings.max_connections + SPARE_FILES + settings.workers * FILES_OF_WORKER)
    if settings.workers > 1:
        counters = Workers(settings).run(_announce)
    else:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            counters = runner.run(_serve(settings))
    click.echo(f"stopped: {counters.received} received, {counters.answered} answered", err=True)


def _parse_workers(text: str) -> int:
    """Return how many processes are to serve. Raises UsageError."""
    if text == "auto":
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))  # those that we may use, of all that there are
        return os.cpu_count() or 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_WORKERS):
        raise UsageError(
            "a number of workers",
            text,
            f'give 1 to {MOST_WORKERS}, or "auto" for one per processor',
        )
    return int(text)


def _make_limit(
    rate: float, burst: int, prefix: tuple[int, int], allow: tuple[str, ...]
) -> Limit | None:
    """Return the limit that the options describe. Raises UsageError."""
    if rate == 0:
        return None
    try:
        networks = tuple(ip_network(text) for text in allow if text != "none")
        return Limit(rate, burst, *prefix, networks)
    except ValueError as error:
        raise UsageError("a rate limit", f"{rate:g}", str(error)) from None


def _parse_ports(text: str) -> tuple[int, ...]:
    """Split port numbers at commas; there may be none. Raises UsageError."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and int(word) <= 65535 for word in words):
        raise UsageError("ports from 0 to 65535, between commas", text, "one of them is not")
    return tuple(map(int, words))


def _parse_advertise(text: str) -> tuple[str, str]:
    """Split LOCAL=PUBLIC, two addresses of one family. Raises UsageError."""
    local, sign, public = text.partition("=")
    if not sign:
        raise UsageError("LOCAL=PUBLIC", text, "it has no =")
    pair = Endpoint.of(local, 0), Endpoint.of(public, 0)
    if pair[0].family is not pair[1].family:
        raise UsageError("LOCAL=PUBLIC", text, "the two are of different families")
    return pair[0].host, pair[1].host


async def _serve(settings: Settings) -> Counters:
    stopped = asyncio.Event()
    _on_signals(stopped)
    server = Server(settings)
    async with server:
        _announce(server.endpoints)
        await stopped.wait()
    return server.counters


def _announce(endpoints: Sequence[tuple[Transport, Endpoint]]) -> None:
    for transport, endpoint in endpoints:
        click.echo(f"listening on {transport} {endpoint}", err=True)
    click.echo("ready", err=True)


def _on_signals(stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        number = getattr(signal, name)
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, logging.info, NOTHING_TO_RELOAD)


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files to what the connections need, as far as it is ours to raise."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (not on Windows)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _print_toml(settings: Settings) -> None:
    """Print what is in force, as it stands in a file."""
    tables = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            tables.append((field.name, value))
        else:
            click.echo(f"{field.name} = {_toml(value)}")
    for name, table in tables:
        click.echo(f"\n[{name}]")
        for field in fields(table):
            click.echo(f"{field.name} = {_toml(getattr(table, field.name))}")


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, int | float):
        return str(value)
    return (
        '""' if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    )
