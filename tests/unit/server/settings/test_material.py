import pickle

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import SettingsError
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings

SECRET = bytes(32)


@pytest.fixture
def closed(tmp_path):
    """Settings of a closed server."""
    path = tmp_path / "credentials"
    path.write_text("password ann pw\n")
    path.chmod(0o600)
    return Settings().with_values(
        {"authentication.credentials_file": path, "authentication.realm": "example.org"}
    )


def test_is_nothing_where_the_settings_name_no_file():
    assert Material.load(Settings(), SECRET) == Material()


def test_holds_what_the_files_say(closed):
    credentials = Material.load(closed, SECRET).credentials
    assert len(credentials.keys_of(b"ann", 0.0)) == 1
    assert credentials.nonce_secret == SECRET


def test_can_go_to_another_process(closed):
    material = pickle.loads(pickle.dumps(Material.load(closed, SECRET)))
    assert len(material.credentials.keys_of(b"ann", 0.0)) == 1


def test_cannot_be_had_while_a_file_is_broken(closed):
    closed.authentication.credentials_file.write_text("nonsense")
    with pytest.raises(SettingsError, match="line 1: it begins with none of"):
        Material.load(closed, SECRET)


def test_holds_the_key_of_the_link_to_a_partner(tmp_path):
    path = tmp_path / "key"
    path.write_text("ab" * 32)
    path.chmod(0o600)
    settings = Settings().with_values(
        {"partner.address": Endpoint.parse("192.0.2.2:3480"), "partner.key_file": path}
    )
    assert Material.load(settings, SECRET).partner_key == b"\xab" * 32


def test_holds_the_password_of_the_store_and_the_relays(tmp_path):
    path = tmp_path / "secret"
    path.write_text("hush")
    path.chmod(0o600)
    values = {"web.store_password_file": path}
    with pytest.raises(SettingsError, match=r"it needs web\.store"):
        Material.load(Settings().with_values(values), SECRET)
    values |= {"web.store": "redis://host", "web.turn": ("turn:a",), "web.turn_secret_file": path}
    material = pickle.loads(pickle.dumps(Material.load(Settings().with_values(values), SECRET)))
    assert material.store_password == "hush"
    assert material.relays.for_seat(1.8e9, 1.0).urls == ("turn:a",)
