"""``stunkit serve``: run a server until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from dataclasses import fields

import click

from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable, UsageError
from stunkit.server.server import Server
from stunkit.server.settings import Settings
from stunkit.server.streams import ACCEPT_LIMIT
from stunkit.wire.attributes.text import Software
from stunkit.wire.uri import DEFAULT_PORT

# Descriptors besides those of TCP connections: our own, and under a flood the connections of the
# last few wake-ups, until those that make room for them are closed.
SPARE_FILES = 64 + 16 * ACCEPT_LIMIT


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
@click.option("--check", is_flag=True, help="Print the effective settings and exit.")
def command(
    listen: tuple[str, ...],
    alternate: tuple[str, ...],
    advertise: tuple[str, ...],
    software: str | None,
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
    )
    if check:
        for field in fields(settings):
            click.echo(f"{field.name} = {_toml(getattr(settings, field.name))}")
        return
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    _allow_files(settings.max_connections + SPARE_FILES)
    # Windows' default loop cannot watch a socket; this one can, everywhere.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_serve(settings))


def _parse_advertise(text: str) -> tuple[str, str]:
    """Split LOCAL=PUBLIC, two addresses of one family. Raises UsageError."""
    local, sign, public = text.partition("=")
    if not sign:
        raise UsageError("LOCAL=PUBLIC", text, "it has no =")
    pair = Endpoint.of(local, 0), Endpoint.of(public, 0)
    if pair[0].family is not pair[1].family:
        raise UsageError("LOCAL=PUBLIC", text, "the two are of different families")
    return pair[0].host, pair[1].host


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    _on_signals(stopped)
    server = Server(settings)
    async with server:
        for transport, endpoint in server.endpoints:
            click.echo(f"listening on {transport} {endpoint}", err=True)
        click.echo("ready", err=True)
        await stopped.wait()
    counters = server.counters
    click.echo(f"stopped: {counters.received} received, {counters.answered} answered", err=True)


def _on_signals(stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        number = getattr(signal, name)
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(
            signal.SIGHUP,
            logging.info,
            "nothing to reload: all settings came from the command line",
        )


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


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, int | float):
        return str(value)
    return (
        '""' if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    )
