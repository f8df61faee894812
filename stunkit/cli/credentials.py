"""``stunkit credentials``: entries for a closed server's file, and usernames that expire."""

from __future__ import annotations

import json
import sys
import time

import click

from stunkit.cli.options import read_line
from stunkit.errors import Unencodable, UsageError
from stunkit.protocol.credentials import MD5, SHA256, Credentials, rest_password
from stunkit.protocol.nonces import LEAST_SECRET
from stunkit.wire.attributes.text import Username
from stunkit.wire.integrity import long_term_key
from stunkit.wire.prepare import opaque_string

SCHEMA = "stunkit/credentials/1"
LIFETIME = 86_400  # seconds; what the REST convention suggests


@click.command("credentials")
@click.argument("name", required=False, default="")
@click.option("--realm", metavar="TEXT", help="Make the keys of NAME in this realm.")
@click.option(
    "--secret-file",
    metavar="FILE",
    help="Make a username that expires, and its password, with the secret on the file's first "
    "line; - for stdin.",
)
@click.option(
    "--lifetime",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help=f"With --secret-file: from now until it expires. [default: {LIFETIME}]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    name: str, realm: str | None, secret_file: str | None, lifetime: int | None, *, as_json: bool
) -> None:
    """Make credentials for a closed server.

    With --realm: lines for its credentials file with the keys of NAME, for new clients and old
    ones, instead of the password. That is asked for, or read from stdin where it is no terminal.
    With --secret-file: a username and password for a client, as the server's REST convention has
    them; NAME may be left out.
    """
    if (realm is None) == (secret_file is None):
        raise click.UsageError("Give one of --realm and --secret-file.")
    if lifetime is not None and secret_file is None:
        raise click.UsageError("--lifetime needs --secret-file.")
    if secret_file is not None:
        lines, document = _expiring(name, secret_file, lifetime or LIFETIME)
    else:
        lines, document = _keys(name, realm or "")
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, **document}, indent=2))
    else:
        click.echo("\n".join(lines))


def _keys(name: str, realm: str) -> tuple[list[str], dict[str, object]]:
    """Return the entries of a username, as lines and as a document."""
    if not name or name.split() != [name]:
        raise UsageError("a username for a file", name, "it has to be one word")
    try:
        name = opaque_string(name)
        Username(name).encode(b"")
        Credentials(realm=realm, nonce_secret=bytes(LEAST_SECRET))
    except Unencodable as error:
        raise UsageError("a username and realm", f"{name} {realm}", str(error)) from None
    password = _read_password()
    try:
        keys = {kind: long_term_key(name, realm, password, kind).hex() for kind in (SHA256, MD5)}
    except Unencodable as error:
        raise UsageError("a password", "what was given", error.reason) from None
    named = {"sha-256": keys[SHA256], "md5": keys[MD5]}
    lines = [f"key {name} {key}" for key in named.values()]
    return lines, {"username": name, "realm": realm, "keys": named}


def _expiring(name: str, secret_file: str, lifetime: int) -> tuple[list[str], dict[str, object]]:
    """Return a username of the REST convention and its password, in both forms."""
    secret = read_line(secret_file, "a file with a secret").strip()
    expires = int(time.time()) + lifetime
    username = f"{expires}:{name}" if name else str(expires)
    try:
        username = opaque_string(username)
        Username(username).encode(b"")
    except Unencodable as error:
        raise UsageError("a username", username, str(error)) from None
    password = rest_password(secret, username)
    document = {"username": username, "password": password, "expires": expires, "ttl": lifetime}
    return [f"username {username}", f"password {password}"], document


def _read_password() -> str:
    """Ask for a password without showing it, or take the first line of stdin."""
    if sys.stdin.isatty():
        password: str = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True, err=True
        )
        return password
    return read_line("-", "a source of the password")
