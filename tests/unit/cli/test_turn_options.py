"""What the options about relays mean."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from stunkit.cli.turn_options import Relays, pick_relays, turn_options
from stunkit.errors import UsageError
from stunkit.protocol.turn_credentials import TurnCredentials, turn_rest_credentials
from stunkit.wire.uri import Uri

URI = "turn:relay.example"


def test_without_a_relay_there_is_nothing_to_do():
    assert pick_relays((), None, None, None) == Relays()
    assert pick_relays((), None, "from the environment", None) == Relays()
    assert pick_relays((), None, None, "from the environment") == Relays()


def test_a_user_and_a_password_go_with_all_relays():
    picked = pick_relays((URI, "turns:relay.example", URI), "ann", "secret", None)
    assert picked.uris == (Uri.parse(URI), Uri.parse("turns:relay.example"))
    assert picked.credentials == TurnCredentials("ann", "secret")


def test_a_secret_makes_them():
    for user in (None, "ann"):
        picked = pick_relays((URI,), user, None, "north", now=1_800_000_000.0)
        expected = turn_rest_credentials("north", user or "", 1_800_000_000, 3600)
        assert picked.credentials == expected
    assert pick_relays((URI,), None, None, "north").credentials.expires > 1_700_000_000


def test_a_relay_may_need_nobody():
    assert pick_relays((URI,), None, None, None) == Relays((Uri.parse(URI),))


@pytest.mark.parametrize(
    ("uris", "user", "password", "secret"),
    [
        ((), "ann", None, None),
        ((URI,), "ann", None, None),
        ((URI,), None, "secret", None),
        ((URI,), "ann", "secret", "north"),
    ],
)
def test_what_does_not_go_together_is_refused(uris, user, password, secret):
    with pytest.raises(click.UsageError):
        pick_relays(uris, user, password, secret)


@pytest.mark.parametrize(
    ("uri", "user"), [("stun:a.example", "ann"), ("turns:a?transport=udp", "ann"), (URI, "a\0")]
)
def test_what_is_no_relay_or_user_is_refused(uri: str, user: str):
    with pytest.raises(UsageError):
        pick_relays((uri,), user, "secret", None)


def test_what_must_not_be_read_may_stand_in_the_environment():
    @click.command()
    @turn_options
    def verb(turn_uris, turn_user, turn_password, turn_secret):
        click.echo(f"{turn_uris} {turn_user} {turn_password} {turn_secret}")

    environment = {"STUNKIT_TURN_PASSWORD": "one", "STUNKIT_TURN_SECRET": "two"}
    run = CliRunner().invoke(verb, ["--turn", URI, "--turn", "turns:b"], env=environment)
    assert run.output == f"('{URI}', 'turns:b') None one two\n"
    shown = CliRunner().invoke(verb, ["--help"]).output
    assert "STUNKIT_TURN_PASSWORD" in shown
    assert "STUNKIT_TURN_SECRET" in shown
