"""``stunkit whoami``: which address and port the world sees."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import click

from stunkit.cli.options import (
    Seconds,
    client_options,
    login_options,
    parse_bind,
    pick_family,
    pick_login,
    pick_servers,
    say_how_to_log_in,
    try_to_bind,
)
from stunkit.cli.render import whoami as render
from stunkit.cli.render.text import columns, printable
from stunkit.cli.status import ExitStatus
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Refused
from stunkit.net.whoami import PUBLIC_SERVERS, TIMEOUT, Answer, Whoami, whoami
from stunkit.protocol.login import Login
from stunkit.wire.uri import Transport, Uri


@click.command("whoami")
@click.argument("servers", nargs=-1, metavar="[SERVER]...")
@click.option("--short", is_flag=True, help="Print the bare address, one line a family.")
@click.option("--watch", is_flag=True, help="Ask again and again; report every change.")
@click.option(
    "--interval",
    type=Seconds(min=1),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two questions of --watch.",
)
@click.option(
    "--exec",
    "hook",
    metavar="COMMAND",
    help="With --watch: run this in a shell at every change, with STUNKIT_FAMILY (ipv4, ipv6), "
    "STUNKIT_OLD and STUNKIT_NEW set.",
)
@login_options
@client_options(timeout=TIMEOUT)
@click.pass_context
def command(
    context: click.Context,
    servers: tuple[str, ...],
    *,
    short: bool,
    watch: bool,
    interval: float,
    hook: str | None,
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
    """Print the address and port that servers see us at.

    SERVER is HOST, HOST:PORT, [IPv6]:PORT or a URI: stun: (?transport=tcp for TCP), stuns: for TLS.
    Without one, STUNKIT_SERVER counts (several, with commas), else a short list of public servers.
    """
    if short and as_json:
        raise click.UsageError("--short and --json exclude each other.")
    if hook is not None and not watch:
        raise click.UsageError("--exec needs --watch.")
    family = pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6)
    source = parse_bind(bind, family)
    run = Run(
        servers=pick_servers(servers, PUBLIC_SERVERS),
        family=family,
        bind=source,
        timeout=timeout,
        ca_file=ca_file,
        login=pick_login(username, password_file, short_term=short_term),
        form="json" if as_json else "short" if short else "text",
    )
    if any(uri.carrier is Transport.UDP for uri in run.servers):
        try_to_bind(source)
    if watch:
        asyncio.run(run.watch(interval, hook))
    context.exit(asyncio.run(run.once()))


class Run:
    """One run of the verb, with its options understood."""

    def __init__(
        self,
        *,
        servers: list[Uri],
        family: Family | None,
        bind: Endpoint | None,
        timeout: float,
        ca_file: str | None,
        login: Callable[[], Login] | None,
        form: str,
    ) -> None:
        self.servers = servers
        self._family = family
        self._bind = bind
        self._timeout = timeout
        self._ca_file = ca_file
        self._login = login
        self._form = form

    async def once(self) -> ExitStatus:
        """Ask, print, and say how it went."""
        result = await self._ask()
        self._print(result)
        status = self._status(result)
        if self._login is None:
            say_how_to_log_in(answer.error for answer in result.answers)
        return status

    async def watch(self, interval: float, hook: str | None) -> None:
        """Ask every ``interval`` seconds, print each change and run the hook; never returns."""
        known: dict[Family, str] = {}
        while True:
            result = await self._ask()
            changes = []
            for family in Family:
                new = result.public(family)
                if new is not None and new != known.get(family):
                    changes.append((family, known.get(family), new))
                    known[family] = new
            if changes:
                self._print(result)
                sys.stdout.flush()
            for family, old, new in changes:
                if hook is not None and old is not None:
                    await _run_hook(hook, family, old, new)
            await asyncio.sleep(interval)

    async def _ask(self) -> Whoami:
        if self._form == "text" and sys.stderr.isatty():
            from stunkit.cli.render.live import progress  # noqa: PLC0415 (rich is slow to import)

            with progress("asking", len(self.servers)) as show:
                return await self._whoami(lambda answer: show(str(answer.mapped or answer.error)))
        return await self._whoami(None)

    async def _whoami(self, on_answer: Callable[[Answer], None] | None) -> Whoami:
        return await whoami(
            self.servers,
            family=self._family,
            bind=self._bind,
            timeout=self._timeout,
            ca_file=self._ca_file,
            login=self._login,
            on_answer=on_answer,
        )

    def _print(self, result: Whoami) -> None:
        if self._form == "json":
            click.echo(render.to_json(result))
        elif self._form == "short":
            for line in render.short(result):
                click.echo(line)
        else:
            self._print_text(result)

    @staticmethod
    def _print_text(result: Whoami) -> None:
        sentences = render.sentences(result)
        rows = [render.row(answer) for answer in result.answers]
        if sys.stdout.isatty():
            from stunkit.cli.render.live import say, table  # noqa: PLC0415

            for sentence in sentences:
                say(sentence)
            failed = [answer.mapped is None for answer in result.answers]
            table(render.HEADINGS, rows, failed=failed)
        else:
            click.echo("\n".join([*sentences, columns([render.HEADINGS, *rows])]))

    def _status(self, result: Whoami) -> ExitStatus:
        answered = [answer for answer in result.answers if answer.mapped is not None]
        if not answered:
            for answer in result.answers:
                if self._form == "short":
                    said = printable(f"{answer.name.host}: {answer.error}")
                    click.echo(f"stunkit: {said}", err=True)
            refused = any(isinstance(answer.error, Refused) for answer in result.answers)
            return ExitStatus.REFUSED if refused else ExitStatus.NO_ANSWER
        if not render.short(result):
            if self._form == "short":
                is_seen = any(result.seen(family) for family in Family)
                said = "the servers disagree" if is_seen else "no server sees you itself"
                click.echo(f"stunkit: {said}; ask without --short", err=True)
            return ExitStatus.INCONCLUSIVE
        return ExitStatus.FINE


async def _run_hook(hook: str, family: Family, old: str, new: str) -> None:
    """Run the user's command; its failure is reported, and the watch goes on."""
    environment = os.environ | {
        "STUNKIT_FAMILY": family.value,
        "STUNKIT_OLD": old,
        "STUNKIT_NEW": new,
    }
    process = await asyncio.create_subprocess_shell(hook, env=environment)
    status = await process.wait()
    if status:
        click.echo(f"stunkit: the command of --exec ended with status {status}", err=True)
