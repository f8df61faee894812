"""``stunkit bench``: how fast, how reliably and how soon a server of yours answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import click

from stunkit.bench.options import (
    DURATION,
    MAX_RATE,
    MAX_SOCKETS,
    MAX_WINDOW,
    SOCKETS,
    TIMEOUT,
    WARMUP,
    WINDOW,
    Options,
)
from stunkit.bench.result import Progress, Result
from stunkit.bench.run import Run
from stunkit.bench.sources import Source
from stunkit.cli.interruption import interruptible
from stunkit.cli.options import SERVER_VARIABLE, Seconds, pick_family, pick_servers, saying_who
from stunkit.cli.render import bench as render
from stunkit.cli.render.text import columns
from stunkit.cli.status import ExitStatus


@click.command("bench")
@click.argument("server", required=False)
@click.option(
    "--window",
    type=click.IntRange(1, MAX_WINDOW),
    metavar="N",
    help=f"Closed loop: keep N requests in flight on each socket. [default: {WINDOW}]",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, MAX_RATE, min_open=True),
    metavar="N",
    help="Open loop: send N requests a second, whatever the server does.",
)
@click.option(
    "--sockets",
    type=click.IntRange(1, MAX_SOCKETS),
    metavar="N",
    help=f"Source ports; connections, over TCP. [default: {SOCKETS}]",
)
@click.option(
    "--bind",
    multiple=True,
    metavar="ADDRESS[:PORT]",
    help="Send from here, or from all of a network such as 127.1.0.0/16; several take turns.",
)
@click.option(
    "--duration",
    type=Seconds(min=0, min_open=True),
    default=DURATION,
    show_default=True,
    metavar="SECONDS",
    help="How long to send.",
)
@click.option(
    "--warmup",
    type=Seconds(min=0),
    default=WARMUP,
    show_default=True,
    metavar="SECONDS",
    help="The same load before, which does not count.",
)
@click.option(
    "--timeout",
    type=Seconds(min=0, min_open=True, max=60),
    default=TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="A request that is not answered after this is lost.",
)
@click.option("--mine", is_flag=True, help="The server is yours though its address is public.")
@click.option(
    "--ca",
    "ca_file",
    metavar="FILE",
    help="Over TLS, trust the certificates in FILE, not the system's.",
)
@click.option("-4", "only_ipv4", is_flag=True, help="Ask over IPv4 only.")
@click.option("-6", "only_ipv6", is_flag=True, help="Ask over IPv6 only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    context: click.Context,
    server: str | None,
    *,
    window: int | None,
    rate: float | None,
    sockets: int | None,
    bind: tuple[str, ...],
    duration: float,
    warmup: float,
    timeout: float,
    mine: bool,
    ca_file: str | None,
    only_ipv4: bool,
    only_ipv6: bool,
    as_json: bool,
) -> None:
    """Put a server of yours under load, and measure how it answers.

    SERVER is HOST, HOST:PORT, [IPv6]:PORT or a URI: stun: (?transport=tcp for TCP) or stuns: for
    TLS. Without it, STUNKIT_SERVER counts. Every answer is checked. See `stunkit explain bench`.
    """
    if window is not None and rate is not None:
        raise click.UsageError("--window (closed loop) and --rate (open loop) exclude each other.")
    servers = pick_servers([] if server is None else [server], [])
    if len(servers) != 1:
        raise click.UsageError(f"Name one server, as SERVER or in {SERVER_VARIABLE}.")
    options = Options(
        server=servers[0],
        family=pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6),
        rate=rate,
        window=WINDOW if window is None else window,
        sockets=sockets,
        sources=tuple(map(Source.parse, bind)),
        duration=duration,
        warmup=warmup,
        timeout=timeout,
        mine=mine,
        ca_file=ca_file,
    )
    with saying_who(options.server):
        result = _run(Run(options), is_shown=not as_json and sys.stderr.isatty())
    if as_json:
        click.echo(render.to_json(result))
    else:
        _print(result)
    context.exit(_status(result))


def _run(run: Run, *, is_shown: bool) -> Result:
    with _drawn() if is_shown else nullcontext() as show, interruptible(run.stop):
        return run.go(show)


@contextmanager
def _drawn() -> Iterator[Callable[[Progress], None]]:
    from stunkit.cli.render.gauge import gauge  # noqa: PLC0415 (rich is slow to import)

    with gauge() as show:
        yield lambda progress: show(progress.elapsed, progress.duration, render.line(progress))


def _print(result: Result) -> None:
    rows = render.rows(result)
    notes = render.notes(result)
    if sys.stdout.isatty():
        from stunkit.cli.render.live import pairs, remark, say  # noqa: PLC0415

        say(render.sentence(result))
        pairs(rows)
        for note in notes:
            remark(note)
    else:
        click.echo("\n".join([render.sentence(result), columns(rows), *notes]))


def _status(result: Result) -> ExitStatus:
    if result.interrupted:
        return ExitStatus.INTERRUPTED
    tally = result.tally
    if tally.answered or not tally.sent:
        return ExitStatus.FINE
    return ExitStatus.REFUSED if tally.refused or tally.wrong else ExitStatus.NO_ANSWER
