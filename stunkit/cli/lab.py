"""``stunkit lab``: run a program behind a NAT of your choice."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import click

from stunkit.cli.options import SERVER_VARIABLE
from stunkit.cli.render.text import columns
from stunkit.errors import UsageError

if TYPE_CHECKING:
    from stunkit.lab import Kind, Lab

SIDE_VARIABLE = "STUNKIT_SIDE"
SIGNALLED = 128  # what a shell adds to the number of the signal that ended a command

F = TypeVar("F", bound=Callable[..., Any])


class Variation(TypedDict):
    """What the options say of a network besides its kinds."""

    loss: int
    lifetime: int | None
    hairpin: bool | None
    ipv6: bool


@click.group("lab")
def command() -> None:
    """Run a program behind a real NAT of the Linux kernel (needs root).

    Everything happens in network namespaces that end with the command, also when it is killed; the
    machine's own network is left alone.
    """


@command.command("kinds")
def kinds() -> None:
    """List the kinds of network."""
    from stunkit.lab import KINDS  # noqa: PLC0415 (each verb imports what it needs)

    click.echo(columns([(kind.name, kind.summary) for kind in KINDS.values()]))


def network_options(function: F) -> F:
    """Add the options that say which network it is."""
    options = (
        click.option("--with", "other", metavar="KIND", help="A second client, behind this NAT."),
        click.option(
            "--loss",
            type=click.IntRange(0, 100),
            default=0,
            metavar="PERCENT",
            help="UDP datagrams lost on the way, in each direction.",
        ),
        click.option(
            "--lifetime",
            type=click.IntRange(1),
            metavar="SECONDS",
            help="How long a mapping lives without traffic.",
        ),
        click.option("--hairpin/--no-hairpin", default=None, help="Whether the NAT turns back."),
        click.option("--ipv6", is_flag=True, help="The same boxes in IPv6 too."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("run")
@click.argument("kind")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--peer", metavar="COMMAND", help="With --with: what the second client runs.")
@network_options
@click.pass_context
def run(
    context: click.Context,
    /,
    kind: str,
    words: tuple[str, ...],
    *,
    peer: str | None,
    other: str | None,
    **variation: Unpack[Variation],
) -> None:
    """Run COMMAND behind a NAT of this KIND (see `stunkit lab kinds`).

    A stunkit server with two addresses runs outside, and STUNKIT_SERVER names it. With --with, a
    second client runs the same command, or that of --peer, behind its own NAT; STUNKIT_SIDE is 1 or
    2. The exit status is that of COMMAND, or of the second one where only that failed.
    """
    if peer is not None and other is None:
        raise click.UsageError("--peer needs --with.")
    commands = [list(words)]
    if other is not None:
        commands.append(list(words) if peer is None else shlex.split(peer))
    with network(kind, other, **variation) as lab:
        context.exit(run_inside(lab, commands))


@command.command("shell")
@click.argument("kind")
@network_options
@click.pass_context
def shell(
    context: click.Context, /, kind: str, *, other: str | None, **variation: Unpack[Variation]
) -> None:
    """Open a shell behind a NAT of this KIND.

    STUNKIT_SERVER names a server outside. With --with there is a second client: put
    `$STUNKIT_PEER` before a command that is to run there.
    """
    program = os.environ.get("SHELL", "/bin/sh")
    with network(kind, other, **variation) as lab:
        click.echo(f"stunkit: behind {kind}; exit ends it", err=True)
        peer = {"STUNKIT_PEER": f"nsenter --net={lab.sides[1].client.path}"} if other else {}
        context.exit(run_inside(lab, [[program]], peer))


@contextmanager
def network(kind: str, other: str | None, **variation: Unpack[Variation]) -> Iterator[Lab]:
    """Build the network, with a server outside. Raises UsageError, StartError or LabError."""
    from stunkit.lab import Lab, find_kind, start_server  # noqa: PLC0415

    def vary(name: str) -> Kind:
        return find_kind(name).varied(
            hairpin=variation["hairpin"],
            lifetime=variation["lifetime"],
            ipv6=variation["ipv6"],
        )

    second = None if other is None else vary(other)
    with Lab(vary(kind), second, loss=variation["loss"]) as lab, start_server(lab):
        yield lab


def run_inside(
    lab: Lab, commands: Sequence[Sequence[str]], more: dict[str, str] | None = None
) -> int:
    """Run a command on each side, side by side; return the status of the first that failed."""
    processes = []
    # An interrupt from the terminal is for the commands; we end when they do.
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN: that is inherited
    try:
        for side, words in zip(lab.sides, commands, strict=False):
            environment = os.environ | (more or {}) | variables(lab, side.index + 1)
            try:
                processes.append(side.client.popen(words, env=environment))
            except FileNotFoundError:
                raise UsageError("a command", words[0], "there is no such program") from None
        statuses = [process.wait() for process in processes]
    finally:
        signal.signal(signal.SIGINT, before)
    failed = [status for status in statuses if status]
    return shell_status(failed[0]) if failed else 0


def variables(lab: Lab, side: int) -> dict[str, str]:
    """Return what the environment of a side's command says."""
    servers = [
        f"[{address}]" if ":" in address else address
        for family in lab.families
        for address in lab.server_addresses(family)[:1]
    ]
    return {SERVER_VARIABLE: ",".join(servers), SIDE_VARIABLE: str(side)}


def shell_status(status: int) -> int:
    """Return a process's status as a shell would: a signal's number over 128."""
    return status if status >= 0 else SIGNALLED - status
