"""``stunkit preflight``: one answer before a call: will it connect, how, and if not, why."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import click

from stunkit.call.forecast import Forecast, Peer, forecast
from stunkit.call.simulation import Outcome
from stunkit.cli.options import client_options, parse_bind, pick_family, pick_servers
from stunkit.cli.render import preflight as render
from stunkit.cli.render import turn
from stunkit.cli.render.text import columns
from stunkit.cli.report_file import check_writable, write
from stunkit.cli.status import ExitStatus
from stunkit.cli.turn_options import pick_relays, turn_options
from stunkit.net.gathered import Wanted
from stunkit.net.nat import NAT_SERVERS
from stunkit.net.preflight import TIMEOUT, preflight
from stunkit.net.preflight_report import Part, Preflight

STATUSES = {
    Outcome.DIRECT: ExitStatus.FINE,
    Outcome.RELAY: ExitStatus.RELAY_ONLY,
    Outcome.BLOCKED: ExitStatus.BLOCKED,
    Outcome.UNKNOWN: ExitStatus.INCONCLUSIVE,
}


@click.command("preflight")
@click.argument("servers", nargs=-1, metavar="[SERVER]...")
@turn_options
@click.option(
    "--peer",
    "peers",
    metavar="KIND|TOKEN",
    multiple=True,
    help="Who is at the other end: a kind of network, or their token. May be given several times.",
)
@click.option("--token", "as_token", is_flag=True, help="Print your token and nothing else.")
@click.option("--report", metavar="FILE", help="Write a page (HTML) to attach or to print.")
@click.option("--redact", is_flag=True, help="Hide addresses, but not what they are.")
@client_options(timeout=TIMEOUT)
@click.pass_context
def command(
    context: click.Context,
    servers: tuple[str, ...],
    *,
    turn_uris: tuple[str, ...],
    turn_user: str | None,
    turn_password: str | None,
    turn_secret: str | None,
    peers: tuple[str, ...],
    as_token: bool,
    report: str | None,
    redact: bool,
    only_ipv4: bool,
    only_ipv6: bool,
    bind: str | None,
    timeout: float,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Find out whether a call will connect, over what, and what would help.

    SERVER is HOST, HOST:PORT, [IPv6]:PORT or a stun: URI; best is one with two addresses (RFC
    5780). Without one, STUNKIT_SERVER counts (several, with commas), else a short list of public
    servers. --turn names the relays that your application uses.

    The answer is about a call with someone behind a usual home router. --peer names somebody else:
    a kind of network (public, full-cone, restricted, port-restricted, symmetric, udp-blocked, and
    those of `stunkit lab kinds`), or the token that another person's `stunkit preflight --token`
    has printed.

    Exit status: 0 direct, 7 only through a relay, 8 will not work, 6 unknown.
    """
    if as_token and (peers or as_json or report):
        raise click.UsageError("--token prints nothing else: no --peer, --json or --report.")
    asked = [Peer.parse(text) for text in peers]
    if report is not None:
        check_writable(report)
    family = pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    relays = pick_relays(turn_uris, turn_user, turn_password, turn_secret)
    wanted = Wanted(
        pick_servers(servers, NAT_SERVERS),
        relays.uris,
        relays.credentials,
        family=family,
        bind=parse_bind(bind, family),
        timeout=timeout,
        ca_file=ca_file,
    )
    parts = [part for part in Part if part is not Part.QUALITY or not as_token]
    found = _fly(wanted, parts, is_watched=not as_json, redacts=redact)
    if as_token:
        click.echo(render.token_of(found, redacts=redact))
        context.exit(ExitStatus.FINE if found.is_heard else ExitStatus.INCONCLUSIVE)
    foretold = forecast(found.facts, asked, found.unproven)
    if report is not None:
        from stunkit.cli.render.report import to_html  # noqa: PLC0415 (few want it)

        write(report, to_html(found, foretold, redacts=redact))
    if as_json:
        from stunkit.cli.render.preflight_document import to_json  # noqa: PLC0415 (text does without)

        click.echo(to_json(found, foretold, redacts=redact))
    else:
        _say(found, foretold, redacts=redact)
        if report is not None:
            click.echo(f"the report is in {report}", err=True)
    context.exit(STATUSES[foretold.verdict.outcome])


def _fly(wanted: Wanted, parts: Sequence[Part], *, is_watched: bool, redacts: bool) -> Preflight:
    """Look at everything, shown on a terminal as it comes."""
    if not (is_watched and sys.stderr.isatty()):
        return asyncio.run(preflight(wanted, parts=parts))
    from stunkit.cli.render.preflight_live import board  # noqa: PLC0415 (rich is slow to import)

    with board(parts, redacts=redacts) as show:
        return asyncio.run(preflight(wanted, parts=parts, on_news=show))


def _say(found: Preflight, foretold: Forecast, *, redacts: bool) -> None:
    """Print the answer: drawn on a terminal, plain where nobody looks on."""
    view = render.view(found, foretold, redacts=redacts)
    if sys.stdout.isatty():
        from stunkit.cli.render.preflight_live import show  # noqa: PLC0415 (rich is slow to import)

        show(view)
        return
    sections = [
        view.sentence,
        _bullets("Why:", view.reasons),
        _bullets("What would help:", view.changes),
        columns([render.PEER_HEADINGS, *(friend[:3] for friend in view.friends)]),
    ]
    if view.ways:
        rows = [turn.HEADINGS, *(way.row for way in view.ways)]
        sections.append(f"{view.relays_sentence}\n{columns(rows)}")
    sections.append("\n".join(filter(None, (view.quality_sentence, columns(view.quality)))))
    sections.append(f"{view.asked}; your token: {view.token}")
    click.echo("\n\n".join(section for section in sections if section))


def _bullets(title: str, sentences: Sequence[str]) -> str:
    return "\n".join((title, *(f"- {one}" for one in sentences))) if sentences else ""
