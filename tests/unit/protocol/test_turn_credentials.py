"""Credentials for relays: by hand, and made of a shared secret."""

import pytest

from stunkit.errors import Unencodable
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.turn_credentials import TurnCredentials, turn_rest_credentials

NOW = 1_800_000_000.5


def test_a_secret_makes_what_the_convention_says():
    made = turn_rest_credentials("north", "ann", NOW, 3600)
    # printf %s 1800003600:ann | openssl dgst -sha1 -hmac north -binary | base64
    assert made == TurnCredentials("1800003600:ann", "Cr6BV9Y6S/ZFXiZ47vdlFLWYOog=")
    assert made.expires == 1_800_003_600


def test_a_name_may_be_left_out():
    assert turn_rest_credentials("north", "", NOW, 60).username == "1800000060"


def test_our_own_server_takes_what_was_made_until_it_expires():
    made = turn_rest_credentials("north", "ann", NOW, 60)
    server = Credentials(secrets=["north"], realm="example.org", nonce_secret=bytes(16))
    assert server.keys_of(made.username.encode(), NOW + 59)
    assert not server.keys_of(made.username.encode(), NOW + 60)


@pytest.mark.parametrize("name", ["ann", "007", "ann:12", "99999999:ann"])
def test_a_name_without_a_time_does_not_expire(name: str):
    assert TurnCredentials(name, "secret").expires is None


def test_a_password_is_not_shown():
    assert "secret" not in repr(TurnCredentials("ann", "secret"))


def test_what_cannot_be_a_username_is_refused():
    with pytest.raises(Unencodable):
        TurnCredentials("a\0b", "secret")


def test_each_login_is_another():
    made = TurnCredentials("ann", "secret")
    assert made.login() is not made.login()
