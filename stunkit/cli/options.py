"""Options that the client verbs share, and what their text means."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from stunkit.cli.render.text import printable
from stunkit.cli.status import status_of
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Refused, StartError, TransactionError, Unencodable, UsageError
from stunkit.protocol.login import Login
from stunkit.wire.registry import Code
from stunkit.wire.uri import Uri

F = TypeVar("F", bound=Callable[..., Any])

SERVER_VARIABLE = "STUNKIT_SERVER"
MOST_LINE = 65_536  # characters; no password or secret comes near


class Seconds(click.FloatRange):
    """A duration. Refuses inf, and nan, which every comparison of FloatRange lets through."""

    name = "number of seconds"  # ends the sentence "'x' is not a valid ..."

    def convert(
        self,
        value: Any,  # noqa: ANN401 (as click has it)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number. Fails like any bad value of an option."""
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


def client_options(timeout: float) -> Callable[[F], F]:
    """Add -4, -6, --bind, --timeout, --ca and --json; ``timeout`` is the default, seconds."""

    def add(function: F) -> F:
        for option in reversed(
            (
                click.option("-4", "only_ipv4", is_flag=True, help="Ask over IPv4 only."),
                click.option("-6", "only_ipv6", is_flag=True, help="Ask over IPv6 only."),
                click.option("--bind", metavar="ADDRESS[:PORT]", help="Ask from this address."),
                click.option(
                    "--timeout",
                    type=Seconds(min=0, min_open=True),
                    default=timeout,
                    show_default=True,
                    metavar="SECONDS",
                    help="For the whole run.",
                ),
                click.option(
                    "--ca",
                    "ca_file",
                    metavar="FILE",
                    help="Over TLS, trust the certificates in FILE, not the system's.",
                ),
                click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
            )
        ):
            function = option(function)
        return function

    return add


def login_options(function: F) -> F:
    """Add --username, --password-file and --short-term to a verb."""
    for option in (
        click.option(
            "--short-term", is_flag=True, help="The credential is short-term: no realm, no nonce."
        ),
        click.option(
            "--password-file", metavar="FILE", help="With --username: its first line; - for stdin."
        ),
        click.option("--username", metavar="NAME", help="Log in to closed servers."),
    ):
        function = option(function)
    return function


def pick_login(
    username: str | None, password_file: str | None, *, short_term: bool
) -> Callable[[], Login] | None:
    """Return what makes a login, None for asking without one. Raises UsageError."""
    if username is None and password_file is None and not short_term:
        return None
    if username is None or password_file is None:
        raise click.UsageError("--username and --password-file go together.")
    password = read_line(password_file, "a file with a password")

    def login() -> Login:
        return Login(username, password, is_short_term=short_term)

    try:
        login().request(bytes(12))
    except Unencodable as error:
        raise UsageError("a username and password to log in with", username, str(error)) from None
    return login


def say_how_to_log_in(errors: Iterable[Exception | None]) -> None:
    """Name the options for it where a server asked for a login (RFC 8489 section 9.2.4)."""
    if any(isinstance(error, Refused) and error.code == Code.UNAUTHORIZED for error in errors):
        click.echo(
            "stunkit: the server wants to know who asks: give --username and --password-file",
            err=True,
        )


@contextmanager
def saying_who(server: Uri) -> Iterator[None]:
    """End with a sentence that names the one server that is asked, where it gives no answer."""
    try:
        yield
    except TransactionError as error:
        click.echo(f"stunkit: {printable(f'{server.format()}: {error}')}", err=True)
        raise click.exceptions.Exit(status_of(error)) from None


def read_line(path: str, what: str) -> str:
    """Return the first line of a file, or of stdin for ``-``. Raises UsageError."""
    try:
        with click.open_file(path, encoding="utf-8") as file:
            line: str = file.readline(MOST_LINE + 1).rstrip("\r\n")
    except OSError as error:
        raise UsageError(what, path, (error.strerror or str(error)).lower()) from None
    except UnicodeDecodeError:
        raise UsageError(what, path, "it is not UTF-8") from None
    if not line:
        raise UsageError(what, path, "its first line is empty")
    if len(line) > MOST_LINE:
        raise UsageError(what, path, f"its first line has over {MOST_LINE} characters")
    return line


def pick_family(*, only_ipv4: bool, only_ipv6: bool) -> Family | None:
    """Return the family that -4 and -6 leave, None for both."""
    if only_ipv4 and only_ipv6:
        raise click.UsageError("-4 and -6 exclude each other.")
    if only_ipv4:
        return Family.IPV4
    return Family.IPV6 if only_ipv6 else None


def parse_bind(text: str | None, family: Family | None) -> Endpoint | None:
    """Return the endpoint of --bind. Raises UsageError when -4 or -6 contradict it."""
    if text is None:
        return None
    bind = Endpoint.parse(text, port=0)
    if family is not None and bind.family is not family:
        raise UsageError(f"an {family} address", text, "-4 or -6 says otherwise")
    return bind


def try_to_bind(bind: Endpoint | None) -> None:
    """Find out whether a server can be asked from there. Raises StartError."""
    if bind is None:
        return
    from stunkit.net.transport.udp import UdpSocket, describe_errno  # noqa: PLC0415 (few bind)

    try:
        UdpSocket(bind).close()
    except OSError as error:
        reason = describe_errno(error.errno or 0)
        remedy = "choose another address or port with --bind"
        raise StartError(f"cannot ask from {bind}: {reason}", remedy) from None


def pick_servers(arguments: Sequence[str], default: Sequence[Uri]) -> list[Uri]:
    """Return the servers to ask: arguments, else STUNKIT_SERVER, else the default.

    Raises UsageError.
    """
    texts = list(arguments)
    if not texts:
        texts = [text for text in os.environ.get(SERVER_VARIABLE, "").split(",") if text.strip()]
    return [Uri.parse(text.strip()) for text in texts] or list(default)
