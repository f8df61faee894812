import pytest

from stunkit.errors import UsageError
from stunkit.protocol.nonces import LIFETIME
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.server.settings.tree import SETTINGS

(REALM,) = [one for one in SETTINGS if one.key == "authentication.realm"]


def test_answers_everybody_by_default():
    settings = AuthenticationSettings()
    assert (settings.credentials_file, settings.realm) == (None, None)
    assert settings.nonce_lifetime == LIFETIME


@pytest.mark.parametrize("realm", ["", "example.org", "Käse"])
def test_realm_is_what_a_challenge_can_say(realm: str):
    assert REALM.kind.parse(realm) == (realm or None)


@pytest.mark.parametrize("realm", ['a"b', "a\\b", "x" * 764])
def test_realm_is_not_what_a_challenge_cannot_say(realm: str):
    with pytest.raises(UsageError, match="is not a realm"):
        REALM.kind.parse(realm)
