"""Options about relays that several verbs share, and what their text means.

A password or a secret need not stand on a command line, where others can read it: the environment
does as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from stunkit.errors import Unencodable, UsageError
from stunkit.net.relay.allocation import check_uri
from stunkit.protocol.turn_credentials import TurnCredentials, turn_rest_credentials
from stunkit.wire.uri import Uri

F = TypeVar("F", bound=Callable[..., Any])

PASSWORD_VARIABLE = "STUNKIT_TURN_PASSWORD"  # noqa: S105 (a variable's name)
SECRET_VARIABLE = "STUNKIT_TURN_SECRET"  # noqa: S105 (a variable's name)
LIFETIME = 3600  # seconds that credentials made of a secret are good for: longer than any run


class Relays(NamedTuple):
    """Which relays, and as whom."""

    uris: tuple[Uri, ...] = ()
    credentials: TurnCredentials | None = None


def turn_options(function: F) -> F:
    """Add --turn, --turn-user, --turn-password and --turn-secret to a verb."""
    for option in (
        click.option(
            "--turn-secret",
            metavar="SECRET",
            envvar=SECRET_VARIABLE,
            show_envvar=True,
            help="Make user and password of the relay's secret (the REST convention).",
        ),
        click.option(
            "--turn-password",
            metavar="PASSWORD",
            envvar=PASSWORD_VARIABLE,
            show_envvar=True,
            help="Better in the environment: others can read a command line.",
        ),
        click.option("--turn-user", metavar="NAME", help="User at the relays."),
        click.option(
            "--turn",
            "turn_uris",
            metavar="URI",
            multiple=True,
            help="A relay: turn:HOST (over UDP and TCP), turn:HOST?transport=udp or tcp, "
            "turns:HOST (over TLS). May be given several times.",
        ),
    ):
        function = option(function)
    return function


def pick_relays(
    uris: Sequence[str],
    user: str | None,
    password: str | None,
    secret: str | None,
    now: float | None = None,
) -> Relays:
    """Return what the options mean; ``now`` is Unix time. Raises UsageError."""
    if not uris:
        if user is not None:
            raise click.UsageError("--turn-user needs --turn.")
        return Relays()
    parsed = tuple(dict.fromkeys(Uri.parse(text) for text in uris))
    for uri in parsed:
        check_uri(uri)
    if password is not None and secret is not None:
        raise click.UsageError("--turn-password and --turn-secret exclude each other.")
    if password is not None and user is None:
        raise click.UsageError("--turn-password needs --turn-user.")
    if user is not None and password is None and secret is None:
        raise click.UsageError("--turn-user needs --turn-password or --turn-secret.")
    try:
        if secret:
            made = time.time() if now is None else now
            return Relays(parsed, turn_rest_credentials(secret, user or "", made, LIFETIME))
        if user is not None and password is not None:
            return Relays(parsed, TurnCredentials(user, password))
    except Unencodable as error:
        raise UsageError("a relay's user", user or "", str(error)) from None
    return Relays(parsed)
