"""``stunkit fuzz``: look for what breaks a parser, or a server of yours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stunkit.cli.interruption import interruptible
from stunkit.cli.options import Seconds, pick_family, saying_who
from stunkit.cli.render import fuzz as render
from stunkit.cli.render.text import columns
from stunkit.cli.status import ExitStatus
from stunkit.fuzz import parser, server
from stunkit.fuzz.finding import Progress, Result
from stunkit.fuzz.pulse import State
from stunkit.fuzz.reproducer import Reproducer
from stunkit.wire.uri import Uri

if TYPE_CHECKING:
    Campaign = parser.Campaign | server.Campaign

SECRET_SEED = 32  # bits of a seed that nobody chose


@click.command("fuzz")
@click.option("--parser", "parser_name", metavar="MODULE:CALLABLE", help="Call this with bytes.")
@click.option("--server", "server_name", metavar="URI", help="Send to this server, which is yours.")
@click.option("--replay", metavar="FILE", help="Do again what a reproducer says.")
@click.option(
    "--expect",
    metavar="EXCEPTION,...",
    default="",
    help="What the parser may raise: ValueError, package.module.Error.",
)
@click.option(
    "--guide",
    type=click.Choice(parser.GUIDES),
    default="auto",
    show_default=True,
    help="A parser's inputs: by coverage (atheris), or at random.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Follow the coverage of this package, not the parser's own. May be repeated.",
)
@click.option(
    "--time",
    type=Seconds(min=0, min_open=True),
    default=parser.TIME,
    show_default=True,
    metavar="SECONDS",
    help="How long to look.",
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="Stop after N inputs.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Makes the same inputs again.")
@click.option(
    "--timeout",
    type=Seconds(min=0, min_open=True, max=60),
    default=parser.TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="For one call, or for one answer to the plain question.",
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.IntRange(16),
    default=parser.MEMORY_MB,
    show_default=True,
    metavar="MIB",
    help="What a parser may take.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, server.MAX_RATE, min_open=True),
    default=server.RATE,
    show_default=True,
    metavar="N",
    help="Inputs a second to a server, at the most.",
)
@click.option(
    "--every",
    type=click.IntRange(1, server.REMEMBERED // 2),
    default=server.EVERY,
    show_default=True,
    metavar="N",
    help="Ask the server a plain question after N inputs.",
)
@click.option("--restart", metavar="COMMAND", help="What brings the server back after a failure.")
@click.option("--mine", is_flag=True, help="The server is yours though its address is public.")
@click.option(
    "--ca",
    "ca_file",
    metavar="FILE",
    help="Over TLS, trust the certificates in FILE, not the system's.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Keep reproducers, the corpus and the state here.",
)
@click.option("--resume", is_flag=True, help="Go on where the run in --folder ended.")
@click.option("-4", "only_ipv4", is_flag=True, help="Over IPv4 only.")
@click.option("-6", "only_ipv6", is_flag=True, help="Over IPv6 only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    context: click.Context,
    parser_name: str | None,
    server_name: str | None,
    replay: str | None,
    *,
    expect: str,
    guide: str,
    packages: tuple[str, ...],
    time: float,
    count: int | None,
    seed: int | None,
    timeout: float,
    memory_mb: int,
    rate: float,
    every: int,
    restart: str | None,
    mine: bool,
    ca_file: str | None,
    folder: Path | None,
    resume: bool,
    only_ipv4: bool,
    only_ipv6: bool,
    as_json: bool,
) -> None:
    """Break a parser of STUN bytes, or a server of yours, and make what broke it small.

    One of --parser, --server and --replay. A server has to be on loopback, private or declared
    --mine. Exit status 5: something was found. See `stunkit explain fuzz`.
    """
    wanted = (parser_name, replay or server_name)  # --replay may be given another --server
    if sum(one is not None for one in wanted) != 1:
        raise click.UsageError("Give one of --parser, --server and --replay.")
    if resume and folder is None:
        raise click.UsageError("--resume needs the --folder of the run to go on with.")
    expected = tuple(name.strip() for name in expect.split(",") if name.strip())

    def options_of(uri: str) -> server.Options:
        return server.Options(
            server=Uri.parse(uri),
            family=pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6),
            rate=rate,
            time=time,
            count=count,
            every=every,
            timeout=timeout,
            mine=mine,
            restart=restart,
            seed=_seed(seed),
            folder=folder,
            resume=resume,
            ca_file=ca_file,
        )

    if replay is not None:
        said, is_again = _replay(Reproducer.load(Path(replay)), server_name, options_of)
        click.echo(render.replay_json(replay, said, is_again=is_again) if as_json else said)
        context.exit(ExitStatus.REFUSED if is_again else ExitStatus.FINE)
    campaign: Campaign
    if parser_name is not None:
        campaign = parser.Campaign(
            parser.Options(
                parser=parser_name,
                expected=expected,
                guide=guide,
                packages=packages,
                time=time,
                count=count,
                timeout=timeout,
                memory_mb=memory_mb,
                seed=_seed(seed),
                folder=folder,
            )
        )
    else:
        campaign = server.Campaign(options_of(server_name or ""))
    with nullcontext() if server_name is None else saying_who(Uri.parse(server_name)):
        result = _run(campaign, is_shown=not as_json and sys.stderr.isatty())
    if as_json:
        click.echo(render.to_json(result))
    else:
        _print(result)
    context.exit(_status(result))


def _seed(seed: int | None) -> int:
    """Return the seed, or one that nobody knows. A run that goes on keeps the one that it had."""
    if seed is not None:
        return seed
    from random import SystemRandom  # noqa: PLC0415 (seldom)

    return SystemRandom().getrandbits(SECRET_SEED)


def _replay(
    reproducer: Reproducer, server_name: str | None, options_of: Callable[[str], server.Options]
) -> tuple[str, bool]:
    """Return what happened, in a sentence, and whether it was the failure."""
    if reproducer.kind == "server":
        options = options_of(server_name or reproducer.target)
        with saying_who(options.server):
            verdict = server.replay(reproducer, options)
        is_again = verdict.state is not State.WELL
        return render.replayed_server(reproducer, verdict), is_again
    crash = parser.replay(reproducer)
    return render.replayed_parser(reproducer, crash), crash is not None


def _run(campaign: Campaign, *, is_shown: bool) -> Result:
    with _drawn() if is_shown else nullcontext() as show, interruptible(campaign.stop):
        return campaign.run(show)


@contextmanager
def _drawn() -> Iterator[Callable[[Progress], None]]:
    from stunkit.cli.render.gauge import gauge  # noqa: PLC0415 (rich is slow to import)

    with gauge() as show:
        yield lambda one: show(one.elapsed, one.duration, render.line(one))


def _print(result: Result) -> None:
    headings, rows = render.table(result)
    if not sys.stdout.isatty():
        click.echo(render.sentence(result))
        click.echo(columns(render.facts(result)))
        if rows:
            click.echo()
            click.echo(columns([headings, *rows]))
        for line in render.details(result):
            click.echo(line)
        return
    from stunkit.cli.render.live import pairs, remark, say, table  # noqa: PLC0415

    say(render.sentence(result))
    pairs(render.facts(result))
    if rows:
        click.echo()
        table(headings, rows, failed=[True] * len(rows))
    for line in render.details(result):
        remark(line)


def _status(result: Result) -> ExitStatus:
    if result.findings:
        return ExitStatus.REFUSED
    return ExitStatus.INTERRUPTED if result.interrupted else ExitStatus.FINE
