"""``stunkit nat``: what the NAT or firewall on the way does to UDP."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import click
from click.core import ParameterSource

from stunkit.cli.options import client_options, parse_bind, pick_family, pick_servers
from stunkit.cli.render import nat as render
from stunkit.cli.render.advice import sentence
from stunkit.cli.render.text import columns
from stunkit.cli.render.whoami import NAMES
from stunkit.cli.status import ExitStatus
from stunkit.errors import Refused
from stunkit.nat.discovery import TIMEOUT
from stunkit.net.nat import NAT_SERVERS, NatResult, discover


@click.command("nat")
@click.argument("servers", nargs=-1, metavar="[SERVER]...")
@click.option("--hairpin", is_flag=True, help="Test whether the NAT turns back what is for itself.")
@click.option("--lifetime", is_flag=True, help="Measure how long a mapping lives: takes minutes.")
@click.option("--fragments", is_flag=True, help="Test whether fragmented datagrams get through.")
@click.option("--answers", is_flag=True, help="Test by which mapping strangers are answered.")
@click.option("-v", "--verbose", is_flag=True, help="Show the evidence for each fact.")
@client_options(timeout=TIMEOUT)
@click.pass_context
def command(
    context: click.Context,
    servers: tuple[str, ...],
    *,
    hairpin: bool,
    lifetime: bool,
    fragments: bool,
    answers: bool,
    verbose: bool,
    only_ipv4: bool,
    only_ipv6: bool,
    bind: str | None,
    timeout: float,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Find out what your NAT does, and how hard that makes a direct call.

    SERVER is HOST, HOST:PORT, [IPv6]:PORT or a stun: URI; one with two addresses (RFC 5780) can
    tell the most. One that is asked over TLS (stuns:) or TCP tells where it sees you. Without one,
    STUNKIT_SERVER counts (several, with commas), else a short list of public servers. What cannot
    be known for sure is called unknown.

    --hairpin, --lifetime and --fragments take longer: unless --timeout is given, they get the time.
    """
    family = pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    is_default = context.get_parameter_source("timeout") is ParameterSource.DEFAULT
    run = partial(
        discover,
        pick_servers(servers, NAT_SERVERS),
        family=family,
        bind=parse_bind(bind, family),
        timeout=None if is_default else timeout,
        ca_file=ca_file,
        hairpin=hairpin,
        lifetime=lifetime,
        fragments=fragments,
        answers=answers,
    )
    if not as_json and sys.stderr.isatty():
        from stunkit.cli.render.live import progress  # noqa: PLC0415 (rich is slow to import)

        with progress("asking", len(run.args[0])) as show:
            result = asyncio.run(run(on_news=lambda one, text: show(f"{NAMES[one]} {text}")))
    else:
        result = asyncio.run(run())
    if as_json:
        click.echo(render.to_json(result))
    elif sys.stdout.isatty():
        _draw(result, verbose=verbose)
    else:
        _print(result, verbose=verbose)
    context.exit(_status(result))


def _draw(result: NatResult, *, verbose: bool) -> None:
    """Draw the result on a terminal."""
    from stunkit.cli.render.live import indent, remark, say, table  # noqa: PLC0415 (rich is slow to import)

    say(sentence(result))
    headings, *rows = render.facts(result)
    if rows:
        click.echo()
        table(headings, rows, failed=[False] * len(rows))
    click.echo()
    notes = render.notes(result)
    for note in notes:
        remark(note)
    if notes:
        click.echo()
    if verbose:
        for item in render.items(result):
            say(f"{item.claim}: {item.value}")
            indent(item.why)
            if item.probes:
                indent(f"probes: {item.probes}", style="dim")
        click.echo()
    remark(render.asked_line(result))


def _print(result: NatResult, *, verbose: bool) -> None:
    """Print the same where nobody looks on: plain text, without control codes."""
    facts = render.facts(result)
    parts = [sentence(result), columns(facts) if len(facts) > 1 else ""]
    parts.append("\n".join(render.notes(result)))
    if verbose:
        parts += ["\n".join(_lines(item)) for item in render.items(result)]
    parts.append(render.asked_line(result))
    click.echo("\n\n".join(part for part in parts if part))


def _lines(item: render.Item) -> list[str]:
    lines = [f"{item.claim}: {item.value}", f"    {item.why}"]
    return [*lines, f"    probes: {item.probes}"] if item.probes else lines


def _status(result: NatResult) -> ExitStatus:
    """Return 0 when every family that answered, or is blocked, has its verdict."""
    reports = [one for one in (result.ipv4, result.ipv6) if one is not None]
    heard = [one for one in reports if one.udp is not None or one.mapped is not None]
    if not any(one.mapped for one in heard) and any(
        isinstance(asked.error, Refused) for asked in result.asked
    ):
        return ExitStatus.REFUSED
    if not heard:
        return ExitStatus.NO_ANSWER
    for report in heard:
        if report.udp is not False and (report.mapping is None or report.filtering is None):
            return ExitStatus.INCONCLUSIVE
    return ExitStatus.FINE
