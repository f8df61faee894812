"""``stunkit check``: whether a STUN server does what the RFCs say."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click

from stunkit.cli.options import (
    SERVER_VARIABLE,
    client_options,
    login_options,
    parse_bind,
    pick_family,
    pick_servers,
    read_line,
    try_to_bind,
)
from stunkit.cli.render import check as render
from stunkit.cli.render.text import columns
from stunkit.cli.status import ExitStatus
from stunkit.conformance.catalogue import select
from stunkit.conformance.subject import Credential
from stunkit.errors import Unencodable, UsageError
from stunkit.net.check import TIMEOUT, CheckResult, Progress, check
from stunkit.wire.prepare import opaque_string


@click.command("check")
@click.argument("server", required=False)
@click.option(
    "--only",
    multiple=True,
    metavar="ID|GROUP",
    help="Put these cases, or all of these groups, alone; may be given again.",
)
@click.option("--list", "is_listing", is_flag=True, help="Print the cases, and ask nobody.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML there too; - for stdout, alone.")
@click.option("-v", "--verbose", is_flag=True, help="Print every case, and not the faults alone.")
@login_options
@client_options(timeout=TIMEOUT)
@click.pass_context
def command(
    context: click.Context,
    server: str | None,
    *,
    only: tuple[str, ...],
    is_listing: bool,
    junit: str | None,
    verbose: bool,
    username: str | None,
    password_file: str | None,
    short_term: bool,
    only_ipv4: bool,
    only_ipv6: bool,
    bind: str | None,
    timeout: float,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Check a STUN server against the RFCs.

    SERVER is HOST, HOST:PORT, [IPv6]:PORT or a URI: stun: (UDP and TCP; ?transport=udp or tcp for
    one of them) or stuns: for TLS. Without it, STUNKIT_SERVER counts. Each requirement that can be
    seen from outside is a case; some two hundred datagrams are sent over each transport and family.
    See `stunkit explain conformance`.
    """
    cases = select(only)
    if is_listing:
        click.echo(render.listing(cases))
        return
    if as_json and junit == "-":
        raise click.UsageError("--json and --junit - exclude each other.")
    servers = pick_servers([] if server is None else [server], [])
    if len(servers) != 1:
        raise click.UsageError(f"Name one server, as SERVER or in {SERVER_VARIABLE}.")
    family = pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    source = parse_bind(bind, family)
    if source is not None:
        try_to_bind(source.with_port(0))  # each case has sockets of its own
    run = partial(
        check,
        servers[0],
        cases=cases,
        family=family,
        bind=source,
        timeout=timeout,
        ca_file=ca_file,
        credential=_credential(username, password_file, is_short_term=short_term),
    )
    is_quiet = as_json or not sys.stderr.isatty()
    with nullcontext() if is_quiet else _drawn() as show:
        result = asyncio.run(run(on_progress=show))
    if junit is not None:
        _write_junit(result, junit)
    if as_json:
        click.echo(render.to_json(result))
    elif junit != "-":
        _print(result, verbose=verbose)
    context.exit(_status(result))


def _credential(
    username: str | None, password_file: str | None, *, is_short_term: bool
) -> Credential | None:
    """Return the credential that the options name. Raises UsageError."""
    if username is None and password_file is None and not is_short_term:
        return None
    if username is None or password_file is None:
        raise click.UsageError("--username and --password-file go together.")
    credential = Credential(username, read_line(password_file, "a file with a password"))
    try:
        opaque_string(credential.username)
        opaque_string(credential.password)
    except Unencodable as error:
        raise UsageError("a username and password to log in with", username, str(error)) from None
    return credential._replace(is_short_term=is_short_term)


@contextmanager
def _drawn() -> Iterator[Callable[[Progress], None]]:
    from stunkit.cli.render.gauge import gauge  # noqa: PLC0415 (rich is slow to import)

    with gauge() as show:
        yield lambda one: show(one.done, one.total, f"checking  {one.result.case.id}")


def _write_junit(result: CheckResult, path: str) -> None:
    from stunkit.cli.render.junit import to_junit  # noqa: PLC0415 (few want it)

    text = to_junit(result)
    if path == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError("a file to write to", path, reason) from None


def _print(result: CheckResult, *, verbose: bool) -> None:
    headings, rows, failed = render.table(result)
    if sys.stdout.isatty():
        _draw(result, headings, rows, failed=failed, verbose=verbose)
        return
    parts = [render.sentence(result), columns([headings, *rows])]
    if verbose:
        parts.append(columns(render.lines(result)))
    parts += [
        "\n".join([item.headline, *(f"    {name:<9} {text}" for name, text in item.lines)])
        for item in render.faults(result)
    ]
    parts += ["\n".join(render.doubts(result)), "\n".join(render.facts(result))]
    click.echo("\n\n".join(part for part in (*parts, render.footer(result)) if part))


def _draw(
    result: CheckResult,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    failed: Sequence[bool],
    verbose: bool,
) -> None:
    """Draw the result on a terminal."""
    from stunkit.cli.render.live import indent, remark, say, table  # noqa: PLC0415

    say(render.sentence(result))
    click.echo()
    table(headings, rows, failed=failed)
    click.echo()
    if verbose:
        every = render.lines(result)
        titles = ("outcome", "level", "case", "over", "source", "why")
        table(titles, every, failed=[row[0] == "fail" for row in every])
        click.echo()
    for item in render.faults(result):
        say(item.headline)
        for name, text in item.lines:
            is_found = name == "found"
            style = ("red" if item.is_broken else "yellow") if is_found else "dim"
            indent(f"{name:<9} {text}", style=style)
        click.echo()
    for line in (*render.doubts(result), *render.facts(result), render.footer(result)):
        remark(line)


def _status(result: CheckResult) -> ExitStatus:
    if not result.is_answered:
        return ExitStatus.NO_ANSWER
    return ExitStatus.REFUSED if result.breaks_must else ExitStatus.FINE
