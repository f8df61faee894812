"""``stunkit candidates``: every way in which this host can be reached, or a text's candidates."""

from __future__ import annotations

import asyncio
import sys

import click

from stunkit.cli.options import client_options, parse_bind, pick_family, pick_servers
from stunkit.cli.render import candidates as render
from stunkit.cli.render.text import columns
from stunkit.cli.status import ExitStatus
from stunkit.cli.turn_options import pick_relays, turn_options
from stunkit.errors import Refused, StartError, UsageError
from stunkit.ice.dump import read_dump
from stunkit.ice.redact import Redactor
from stunkit.net.gather import gather
from stunkit.net.gathered import TIMEOUT, Gathered, Wanted
from stunkit.net.transport.udp import describe_errno
from stunkit.net.whoami import PUBLIC_SERVERS

MOST_CHARACTERS = 64 << 20  # of a text that is read; dumps of long calls have some megabytes


@click.command("candidates")
@click.argument("servers", nargs=-1, metavar="[SERVER]...")
@click.option("--sdp", "file", metavar="FILE", help="Read SDP or a browser's dump; - for stdin.")
@click.option("--redact", is_flag=True, help="Hide addresses, but not what they are.")
@click.option(
    "--all", "everything", is_flag=True, help="Take loopback, link-local and old addresses too."
)
@turn_options
@client_options(timeout=TIMEOUT)
@click.pass_context
def command(
    context: click.Context,
    servers: tuple[str, ...],
    *,
    file: str | None,
    redact: bool,
    everything: bool,
    turn_uris: tuple[str, ...],
    turn_user: str | None,
    turn_password: str | None,
    turn_secret: str | None,
    only_ipv4: bool,
    only_ipv6: bool,
    bind: str | None,
    timeout: float,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Gather ICE candidates as a browser does, and more, and say what is wrong with them.

    SERVER is HOST, HOST:PORT, [IPv6]:PORT or a stun: URI; all are asked at once, from every
    address, over IPv4 and IPv6. Without one, STUNKIT_SERVER counts (several, with commas), else a
    short list of public servers. --turn adds relays.

    With --sdp nobody is asked: the candidates are read from any SDP, a trickle-ice page, or what
    chrome://webrtc-internals or about:webrtc shows. See `stunkit explain candidates`.
    """
    if file is not None:
        if servers or turn_uris:
            raise click.UsageError("--sdp asks nobody: give no SERVER and no --turn with it.")
        _print_read(_read(file, redacts=redact), as_json=as_json)
        return
    family = pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    relays = pick_relays(turn_uris, turn_user, turn_password, turn_secret)
    wanted = Wanted(
        pick_servers(servers, PUBLIC_SERVERS),
        relays.uris,
        relays.credentials,
        family=family,
        bind=parse_bind(bind, family),
        everything=everything,
        timeout=timeout,
        ca_file=ca_file,
    )
    gathered = _gather(wanted, is_watched=not as_json and not redact)
    shelf = render.of_gathering(gathered)
    shelf = render.redact(shelf) if redact else shelf
    if as_json:
        click.echo(render.to_json(shelf))
    else:
        rows = [render.row(item) for item in shelf.items]
        _print(shelf, render.sentence(shelf), (render.HEADINGS, *rows), render.asked_line(gathered))
    context.exit(_status(gathered))


def _gather(wanted: Wanted, *, is_watched: bool) -> Gathered:
    """Gather, shown on a terminal as it comes."""
    try:
        if is_watched and sys.stdout.isatty() and sys.stderr.isatty():
            from stunkit.cli.render.arrivals import arrivals  # noqa: PLC0415 (rich is slow to import)

            count = len(wanted.servers) + len(wanted.relays)
            with arrivals(f"{count} servers" if count != 1 else "1 server") as show:
                return asyncio.run(gather(wanted, show))
        return asyncio.run(gather(wanted))
    except OSError as error:
        reason = describe_errno(error.errno or 0)
        raise StartError(
            f"the system does not tell its addresses: {reason}", "name one with --bind"
        ) from error


def _read(file: str, *, redacts: bool) -> render.Shelf:
    """Read a text's candidates, redacted before anything is said of them. Raises UsageError."""
    what = "a file with candidates"
    try:
        with click.open_file(file, encoding="utf-8", errors="replace") as stream:
            text = stream.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise UsageError(what, file, (error.strerror or str(error)).lower()) from None
    if len(text) > MOST_CHARACTERS:
        raise UsageError(what, file, f"it has over {MOST_CHARACTERS >> 20} million characters")
    dump = read_dump(text)
    if not (dump.descriptions or dump.loose or dump.unreadable):
        raise UsageError(what, file, "there is neither an SDP nor a candidate in it")
    return render.of_dump(Redactor().dump(dump) if redacts else dump)


def _print_read(shelf: render.Shelf, *, as_json: bool) -> None:
    if as_json:
        click.echo(render.to_json(shelf))
        return
    rows = [render.read_row(item) for item in shelf.items]
    _print(shelf, render.read_sentence(shelf), (render.READ_HEADINGS, *rows), "")


def _print(
    shelf: render.Shelf, sentence: str, table: tuple[tuple[str, ...], ...], last: str
) -> None:
    """Print the answer: drawn on a terminal, plain where nobody looks on."""
    notes = render.notes(shelf)
    if not sys.stdout.isatty():
        parts = [sentence, columns(table) if len(table) > 1 else ""]
        parts.append("\n".join(f"{severity}: {text} [{code}]" for severity, text, code in notes))
        click.echo("\n\n".join(part for part in (*parts, last) if part))
        return
    from stunkit.cli.render import arrivals, live  # noqa: PLC0415 (rich is slow to import)

    live.say(sentence)
    if len(table) > 1:
        click.echo()
        arrivals.show(table[0], table[1:], [item.is_redundant for item in shelf.items])
    if notes:
        click.echo()
    for note in notes:
        arrivals.remark(*note)
    if last:
        click.echo()
        live.remark(last)


def _status(gathered: Gathered) -> ExitStatus:
    """Return 0 when anybody answered, or nobody was asked."""
    if gathered.was_answered is not False:
        return ExitStatus.FINE
    if any(isinstance(miss.error, Refused) for miss in gathered.misses):
        return ExitStatus.REFUSED
    return ExitStatus.NO_ANSWER
