"""The ``stunkit`` command: finds the verb, and turns errors into one sentence and a status."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

from stunkit import __version__
from stunkit.cli.render.text import printable
from stunkit.cli.status import ExitStatus, status_of
from stunkit.errors import StartError, StunkitError

VERBS = (
    "serve",
    "whoami",
    "nat",
    "candidates",
    "preflight",
    "rehearse",
    "lab",
    "check",
    "bench",
    "fuzz",
    "top",
    "decode",
    "credentials",
    "explain",
)  # each is the command `command` of its own module

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class Verbs(click.Group):
    """A group that imports a verb's module when the verb is used, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which people meet them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = import_module(f"stunkit.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 (as click has it)
    ) -> click.Context:
        """Understand the arguments; --help and --version print here."""
        with _output_may_fail():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (as click has it)
        """Run the verb."""
        with _output_may_fail():
            return super().invoke(ctx)


@contextmanager
def _output_may_fail() -> Iterator[None]:
    """End well when the reader of our stdout leaves, as `head` does; click's own status is 1.

    Raises StartError where a disk is full.
    """
    try:
        yield
    except BrokenPipeError:
        _give_stdout_up()
        raise click.exceptions.Exit(ExitStatus.FINE) from None
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        _give_stdout_up()
        reason = os.strerror(error.errno or 0).lower()
        raise StartError(f"cannot write: {reason}", "make room, or write elsewhere") from None


def _give_stdout_up() -> None:
    """Say nothing more there; not even by Python's own flush at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_what_is_closed() -> None:
    """Stand in for a standard stream that a parent has closed: no socket gets its number then."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 (to the end)
            setattr(sys, name, stream)


def _replace_what_stdout_cannot_say() -> None:
    """Print a question mark for a letter that the encoding of our stdout does not have."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stunkit", message="%(prog)s %(version)s")
def cli() -> None:
    """Run a STUN server, and learn what your NAT does."""


def main() -> NoReturn:
    """Run the command line and exit."""
    _open_what_is_closed()
    _replace_what_stdout_cannot_say()
    try:
        status = cli.main(prog_name="stunkit", standalone_mode=False)
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        error.show()
        status = ExitStatus.USAGE
    except StunkitError as error:
        click.echo(f"stunkit: {printable(str(error))}", err=True)
        status = status_of(error)
    except (KeyboardInterrupt, click.Abort):
        status = ExitStatus.INTERRUPTED
    sys.exit(status)
